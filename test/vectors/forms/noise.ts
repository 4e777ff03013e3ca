/**
 * Random bytes as code, for the host's processor and ours: what a program stumbles over. A case runs here
 * first, and natively only if that is harmless: it must end by an exception that the host's program will
 * meet as well, within memory that is the case's own, without a system call and without an instruction
 * that tells something of the host or is younger than our models.
 */
import { Random } from './random.ts';
import { AT, base, CODE, CODE_LIMIT, DATA, SELECTOR } from './record.ts';
import { TIMEOUT } from './replay.ts';

const [UD, TS, SS, GP, PF] = [6, 10, 12, 13, 14] as const;
/** Where the host's program itself begins. */
const HOST = 0x8000000;
/** Two-byte opcodes that depend on the machine (LAR, SGDT and SLDT under UMIP, RDTSC, RDPMC, SYSENTER, CPUID). */
const OF_THE_MACHINE: readonly number[] = [0x00, 0x01, 0x02, 0x03, 0x05, 0x31, 0x33, 0x34, 0xa2, 0xae, 0xc7];

/** A record before execution; null: it may not be executed. */
export function makeNoise(seed: number): DataView | null {
  const random = new Random(seed);
  const record = base(seed);
  const length = 4 + random.below(CODE_LIMIT - 4);
  for (let i = 0; i < length; i++) record.setUint8(AT.CODE + i, random.next());
  record.setUint8(AT.LENGTH, length);
  for (let i = 0; i < length; i++) {
    const [a, b] = [record.getUint8(AT.CODE + i), i + 1 < length ? record.getUint8(AT.CODE + i + 1) : 0xcc]; // prettier-ignore
    // OF of rotates by an immediate is another processor's; repetitions may overwrite themselves
    if ([0xc0, 0xc1, 0xf2, 0xf3].includes(a)) return null;
    // FNSTENV and FNSAVE store what the host does not keep
    if ((a === 0xd9 || a === 0xdd) && b < 0xc0 && ((b >> 3) & 7) === 6) return null;
    if (a === 0x0f && OF_THE_MACHINE.includes(b)) return null;
  }
  for (let n = 0; n < 8; n++) {
    if (n !== 4 && !random.once(3)) record.setUint32(AT.GPR + 4 * n, DATA + 200 + random.below(600), true); // prettier-ignore
  }
  if (random.once(4)) record.setUint16(AT.SELECTORS + 2, SELECTOR.CODE16, true);
  return record;
}

/** Whether a case that ended so here may be executed natively, and must end the same way. */
export function isHarmless(start: DataView, outcome: DataView): boolean {
  const vector = outcome.getUint32(AT.VECTOR, true);
  if (vector === UD || vector >= TIMEOUT) return false;
  // a selector of the host's GDT, or an access across 4 GiB, where either fault is right (SDM vol. 3, 5.3)
  if (vector === GP || vector === SS) return false;
  // IRET with NT is refused under a 64-bit kernel
  if (vector === TS) return false;
  const address = outcome.getUint32(AT.CR2, true);
  // the host's program, and the tables of ours
  if (vector === PF && (address >= HOST || (address >= 0x20000 && address < 0x40000))) return false;
  const eip = outcome.getUint32(AT.EIP, true);
  return eip >= CODE - 0x800 && eip < CODE + 0x800 && start.getUint8(AT.LENGTH) > 0;
}
