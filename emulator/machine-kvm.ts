/**
 * KVM's paravirtual interface of one vCPU, wired to the machine: guest memory and the TSC are the vCPU's
 * own, interrupts go over the board's APIC bus, and the turns of the processors stand for the host's
 * scheduler.
 */
import type { PcBoard } from './devices/pc-board.ts';
import type { MachineVcpu } from './machine-vcpu.ts';
import { KvmInterface } from './paravirt/kvm.ts';
import type { Turns } from './turns.ts';

/** TSC ticks a second: one a nanosecond, one an instruction. */
const TIMESTAMP_HZ = 1_000_000_000;

/** As much of the machine as the interface needs when the guest calls. */
export interface KvmSurroundings {
  /** By number. */
  readonly vcpus: readonly MachineVcpu[];
  readonly turns: Turns;
  /** Virtual time, ns since power-on. */
  readonly now: number;
}

export interface KvmChoice {
  /** What launch.json says of single features. */
  readonly features: { readonly [name: string]: boolean };
  /** The profile is one of an old release. */
  readonly oldProfile: boolean;
}

/** @param index of the vCPU whose interface it is */
export function kvmInterface(
  index: number,
  board: PcBoard,
  options: KvmChoice,
  around: () => KvmSurroundings,
): KvmInterface {
  const vcpu = (): MachineVcpu => around().vcpus[index];
  const kvm = new KvmInterface({
    memory: {
      readPhysical: (address, length) => vcpu().guest.readPhysical(address, length),
      writePhysical: (address, bytes, by) => vcpu().guest.writePhysical(address, bytes, by),
    },
    now: () => around().now,
    timestamp: () => vcpu().cpu.timestamp(),
    timestampHz: TIMESTAMP_HZ,
    startDate: board.startTime,
    localApic: {
      sendIpi: (apicId, vector, mode) =>
        board.apicBus.send({
          destination: apicId, logical: false, deliveryMode: mode, vector, level: false,
        }), // prettier-ignore
      tryAutoEoi: () => {
        board.localApics.of(index).tryAutoEoi();
      },
    },
    apicId: index,
    features: options.features,
    oldProfile: options.oldProfile,
    kick: (apicId) => {
      around().vcpus.at(apicId)?.kick();
    },
    yieldTo: (apicId) => {
      const target = around().vcpus.at(apicId);
      if (target !== undefined) around().turns.yieldTo(target);
    },
    flushTlb: (global) => {
      vcpu().cpu.flushTlb(global);
    },
  });
  board.localApics.of(index).autoEoi = kvm.autoEoi;
  return kvm;
}
