/**
 * Types (DWARF 5, chapter 5) out of a file's entries, as objects that read what they refer to when they
 * are asked. What a file says wrongly is a type without size or name, never an error, so that whoever
 * shows a structure shows the rest of it; and a typedef, a qualifier or an array always comes to an end
 * that is none of those, so that whoever looks through them ends.
 */
import type { DebugEntries } from '../../emulator/formats/dwarf/debug-entries.ts';
import type { Entry } from '../../emulator/formats/dwarf/entry.ts';
import { AT, TAG } from '../../emulator/formats/dwarf/names.ts';
import { FormatError } from '../../emulator/formats/format-error.ts';
import type { ArrayType, BaseType, CType, FunctionType, QualifiedType, StructType } from './c-types.ts'; // prettier-ignore
import { DwarfMembers } from './dwarf-members.ts';
import { baseType, enumType } from './dwarf-scalars.ts';

/** Finds the complete one of a structure, union, class or enumeration that is only declared. */
export type Completion = (tag: number, name: string) => number | null;

export const VOID: CType = { kind: 'void' };
/** Where a file refers to a type that it does not have, or that has none of the forms of C. */
export const UNKNOWN_TYPE: BaseType = { kind: 'base', name: '<unknown type>', size: 0, encoding: 'other', signed: false }; // prettier-ignore

const KEPT_TYPES = 1 << 15;
/** Typedefs of typedefs of qualified arrays. */
const LONGEST_CHAIN = 64;
const MOST_DIMENSIONS = 32;
/** Members, parameters, enumerators. */
const MOST_PARTS = 1 << 16;

export class DwarfTypes {
  readonly entries: DebugEntries;
  private readonly complete: Completion;
  private readonly members = new DwarfMembers(this);
  /** By offset of the entry. */
  private readonly known = new Map<number, CType>();

  constructor(entries: DebugEntries, complete: Completion) {
    this.entries = entries;
    this.complete = complete;
  }

  /** Type that an entry, or what it completes, has (DW_AT_type): void where it has none. */
  of(entry: Entry): CType {
    return this.laterOf(entry)();
  }

  /** The same, read when it is asked for; nothing of the entry is kept until then. */
  laterOf(entry: Entry): () => CType {
    const origin = this.entries.origins(entry).find((one) => one.has(AT.TYPE));
    if (origin === undefined) return () => VOID;
    const offset = this.entries.referred(origin, AT.TYPE);
    return once(() => (offset === null ? UNKNOWN_TYPE : this.at(offset)));
  }

  /** The type that the entry at an offset is. */
  at(offset: number): CType {
    const known = this.known.get(offset);
    if (known !== undefined) return known;
    const type = this.read(offset);
    if ('isDeclaration' in type && type.isDeclaration) return type;
    this.known.set(offset, type);
    if (this.known.size > KEPT_TYPES) this.forgetHalf();
    return type;
  }

  /** As a function's own entry tells it. */
  functionOf(entry: Entry): FunctionType {
    return this.functionType(entry);
  }

  /** Entries below one, at the most as many as any type has; what is damaged ends them. */
  parts(offset: number): readonly Entry[] {
    const parts: Entry[] = [];
    try {
      for (const part of this.entries.children(this.entries.entry(offset)))
        if (parts.push(part) >= MOST_PARTS) break;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return parts;
    }
    return parts;
  }

  private read(offset: number): CType {
    try {
      return this.make(this.entries.entry(offset));
    } catch (error) {
      if (error instanceof FormatError) return UNKNOWN_TYPE;
      throw error;
    }
  }

  private make(entry: Entry): CType {
    const target = this.laterOf(entry);
    switch (entry.tag) {
      case TAG.BASE_TYPE:
        return baseType(entry);
      case TAG.UNSPECIFIED_TYPE:
        return VOID;
      case TAG.POINTER_TYPE:
      case TAG.REFERENCE_TYPE:
      case TAG.RVALUE_REFERENCE_TYPE: {
        const size = entry.number(AT.BYTE_SIZE) ?? entry.unit.header.address;
        return pointerType(size, target);
      }
      case TAG.TYPEDEF:
        if (!this.comesToAnEnd(entry)) return UNKNOWN_TYPE;
        return typedefType(entry.text(AT.NAME) ?? '', target);
      case TAG.CONST_TYPE:
      case TAG.VOLATILE_TYPE:
      case TAG.RESTRICT_TYPE:
      case TAG.ATOMIC_TYPE:
        if (!this.comesToAnEnd(entry)) return UNKNOWN_TYPE;
        return qualifiedType(QUALIFIERS[entry.tag], target);
      case TAG.ARRAY_TYPE:
        return this.comesToAnEnd(entry) ? this.arrayType(entry) : UNKNOWN_TYPE;
      case TAG.STRUCTURE_TYPE:
      case TAG.UNION_TYPE:
      case TAG.CLASS_TYPE:
        return this.structType(entry, STRUCTS[entry.tag]);
      case TAG.ENUMERATION_TYPE:
        return this.completed(entry) ?? enumType(entry, this.parts(entry.offset), this.of(entry));
      case TAG.SUBROUTINE_TYPE:
      case TAG.SUBPROGRAM:
        return this.functionType(entry);
      case TAG.SUBRANGE_TYPE:
        return this.of(entry);
      default:
        return UNKNOWN_TYPE;
    }
  }

