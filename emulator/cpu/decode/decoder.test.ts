/**
 * The decoder: lengths of all opcodes against a table of formats, and the rules of SDM vol. 2,
 * chapter 2. Texts and many more bytes: disassembler.test.ts.
 * Run: node --import tsx --test emulator/cpu/decode/decoder.test.ts
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SEGMENT } from '../layout.ts';
import { decode } from './decoder.ts';
import type { DecodeFailure, Instruction, MemoryOperand, Operand } from './instruction.ts';

function decodeHex(hex: string, defaultSize: 2 | 4 = 4, eip = 0): Instruction | DecodeFailure {
  return decode(Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex')), eip, { defaultSize });
}

function instruction(hex: string, defaultSize: 2 | 4 = 4, eip = 0): Instruction {
  const result = decodeHex(hex, defaultSize, eip);
  if (typeof result === 'string') assert.fail(`${hex}: ${result}`);
  return result;
}

function operands(hex: string, defaultSize: 2 | 4 = 4, eip = 0): readonly Operand[] {
  return instruction(hex, defaultSize, eip).operands;
}

function memory(hex: string, defaultSize: 2 | 4 = 4): MemoryOperand {
  const operand = operands(hex, defaultSize).find(({ kind }) => kind === 'memory');
  assert.ok(operand?.kind === 'memory', hex);
  return operand;
}

const gpr = (number: number, size: 1 | 2 | 4) => ({ kind: 'register', file: 'gpr', number, size });
const immediate = (value: number, size: 1 | 2 | 4) => ({ kind: 'immediate', value, size });

/**
 * Formats by opcode, 16 a line, written from SDM vol. 2, tables:
 * - nothing   M ModRM   R ModRM that always names registers   1 2 3 immediate of as many bytes
 * z immediate of operand size   I ModRM and imm8   Z ModRM and immediate of operand size
 * t T TEST's group, imm8 or operand size with /0 and /1   F far pointer   o offset of address size
 * p prefix   E escape   ? undefined
 */
const ONE_BYTE = `
  MMMM1z--MMMM1z-E  MMMM1z--MMMM1z--  MMMM1zp-MMMM1zp-  MMMM1zp-MMMM1zp-
  ----------------  ----------------  --MMppppzZ1I----  1111111111111111
  IZIIMMMMMMMMMMMM  ----------F-----  oooo----1z------  11111111zzzzzzzz
  II2-MMIZ3-2--1--  MMMM11--MMMMMMMM  11111111zzF1----  p-pp--tT------MM`;
const TWO_BYTE = `
  MMMM?-----?-?M??  MMMMMMMMMMMMMMMM  RRRR????MMMMMMMM  ------?-E?E?????
  MMMMMMMMMMMMMMMM  MMMMMMMMMMMMMMMM  MMMMMMMMMMMMMMMM  IIIIMMM-MM??MMMM
  zzzzzzzzzzzzzzzz  MMMMMMMMMMMMMMMM  ---MIM??---MIMMM  MMMMMMMMMMIMMMMM
  MMIMIIIM--------  MMMMMMMMMMMMMMMM  MMMMMMMMMMMMMMMM  MMMMMMMMMMMMMMMM`;
const formats = (table: string) => [...table.replaceAll(/\s/g, '')];

/** Bytes of ModRM, SIB and displacement (SDM vol. 2, tables 2-1 to 2-3). */
function addressLength(modrm: number, sib: number, addressSize: 2 | 4): number {
  const [mod, rm] = [modrm >> 6, modrm & 7];
  if (mod === 3) return 1;
  if (addressSize === 2) return 1 + (mod === 0 ? (rm === 6 ? 2 : 0) : mod);
  const hasSib = rm === 4;
  const base = hasSib ? sib & 7 : rm;
  return 1 + (hasSib ? 1 : 0) + (mod === 1 ? 1 : mod === 2 || base === 5 ? 4 : 0);
}

