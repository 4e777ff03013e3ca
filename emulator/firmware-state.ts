/**
 * What a PC's firmware leaves behind in the processor, beyond the state that a boot protocol names:
 * memory types (SDM vol. 3, 12.11 "Memory Type Range Registers"). They have no effect on this machine,
 * but kernels look at them, and one that finds the MTRRs off does without its page attribute table.
 */
import type { Cpu } from './cpu/cpu.ts';
import { writeMsr } from './cpu/msrs.ts';

const GIB = 1 << 30;

/** Four equal bytes. */
const types = (type: number): number => Math.imul(type, 0x01010101);
const UNCACHEABLE = types(0);
const WRITE_PROTECTED = types(5);
const WRITE_BACK = types(6);
/** IA32_MTRR_DEF_TYPE: write-back where nothing else is said, fixed ranges and all MTRRs on. */
const DEFAULT_TYPE = 0xc06;
/** IA32_MTRR_PHYSMASK: the range counts. */
const VALID = 0x800;
/** Bits 35:32 of a mask, with physical addresses of 36 bits. */
const MASK_HIGH = 0xf;

/** Index and both halves: RAM below A0000h, VGA memory, ROM from C0000h. */
// prettier-ignore
const FIXED_RANGES = [
  [0x250, WRITE_BACK],      [0x258, WRITE_BACK],      [0x259, UNCACHEABLE],
  [0x268, WRITE_PROTECTED], [0x269, WRITE_PROTECTED], [0x26a, WRITE_PROTECTED], [0x26b, WRITE_PROTECTED],
  [0x26c, WRITE_PROTECTED], [0x26d, WRITE_PROTECTED], [0x26e, WRITE_PROTECTED], [0x26f, WRITE_PROTECTED],
] as const;
const PHYSBASE0 = 0x200;
const PHYSMASK0 = 0x201;
const MTRR_DEF_TYPE = 0x2ff;

/** Memory types for so many bytes of RAM from address 0, if the processor has MTRRs. */
export function setMemoryTypes(cpu: Cpu, memoryBytes: number): void {
  if (!cpu.model.features.has('mtrr')) return;
  const write = (index: number, low: number, high: number): void => {
    writeMsr(cpu, index, { low: low >>> 0, high: high >>> 0 });
  };
  for (const [index, value] of FIXED_RANGES) write(index, value, value);
  // devices: from the first gigabyte boundary above RAM that one range can reach from up to 4 GiB
  const start = memoryBytes <= 2 * GIB ? 2 * GIB : 3 * GIB;
  write(PHYSBASE0, start, 0);
  write(PHYSMASK0, start | VALID, MASK_HIGH);
  write(MTRR_DEF_TYPE, DEFAULT_TYPE, 0);
}