  /** Not only typedefs, qualifiers and arrays of one another in a circle. */
  private comesToAnEnd(entry: Entry): boolean {
    let last: Entry = entry;
    for (let length = 0; length < LONGEST_CHAIN; length++) {
      const next = this.entries.follow(last, AT.TYPE);
      if (next === null || !TRANSPARENT.has(next.tag)) return true;
      last = next;
    }
    return false;
  }

  private arrayType(entry: Entry): CType {
    const counts = this.parts(entry.offset).filter(({ tag }) => tag === TAG.SUBRANGE_TYPE).map(countOf); // prettier-ignore
    counts.splice(MOST_DIMENSIONS);
    const last = counts.pop() ?? null;
    const element = this.laterOf(entry);
    const inner: ArrayType = {
      kind: 'array',
      get element() {
        return element();
      },
      count: last,
    };
    return counts.reduceRight<ArrayType>(
      (row, count) => ({ kind: 'array', element: row, count }),
      inner,
    );
  }

  private structType(entry: Entry, kind: StructType['kind']): CType {
    const isDeclaration = entry.flag(AT.DECLARATION);
    const completed = this.completed(entry);
    if (completed !== null) return completed;
    const { offset } = entry;
    const members = once(() => this.members.of(offset));
    return {
      kind,
      name: entry.text(AT.NAME),
      size: entry.number(AT.BYTE_SIZE) ?? 0,
      isDeclaration,
      get members() {
        return members();
      },
    };
  }

  /** Of one that is only declared, the one that is not; else null. */
  private completed(entry: Entry): CType | null {
    if (!entry.flag(AT.DECLARATION)) return null;
    const signed = this.entries.follow(entry, AT.SIGNATURE);
    const name = entry.text(AT.NAME);
    const offset = signed?.offset ?? (name === null ? null : this.complete(entry.tag, name));
    if (offset === null) return null;
    // one that is a declaration too would be looked for again
    const found = this.entries.entry(offset);
    return found.flag(AT.DECLARATION) || found.tag !== entry.tag ? null : this.at(offset);
  }

  private functionType(entry: Entry): FunctionType {
    const { offset } = this.declaring(entry);
    const result = this.laterOf(entry);
    const rest = once(() => {
      const parts = this.parts(offset);
      return {
        parameters: parts.filter(({ tag }) => tag === TAG.FORMAL_PARAMETER).map((part) => this.of(part)), // prettier-ignore
        isVariadic: parts.some(({ tag }) => tag === TAG.UNSPECIFIED_PARAMETERS),
      };
    });
    return {
      kind: 'function',
      get result() {
        return result();
      },
      get parameters() {
        return rest().parameters;
      },
      get isVariadic() {
        return rest().isVariadic;
      },
    };
  }

  /** Of a function's copies, the one that was compiled from the source: the others may lack parameters. */
  private declaring(entry: Entry): Entry {
    const abstract = this.entries.follow(entry, AT.ABSTRACT_ORIGIN);
    return abstract ?? entry;
  }

  private forgetHalf(): void {
    let left = KEPT_TYPES / 2;
    for (const offset of this.known.keys()) {
      if (left-- <= 0) return;
      this.known.delete(offset);
    }
  }
}

const QUALIFIERS = {
  [TAG.CONST_TYPE]: 'const',
  [TAG.VOLATILE_TYPE]: 'volatile',
  [TAG.RESTRICT_TYPE]: 'restrict',
  [TAG.ATOMIC_TYPE]: 'atomic',
} as const satisfies { readonly [tag: number]: QualifiedType['qualifier'] };

const STRUCTS = {
  [TAG.STRUCTURE_TYPE]: 'struct',
  [TAG.UNION_TYPE]: 'union',
  [TAG.CLASS_TYPE]: 'class',
} as const satisfies { readonly [tag: number]: StructType['kind'] };

/** What a reader looks through to see what a type is. */
const TRANSPARENT: ReadonlySet<number> = new Set([
  TAG.TYPEDEF, TAG.CONST_TYPE, TAG.VOLATILE_TYPE, TAG.RESTRICT_TYPE, TAG.ATOMIC_TYPE, TAG.ARRAY_TYPE,
  TAG.SUBRANGE_TYPE,
]); // prettier-ignore

const pointerType = (size: number, target: () => CType): CType => ({
  kind: 'pointer',
  size,
  get target() {
    return target();
  },
});

const typedefType = (name: string, target: () => CType): CType => ({
  kind: 'typedef',
  name,
  get target() {
    return target();
  },
});

const qualifiedType = (qualifier: QualifiedType['qualifier'], target: () => CType): CType => ({
  kind: 'qualified',
  qualifier,
  get target() {
    return target();
  },
});

/** Elements that a subrange tells; null where it does not, or only while the program runs. */
function countOf(subrange: Entry): number | null {
  const count = subrange.number(AT.COUNT);
  if (count !== null) return count;
  const last = subrange.number(AT.UPPER_BOUND);
  if (last === null) return null;
  // -1, of an array without elements, in a form without a sign
  const bits = 8 * subrange.constantSize(AT.UPPER_BOUND);
  if (bits >= 32 && last >= 2 ** bits - 1) return 0;
  return Math.max(last - (subrange.number(AT.LOWER_BOUND) ?? 0) + 1, 0);
}

/** Computed when it is asked for first. */
function once<Value>(compute: () => Value): () => Value {
  let known: { readonly value: Value } | null = null;
  return () => (known ??= { value: compute() }).value;
}