function formatLength(format: string, modrm: number, sib: number, size: 2 | 4, address: 2 | 4) {
  const modrmLength = addressLength(modrm, sib, address);
  const isTest = ((modrm >> 3) & 7) < 2;
  switch (format) {
    case '-':
      return 0;
    case 'M':
      return modrmLength;
    case 'R':
      return 1;
    case 'I':
      return modrmLength + 1;
    case 'Z':
      return modrmLength + size;
    case 't':
      return modrmLength + (isTest ? 1 : 0);
    case 'T':
      return modrmLength + (isTest ? size : 0);
    case 'z':
      return size;
    case 'F':
      return size + 2;
    case 'o':
      return address;
    default:
      return Number(format);
  }
}

/**
 * Decodes an opcode after the given prefixes and escape with every ModRM byte, in 16- and 32-bit code,
 * and checks the lengths. Returns whether any was defined.
 */
function checkLengths(
  prefixes: readonly number[],
  escape: readonly number[],
  opcode: number,
  format: string,
) {
  // prettier-ignore
  const at = prefixes.length + escape.length;
  const bytes = Uint8Array.from([...prefixes, ...escape, opcode, ...new Array<number>(12).fill(0)]);
  let defined = false;
  for (const defaultSize of [2, 4] as const) {
    const other = defaultSize === 2 ? 4 : 2;
    const size = prefixes.includes(0x66) ? other : defaultSize;
    const address = prefixes.includes(0x67) ? other : defaultSize;
    for (let modrm = 0; modrm < 256; modrm++) {
      const sib = (modrm * 37) & 0xff;
      bytes.set([modrm, sib], at + 1);
      const result = decode(bytes, 0, { defaultSize });
      if (result === 'undefined') continue;
      defined = true;
      const length = typeof result === 'string' ? result : result.length;
      const expected = at + 1 + formatLength(format, modrm, sib, size, address);
      if (length !== expected) assert.equal(length, expected, Buffer.from(bytes).toString('hex'));
    }
  }
  return defined;
}

test('all opcodes with all ModRM bytes, prefixes and sizes have the length of their format', () => {
  const prefixSets = [[], [0x66], [0x67], [0xf3], [0xf2], [0x66, 0x67], [0x64, 0xf3]];
  const check = (escape: readonly number[], table: string) => {
    assert.equal(formats(table).length, 256);
    formats(table).forEach((format, opcode) => {
      if (format === 'p' || format === 'E') return;
      const results = prefixSets.map((prefixes) => checkLengths(prefixes, escape, opcode, format));
      assert.equal(results.includes(true), format !== '?', opcode.toString(16));
    });
  };
  check([], ONE_BYTE);
  check([0x0f], TWO_BYTE);
});

test('all SIB bytes have the length of tables 2-2 and 2-3', () => {
  for (const modrm of [0x04, 0x44, 0x84]) {
    for (let sib = 0; sib < 256; sib++) {
      const bytes = Uint8Array.from([0x8b, modrm, sib, ...new Array<number>(12).fill(0)]);
      const result = decode(bytes, 0, { defaultSize: 4 });
      assert.ok(typeof result === 'object');
      assert.equal(result.length, 1 + addressLength(modrm, sib, 4));
      const operand = result.operands[1];
      assert.ok(operand?.kind === 'memory');
      assert.equal(operand.index, ((sib >> 3) & 7) === 4 ? -1 : (sib >> 3) & 7);
      assert.equal(operand.base, (sib & 7) === 5 && modrm === 0x04 ? -1 : sib & 7);
      assert.equal(operand.scale, ((sib >> 3) & 7) === 4 ? 0 : sib >> 6);
    }
  }
});

test('fifteen bytes are the limit', () => {
  assert.equal(instruction(`${'66'.repeat(14)} 90`).length, 15);
  assert.equal(decodeHex(`${'66'.repeat(15)} 90`), 'length');
  assert.equal(decodeHex(`${'2e'.repeat(10)} 81 05 00000000 00000000`), 'length');
  assert.equal(decodeHex('f3'.repeat(100)), 'length');
  assert.equal(decodeHex('66'.repeat(15)), 'length');
  assert.equal(decodeHex('66'.repeat(14)), 'bytes');
  assert.equal(decodeHex(''), 'bytes');
});

