import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluate, integerOf, type Scope, type Value } from './evaluator.ts';
import { compileExpression, valueOf } from './expression.ts';
import { compileHitCondition } from './hit-condition.ts';
import { U32 } from './integers.ts';
import { type Names, parseExpression, parseStatement } from './resolve.ts';
import { ExpressionError } from './syntax.ts';
import { valueText } from './value-text.ts';

const VALUES: { readonly [name: string]: Value } = {
  eax: integerOf(0x40000000, 32),
  al: integerOf(0, 8),
  ds: integerOf(0x10, 16),
  'ds.base': integerOf(0x1000, 32),
  port: integerOf(0x3f8, 32),
  zero: integerOf(0, 32),
  tsc: integerOf(0x2345_6789_abcd_ef01n, 64),
  st0: { kind: 'real', value: 1.5 },
};
const RAM = new Uint8Array(0x2000);
RAM.set([0xef, 0xbe, 0xad, 0xde, 0xff, 0xff, 0xff, 0xff], 0x1000);
RAM.set(new TextEncoder().encode('init\0'), 0x1100);
// a pointer to 0x1000, and one to that pointer
RAM.set([0x00, 0x10, 0, 0], 0x1200);
RAM.set([0x00, 0x12, 0, 0], 0x1204);

const scope: Scope = {
  value: (name) => (Object.hasOwn(VALUES, name) ? VALUES[name] : null),
  read: (space, address, length) =>
    space === 'physical' ? RAM.subarray(0x1000, 0x1000 + length) : RAM.subarray(address, address + length),
  translate: (linear) => (linear < 0x2000 ? linear + 0x100000 : null),
  msr: (index) => (index === 0x10 ? 0x1_0000_0000n : null),
}; // prettier-ignore
const names: Names = {
  resolve(name) {
    if (name === 'memcpy.isra.0') return { kind: 'integer', value: 0xc0100000n, type: U32 };
    return Object.hasOwn(VALUES, name) || name === 'nobody' ? { kind: 'name', name } : null;
  },
  list: () => Object.keys(VALUES),
};
const value = (text: string): Value => valueOf(text, names, scope);
const shown = (text: string): string => valueText(value(text), false);

function refusal(action: () => unknown): ExpressionError {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof ExpressionError, String(error));
    return error;
  }
  return assert.fail('no error');
}

