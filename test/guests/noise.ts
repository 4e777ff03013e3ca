/**
 * Random code for bad/random-code.s: bytes that are mostly common instructions with random operands, so
 * that a run gets further than a few of them, and in one seed of four nothing but random bytes.
 */

/** Marsaglia's xorshift with 32 bits: the same sequence for the same seed everywhere. */
function randomNumbers(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
}

// prettier-ignore
const WITH_MODRM = [
  0x00, 0x01, 0x02, 0x03, 0x08, 0x09, 0x0b, 0x10, 0x11, 0x13, 0x19, 0x1b, 0x21, 0x23, 0x29, 0x2b, 0x31, 0x33, 0x39, 0x3b,
  0x63, 0x69, 0x6b, 0x80, 0x81, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8b, 0x8c, 0x8d, 0x8e, 0x8f, 0xc0, 0xc1,
  0xc4, 0xc5, 0xc6, 0xc7, 0xd0, 0xd1, 0xd2, 0xd3, 0xd8, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xf6, 0xf7, 0xfe, 0xff,
];
// prettier-ignore
const ONE_BYTE = [
  0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x40, 0x45, 0x4a, 0x50, 0x53, 0x54, 0x58, 0x5b, 0x5c,
  0x60, 0x61, 0x6c, 0x6d, 0x6e, 0x6f, 0x90, 0x91, 0x98, 0x99, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa4, 0xa5, 0xa6, 0xa7, 0xaa,
  0xab, 0xac, 0xad, 0xae, 0xaf, 0xc3, 0xc9, 0xcc, 0xce, 0xcf, 0xd7, 0xec, 0xee, 0xf1, 0xf5, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd,
];
const PREFIXES = [0x66, 0x67, 0xf2, 0xf3, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0xf0];
const NEAR_BRANCHES = [0xe8, 0xe9, 0xeb, 0xe0, 0xe1, 0xe2, 0xe3];

export function noise(seed: number, length: number): Uint8Array {
  const next = randomNumbers(seed);
  const pick = (from: readonly number[]): number => from[next() % from.length] ?? 0;
  const bytes: number[] = [];
  const random = (count: number): void => {
    for (let i = 0; i < count; i++) bytes.push(next() & 0xff);
  };
  while (bytes.length < length) {
    if (seed % 4 === 0 || next() % 16 === 0) random(1);
    else {
      if (next() % 4 === 0) bytes.push(pick(PREFIXES));
      instruction();
    }
  }
  return Uint8Array.from(bytes.slice(0, length));

  function instruction(): void {
    switch (next() % 8) {
      case 0:
      case 1:
        bytes.push(pick(ONE_BYTE));
        break;
      case 2:
        if (next() % 2 === 0) bytes.push(0x70 | (next() & 15), (next() % 40) - 20);
        else bytes.push(pick(NEAR_BRANCHES), next() % 64, 0, 0, 0);
        break;
      case 3:
        bytes.push(0x0f);
        random(2);
        break;
      default:
        bytes.push(pick(WITH_MODRM));
        operand();
        random([0, 0, 1, 4][next() % 4] ?? 0);
    }
  }
  /** ModRM with SIB and displacement: registers, memory at a register, memory near a register. */
  function operand(): void {
    const kind = next() % 8;
    const fields = next() & 0x3f;
    bytes.push((kind < 3 ? 0xc0 : kind < 6 ? 0x00 : 0x40) | fields);
    if (kind < 3) return;
    if ((fields & 7) === 4) random(1);
    if (kind >= 6) random(1);
    // an address in the first 512 KiB, and sometimes far away
    else if ((fields & 7) === 5)
      bytes.push(next(), next(), next() & 7, next() % 50 === 0 ? 0xfe : 0);
  }
}
