/**
 * The two states in which a guest starts: real mode, as a BIOS leaves it to a boot sector, and 32-bit
 * protected mode with flat segments, as the Linux 32-bit boot protocol (boot.rst, "32-bit Boot Protocol")
 * multiboot 1 (3.2 "Machine state") and PVH all ask for.
 */
import type { GuestRam, InitialCpuState, InitialSegment, LoadedRange } from './loader.ts';

/** Type, S, DPL, P, D/B and G of a segment, VMX format (SDM vol. 3, 25.4.1): accessed, DPL 0, present. */
const RIGHTS = { code32: 0xc09b, data32: 0xc093, code16: 0x009b, data16: 0x0093 } as const;

/** Selectors that Linux demands at its 32-bit entry: __BOOT_CS and __BOOT_DS. */
export const BOOT_CS = 0x10;
export const BOOT_DS = 0x18;

/** Null, unused, flat code, flat data (SDM vol. 3, 3.4.5 "Segment Descriptors"). */
// prettier-ignore
const BOOT_GDT = Uint8Array.of(
  0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0,
  0xff, 0xff, 0, 0, 0, 0x9b, 0xcf, 0,
  0xff, 0xff, 0, 0, 0, 0x93, 0xcf, 0,
);

/** Of a 32-bit TSS without an I/O map, as PVH asks for. */
export const TSS_LIMIT = 0x67;
/** EFLAGS with nothing but the bit that is always one; interrupts are off. */
const EFLAGS_RESET = 2;
const CR0_PE = 1;
const CR0_ET = 0x10;
/** CD, NW and ET. */
const CR0_RESET = 0x60000010;
/** Real-mode interrupt vectors: the whole table at address 0. */
const REAL_MODE_IDT = { base: 0, limit: 0x3ff };

const ZERO_REGISTERS = { eax: 0, ecx: 0, edx: 0, ebx: 0, esp: 0, ebp: 0, esi: 0, edi: 0 };

/** Writes the boot GDT and returns the state of a processor that uses it, paging off. */
export function protectedModeStart(
  ram: GuestRam,
  gdt: LoadedRange,
  eip: number,
  registers: Partial<InitialCpuState['registers']>,
): InitialCpuState {
  ram.write(gdt.address, BOOT_GDT);
  const code: InitialSegment = {
    selector: BOOT_CS,
    rights: RIGHTS.code32,
    base: 0,
    limit: 0xffffffff,
  };
  const data: InitialSegment = {
    selector: BOOT_DS,
    rights: RIGHTS.data32,
    base: 0,
    limit: 0xffffffff,
  };
  return {
    mode: 'protected32',
    eip,
    eflags: EFLAGS_RESET,
    cr0: CR0_PE | CR0_ET,
    registers: { ...ZERO_REGISTERS, ...registers },
    segments: { es: data, cs: code, ss: data, ds: data, fs: data, gs: data },
    gdt: { base: gdt.address, limit: BOOT_GDT.length - 1 },
    idt: { base: 0, limit: 0 },
  };
}
/** The boot GDT at `address`. The guest loads its own soon; until then nothing may overwrite this one. */
export const bootGdt = (address: number): LoadedRange => ({
  name: 'boot GDT',
  address,
  size: BOOT_GDT.length,
});

/**
 * After RESET (SDM vol. 3, 10.1.4): the first instruction is fetched 16 bytes below 4 GiB, until a far
 * transfer loads CS. EDX has the processor's signature.
 */
export function resetState(signature: number): InitialCpuState {
  const start = realModeStart(0xf000, 0xfff0, 0);
  return {
    ...start,
    registers: { ...start.registers, edx: signature },
    segments: { ...start.segments, cs: { ...start.segments.cs, base: 0xffff0000 } },
    gdt: { base: 0, limit: 0xffff },
    idt: { base: 0, limit: 0xffff },
    cr0: CR0_RESET,
  };
}

/** Real mode at CS:IP with DS, ES and SS zero and the stack at 0000:`stack`. */
export function realModeStart(cs: number, ip: number, stack: number): InitialCpuState {
  const data: InitialSegment = { selector: 0, rights: RIGHTS.data16, base: 0, limit: 0xffff };
  return {
    mode: 'real',
    eip: ip,
    eflags: EFLAGS_RESET,
    cr0: CR0_ET,
    registers: { ...ZERO_REGISTERS, esp: stack },
    segments: {
      es: data,
      cs: { selector: cs, rights: RIGHTS.code16, base: cs << 4, limit: 0xffff },
      ss: data,
      ds: data,
      fs: data,
      gs: data,
    },
    gdt: { base: 0, limit: 0xffff },
    idt: REAL_MODE_IDT,
  };
}
