/**
 * Which registers the prologue of a function stores in its frame. Code that is not optimized says of a
 * parameter only where it is kept; that it came in a register, and in which, is in the code alone: MOV
 * r/m32, r32 (SDM volume 2, 4.3) to an address that EBP and a displacement give. Registers of parameters
 * are those of -mregparm and of fastcall. Other forms, as of parameters shorter than a register, are not
 * looked for.
 */

/** Opcode of MOV r/m32, r32. */
const MOV = 0x89;
/** ModR/M with the register 0: [EBP + disp8], [EBP + disp32]. */
const [SHORT, LONG] = [0x45, 0x85] as const;
/** By their numbers in ModR/M. */
const PASSED = ['eax', 'ecx', 'edx'] as const;
/** Bytes; a prologue that is longer is searched so far. */
const LONGEST = 256;

export class SpilledRegisters {
  /** Linear address behind the prologue; the entry where that is not known. */
  readonly end: number;
  private readonly entry: number;
  private readonly read: (address: number, count: number) => Promise<Uint8Array>;
  private code: Promise<Uint8Array> | null = null;

  constructor(
    entry: number,
    end: number | null,
    read: (address: number, count: number) => Promise<Uint8Array>,
  ) {
    this.entry = entry;
    this.end = end ?? entry;
    this.read = read;
  }

  /** The register that is stored so many bytes behind what EBP points to; null: none that is known. */
  async storedAt(displacement: number): Promise<(typeof PASSED)[number] | null> {
    const count = Math.min((this.end - this.entry) >>> 0, LONGEST);
    this.code ??= this.read(this.entry, count);
    const code = await this.code;
    const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
    for (const [number, register] of PASSED.entries())
      for (let at = 0; at + 2 < code.length; at++) {
        if (code[at] !== MOV) continue;
        const form = (code[at + 1] ?? 0) - (number << 3);
        const isHere =
          (form === SHORT && view.getInt8(at + 2) === displacement) ||
          (form === LONG && at + 6 <= code.length && view.getInt32(at + 2, true) === displacement);
        if (isHere) return register;
      }
    return null;
  }
}