test('the default segment is SS for a base of BP, EBP and ESP, and DS otherwise', () => {
  const { SS, DS, FS } = SEGMENT;
  const cases: readonly (readonly [string, 2 | 4, number])[] = [
    ['8b00', 4, DS], ['8b4500', 4, SS], ['8b0424', 4, SS], ['8b04650000 0000', 4, DS],
    ['8b042d 00000000', 4, DS], ['8b442500', 4, SS], ['8b0428', 4, DS], ['8b05 00000000', 4, DS],
    ['648b4500', 4, FS], ['3e8b4500', 4, DS], ['368b00', 4, SS],
    ['8b00', 2, DS], ['8b02', 2, SS], ['8b03', 2, SS], ['8b06 0000', 2, DS], ['8b4600', 2, SS],
    ['8b8600 00', 2, SS], ['8b07', 2, DS], ['648b4600', 2, FS], ['a1 0000', 2, DS], ['64a1 0000', 2, FS],
  ]; // prettier-ignore
  for (const [hex, size, segment] of cases) assert.equal(memory(hex, size).segment, segment, hex);
});

test('of several overrides and repeats the last counts', () => {
  assert.equal(instruction('2e64268b00').segmentOverride, SEGMENT.ES);
  assert.equal(instruction('f2f3a4').repeat, 0xf3);
  assert.equal(instruction('f3f2a4').repeat, 0xf2);
  assert.equal(instruction('66666690').operandSize, 2);
  assert.equal(instruction('676766 8b00').addressSize, 2);
});

test('LOCK without a memory destination is undefined', () => {
  for (const hex of [
    'f001c3',
    'f090',
    'f003 00',
    'f08900',
    'f0a3 00000000',
    'f0d100',
    'f00fa300',
  ]) {
    assert.equal(decodeHex(hex), 'undefined', hex);
  }
  for (const hex of [
    'f00100',
    'f08700',
    'f00fb100',
    'f00fc708',
    'f0f718',
    'f00fba28 01',
    'f083 00 01',
  ]) {
    assert.equal(instruction(hex).lock, true, hex);
  }
});

test('encodings that the manual calls invalid are undefined', () => {
  const invalid = [
    '8dc0', // LEA with a register
    '62c0', 'c4c0', 'c5c0', '0fb2c0', // far pointers from a register
    'ffd8', 'ffe8', 'fff8', 'fed0', 'fe10', '8f08', 'c608', 'c708', // groups 1A, 4, 5, 11
    '8ec8', '8ef0', '8ef8', '8cf0', '8cf8', // MOV to CS, no sixth and seventh segment register
    '0f20c8', '0f22e8', '0f22f0', '0f22f8', // CR1, CR5 to CR7
    '0f0030', '0f0128', '0f01c0', '0fba00', '0fba18', '0fc7c8', // groups 6, 7, 8, 9
    '0f04', '0f0a', '0f24c0', '0fa6c0', '0f3b', '0f7a00', // holes
    '0faec0', 'd9d1', 'd9e2', 'd9ef', 'dae8', 'dbe5', 'dbf8', 'ddf0', 'ded8', 'dff8',
    'f30f5400', 'f20f1400', '660f12c0', // SSE with a prefix that has no row
  ]; // prettier-ignore
  for (const hex of invalid) assert.equal(decodeHex(`${hex}00000000`), 'undefined', hex);
});

test('MOV to and from control and debug registers always names registers', () => {
  assert.deepEqual(operands('0f2043'), [gpr(3, 4), { kind: 'register', file: 'control', number: 0, size: 4 }]); // prettier-ignore
  assert.equal(instruction('0f2203', 2).length, 3);
  assert.deepEqual(operands('660f2303')[1], gpr(3, 4));
});

test('implied registers are operands', () => {
  assert.deepEqual(operands('0412'), [gpr(0, 1), immediate(0x12, 1)]);
  assert.deepEqual(operands('ec'), [gpr(0, 1), gpr(2, 2)]);
  assert.deepEqual(operands('66ef'), [gpr(2, 2), gpr(0, 2)]);
  assert.deepEqual(operands('d3e0'), [gpr(0, 4), gpr(1, 1)]);
  assert.deepEqual(operands('d0e4'), [gpr(4, 1), immediate(1, 1)]);
  assert.deepEqual(operands('93'), [gpr(3, 4), gpr(0, 4)]);
  assert.deepEqual(operands('06'), [{ kind: 'register', file: 'segment', number: 0, size: 2 }]);
  assert.deepEqual(operands('0fb200')[2], {
    kind: 'register',
    file: 'segment',
    number: 2,
    size: 2,
  });
});