// expected values: gcc 12 -m32 -fwrapv on the same expressions, with registers as unsigned variables of
// their width; where C leaves a shift undefined: everything is shifted out
const CASES: readonly (readonly [text: string, expected: string])[] = [
  ['1 + 2 * 3', '7'],
  ['(1 + 2) * 3', '9'],
  ['10 - 4 - 3', '3'],
  ['100 / 10 / 2', '5'],
  ['-7 / 2', '-3'],
  ['-7 % 4', '-3'],
  ['7 % 4', '3'],
  ['0x10 | 0b101 | 0o17', '31'],
  ['1 | 2 ^ 3 & 2', '1'],
  ['1 << 4 + 1', '32'],
  ['0xff & 1 == 1', '1'],
  ['2 < 3 == 1', '1'],
  ['5 >= 5 && 4 <= 3 || 1 > 0', '1'],
  ['!0 + !5', '1'],
  ['~0', '-1'],
  ['- -5', '5'],
  ['0xffffffff + 1', '0'],
  ['-1 == 0xffffffff', '1'],
  ['-1 < 0u', '0'],
  ['-1 < 0', '1'],
  ['al - 1', '-1'],
  ['al - 1 < eax', '0'],
  ['eax - 0x40000001', '4294967295'],
  ['0x12345678u * 0x9abcdef0', '606937216'],
  ['1 << 31', '-2147483648'],
  ['1u << 31', '2147483648'],
  ['1 << 32', '0'],
  ['-1 >> 40', '-1'],
  ['0x80000000 >> 31', '1'],
  ['0 ? 1 / 0 : 2', '2'],
  ['1 ? 2 : 0 ? 3 : 4', '2'],
  ['0 && 1 / 0', '0'],
  ['1 || 1 / 0', '1'],
  ["'A' + 1", '66'],
  // 64 bits are exact
  ['tsc', '2541551405711093505'],
  ['tsc * 3', '7624654217133280515'],
  ['tsc & 0xffffffff', '2882400001'],
  ['0xffffffffffffffff', '18446744073709551615'],
  ['0xffffffffffffffff + 1', '0'],
  ['eax * 4ull', '4294967296'],
  ['-1 + tsc', '2541551405711093504'],
  ['9223372036854775807 + 0', '9223372036854775807'],
  // casts and pointers
  ['(unsigned char)0x1ff', '255'],
  ['(s8)0xff', '-1'],
  ['(unsigned short int)-1', '65535'],
  ['(long long)0xffffffff + 1', '4294967296'],
  ['*(u16*)0x1002', '57005'],
  ['((unsigned char *)0x1000)[1]', '190'],
  ['*((u16 *)0x1000 + 1)', '57005'],
  ['*(int *)0x1004', '-1'],
  ['**(u32 **)0x1200', '3735928559'],
  ['***(u8***)0x1204', '239'],
  ['0x1000[0]', '3735928559'],
  // names in their spellings, and memory in its
  ['eax == 0x40000000', '1'],
  ['%eax + $eax', '2147483648'],
  ['port % %port', '0'],
  ['memcpy.isra.0 + 1', '3222274049'],
  ['&memcpy.isra.0', '3222274048'],
  ['port & zero', '0'],
  ['&dword[0x1000] + 1', '4097'],
  ['&*(u32 *)0x1000', '4096'],
  ['&u16[0x1000] == &(*(u16 *)0x1000)', '1'],
  ['sizeof(unsigned long long)', '8'],
  ['sizeof(char [16]) + sizeof(char *)', '20'],
  ['sizeof(u16[4])', '8'],
  ['(const unsigned char)0x1ff', '255'],
  ['dword[0x1000]', '3735928559'],
  ['u32[ds:0]', '3735928559'],
  ['word ptr [ds:2]', '57005'],
  ['byte[0x10:0xf00]', '239'],
  ['qword[0x1000]', '18446744073150512879'],
  ['s16[0x1004]', '-1'],
  ['phys:u8[0x472] + u8 [ 2 * 2048 ]', '478'],
  ['zero ? 1 : u8[0x1000]', '239'],
  ['msr[0x10] + 1', '4294967297'],
  // functions
  ['translate(0x10)', '1048592'],
  ['translate(eax)', '-1'],
  ['string(0x1100)', '"init"'],
  ['string(0x1100, 2)', '"in"'],
  ['string(0x1100) == "init"', '1'],
  ['string(0x1100) < "j"', '1'],
  ['string(0x1100) contains "ni"', '1'],
  ['!("init" contains "in i") && 1 == 1', '1'],
  ['bits(0xabcd, 11, 4)', '188'],
  ['bit(-1, 31)', '1'],
  ['min(3, -3) + max(3, -3)', '0'],
  ['abs(-4)', '4'],
  // the x87's values
  ['st0 * 2', '3'],
  ['st0 > 1', '1'],
  ['-st0', '-1.5'],
  ['(int)st0', '1'],
  ['1.25e1 + 1', '13.5'],
  ['1e9 > 999999999', '1'],
  ['0x1e9', '489'],
];

