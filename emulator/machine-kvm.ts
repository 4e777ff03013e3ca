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

/** @param index of the vCPU whose interface it is */
export function kvmInterface(
  index: number,
  board: PcBoard,
  around: () => KvmSurroundings,
): KvmInterface {
  const vcpu = (): MachineVcpu => around().vcpus[index];
  const kvm = new KvmInterface({
    memory: {
      readPhysical: (address, length) => vcpu().guest.readPhysical(address, length),
      writePhysical: (address, bytes) => vcpu().guest.writePhysical(address, bytes),
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
    kick: (apicId) => {
      around().vcpus.at(apicId)?.kick();
    },
    yield: () => {
      around().turns.yield();
    },
  });
  board.localApics.of(index).autoEoi = kvm.autoEoi;
  return kvm;
}
