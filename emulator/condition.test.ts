import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileExpression, compileHitCondition, ConditionError } from './condition.ts';
import type { ConditionScope } from './condition.ts';

const VALUES: { readonly [name: string]: number } = {
  eax: 0x40000000,
  port: 0x3f8,
  zero: 0,
  big: 0x1_0000_0000,
  neg: -1,
};
const MEMORY: { readonly [key: string]: number } = {
  'linear 4096 4': 0xdeadbeef,
  'physical 1138 2': 0x1234,
  'linear 8 1': 7,
};

const scope: ConditionScope = {
  value: (name) => (Object.hasOwn(VALUES, name) ? VALUES[name] : null),
  read: (space, address, size) => MEMORY[`${space} ${address} ${size}`] ?? null,
};
const known = {
  has: (name: string) => Object.hasOwn(VALUES, name),
  list: () => Object.keys(VALUES),
};
const value = (text: string): number => compileExpression(text, null).evaluate(scope);

function refusal(action: () => unknown): ConditionError {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof ConditionError, String(error));
    return error;
  }
  return assert.fail('no error');
}

// expected values: C (ISO 9899:2018, 6.5) on uint32_t operands, uint64_t where one is wider
const CASES: readonly (readonly [text: string, expected: number])[] = [
  ['1 + 2 * 3', 7],
  ['(1 + 2) * 3', 9],
  ['10 - 4 - 3', 3],
  ['100 / 10 / 2', 5],
  ['7 % 4', 3],
  ['0x10 | 0b101 | 0o17', 0x1f],
  ['1 | 2 ^ 3 & 2', 1],
  ['1 << 4 + 1', 32],
  ['0xff & 1 == 1', 1],
  ['2 < 3 == 1', 1],
  ['5 >= 5 && 4 <= 3 || 1 > 0', 1],
  ['1 != 2', 1],
  ['!0 + !5', 1],
  ['~0', 0xffffffff],
  ['-1', 0xffffffff],
  ['- -5', 5],
  ['0 - 1', 0xffffffff],
  ['0xffffffff + 1', 0],
  ['0x10000 * 0x10000', 0],
  ['0x12345678 * 0x9abcdef0', 0x242d2080],
  ['1 << 31', 0x80000000],
  ['1 << 32', 0],
  ['0x80000000 >> 31', 1],
  ['1 >> 64', 0],
  ['0 ? 1 / 0 : 2', 2],
  ['1 ? 2 : 0 ? 3 : 4', 2],
  ['0 ? 2 : 0 ? 3 : 4', 4],
  ['0 && 1 / 0', 0],
  ['1 || 1 / 0', 1],
  // with a wider operand: exact
  ['big + 0xffffffff', 0x1_ffff_ffff],
  ['big - 1', 0xffffffff],
  ['big * 0x1000', 0x1000_0000_0000],
  ['big | 1', 0x1_0000_0001],
  ['0x1ffffffff & 0x180000000', 0x1_8000_0000],
  ['0x1ffffffff ^ 0xffffffff', 0x1_0000_0000],
  ['big >> 4', 0x1000_0000],
  ['big << 4', 0x10_0000_0000],
  ['9007199254740991 / 3', 3002399751580330],
  // names, in three spellings, and memory
  ['eax == 0x40000000', 1],
  ['%eax + $eax', 0x80000000],
  ['port % %port', 0],
  ['neg == -1', 1],
  ['u32[0x1000]', 0xdeadbeef],
  ['u8 [ 2 * 4 ] + phys:u16[0x472]', 0x123b],
  ['zero ? 1 : u8[8]', 7],
];

test('operators have the precedence and the results of C on unsigned integers', () => {
  for (const [text, expected] of CASES) assert.equal(value(text), expected, text);
});

test('a bad text is refused with the place and the remedy', () => {
  const cases: readonly (readonly [text: string, position: number, message: RegExp])[] = [
    ['', 0, /empty/],
    ['   ', 0, /empty/],
    ['1 +', 3, /Expected a value, found the end/],
    ['(1', 2, /Expected '\)', found the end/],
    ['1 2', 2, /Expected an operator, found '2'/],
    ['port = 3', 5, /Write '=='/],
    ['1 ? 2', 5, /Expected ':'/],
    ['u32[1', 5, /Expected '\]'/],
    ['3 @ 4', 2, /'@' has no meaning/],
    ['0x', 0, /'0x' is no number/],
    ['12ab', 0, /'12ab' is no number/],
    ['017', 0, /0o17/],
    ['9007199254740992', 0, /53 bits/],
    ['prot == 1', 0, /There is no name 'prot' here. Did you mean 'port'\?/],
    ['1 + toString', 4, /There is no name 'toString' here/],
  ];
  for (const [text, position, message] of cases) {
    const error = refusal(() => compileExpression(text, known));
    assert.match(error.message, message);
    assert.equal(error.position, position, text);
  }
});

test('what goes wrong at evaluation is an error with its place', () => {
  const cases: readonly (readonly [text: string, position: number, message: RegExp])[] = [
    ['1 / zero', 2, /Division by zero/],
    ['1 % zero', 2, /Division by zero/],
    ['u32[0x2000]', 0, /no readable memory at linear address 0x2000/],
    ['phys:u8[1]', 0, /physical address 0x1/],
    ['nobody', 0, /'nobody' has no value here/],
    ['big * big', 4, /exceeds 53 bits/],
    ['1 - big', 2, /negative/],
    ['~big', 0, /32 bits/],
    ['big << 60', 4, /exceeds 53 bits/],
  ];
  for (const [text, position, message] of cases) {
    const error = refusal(() => value(text));
    assert.match(error.message, message);
    assert.equal(error.position, position, text);
  }
});

test('hostile texts are refused or evaluated, without a stack overflow', () => {
  assert.match(refusal(() => value('('.repeat(1000))).message, /nested too deeply/);
  assert.match(refusal(() => value('-'.repeat(1000))).message, /nested too deeply/);
  assert.match(refusal(() => value('1?'.repeat(500))).message, /nested too deeply/);
  assert.match(refusal(() => value('u8['.repeat(300))).message, /nested too deeply/);
  assert.match(refusal(() => value('1'.repeat(2000))).message, /longer than/);
  assert.equal(value(`1${'+1'.repeat(511)}`), 512);
});

test('names are listed once', () => {
  assert.deepEqual(compileExpression('eax + u32[eax + port]', known).names, ['eax', 'port']);
});

test('hit conditions', () => {
  const stops = (text: string): number[] => {
    const condition = compileHitCondition(text);
    return [1, 2, 3, 4, 5, 6].filter((hits) => condition(hits));
  };
  assert.deepEqual(stops('4'), [4, 5, 6]);
  assert.deepEqual(stops(' >= 5 '), [5, 6]);
  assert.deepEqual(stops('> 5'), [6]);
  assert.deepEqual(stops('==2'), [2]);
  assert.deepEqual(stops('= 2'), [2]);
  assert.deepEqual(stops('% 3'), [3, 6]);
  assert.deepEqual(stops('< 3'), [1, 2]);
  assert.deepEqual(stops('<= 3'), [1, 2, 3]);
  for (const bad of ['', 'x', '% 0', '>=', '1.5', '-1', '5 5', ' '.repeat(100000)]) {
    assert.match(refusal(() => compileHitCondition(bad)).message, /is no hit condition/);
  }
});
