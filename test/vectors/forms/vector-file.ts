/**
 * The file of the sample: cases of every form with what the host's processor made of them.
 *
 *   lines of text, ended by an empty one, that say where it was made; then, little endian, u32 the number
 *   of cases; then for each case
 *     u32      the seed of base(), from which the case differs in
 *     runs     of bytes: u8 how many, each u16 place in the record, u8 length, the bytes
 *     runs     in which the record after the case differs from the one before
 *
 * A form that no model has yet is in the file too: it is replayed from the day on which it is there.
 */
import type { OpcodeForm } from '../../../emulator/cpu/decode/opcode-map.ts';
import { nativeForms } from './forms.ts';
import { makeCase } from './make-case.ts';
import type { Native } from './native.ts';
import { AT, base, bytesOf, FX } from './record.ts';
import { TIMEOUT } from './replay.ts';

export interface VectorCase {
  readonly seed: number;
  readonly start: DataView;
  readonly expected: DataView;
}

/** Bytes of a record that no comparison looks at: they are kept as they were. */
const IGNORED: readonly (readonly [from: number, to: number])[] = [
  [AT.FX + FX.FOP, AT.FX + FX.MXCSR],
  [AT.FX + FX.MXCSR_MASK, AT.FX + FX.ST],
  [AT.FX + FX.END, AT.DATA],
];
const LONGEST_RUN = 255;
/** Unequal bytes so close are one run. */
const GAP = 3;
const TRIES = 40;

/** So many cases for each form, executed natively. */
export function choose(native: Native, perForm: number, seed: number): VectorCase[] {
  const started = nativeForms.flatMap((form, index) => casesOf(form, perForm, seed + index * 1009));
  const outcomes = native.run(started.map(({ start }) => start));
  return started.flatMap(({ seed: of, start }, i) => {
    const expected = outcomes[i];
    if (expected === undefined || expected.getUint32(AT.VECTOR, true) === TIMEOUT) return [];
    for (const [from, to] of IGNORED) {
      bytesOf(expected).set(bytesOf(start).subarray(from, to), from);
    }
    return [{ seed: of, start, expected }];
  });
}

/** Forms that differ in a register's number alone have fewer each. */
function casesOf(form: OpcodeForm, count: number, seed: number): Omit<VectorCase, 'expected'>[] {
  const siblings = form.modrm >= 0 && /STi/.test(form.row.operands) ? 4 : 1;
  const found: Omit<VectorCase, 'expected'>[] = [];
  for (let n = 0; found.length < count / siblings && n < count * TRIES; n++) {
    const of = Math.imul(seed + n * 7919, 0x9e3779b1) >>> 0;
    const start = makeCase(form, of);
    if (start !== null) found.push({ seed: of, start });
  }
  return found;
}

export function writeVectors(cases: readonly VectorCase[], origin: string): Uint8Array {
  const parts: Uint8Array[] = [new TextEncoder().encode(`${origin}\n\n`)];
  const count = new Uint8Array(4);
  new DataView(count.buffer).setUint32(0, cases.length, true);
  parts.push(count);
  for (const { seed, start, expected } of cases) {
    const head = new Uint8Array(4);
    new DataView(head.buffer).setUint32(0, seed, true);
    parts.push(head, runs(bytesOf(base(seed)), bytesOf(start)));
    parts.push(runs(bytesOf(start), bytesOf(expected)));
  }
  return Buffer.concat(parts);
}

function runs(before: Uint8Array, after: Uint8Array): Uint8Array {
  const found: (readonly [number, number])[] = [];
  for (let at = 0; at < AT.SIZE; at++) {
    if (before[at] === after[at]) continue;
    let end = at + 1;
    for (let next = end; next < AT.SIZE && next - end <= GAP && next - at < LONGEST_RUN; next++) {
      if (before[next] !== after[next]) end = next + 1;
    }
    found.push([at, end]);
    at = end - 1;
  }
  const bytes = [found.length];
  for (const [from, to] of found) bytes.push(from & 0xff, from >> 8, to - from, ...after.subarray(from, to)); // prettier-ignore
  return Uint8Array.from(bytes);
}

/** The text at the head of a file, and its cases. */
export function readVectors(file: Uint8Array): { readonly origin: string; readonly cases: Generator<VectorCase> } {
  let end = 0;
  while (file[end] !== 0x0a || file[end + 1] !== 0x0a) end++;
  return { origin: new TextDecoder().decode(file.subarray(0, end)), cases: readCases(file, end + 2) };
}

function* readCases(file: Uint8Array, from: number): Generator<VectorCase> {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  let at = from + 4;
  const patch = (into: DataView): void => {
    for (let count = view.getUint8(at++); count > 0; count--) {
      const place = view.getUint16(at, true);
      const length = view.getUint8(at + 2);
      bytesOf(into).set(file.subarray(at + 3, at + 3 + length), place);
      at += 3 + length;
    }
  };
  for (let count = view.getUint32(from, true); count > 0; count--) {
    const seed = view.getUint32(at, true);
    at += 4;
    const start = base(seed);
    patch(start);
    const expected = new DataView(start.buffer.slice(0));
    patch(expected);
    yield { seed, start, expected };
  }
  if (at !== file.length) throw new Error('the file does not end with its last case');
}