test('string instructions have DS:(E)SI, which can be overridden, and ES:(E)DI, which cannot', () => {
  const [destination, source] = operands('64f3a5');
  const common = { kind: 'memory', index: -1, scale: 0, displacement: 0, addressSize: 4, size: 4 };
  assert.deepEqual(destination, { ...common, segment: SEGMENT.ES, base: 7 });
  assert.deepEqual(source, { ...common, segment: SEGMENT.FS, base: 6 });
  assert.equal(memory('67 aa').addressSize, 2);
  assert.equal(memory('a5', 2).size, 2);
});

test('immediates are extended as the manual says', () => {
  assert.deepEqual(operands('83c0ff')[1], immediate(-1, 4));
  assert.deepEqual(operands('6683c0ff')[1], immediate(-1, 2));
  assert.deepEqual(operands('80c0ff')[1], immediate(0xff, 1));
  assert.deepEqual(operands('66b8ffff')[1], immediate(0xffff, 2));
  assert.deepEqual(operands('b8ffffffff')[1], immediate(-1, 4));
  assert.deepEqual(operands('6a80'), [immediate(-128, 4)]);
  assert.deepEqual(operands('c8341280'), [immediate(0x1234, 2), immediate(0x80, 1)]);
  assert.deepEqual(operands('c20080'), [immediate(0x8000, 2)]);
});

test('branch targets are absolute and truncated to the operand size', () => {
  const target = (hex: string, size: 2 | 4, eip: number) => operands(hex, size, eip)[0];
  assert.deepEqual(target('ebfe', 4, 0xc0001000), { kind: 'relative', target: 0xc0001000 });
  assert.deepEqual(target('e900000080', 4, 0xffff0000), { kind: 'relative', target: 0x7fff0005 });
  assert.deepEqual(target('7410', 2, 0xfff8), { kind: 'relative', target: 0x000a });
  assert.deepEqual(target('667410', 4, 0x12340000), { kind: 'relative', target: 0x0013 });
  assert.deepEqual(target('66e9f0ffffff', 2, 0), { kind: 'relative', target: 0xfffffff6 });
  assert.deepEqual(target('ea785634120800', 4, 0), {
    kind: 'far',
    selector: 8,
    offset: 0x12345678,
  });
  assert.deepEqual(target('ea00100008', 2, 0), { kind: 'far', selector: 0x800, offset: 0x1000 });
});

test('memory operands say how many bytes are accessed', () => {
  const sizes: readonly (readonly [string, number])[] = [
    ['8d00', 0], ['0f0138', 0], ['0f0110', 6], ['ff18', 6], ['66ff18', 4], ['6200', 8], ['666200', 4],
    ['8c00', 2], ['0f0120', 2], ['0fb700', 2], ['0fc708', 8], ['d800', 4], ['dd00', 8], ['db28', 10],
    ['df38', 8], ['df00', 2], ['d920', 28], ['66d920', 14], ['dd20', 108], ['66dd30', 94], ['d928', 2],
    ['0fae00', 512], ['0f6f00', 8], ['660f6f00', 16], ['f30f1000', 4], ['f20f1000', 8], ['0f6000', 4],
  ]; // prettier-ignore
  for (const [hex, size] of sizes) assert.equal(memory(hex).size, size, hex);
});

test('a prefix that belongs to the opcode is no repeat', () => {
  assert.equal(instruction('f390').row.meaning, 'pause');
  assert.equal(instruction('f390').repeat, 0);
  assert.equal(instruction('f30f1000').row.mnemonic, 'movss');
  assert.equal(instruction('66f20f1000').row.mnemonic, 'movsd');
  assert.equal(instruction('f3c3').repeat, 0xf3);
  assert.equal(instruction('f30fbc c0').row.mnemonic, 'bsf');
});
