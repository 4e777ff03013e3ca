/**
 * The opcode tables against lists of the manual that were written down independently of them.
 * Run: node --import tsx --test emulator/cpu/decode/opcode-map.test.ts
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode } from './decoder.ts';
import { opcodeForms } from './opcode-map.ts';
import type { OpcodeForm } from './opcode-map.ts';
import { IS_PREFIX } from './prefixes.ts';

/** The shortest bytes that select a form, with zeros behind; 32-bit code unless it asks otherwise. */
function bytesOf(form: OpcodeForm): Uint8Array {
  const bytes: number[] = [];
  if (form.addressSize === 2) bytes.push(0x67);
  if (form.operandSize === 2) bytes.push(0x66);
  if (typeof form.prefix === 'number') bytes.push(form.prefix);
  for (let shift = 16; shift >= 0; shift -= 8) {
    if (shift === 0 || form.opcode >> shift !== 0) bytes.push((form.opcode >> shift) & 0xff);
  }
  const mod = form.form === 'memory' ? 0 : 0xc0;
  if (form.hasModrm) bytes.push(form.modrm < 0 ? mod | (Math.max(form.digit, 0) << 3) : form.modrm);
  return Uint8Array.from([...bytes, ...new Array<number>(16).fill(0)]);
}

function mnemonics(select: (form: OpcodeForm) => boolean): string[] {
  return [...new Set(opcodeForms.filter(select).map((form) => form.row.mnemonic))].sort();
}

test('every form is found by its own encoding', () => {
  for (const form of opcodeForms) {
    const instruction = decode(bytesOf(form), 0, { defaultSize: 4 });
    assert.ok(typeof instruction === 'object', `${form.encoding} ${form.row.mnemonic}`);
    assert.equal(instruction.row, form.row, form.encoding);
    assert.equal(instruction.opcode, form.opcode, form.encoding);
  }
});

test('no two forms share an encoding, but for one with memory and one with a register', () => {
  const keys = opcodeForms.map(({ encoding, form }) => `${encoding} ${form}`);
  assert.equal(new Set(keys).size, keys.length);
});

test('every one-byte opcode is a row, a prefix or the escape 0F (SDM vol. 2, table A-2)', () => {
  const rows = new Set(opcodeForms.map((form) => form.opcode));
  const missing = Array.from({ length: 256 }, (_, byte) => byte).filter(
    (byte) => !rows.has(byte) && IS_PREFIX[byte] === 0,
  );
  assert.deepEqual(missing, [0x0f]);
});

test('LOCK is allowed for the instructions of its page (SDM vol. 2, "LOCK")', () => {
  const manual =
    'adc add and btc btr bts cmpxchg cmpxchg8b dec inc neg not or sbb sub xadd xchg xor';
  assert.deepEqual(
    mnemonics(({ row }) => row.lockable === true),
    manual.split(' '),
  );
});

test('privileged instructions are those of SDM vol. 3, 6.9, with SYSEXIT, MONITOR and SVM', () => {
  const manual = 'clts hlt invd invlpg lgdt lidt lldt lmsw ltr mov rdmsr wbinvd wrmsr';
  const others = 'clgi invlpga monitor mwait skinit stgi sysexit vmload vmrun vmsave';
  const privileged = mnemonics(({ row }) => row.privilege === 0);
  assert.deepEqual(privileged, `${manual} ${others}`.split(' ').sort());
  const moves = opcodeForms.filter(({ row }) => row.privilege === 0 && row.mnemonic === 'mov');
  assert.deepEqual(
    moves.map((form) => form.encoding),
    ['0f 20', '0f 21', '0f 22', '0f 23'],
  );
});

test('conditions are numbered by the low bits of the opcode', () => {
  const conditional = opcodeForms.filter(({ row }) => row.condition !== undefined);
  assert.equal(conditional.length, 4 * 16);
  for (const form of conditional) assert.equal(form.row.condition, form.opcode & 15);
});

test('what follows from a processor feature names it', () => {
  for (const { row, encoding } of opcodeForms) {
    if (/[NPQUVW]/.test(row.operands.replaceAll(/[A-Z]{2}|ST\w/g, ''))) {
      assert.notEqual(row.feature, undefined, encoding);
    }
    if (/^[0-9a-f]{2} /.test(encoding) && /^d[89a-f]/.test(encoding)) {
      assert.match(row.feature ?? '', /^(fpu|cmov|sse3)$/, encoding);
    }
  }
});
