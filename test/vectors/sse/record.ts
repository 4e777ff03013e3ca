/**
 * The records of make-vectors.c, and the lines of text in which a choice of them is kept. A line holds
 * hexadecimal fields: prefix, opcode, immediate and EFLAGS as one number; MXCSR; XMM0; XMM1; then "="
 * and MXCSR, XMM0, and what make-vectors.c calls the other result. "-" stands for an output that is as
 * before; XMM registers are written from the highest byte down, without the zeros at their beginning.
 */

/** Bytes of a record, and where its fields lie. */
export const RECORD = 68;
export const FIELD = {
  PREFIX: 0, OPCODE: 1, IMMEDIATE: 2, EFLAGS: 3, MXCSR: 4, DESTINATION: 8, SOURCE: 24,
  MXCSR_OUT: 40, DESTINATION_OUT: 44, OTHER_OUT: 60,
} as const; // prettier-ignore

/** Set in MXCSR_OUT when the instruction raised #XM. */
export const RAISED = 0x80000000;
/** What every byte of MM0 and EAX holds before. */
export const FILLER = 0x5a;

function hex(bytes: Uint8Array): string {
  const digits = [...bytes].reverse().map((byte) => byte.toString(16).padStart(2, '0'));
  return digits.join('').replace(/^0+(?=.)/, '');
}
function unhex(text: string, length: number): Uint8Array {
  const digits = text.padStart(2 * length, '0');
  const bytes = Array.from({ length }, (_, i) => parseInt(digits.slice(2 * i, 2 * i + 2), 16));
  return Uint8Array.from(bytes.reverse());
}

/** The other result of an instruction that has none: EAX and EFLAGS as they were. */
function untouched(record: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8).fill(FILLER, 0, 4);
  bytes[4] = (record[FIELD.EFLAGS] ?? 0) & 0xd7;
  return bytes;
}

/** Fields of a line in their order: offset and length; of outputs also what they may equal. */
const IN = [[0, 4], [4, 4], [8, 16], [24, 16]] as const; // prettier-ignore
const OUT = [
  [FIELD.MXCSR_OUT, 4, (record: Uint8Array) => record.subarray(FIELD.MXCSR, FIELD.MXCSR + 4)],
  [FIELD.DESTINATION_OUT, 16, (record: Uint8Array) => record.subarray(FIELD.DESTINATION, FIELD.SOURCE)],
  [FIELD.OTHER_OUT, 8, untouched],
] as const; // prettier-ignore

export function toLine(record: Uint8Array): string {
  const inputs = IN.map(([at, length]) => hex(record.subarray(at, at + length)));
  const outputs = OUT.map(([at, length, before]) => {
    const text = hex(record.subarray(at, at + length));
    return text === hex(before(record)) ? '-' : text;
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
    const row = OUT[i];
    if (row === undefined) throw new Error(`too many fields: ${line}`);
    record.set(text === '-' ? row[2](record) : unhex(text, row[1]), row[0]);
  });
  return record;
}
