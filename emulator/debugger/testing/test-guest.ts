/**
 * For tests only: small guests on the real machine under its debugger. A guest is written down as a
 * listing, as GNU as made it: an address, the bytes, the instruction. Lines of any other form are for
 * the reader, except labels, which give names to addresses.
 */
import type { DebugPort, MachineConfiguration, ResumeMode } from '../../debug-port.ts';
import { Machine } from '../../machine.ts';
import type { StopReason } from '../../stop-reason.ts';
import { MachineDebugger } from '../debugger.ts';

export interface Listing {
  readonly origin: number;
  readonly bytes: Uint8Array;
  /** Address of a label. */
  readonly at: (label: string) => number;
}

const LINE = /^\s*([0-9a-f]{6}) {2}((?:[0-9a-f]{2} )*[0-9a-f]{2})(?: |$)/;
const LABEL = /^\s*(\w+):$/;

export function listing(text: string): Listing {
  const labels = new Map<string, number>();
  const bytes: number[] = [];
  let origin = -1;
  let waiting: string[] = [];
  for (const line of text.split('\n')) {
    const label = LABEL.exec(line);
    if (label !== null) waiting.push(label[1]);
    const code = LINE.exec(line);
    if (code === null) continue;
    const address = parseInt(code[1], 16);
    if (origin < 0) origin = address;
    while (origin + bytes.length < address) bytes.push(0);
    if (address !== origin + bytes.length) throw new Error(`two things at one address: ${line}`);
    for (const name of waiting) labels.set(name, address);
    waiting = [];
    bytes.push(...code[2].split(' ').map((digits) => parseInt(digits, 16)));
  }
  const at = (label: string): number => {
    const address = labels.get(label);
    if (address === undefined) throw new Error(`no label ${label}`);
    return address;
  };
  return { origin, bytes: Uint8Array.from(bytes), at };
}

export interface GuestOptions {
  /** 'kvm' comes with the profile kvm-ept, 'bare' (without exits) is the default. */
  readonly interface?: 'kvm' | 'bare';
  readonly profile?: string;
  readonly memoryBytes?: number;
  readonly vcpus?: number;
  readonly exits?: MachineConfiguration['hypervisor']['exits'];
}

/** Runs in real mode from the first byte, with the stack below 0x7c00. */
export function realModeGuest(code: Listing, options: GuestOptions = {}): TestGuest {
  return new TestGuest(code, 'flat', code.bytes, code.origin, options);
}

/** Runs in 32-bit protected mode from the first byte, flat, without a stack, an IDT or paging. */
export function protectedGuest(code: Listing, options: GuestOptions = {}): TestGuest {
  return new TestGuest(code, 'multiboot', multibootImage(code), 'auto', options);
}

/** Multiboot 0.6.96, 3.1: the form that says itself where the image goes. */
export function multibootImage({ origin, bytes }: Listing): Uint8Array {
  const magic = 0x1badb002;
  const flags = 0x10000;
  const start = origin - 32;
  const end = origin + bytes.length;
  const words = [magic, flags, -(magic + flags), start, start, end, end, origin];
  const header = new Uint8Array(Uint32Array.from(words).buffer);
  return new Uint8Array([...header, ...bytes]);
}

/** Calls of run() after which a guest counts as hanging. */
const PATIENCE = 500;

export class TestGuest {
  readonly machine: Machine;
  readonly port: DebugPort;
  readonly code: Listing;
  /** What the guest has sent to its serial port. */
  serial = '';

  constructor(
    code: Listing,
    format: 'flat' | 'multiboot',
    kernel: Uint8Array,
    loadAddress: number | 'auto',
    options: GuestOptions,
  ) {
    const chosen = options.interface ?? 'bare';
    const configuration: MachineConfiguration = {
      guest: { kernel, kernelName: 'guest', format, commandLine: '', loadAddress },
      memoryBytes: options.memoryBytes ?? 4 << 20,
      vcpus: options.vcpus ?? 1,
      cpuModel: 'pentium3',
      hypervisor: {
        interface: chosen,
        profile: options.profile ?? (chosen === 'kvm' ? 'kvm-ept' : 'bare'),
        exits: options.exits ?? {},
      },
      shared: false,
    };
    this.code = code;
    this.machine = new Machine(configuration);
    this.port = new MachineDebugger(this.machine);
  }

  /** Resumes and runs on to a stop that is neither a used budget nor a wait that ends. */
  go(mode: ResumeMode['kind'], budget = 100_000): StopReason {
    this.port.resume({ kind: mode });
    return this.on(budget);
  }
  /** Runs on in the current mode, likewise. */
  on(budget = 100_000): StopReason {
    for (let calls = 0; calls < PATIENCE; calls++) {
      const stop = this.port.run(budget);
      this.serial += String.fromCharCode(...this.port.takeSerialOutput());
      if (stop.kind === 'budget' || (stop.kind === 'idle' && stop.wakeAt < Infinity)) continue;
      return stop;
    }
    throw new Error(`nothing stops it; it is at 0x${this.eip.toString(16)}`);
  }
  /** A step that ends as one; returns where. */
  step(mode: 'stepIn' | 'stepOver' | 'stepOut' = 'stepIn'): number {
    const { kind } = this.go(mode);
    if (kind !== 'step') throw new Error(`${kind} instead of a step`);
    return this.eip;
  }
  /** Runs to a label, unless it is there, by a breakpoint that is gone afterwards. */
  runTo(label: string): void {
    if (this.eip === this.code.at(label)) return;
    this.port.setInstructionBreakpoints([{ id: 0, address: this.code.at(label) }]);
    const { kind } = this.go('continue');
    if (kind !== 'breakpoint') throw new Error(`${kind} on the way to ${label}`);
    this.port.setInstructionBreakpoints([]);
  }

  /** Linear address of the next instruction. */
  get eip(): number {
    return this.port.position().linearEip;
  }
  get retired(): number {
    return this.port.position().retired;
  }
  register(name: string): number {
    const value = this.port.evaluate(name);
    if (value.kind !== 'integer') throw new Error(`${name} is no integer`);
    return Number(value.value);
  }
}
