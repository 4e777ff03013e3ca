/**
 * How many natively executed cases there are of each opcode form, from the vector files themselves, and
 * which test files bring which instruction of the system before the decoder (executed.json, record.ts).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { decode } from '../../emulator/cpu/decode/decoder.ts';
import type { OpcodeRow } from '../../emulator/cpu/decode/instruction.ts';
import { formOf } from '../vectors/forms/forms.ts';
import { readVectors as readForms } from '../vectors/forms/vector-file.ts';
import { readIntegerVectors } from '../vectors/integer/replay.ts';
import { systemRows } from './rows.ts';

const vectors = new URL('../vectors/', import.meta.url);

/** Cases by row. */
export type Cases = ReadonlyMap<OpcodeRow, number>;

/** Cases of all vector files. */
export function nativeCases(): Cases {
  const cases = new Map<OpcodeRow, number>();
  const add = (row: OpcodeRow | undefined): void => {
    if (row !== undefined) cases.set(row, (cases.get(row) ?? 0) + 1);
  };
  for (const { start } of readForms(file('forms/forms.vectors')).cases) add(formOf(start)?.row);
  for (const { code, code16 } of readIntegerVectors(file('integer/integer.vectors'))) {
    add(rowOf(code, code16 ? 2 : 4));
  }
  for (const line of lines('x87')) add(rowOf(x87Code(line), 4));
  for (const line of lines('sse')) add(rowOf(sseCode(line), 4));
  return cases;
}

function file(name: string): Uint8Array {
  return readFileSync(new URL(name, vectors));
}
/** Lines of the text files of a folder. */
function lines(folder: string): string[] {
  const at = new URL(`${folder}/`, vectors);
  const names = readdirSync(at).filter((name) => name.endsWith('.txt'));
  const all = names.flatMap((name) => readFileSync(new URL(name, at), 'utf8').split('\n'));
  return all.filter((line) => line !== '' && !line.startsWith('#'));
}

function rowOf(code: Uint8Array, defaultSize: 2 | 4): OpcodeRow | undefined {
  const window = new Uint8Array(16);
  window.set(code);
  const instruction = decode(window, 0, { defaultSize });
  return typeof instruction === 'string' ? undefined : instruction.row;
}

/** Opcode and ModRM are the first fields; a record of the environment begins with prefix, opcode, ModRM. */
function x87Code(line: string): Uint8Array {
  const [first = '', second = ''] = line.split(' ');
  if (first.length === 2) return Uint8Array.of(parseInt(first, 16), parseInt(second, 16));
  return Uint8Array.from(Buffer.from(first.slice(2, 6), 'hex'));
}
/** The first field is prefix, opcode, immediate and EFLAGS, the lowest byte first. */
function sseCode(line: string): Uint8Array {
  const word = parseInt(line.split(' ')[0] ?? '', 16);
  const [prefix, opcode, immediate] = [word & 0xff, (word >>> 8) & 0xff, (word >>> 16) & 0xff];
  return Uint8Array.from([...(prefix === 0 ? [] : [prefix]), 0x0f, opcode, 0xc1, immediate]);
}

/** Test files by the name of the row. */
export function systemTests(): ReadonlyMap<string, readonly string[]> {
  const text = readFileSync(new URL('executed.json', import.meta.url), 'utf8');
  const executed = JSON.parse(text) as Readonly<Record<string, readonly string[]>>;
  const tests = new Map<string, string[]>();
  for (const [test, names] of Object.entries(executed)) {
    for (const name of names) {
      if (systemRows.has(name)) tests.set(name, [...(tests.get(name) ?? []), test]);
    }
  }
  return tests;
}
