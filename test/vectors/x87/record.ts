/**
 * The records of make-vectors.c, and the lines of text in which a choice of them is kept. A line holds
 * hexadecimal fields: opcode and ModRM, control word, status word, full registers, EFLAGS, ST(0), the
 * other operand, the memory operand; then "=" and status word, full registers, EFLAGS, ST(0), the other
 * operand, ST(7), memory as they are afterwards. "-" stands for an output that is as before; numbers of
 * ten bytes are written from the sign down, without the zeros at their end.
 */

/** Bytes of a record. */
export const RECORD = 82;
export const FIELD = {
  OPCODE: 0, MODRM: 1, CONTROL: 2, STATUS: 4, TAGS: 6, FLAGS: 7, ST0: 8, OTHER: 18, MEMORY: 28,
  STATUS_OUT: 38, TAGS_OUT: 40, FLAGS_OUT: 41, ST0_OUT: 42, OTHER_OUT: 52, ST7_OUT: 62, MEMORY_OUT: 72,
} as const; // prettier-ignore

/** Fields of a line in their order: where they lie, how long they are, and the input they may equal. */
const IN = [[0, 1], [1, 1], [2, 2], [4, 2], [6, 1], [7, 1], [8, 10], [18, 10], [28, 10]] as const; // prettier-ignore
const OUT = [[38, 2, 4], [40, 1, 6], [41, 1, 7], [42, 10, 8], [52, 10, 18], [62, 10, 0], [72, 10, 28]] as const; // prettier-ignore

/** What ST(7) holds before, by the status word's TOP (filler() of make-vectors.c). */
function fillerOfSt7(record: Uint8Array): Uint8Array {
  const register = (((record[FIELD.STATUS + 1] ?? 0) >> 3) + 7) & 7;
  const bytes = new Uint8Array(10);
  bytes[0] = register;
  bytes[7] = 0xc0 | register;
  new DataView(bytes.buffer).setUint16(8, 0x3fff + 16 * register, true);
  return bytes;
}

function before(record: Uint8Array, length: number, at: number): Uint8Array {
  if (at === 0 && !namesSt7(record)) return fillerOfSt7(record);
  return record.subarray(at === 0 ? FIELD.OTHER : at, (at === 0 ? FIELD.OTHER : at) + length);
}
/** The other operand is ST(7). */
function namesSt7(record: Uint8Array): boolean {
  return otherRegister(record) === 7;
}

/** Which register ST(i) is the record's other operand. */
export function otherRegister(record: Uint8Array): number {
  const opcode = record[FIELD.OPCODE] ?? 0;
  const modrm = record[FIELD.MODRM] ?? 0;
  return modrm >= 0xc0 && !(opcode === 0xd9 && modrm >= 0xe0) ? modrm & 7 : 1;
}

function hex(bytes: Uint8Array): string {
  const digits = [...bytes].reverse().map((byte) => byte.toString(16).padStart(2, '0'));
  return digits.join('');
}
function unhex(text: string, length: number): Uint8Array {
  const digits = text.padEnd(2 * length, '0');
  const bytes = Array.from({ length }, (_, i) => parseInt(digits.slice(2 * i, 2 * i + 2), 16));
  return Uint8Array.from(bytes.reverse());
}
function field(record: Uint8Array, at: number, length: number): string {
  const text = hex(record.subarray(at, at + length));
  return length < 10 ? text : text.replace(/(?<=.)0+$/, '');
}

export function toLine(record: Uint8Array): string {
  const inputs = IN.map(([at, length]) => field(record, at, length));
  const outputs = OUT.map(([at, length, from]) => {
    const same = hex(record.subarray(at, at + length)) === hex(before(record, length, from));
    return same ? '-' : field(record, at, length);
  });
  return `${inputs.join(' ')} = ${outputs.join(' ')}`;
}

export function fromLine(line: string): Uint8Array {
  const [inputs = '', outputs = ''] = line.split(' = ');
  const record = new Uint8Array(RECORD);
  inputs.split(' ').forEach((text, i) => {
    const [at, length] = IN[i] ?? [0, 0];
    record.set(unhex(text, length), at);
  });
  outputs.split(' ').forEach((text, i) => {
    const [at, length, from] = OUT[i] ?? [0, 0, 0];
    record.set(text === '-' ? before(record, length, from) : unhex(text, length), at);
  });
  return record;
}
