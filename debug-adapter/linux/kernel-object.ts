/**
 * An object of the kernel in memory with its type: members are found by name, through anonymous structures,
 * and which of two names a kernel has tells its generation. Reading a member that this kernel's type does
 * not have is an error; `has` asks first.
 */
import type { CType, StructType } from '../symbols/c-types.ts';
import { typeText } from '../typed/type-text.ts';
import { integerOfType, isStruct, sizeOf, stripped } from '../typed/types.ts';
import { KernelError, type KernelMemory, textOf } from './kernel-memory.ts';

/** Where a member is in the whole. */
export interface Field {
  readonly layout: Layout;
  /** Bytes. */
  readonly offset: number;
  readonly bits: { readonly first: number; readonly count: number } | null;
}

/** Text that a char * points to, at most. */
const LONGEST_TEXT = 4096;

/** A type whose members were looked for by name: a kernel's have hundreds, and each task is asked again. */
export class Layout {
  readonly type: CType;
  private readonly fields = new Map<string, Field | null>();
  private pointee: Layout | null = null;

  constructor(type: CType) {
    this.type = type;
  }

  /** @param path "thread.sp"; null where a type along it has no such member */
  field(path: string): Field | null {
    const known = this.fields.get(path);
    if (known !== undefined) return known;
    let field: Field | null = { layout: this, offset: 0, bits: null };
    for (const name of path === '' ? [] : path.split('.')) {
      const inner: Field | null = field.layout.direct(name);
      if (inner === null) {
        field = null;
        break;
      }
      field = { ...inner, offset: field.offset + inner.offset };
    }
    this.fields.set(path, field);
    return field;
  }

  /** What a pointer points to; null for another type. */
  target(): Layout | null {
    const plain = stripped(this.type);
    if (plain.kind !== 'pointer') return null;
    return (this.pointee ??= new Layout(plain.target));
  }

  private direct(name: string): Field | null {
    const whole = stripped(this.type);
    return isStruct(whole) ? memberNamed(whole, name) : null;
  }
}

/** Anonymous structures inside each other at most. */
const DEEPEST = 16;

/** Of members with another name the type is not even read. */
function memberNamed(whole: StructType, name: string, depth = 0): Field | null {
  for (const member of whole.members) {
    const { offset, bits } = member;
    if (member.name === name) return { layout: new Layout(member.type), offset, bits };
    const inside = member.name === null ? stripped(member.type) : null;
    if (inside === null || !isStruct(inside) || depth > DEEPEST) continue;
    const found = memberNamed(inside, name, depth + 1);
    if (found !== null) return { ...found, offset: offset + found.offset };
  }
  return null;
}

export class KernelObject {
  readonly memory: KernelMemory;
  readonly layout: Layout;
  /** Linear. */
  readonly address: number;

  constructor(memory: KernelMemory, layout: Layout, address: number) {
    this.memory = memory;
    this.layout = layout;
    this.address = address >>> 0;
  }

  get type(): CType {
    return this.layout.type;
  }

  /** Another object of the same type. */
  at(address: number): KernelObject {
    return new KernelObject(this.memory, this.layout, address);
  }

  /** Bytes. Throws KernelError where nobody knows. */
  get size(): number {
    const size = sizeOf(this.type);
    if (size === null) throw new KernelError(`Nobody says how large a ${typeText(this.type)} is.`);
    return size;
  }

  has(path: string): boolean {
    return this.layout.field(path) !== null;
  }

  /** The first of the paths that this kernel's type has; null for none. */
  firstOf(...paths: readonly string[]): string | null {
    return paths.find((path) => this.has(path)) ?? null;
  }

  /** Throws KernelError for a member that is not there. */
  member(path: string): KernelObject {
    const { layout, offset } = this.field(path);
    return new KernelObject(this.memory, layout, this.address + offset);
  }

  /** An element of an array, or of what a pointer's target begins. */
  element(index: number): KernelObject {
    const plain = stripped(this.type);
    if (plain.kind !== 'array') throw new KernelError(`A ${typeText(plain)} is no array.`);
    const size = sizeOf(plain.element) ?? 0;
    return new KernelObject(this.memory, new Layout(plain.element), this.address + index * size);
  }

  /** An integer, an enumerator or a pointer; of a structure with a single member, as atomic_t, that one's. */
  async integer(path = ''): Promise<bigint> {
    const { layout, offset, bits } = this.field(path);
    const { type } = layout;
    const plain = singleOf(type);
    const integer = integerOfType(plain);
    if (integer === null)
      throw new KernelError(`A ${typeText(type)} is no number; the symbols are of another kernel.`);
    if (bits !== null) return this.bitField(offset, bits, integer.signed);
    const raw = await this.memory.integer((this.address + offset) >>> 0, integer.bits / 8);
    return integer.signed ? BigInt.asIntN(integer.bits, raw) : raw;
  }

  /** An integer that a number holds exactly, as all of 32 bits. */
  async number(path = ''): Promise<number> {
    return Number(await this.integer(path));
  }

  /** What a pointer points to; null for a null pointer. */
  async target(path = ''): Promise<KernelObject | null> {
    const { layout } = this.field(path);
    const target = layout.target();
    if (target === null) throw new KernelError(`A ${typeText(layout.type)} is no pointer.`);
    const address = await this.number(path);
    return address === 0 ? null : new KernelObject(this.memory, target, address);
  }

  /** An array of characters, or what a pointer to characters points to. */
  async text(path = ''): Promise<string> {
    const { layout, offset } = this.field(path);
    const plain = stripped(layout.type);
    if (plain.kind === 'array')
      return textOf(await this.memory.bytes(this.address + offset, plain.count ?? 0));
    return this.memory.text(await this.number(path), LONGEST_TEXT);
  }

  private async bitField(
    offset: number,
    { first, count }: { readonly first: number; readonly count: number },
    signed: boolean,
  ): Promise<bigint> {
    const low = first >> 3;
    const bytes = ((first + count - 1) >> 3) - low + 1;
    const unit = await this.memory.integer((this.address + offset + low) >>> 0, bytes);
    const value = (unit >> BigInt(first - low * 8)) & ((1n << BigInt(count)) - 1n);
    return signed ? BigInt.asIntN(count, value) : value;
  }

  private field(path: string): Field {
    const field = this.layout.field(path);
    if (field !== null) return field;
    throw new KernelError(`This kernel's ${typeText(this.type)} has no "${path}".`);
  }
}

/** The only member of a structure that wraps a number: atomic_t, kuid_t, local_t. */
function singleOf(type: CType): CType {
  let found: CType = stripped(type);
  for (let depth = 0; depth < 4 && isStruct(found); depth++) {
    const [only, ...others] = found.members;
    if (only === undefined || others.length > 0) break;
    found = stripped(only.type);
  }
  return found;
}
