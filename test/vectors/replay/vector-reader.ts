/**
 * Files of vectors: a text that says what they are, an empty line, the number of cases and the index of
 * the first (both 32 bits), then the cases, whose layout is that of the make-vectors.c beside the file.
 */
const NEWLINE = 0x0a;

/** Little-endian numbers and bytes in order. Throws RangeError at the end of the file. */
export class VectorReader {
  position: number;
  private readonly view: DataView;
  private readonly file: Uint8Array;

  constructor(file: Uint8Array, start: number) {
    this.file = file;
    this.view = new DataView(file.buffer, file.byteOffset, file.length);
    this.position = start;
  }
  u8(): number {
    return this.view.getUint8(this.position++);
  }
  i8(): number {
    return this.view.getInt8(this.position++);
  }
  u16(): number {
    this.position += 2;
    return this.view.getUint16(this.position - 2, true);
  }
  u32(): number {
    this.position += 4;
    return this.view.getUint32(this.position - 4, true);
  }
  bytes(length: number): Uint8Array {
    this.position += length;
    return this.file.subarray(this.position - length, this.position);
  }
  /** A mask, and for each register in it `size` bytes, put at its number times `stride`. */
  registers(into: Uint8Array, stride: number, size: number): void {
    const mask = this.u8();
    for (let i = 0; i < 8; i++) if (((mask >> i) & 1) !== 0) into.set(this.bytes(size), i * stride);
  }
  /** A number of runs, each an offset, a length and the bytes there. */
  runs(into: Uint8Array): void {
    for (let count = this.u8(); count > 0; count--) {
      const at = this.u16();
      into.set(this.bytes(this.u8()), at);
    }
  }
}

/** All cases of a file, one after the other. */
export function* readVectors<Case>(
  file: Uint8Array,
  readCase: (reader: VectorReader, index: number) => Case,
): Generator<Case> {
  let start = 0;
  while (file[start] !== NEWLINE || file[start + 1] !== NEWLINE) start++;
  const reader = new VectorReader(file, start + 2);
  const count = reader.u32();
  const first = reader.u32();
  for (let n = 0; n < count; n++) yield readCase(reader, (first + n) >>> 0);
  if (reader.position !== file.length) throw new Error('the file does not end with its last case');
}
