/**
 * Operations on typed entries of the stack (DWARF 5, 2.5.1.6) and control flow (2.5.1.5), written by hand
 * over constants, so that the trees come out computed. Expected values are the arithmetic of C.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { uleb } from '../../emulator/formats/dwarf/testing/written-dwarf.ts';
import { evaluate, type Scope } from '../../emulator/expressions/evaluator.ts';
import { S32, S64, U64, U8 } from '../../emulator/expressions/integers.ts';
import type { CType } from '../symbols/c-types.ts';
import { locate } from './dwarf-location.ts';
import { integerNamed } from './types.ts';

const TYPES: { readonly [place: number]: CType } = {
  0x30: integerNamed('unsigned char', U8),
  0x40: integerNamed('long long', S64),
  0x50: integerNamed('unsigned long long', U64),
  0x60: integerNamed('int', S32),
  0x90: { kind: 'base', name: 'double', size: 8, encoding: 'float', signed: true },
};
const STACK_VALUE = 0x9f;
const CONVERT = 0xa8;
const lit = (value: number): number => 0x30 + value;
const const4u = (value: number): readonly number[] => [0x0c, value, value >>> 8, value >>> 16, value >>> 24].map((byte) => byte & 0xff); // prettier-ignore
const convert = (place: number): readonly number[] => [CONVERT, ...uleb(place)];
const typed = (value: number, place: number): readonly number[] => [...const4u(value), ...convert(place)]; // prettier-ignore
/** DW_OP_bra and DW_OP_skip. */
const bra = (distance: number): readonly number[] => [0x28, distance & 0xff, (distance >> 8) & 0xff]; // prettier-ignore
const skip = (distance: number): readonly number[] => [0x2f, distance & 0xff, (distance >> 8) & 0xff]; // prettier-ignore

const context = { frame: null, frameBase: null, slide: 0, typeAt: (place: number): CType => TYPES[place] ?? { kind: 'void' as const } }; // prettier-ignore
const scope: Scope = { value: () => null, read: () => new Uint8Array(0), translate: () => null, msr: () => null }; // prettier-ignore

function valueOf(operations: readonly number[]): bigint | string {
  const [piece] = locate(Uint8Array.from([...operations, STACK_VALUE]), context);
  if (piece?.kind === 'lost') return piece.reason;
  assert.ok(piece?.kind === 'value');
  const value = evaluate(piece.value, scope);
  assert.ok(value.kind === 'integer');
  return BigInt.asUintN(64, value.value);
}

// prettier-ignore
const ROWS: readonly { readonly name: string; readonly operations: readonly number[]; readonly value: bigint | string }[] = [
  { name: 'generic entries are of 32 bits', operations: [...const4u(0xffffffff), lit(2), 0x22], value: 1n },
  { name: 'typed ones of 64', operations: [...typed(0xffffffff, 0x50), ...typed(2, 0x50), 0x22], value: 0x1_0000_0001n },
  { name: 'a small one wraps', operations: [...typed(0xff, 0x30), ...typed(2, 0x30), 0x22], value: 1n },
  { name: 'shifted by 32', operations: [...typed(0x1234, 0x50), ...typed(32, 0x50), 0x24], value: 0x1234_0000_0000n },
  { name: 'and back to the generic type', operations: [...typed(0x1234, 0x50), ...typed(28, 0x50), 0x24, CONVERT, 0], value: 0x4000_0000n },
  { name: 'with their sign', operations: [...typed(0xffffffff, 0x60), ...convert(0x40)], value: 0xffff_ffff_ffff_ffffn },
  { name: 'without one', operations: [...typed(0xffffffff, 0x50), ...convert(0x40)], value: 0xffff_ffffn },
  { name: 'negated', operations: [...typed(1, 0x50), 0x1f], value: 0xffff_ffff_ffff_ffffn },
  { name: 'each bit inverted', operations: [...typed(1, 0x30), 0x20], value: 0xfen },
  { name: 'divided with their sign', operations: [...const4u(-6), lit(2), 0x1b], value: 0xffff_fffdn },
  { name: 'shifted with their sign', operations: [...const4u(-8), lit(1), 0x26], value: 0xffff_fffcn },
  { name: 'compared with their sign', operations: [...const4u(-8), lit(1), 0x2d], value: 1n },
  { name: 'compared in 64 bits', operations: [...typed(0xffffffff, 0x50), ...typed(1, 0x50), 0x2b], value: 1n },
  { name: 'a constant with a type', operations: [0xa4, ...uleb(0x40), 8, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], value: 0xffff_ffff_ffff_fffen },
  { name: 'the number of gcc before DWARF 5', operations: [...const4u(5), 0xf7, ...uleb(0x50), 0xf0], value: 5n },
  { name: 'a branch that is taken', operations: [lit(1), ...bra(4), lit(7), ...skip(1), lit(9)], value: 9n },
  { name: 'a branch that is not', operations: [lit(0), ...bra(4), lit(7), ...skip(1), lit(9)], value: 7n },
  { name: 'the larger of two', operations: [lit(3), lit(8), 0x14, 0x14, 0x2a, ...bra(1), 0x16, 0x13], value: 8n },
  { name: 'the larger of two, the other way', operations: [lit(8), lit(3), 0x14, 0x14, 0x2a, ...bra(1), 0x16, 0x13], value: 8n },
  { name: 'numbers that are no integers', operations: [...typed(1, 0x90)], value: 'it is computed with numbers that are no integers' },
  { name: 'a branch out of the expression', operations: [lit(1), ...bra(99)], value: 'its debugging information is damaged' },
  { name: 'a jump back without end', operations: [lit(1), ...skip(-3)], value: 'its debugging information is too long' },
  { name: 'a branch back without end', operations: [lit(1), 0x12, ...bra(-4)], value: 'its debugging information branches too often' },
];

for (const { name, operations, value } of ROWS)
  test(name, () => assert.equal(valueOf(operations), value));

test('what doubles with every operation is refused before it is large', () => {
  const doubled = Array.from({ length: 100 }, () => [0x12 /* dup */, 0x22 /* plus */]).flat();
  const frame = {
    register: () => ({ value: { at: 0, kind: 'name', name: 'eax' } as const, name: 'eax' }),
    cfa: () => null,
  };
  const operations = Uint8Array.from([0x70 /* breg0 */, 0, ...doubled, STACK_VALUE]);
  const [piece] = locate(operations, { ...context, frame });
  assert.ok(piece?.kind === 'lost');
  assert.equal(piece.reason, 'its debugging information is too long');
});
