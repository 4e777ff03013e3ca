/** ELF32 programs made byte by byte (System V ABI, chapter 4), for the tests of the loaders. */
import { encodeText } from '../formats/text.ts';

export interface TestSegment {
  readonly virtual: number;
  readonly physical: number;
  /** Contents in the file. */
  readonly text: string;
  readonly memorySize: number;
}

export interface TestNote {
  readonly name: string;
  readonly type: number;
  readonly description: Uint8Array;
}

const PROGRAM_HEADERS = 0x1000;
const CONTENTS = 0x10000;
const SEGMENT_ROOM = 0x100;
const NOTES = 0x400;

/** Bytes 0x34 to 0x3ff are free; notes at 0x400, program headers at 0x1000, segments from 0x10000 on. */
export function testElf(program: {
  readonly entry: number;
  readonly segments: readonly TestSegment[];
  readonly notes?: readonly TestNote[];
  readonly machine?: number;
}): Uint8Array {
  const { entry, segments, notes = [], machine = 3 } = program;
  const bytes = new Uint8Array(CONTENTS + segments.length * SEGMENT_ROOM);
  const view = new DataView(bytes.buffer);
  const u32 = (at: number, value: number): void => view.setUint32(at, value, true);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  view.setUint16(16, 2, true);
  view.setUint16(18, machine, true);
  u32(24, entry);
  u32(28, PROGRAM_HEADERS);
  view.setUint16(42, 32, true);
  view.setUint16(44, segments.length + (notes.length > 0 ? 1 : 0), true);
  const header = (index: number, words: readonly number[]): void =>
    words.forEach((value, word) => u32(PROGRAM_HEADERS + index * 32 + word * 4, value));
  segments.forEach(({ virtual, physical, text, memorySize }, index) => {
    const offset = CONTENTS + index * SEGMENT_ROOM;
    bytes.set(encodeText(text), offset);
    header(index, [1, offset, virtual, physical, text.length, memorySize, 7, 4096]);
  });
  let end = NOTES;
  for (const { name, type, description } of notes) {
    [name.length + 1, description.length, type].forEach((value, word) =>
      u32(end + word * 4, value),
    );
    bytes.set(encodeText(name), end + 12);
    end += 12 + Math.ceil((name.length + 1) / 4) * 4;
    bytes.set(description, end);
    end += Math.ceil(description.length / 4) * 4;
  }
  if (notes.length > 0) header(segments.length, [4, NOTES, 0, 0, end - NOTES, 0, 4, 4]);
  return bytes;
}
