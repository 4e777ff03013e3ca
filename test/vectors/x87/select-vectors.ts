/**
 * Chooses records of make-vectors.c for a vector file and prints them as lines: first those that are an
 * example of many new combinations of instruction, classes of operands, rounding, precision and
 * exceptions, then those of fewer.
 *
 *   ./make-vectors FAMILY 300000 SEED | npx tsx select-vectors.ts LINES >> FAMILY.txt
 */
import { FIELD, RECORD, toLine } from './record.ts';
import { Replay } from './replay.ts';

const limit = Number(process.argv[2]);
const replay = new Replay();
const seen = new Set<string>();

/** A coarse class of the number at `at`: what an instruction decides by. */
function classOf(record: Uint8Array, at: number): string {
  const view = new DataView(record.buffer, record.byteOffset + at, 10);
  const exponent = view.getUint16(8, true) & 0x7fff;
  const high = view.getUint32(4, true);
  const low = view.getUint32(0, true);
  const integer = high >= 0x80000000;
  if (exponent === 0) return high === 0 && low === 0 ? 'zero' : integer ? 'pseudo' : 'denormal';
  if (!integer) return 'unsupported';
  if (exponent < 0x7fff) return 'normal';
  if (high === 0x80000000 && low === 0) return 'infinity';
  return (high & 0x40000000) === 0 ? 'signalling' : 'quiet';
}

/** The combinations that a record is an example of. */
function featuresOf(record: Uint8Array): string[] {
  const view = new DataView(record.buffer, record.byteOffset, RECORD);
  const modrm = record[FIELD.MODRM] ?? 0;
  const mnemonic = replay.mnemonic(record);
  const form = `${mnemonic} ${record[FIELD.OPCODE] ?? 0} ${modrm >= 0xc0}`;
  const control = view.getUint16(FIELD.CONTROL, true);
  const status = view.getUint16(FIELD.STATUS_OUT, true);
  const raised = status & ~view.getUint16(FIELD.STATUS, true) & 0xff;
  const full = record[FIELD.TAGS] === 0xff || record[FIELD.TAGS_OUT] === 0xff;
  const rounding = (control >> 10) & 3;
  const precision = (control >> 8) & 3;
  const st0 = classOf(record, FIELD.ST0);
  const other = modrm >= 0xc0 ? classOf(record, FIELD.OTHER) : '';
  return [
    `${form} raised ${raised} full ${full}`,
    `${mnemonic} ${st0} ${other}`,
    `${mnemonic} raised ${raised} round ${rounding} C1 ${status & 0x200}`,
    `${mnemonic} precision ${precision} ${rounding}`,
    `${mnemonic} codes ${status & 0x4700}`,
  ];
}

/** FNSTSW AX counts: its record has AX in place of memory. */
function touchesMemory(record: Uint8Array): boolean {
  const modrm = record[FIELD.MODRM] ?? 0;
  return modrm < 0xc0 || (record[FIELD.OPCODE] === 0xdf && modrm === 0xe0);
}

const chunks: Buffer[] = [];
for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
const data = Buffer.concat(chunks);
let printed = 0;
for (let wanted = 5; wanted > 0; wanted--) {
  for (let at = 0; at + RECORD <= data.length && printed < limit; at += RECORD) {
    const record = Uint8Array.from(data.subarray(at, at + RECORD));
    if (!touchesMemory(record)) {
      record.fill(0, FIELD.MEMORY, FIELD.MEMORY + 10);
      record.fill(0, FIELD.MEMORY_OUT, FIELD.MEMORY_OUT + 10);
    }
    const fresh = featuresOf(record).filter((feature) => !seen.has(feature));
    if (fresh.length < wanted) continue;
    for (const feature of fresh) seen.add(feature);
    console.log(toLine(record));
    printed += 1;
  }
}
