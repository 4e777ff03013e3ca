/**
 * The bytes of CMOS memory that firmware would have filled in: what is not a clock register (IBM PC/AT
 * technical reference, "Real-time clock/CMOS RAM information"; 34h/35h is where PC emulators' firmware
 * looks for memory above 16 MiB in 64 KiB units).
 */

export const CMOS_BYTES = 128;

const KIB = 1024;
const MIB = 1024 * KIB;

/** Drive A: in the high digit: 1 360K, 2 1.2M, 3 720K, 4 1.44M, 5 2.88M. */
const DISKETTE_TYPES = 0x10;
const EQUIPMENT = 0x14;
/** Coprocessor present; a display with its own BIOS; no diskette drive. */
const EQUIPMENT_FPU = 0x02;
const EQUIPMENT_DISKETTE = 0x01;
const BASE_MEMORY = 0x15;
const EXTENDED_MEMORY = 0x17;
const CHECKSUM_FIRST = 0x10;
const CHECKSUM_LAST = 0x2d;
const CHECKSUM = 0x2e;
const EXTENDED_MEMORY_ACTUAL = 0x30;
const MEMORY_ABOVE_16M = 0x34;

/**
 * 128 bytes for a machine with `memoryBytes` of RAM, all of it below 4 GiB, and with a diskette drive of this
 * type, 0 for none.
 */
export function cmosMemory(memoryBytes: number, diskette = 0): number[] {
  const memory = new Array<number>(CMOS_BYTES).fill(0);
  const put16 = (index: number, value: number): void => {
    const limited = Math.min(Math.max(Math.floor(value), 0), 0xffff);
    memory[index] = limited & 0xff;
    memory[index + 1] = limited >> 8;
  };
  memory[DISKETTE_TYPES] = diskette << 4;
  memory[EQUIPMENT] = EQUIPMENT_FPU | (diskette === 0 ? 0 : EQUIPMENT_DISKETTE);
  put16(BASE_MEMORY, Math.min(memoryBytes, 640 * KIB) / KIB);
  put16(EXTENDED_MEMORY, (memoryBytes - MIB) / KIB);
  put16(EXTENDED_MEMORY_ACTUAL, (memoryBytes - MIB) / KIB);
  put16(MEMORY_ABOVE_16M, (memoryBytes - 16 * MIB) / (64 * KIB));
  let sum = 0;
  for (let index = CHECKSUM_FIRST; index <= CHECKSUM_LAST; index++) sum += memory[index] ?? 0;
  memory[CHECKSUM] = (sum >> 8) & 0xff;
  memory[CHECKSUM + 1] = sum & 0xff;
  return memory;
}
