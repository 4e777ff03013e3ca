/**
 * Chooses records of make-vectors.c for a vector file and prints them as lines: first those that are an
 * example of many new combinations of instruction, MXCSR and exceptions, then those of fewer.
 *
 *   ./make-vectors FAMILY 300000 SEED | npx tsx select-vectors.ts LINES >> FAMILY.txt
 */
import { FIELD, RAISED, RECORD, toLine } from './record.ts';
import { Replay } from './replay.ts';

const limit = Number(process.argv[2]);
const replay = new Replay();
const seen = new Set<string>();

/** A coarse class of a lane's bits: what an instruction decides by. */
function classOf(bits: bigint, fraction: bigint, width: bigint): string {
  const exponent = (bits >> fraction) & ((1n << width) - 1n);
  const rest = bits & ((1n << fraction) - 1n);
  if (exponent === 0n) return rest === 0n ? 'zero' : 'denormal';
  if (exponent !== (1n << width) - 1n) return 'normal';
  if (rest === 0n) return 'infinity';
  return rest >> (fraction - 1n) === 0n ? 'signalling' : 'quiet';
}

function classesAt(view: DataView, at: number): string {
  const single = classOf(BigInt(view.getUint32(at, true)), 23n, 8n);
  const double = classOf(view.getBigUint64(at, true), 52n, 11n);
  return `${single}/${double}`;
}

/** The combinations that a record is an example of. */
function featuresOf(record: Uint8Array): string[] {
  const view = new DataView(record.buffer, record.byteOffset, RECORD);
  const mxcsr = view.getUint32(FIELD.MXCSR, true);
  const after = view.getUint32(FIELD.MXCSR_OUT, true);
  const { mnemonic } = replay.instruction(record).row;
  const predicate = record[FIELD.IMMEDIATE] ?? 0;
  const name = `${mnemonic} ${predicate}`;
  const raised = after & ~mxcsr & 0x3f;
  const first = classesAt(view, FIELD.DESTINATION);
  const second = classesAt(view, FIELD.SOURCE);
  return [
    `${name} raised ${raised} #XM ${(after & RAISED) !== 0}`,
    `${name} ${first} ${second}`,
    `${mnemonic} raised ${raised} round ${(mxcsr >> 13) & 3}`,
    `${mnemonic} raised ${raised} FTZ ${mxcsr & 0x8000} DAZ ${mxcsr & 0x40} UM ${mxcsr & 0x800}`,
  ];
}

const chunks: Buffer[] = [];
for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
const data = Buffer.concat(chunks);
let printed = 0;
for (let wanted = 4; wanted > 0; wanted--) {
  for (let at = 0; at + RECORD <= data.length && printed < limit; at += RECORD) {
    const record = Uint8Array.from(data.subarray(at, at + RECORD));
    const fresh = featuresOf(record).filter((feature) => !seen.has(feature));
    if (fresh.length < wanted) continue;
    for (const feature of fresh) seen.add(feature);
    console.log(toLine(record));
    printed += 1;
  }
}
