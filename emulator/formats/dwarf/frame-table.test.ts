/**
 * Call frame information, on a section written by hand after DWARF 5, 6.4 and appendix D.6, and the same
 * as .eh_frame has it. That a whole kernel's rows are those of `readelf --debug-dump=frames-interp` was
 * tried with it; here is what no compiler writes, and what is damaged.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bytesSource } from '../byte-source.ts';
import type { FrameSection } from './frame-entries.ts';
import { frameRow } from './frame-program.ts';
import { FrameTable } from './frame-table.ts';

const CODE = 0xc0100000;
const word = (value: number): number[] => [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24]; // prettier-ignore

/** An entry of 32-bit DWARF, padded with DW_CFA_nop. */
function entry(...bytes: readonly number[]): number[] {
  const padded = [...bytes, ...Array.from({ length: -bytes.length & 3 }, () => 0)];
  return [...word(padded.length), ...padded];
}
/** Version 1, "", code alignment 1, data alignment -4, EIP; CFA = ESP + 4, EIP at CFA - 4. */
const COMMON = entry(...word(0xffffffff), 1, 0, 1, 0x7c, 8, 0x0c, 4, 4, 0x88, 1);
const description = (start: number, size: number, ...program: readonly number[]): number[] =>
  entry(...word(0), ...word(start), ...word(size), ...program);

const section = (bytes: readonly number[], name: FrameSection['name'] = '.debug_frame', address = 0): FrameSection => ({ name, bytes: bytesSource(Uint8Array.from(bytes)), address }); // prettier-ignore
const table = (...parts: readonly (readonly number[])[]): FrameTable =>
  FrameTable.of(section(parts.flat()));

function row(frames: FrameTable, address: number): ReturnType<typeof frameRow> {
  const found = frames.at(address);
  return found === null ? null : frameRow(found, address);
}

describe('call frame information', () => {
  // push ebp; mov ebp, esp; …; leave
  const program = [0x41, 0x0e, 8, 0x85, 2, 0x42, 0x0d, 5, 0x4d, 0x0a, 0xc5, 0x0c, 4, 4, 0x41, 0x0b];
  const frames = table(
    COMMON,
    description(CODE + 0x100, 0x40, ...program),
    description(CODE, 0x10),
  );
  const cfa = (register: number, offset: number): object => ({
    kind: 'register',
    register,
    offset,
  });

  it('is found by address, whatever the order of the entries', () => {
    assert.equal(frames.size, 2);
    assert.deepEqual(row(frames, CODE)?.cfa, cfa(4, 4));
    assert.equal(row(frames, CODE - 1), null);
    assert.equal(row(frames, CODE + 0x10), null);
    assert.equal(row(frames, CODE + 0x140), null);
  });
  it('follows a prologue, and an epilogue in the middle', () => {
    const saved = { kind: 'offset', offset: -8 };
    for (const [offset, rule, frame] of [
      [0, cfa(4, 4), undefined],
      [1, cfa(4, 8), saved],
      [3, cfa(5, 8), saved],
      [15, cfa(5, 8), saved],
      [16, cfa(4, 4), undefined],
      [17, cfa(5, 8), saved],
    ] as const) {
      const at = row(frames, CODE + 0x100 + offset);
      assert.deepEqual(at?.cfa, rule, `offset ${offset}`);
      assert.deepEqual(at.rules.get(5), frame, `offset ${offset}`);
      assert.deepEqual(at.rules.get(8), { kind: 'offset', offset: -4 });
    }
  });
  it('has rules of every kind', () => {
    const rules = table(
      COMMON,
      description(CODE, 0x10, 0x07, 0, 0x08, 3, 0x09, 6, 7, 0x10, 5, 2, 0x70, 0, 0x16, 7, 1, 0x30, 0x14, 4, 2, 0x2e, 8, 0x11, 1, 0x7f, 0x0f, 2, 0x74, 0x10), // prettier-ignore
    );
    const found = row(rules, CODE);
    assert.deepEqual(found?.cfa, { kind: 'expression', operations: Uint8Array.of(0x74, 0x10) });
    assert.deepEqual(Object.fromEntries(found.rules), {
      0: { kind: 'undefined' },
      1: { kind: 'offset', offset: 4 },
      3: { kind: 'same' },
      4: { kind: 'value', offset: -8 },
      5: { kind: 'expression', operations: Uint8Array.of(0x70, 0) },
      6: { kind: 'register', register: 7 },
      7: { kind: 'value expression', operations: Uint8Array.of(0x30) },
      8: { kind: 'offset', offset: -4 },
    });
  });
  it('is read out of .eh_frame: addresses from where they stand, signal frames', () => {
    const common = entry(...word(0), 1, 0x7a, 0x52, 0x53, 0, 1, 0x7c, 8, 1, 0x1b, 0x0c, 4, 4, 0x88, 1); // prettier-ignore
    const at = 0x2000;
    const start = common.length + 8;
    const bytes = [...common, ...entry(...word(common.length + 4), ...word(CODE - at - start), ...word(0x20), 0), ...word(0)]; // prettier-ignore
    const found = row(FrameTable.of(section(bytes, '.eh_frame', at)), CODE + 0x1f);
    assert.deepEqual(found?.cfa, cfa(4, 4));
    assert.equal(found.isSignalFrame, true);
  });
  it('ends where it is damaged, and is refused where it cannot be understood', () => {
    const whole = [...COMMON, ...description(CODE, 0x10, ...program)];
    for (let length = 0; length < whole.length; length++)
      assert.equal(FrameTable.of(section(whole.slice(0, length))).size, 0, `${length} bytes`);
    const unknown = entry(...word(0xffffffff), 1, 0x71, 0, 1, 0x7c, 8);
    assert.equal(table(unknown, description(CODE, 0x10)).size, 0, 'an augmentation');
    const far = description(CODE, 0x10);
    far[4] = 0x90;
    assert.equal(table(COMMON, far).size, 0, 'a common entry outside');
    for (const bad of [[0x3f], [0x0b], [0x0f, 9], Array.from({ length: 65 }, () => 0x0a)]) {
      // prettier-ignore
      const frame = table(COMMON, description(CODE, 0x10, ...bad));
      const found = frame.at(CODE);
      assert.ok(found !== null);
      assert.throws(() => frameRow(found, CODE), /damaged/, bad.join());
    }
  });
});
