/**
 * The pins of one processor as the machine wires them to the board (cpu/platform.ts): ports and device
 * memory, the interrupt controller, the timer behind IA32_TSC_DEADLINE. On the way an access moves the
 * machine's clock, and a debugger sees what was read and what is about to be delivered.
 */
import type { Platform } from './cpu/platform.ts';
import type { PcBoard } from './devices/pc-board.ts';
import { placeOf } from './guest-place.ts';
import type { MachineVcpu } from './machine-vcpu.ts';

/** What the machine does at an access. */
export interface PinsOwner {
  /** The processor, once it is built. */
  readonly vcpu: () => MachineVcpu;
  /** Virtual time, ns. */
  readonly now: () => number;
  /** A device may have moved its deadline. */
  readonly touchDevice: () => void;
  /** The same by a port, which takes time. */
  readonly touchPort: () => void;
  /** The same by a guest-physical address. */
  readonly touchMemory: (address: number) => void;
  readonly awaitPage: (address: number) => void;
}

export function processorPins(index: number, board: PcBoard, owner: PinsOwner): Platform {
  return {
    readPort: (port, size) => {
      owner.touchPort();
      const value = board.readPort(port, size);
      owner.vcpu().hook.events.note({ kind: 'port-read', port, size, value });
      return value;
    },
    writePort: (port, size, value) => {
      owner.touchPort();
      board.writePort(port, size, value);
    },
    readDevice: (address, size) => {
      owner.touchMemory(address);
      return board.readMmio(address, size, index);
    },
    writeDevice: (address, size, value) => {
      owner.touchMemory(address);
      board.writeMmio(address, size, value, index);
    },
    romPage: (address) => board.romPage(address),
    interruptPending: () => board.interruptPending(index) && !owner.vcpu().hook.masksInterrupts,
    pendingVector: () => board.pendingVector(index),
    acknowledgeInterrupt: () => {
      const { hook, cpu } = owner.vcpu();
      hook.interrupt(() => placeOf(cpu));
      return board.acknowledgeInterrupt(index);
    },
    apicBaseWritten: (low) => void board.localApics.of(index).writeBaseMsr(low, 0),
    tscDeadline: () => board.localApics.of(index).tscDeadline,
    setTscDeadline: (time) => {
      owner.touchDevice();
      board.localApics.of(index).tscDeadline = time;
    },
    now: owner.now,
    awaitPage: owner.awaitPage,
    secondStage: {
      rights: (address) => owner.vcpu().hypervisor.extendedPages.rights(address),
      used: (address, write) => {
        owner.vcpu().hypervisor.extendedPages.used(address, write);
      },
      get accessedDirty() {
        return owner.vcpu().hypervisor.extendedPages.accessedDirty;
      },
    },
  };
}
