/**
 * What a loader is: it looks at a guest image, writes what has to be in memory before the first
 * instruction, and says in which state the processor starts. It takes the place of firmware and boot
 * loader, and never touches the machine itself: memory is written through GuestRam, the state of the
 * processor is returned as plain data, which machine.ts puts into the vCPU.
 */
import type { MemoryMapEntry } from '../formats/e820.ts';

/** Guest RAM from physical address 0. All methods throw RangeError beyond `size`. */
export interface GuestRam {
  /** Bytes. */
  readonly size: number;
  write(address: number, bytes: Uint8Array): void;
  fill(address: number, count: number, value: number): void;
}

/** A file that the guest finds in memory beside its kernel. */
export interface GuestModule {
  readonly bytes: Uint8Array;
  /** As the user wrote it: first word of the string that the guest gets, and for messages. */
  readonly name: string;
  readonly commandLine: string;
}

/** The two entries of a bzImage: setup code in real mode, or the protected-mode kernel itself. */
export type KernelEntry = 'auto' | '16-bit' | '32-bit';

export interface LoadContext {
  readonly image: Uint8Array;
  /** For messages, and the first word of a multiboot kernel's command line. */
  readonly imageName: string;
  readonly initrd?: Uint8Array;
  readonly modules?: readonly GuestModule[];
  readonly commandLine: string;
  /** Which entry of a bzImage; 'auto' without it. */
  readonly entry?: KernelEntry;
  /** Guest-physical address, or 'auto'. */
  readonly loadAddress: 'auto' | number;
  readonly ram: GuestRam;
  /** As pcMemoryMap gives it: ascending, without overlaps. */
  readonly memoryMap: readonly MemoryMapEntry[];
  /** Guest-physical address of the ACPI RSDP, where the board has tables. */
  readonly acpiRsdp?: number;
}

export interface Loader {
  /** As in the launch attribute guest.format. */
  readonly name: string;
  /** Whether its boot protocol has a place for modules. */
  readonly takesModules: boolean;
  /** Whether the image is of this kind; cheap, reads only its first bytes, never throws. */
  probe(image: Uint8Array): boolean;
  /** Throws GuestImageError. */
  load(context: LoadContext): LoadedGuest;
}

/** A segment cache as CpuState.setSegment takes it: rights in the VMX format, limit in bytes. */
export interface InitialSegment {
  readonly selector: number;
  readonly rights: number;
  readonly base: number;
  readonly limit: number;
}

/** Registers that are not named here have their values after RESET (SDM vol. 3, table 10-1). */
export interface InitialCpuState {
  readonly mode: 'real' | 'protected32';
  readonly eip: number;
  readonly eflags: number;
  readonly cr0: number;
  // prettier-ignore
  readonly registers: {
    readonly eax: number; readonly ecx: number; readonly edx: number; readonly ebx: number;
    readonly esp: number; readonly ebp: number; readonly esi: number; readonly edi: number;
  };
  // prettier-ignore
  readonly segments: {
    readonly es: InitialSegment; readonly cs: InitialSegment; readonly ss: InitialSegment;
    readonly ds: InitialSegment; readonly fs: InitialSegment; readonly gs: InitialSegment;
  };
  readonly gdt: DescriptorTable;
  readonly idt: DescriptorTable;
  /** A busy 32-bit TSS other than that after RESET. */
  readonly taskRegister?: DescriptorTable;
}
export interface DescriptorTable {
  readonly base: number;
  readonly limit: number;
}

/** Something that the loader put into memory, for whoever asks what lies where. */
export interface LoadedRange {
  /** "kernel", "initrd", "zero page", "command line", … */
  readonly name: string;
  /** Guest-physical. */
  readonly address: number;
  /** Bytes. */
  readonly size: number;
}

export interface LoadedGuest {
  readonly loader: string;
  readonly cpu: InitialCpuState;
  /** In ascending order of address. */
  readonly ranges: readonly LoadedRange[];
  /** What was loaded and where, as one line. */
  readonly summary: string;
}

/** The launch attribute that is to blame. */
export type GuestAttribute =
  | 'guest.kernel'
  | 'guest.image'
  | 'guest.firmware'
  | 'guest.format'
  | 'guest.initrd'
  | 'guest.modules'
  | 'guest.commandLine'
  | 'guest.loadAddress'
  | 'guest.entry'
  | 'machine.memory';

/** A guest that cannot be loaded; the message is one sentence with cause and remedy. */
export class GuestImageError extends Error {
  override readonly name = 'GuestImageError';
  readonly attribute: GuestAttribute;

  constructor(attribute: GuestAttribute, message: string) {
    super(message);
    this.attribute = attribute;
  }
}