test('expressions have the values of C', () => {
  for (const [text, expected] of CASES) assert.equal(shown(text), expected, text);
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
    ['contains', 0, /There is no name 'contains' here/],
    ['"a" contain "b"', 4, /Expected an operator, found 'contain'/],
    ['18446744073709551616', 0, /64 bits/],
    ['prot == 1', 0, /There is no name 'prot' here. Did you mean 'port'\?/],
    ['1 + toString', 4, /There is no name 'toString' here/],
    ['strin(1)', 0, /no function 'strin'. Did you mean 'string'\?/],
    ['bits(1)', 0, /Write bits\(value, high, low\)/],
    ['phys:u8[ds:1]', 0, /no segment/],
    ['(struct page *)eax', 1, /There is no type 'struct page' here/],
    ['(unt *)eax', 1, /There is no type 'unt' here. Did you mean 'int'\?/],
    ['(port)->x', 8, /Members are known from debugging information/],
    ['(port)->', 8, /Expected the name of a member, found the end/],
    ['offsetof(port)', 13, /Expected ',', found '\)'/],
    ['sizeof(port)', 0, /debugging information/],
  ];
  for (const [text, position, message] of cases) {
    const error = refusal(() => compileExpression(text, names));
    assert.match(error.message, message);
    assert.equal(error.position, position, text);
  }
});

test('what goes wrong at evaluation is an error with its place', () => {
  const cases: readonly (readonly [text: string, position: number, message: RegExp])[] = [
    ['1 / zero', 2, /Division by zero/],
    ['1 % zero', 2, /Division by zero/],
    ['u32[0x2000]', 0, /no readable memory at linear address 0x2000/],
    ['u32[0x1ffe]', 0, /no readable memory at linear address 0x2000/],
    ['*(u8*)0x3000', 0, /no readable memory at linear address 0x3000/],
    ['phys:u8[0xffffffffffffffff]', 0, /no physical address/],
    ['nobody', 0, /'nobody' has no value here/],
    ['1 + "a"', 2, /does not apply to a integer and a string/],
    ['1 contains 2', 2, /'contains' compares two strings/],
    ['~st0', 0, /does not apply to a real/],
    ['u8["a"]', 3, /must be an integer/],
    ['bit(1, 32)', 0, /no bit 32/],
    ['string(0x1100, 0)', 0, /limit/],
    ['msr[0x11]', 0, /no MSR 0x11/],
    ['(int)(st0 / 0)', 5, /no integer value/],
  ];
  for (const [text, position, message] of cases) {
    const error = refusal(() => value(text));
    assert.match(error.message, message);
    if (text !== 'u8["a"]' && text !== '(int)(st0 / 0)')
      assert.equal(error.position, position, text);
  }
});

test('an assignment has a place and a value', () => {
  const { target, value: assigned } = parseStatement('u32[0x1000] = eax + 1', names);
  assert.equal(target?.kind, 'memory');
  assert.deepEqual(evaluate(assigned, scope), integerOf(0x40000001, 32));
  assert.equal(parseStatement('eax == 1', names).target, null);
  assert.match(
    refusal(() => parseStatement('eax + 1 = 2', names)).message,
    /Only registers and memory/,
  );
  assert.match(refusal(() => parseExpression('eax = 2', names)).message, /Write '=='/);
});

test('hostile texts are refused or evaluated, without a stack overflow and in bounded time', () => {
  assert.match(refusal(() => value('('.repeat(1000))).message, /nested too deeply/);
  assert.match(refusal(() => value('-'.repeat(1000))).message, /nested too deeply/);
  assert.match(refusal(() => value('*'.repeat(1000))).message, /nested too deeply/);
  assert.match(refusal(() => value('1?'.repeat(500))).message, /nested too deeply/);
  assert.match(refusal(() => value('u8['.repeat(300))).message, /nested too deeply/);
  assert.match(refusal(() => value('1'.repeat(2000))).message, /longer than/);
  assert.equal(shown(`1${'+1'.repeat(511)}`), '512');
  // what is below is evaluated once, not once for each level
  assert.equal(shown(`${'min('.repeat(40)}1${', 2)'.repeat(40)}`), '1');
  assert.match(refusal(() => value(`${'*'.repeat(40)}0x1000`)).message, /no readable memory/);
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
