/**
 * Members of structures, unions and classes (DWARF 5, 5.7.6): where they are, bit-fields among them, which
 * DWARF up to 3 counts from the other end (DWARF 3, 5.6.6 "DW_AT_bit_offset").
 */
import type { Entry } from '../../emulator/formats/dwarf/entry.ts';
import { AT, TAG } from '../../emulator/formats/dwarf/names.ts';
import { FormatError } from '../../emulator/formats/format-error.ts';
import type { CType, Member } from './c-types.ts';
import { type DwarfTypes, UNKNOWN_TYPE } from './dwarf-types.ts';

/** DW_OP_plus_uconst, which is how DWARF 2 writes an offset. */
const OP_PLUS_UCONST = 0x23;
/** Entries of structures without a name, inside one another, that are looked at to see that they end. */
const MOST_LOOKED_AT = 20_000;

interface Patience {
  left: number;
}

export class DwarfMembers {
  private readonly types: DwarfTypes;

  constructor(types: DwarfTypes) {
    this.types = types;
  }

  /** Of the structure at an offset, in its order. */
  of(offset: number): readonly Member[] {
    const patience = { left: MOST_LOOKED_AT };
    return this.types
      .parts(offset)
      .filter(isMember)
      .map((entry) => this.member(entry, patience));
  }

  private member(entry: Entry, patience: Patience): Member {
    const name = entry.tag === TAG.INHERITANCE ? null : entry.text(AT.NAME);
    const isFinite = name !== null || this.comesToAnEnd(entry, patience);
    const type = isFinite ? this.types.of(entry) : UNKNOWN_TYPE;
    const offset = memberOffset(entry);
    const count = entry.number(AT.BIT_SIZE);
    if (count === null) return { name, type, offset, bits: null };
    const size = entry.number(AT.BYTE_SIZE) ?? sizeOf(type);
    const fromEnd = entry.number(AT.BIT_OFFSET);
    const first =
      fromEnd === null
        ? 8 * offset + (entry.number(AT.DATA_BIT_OFFSET) ?? 0)
        : 8 * (offset + size) - fromEnd - count;
    return { name, type, ...bitField(first, count, size) };
  }

  /** Whether the members without names that count as those of the whole are not without end. */
  private comesToAnEnd(member: Entry, patience: Patience): boolean {
    try {
      return this.nested(member, patience);
    } catch (error) {
      if (error instanceof FormatError) return false;
      throw error;
    }
  }

  private nested(member: Entry, patience: Patience): boolean {
    const { entries } = this.types;
    const waiting = [member];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const type = entries.follow(next, AT.TYPE);
      if (type === null) continue;
      for (const part of entries.children(type)) {
        if (--patience.left < 0) return false;
        if (isMember(part) && !part.has(AT.NAME)) waiting.push(part);
      }
    }
    return true;
  }
}

/** Static members have no place in the whole. */
function isMember(entry: Entry): boolean {
  return entry.tag === TAG.INHERITANCE || (entry.tag === TAG.MEMBER && !entry.flag(AT.EXTERNAL));
}

function memberOffset(entry: Entry): number {
  const constant = entry.number(AT.DATA_MEMBER_LOCATION);
  if (constant !== null) return constant;
  const block = entry.block(AT.DATA_MEMBER_LOCATION);
  if (block?.[0] !== OP_PLUS_UCONST) return 0;
  let offset = 0;
  for (let at = 1, shift = 0; at < block.length && shift < 32; at++, shift += 7) {
    offset |= ((block[at] ?? 0) & 0x7f) << shift;
    if ((block[at] ?? 0) < 0x80) break;
  }
  return offset >>> 0;
}

/**
 * A bit-field in units of its type where it lies in one, else from its first byte.
 * @param first its lowest bit, from the start of the whole
 */
function bitField(first: number, count: number, size: number): Pick<Member, 'offset' | 'bits'> {
  const unit = 8 * size;
  const start = unit === 0 ? 0 : Math.floor(first / unit) * unit;
  if (unit > 0 && first + count <= start + unit)
    return { offset: start / 8, bits: { first: first - start, count } };
  const byte = Math.floor(first / 8);
  return { offset: byte, bits: { first: first - 8 * byte, count } };
}

/** Of an integer, an enumeration or a boolean, through its other names. */
function sizeOf(type: CType): number {
  while (type.kind === 'typedef' || type.kind === 'qualified') type = type.target;
  return 'size' in type ? type.size : 0;
}
