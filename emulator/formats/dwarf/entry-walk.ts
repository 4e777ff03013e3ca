/**
 * One walk over all units of .debug_info and .debug_types (DWARF 5, 2.3 and 7.5), to find what has a name
 * that a person may ask for: functions with code, variables outside functions, types, enumerators. Bodies
 * of functions and members of structures are stepped over, by DW_AT_sibling where a compiler wrote it. A
 * kernel has tens of millions of entries, so the walk goes by prepared steps (entry-shapes.ts), and in
 * slices, so that its host can do other things in between.
 *
 * Not followed: split units (their entries are in other files).
 */
import type { ByteSource } from '../byte-source.ts';
import { FormatError } from '../format-error.ts';
import { readAbbreviations } from './abbreviations.ts';
import { DwarfReader } from './dwarf-reader.ts';
import { ROLE, ROLE_COUNT, STEP, shapesOf, sizeOf, type Shapes } from './entry-shapes.ts';
import { FORM, type UnitSizes } from './forms.ts';
import { TAG } from './names.ts';
import { readText } from '../text.ts';
import { lebAt, skipLeb, skipText, wordAt } from './raw-values.ts';
import { SECTION_NAME, type DwarfSections } from './sections.ts';
import { MOST_HEADER, readUnitHeader, unitExtent } from './unit-header.ts';
import { textAt } from './windows.ts';

/** A unit of a compilation, or a part of one that several have in common. */
export interface WalkedUnit {
  /** Of its header: in .debug_info, or in .debug_types behind the size of .debug_info. */
  readonly offset: number;
  /** Offset of its line table, null without one. */
  readonly lines: number | null;
  /** Folder that the compiler ran in, "" where it is not said. */
  readonly folder: string;
  /** Its code, where it lies in one piece and the unit says so. */
  readonly code: { readonly start: number; readonly end: number } | null;
  /** Its code is told by a list (DW_AT_ranges). */
  readonly hasRanges: boolean;
}

/** Hears what the walk finds. */
export interface WalkListener {
  unit(unit: WalkedUnit): void;
  /**
   * An entry with a name, whose bytes are valid during the call.
   * @param tag DW_TAG_*, or DECLARED_VARIABLE
   * @param offset of the entry, as WalkedUnit.offset
   */
  entry(tag: number, offset: number, name: Uint8Array): void;
  /** The same for a name in .debug_str: many entries have one there in common. */
  entryAt(tag: number, offset: number, text: number): void;
}

/** Told instead of DW_TAG_variable for one that is defined elsewhere (DW_AT_declaration); no DW_TAG_* is so large. */
export const DECLARED_VARIABLE = 0x10000;

/** What entries at a level of the tree are: nothing that is asked for, things outside functions, enumerators. */
const LEVEL = { IGNORED: 0, OUTER: 1, ENUMERATION: 2 } as const;
/** Deeper trees are those of no compiler. */
const MOST_LEVELS = 4096;
/** Entries between two looks at the clock. */
const SLICE = 2048;
/** Entries whose names each other have, one behind the other. */
const MOST_NAMESAKES = 16;
/** Characters of a name that count: names may overlap, and be as long as the unit. */
const LONGEST_NAME = 4096;
/** A hostile file may let each of many small units have the same large table of abbreviations. */
const SPECIFICATIONS_PER_BYTE = 16;
const LEAST_PATIENCE = 1 << 20;
interface Unit {
  /** Of its header, in its section. */
  readonly start: number;
  readonly end: number;
  /** Of its first entry, from `start`. */
  readonly first: number;
  readonly sizes: UnitSizes;
  readonly shapes: Shapes;
  readonly bytes: Uint8Array;
  /** Where its indices into .debug_str_offsets count from. */
  texts: number;
}

/** An entry whose name is in another unit: (7.5.5 DW_FORM_ref_addr). */
interface Borrower {
  readonly tag: number;
  readonly offset: number;
  readonly namesake: number;
}

export class EntryWalk {
  private readonly sections: DwarfSections;
  private readonly listener: WalkListener;
  /** The section that is walked, and what is added to offsets in it. */
  private section: ByteSource;
  private base = 0;
  private unit: Unit | null = null;
  private shapes: { readonly key: string; readonly shapes: Shapes } | null = null;
  /** Specifications that may still be read. */
  private patience: number;
  private readonly borrowers: Borrower[] = [];
  private buffer = new Uint8Array(0);
  /** Of the units of the section, in order. */
  private starts: number[] = [];
  // of the entry that was stepped over last
  private picked = 0;
  private readonly values = new Float64Array(ROLE_COUNT);
  private nameForm = 0;
  private nameAt = 0;

  constructor(sections: DwarfSections, listener: WalkListener) {
    this.sections = sections;
    this.listener = listener;
    this.section = sections.info;
    this.patience = LEAST_PATIENCE + SPECIFICATIONS_PER_BYTE * (sections.info.length + sections.types.length); // prettier-ignore
  }

  /** Walks; yields every few hundred microseconds the bytes that are done. Throws FormatError. */
  *run(): Generator<number, void, undefined> {
    const { info, types } = this.sections;
    for (const section of [info, types]) {
      this.section = section;
      this.base = section === types ? info.length : 0;
      this.starts = [];
      for (let at = 0; at < section.length;) {
        this.starts.push(at);
        const { unit, end } = this.header(at);
        if (unit !== null) yield* this.walk(unit);
        at = end;
        yield this.base + at;
      }
      yield* this.lent();
    }
  }

  /** The unit at an offset; null for one of a kind or version that is not followed. */
  private header(start: number): { readonly unit: Unit | null; readonly end: number } {
    const { section, base } = this;
    const head = section.read(start, Math.min(MOST_HEADER, section.length - start));
    const { size } = unitExtent(new DwarfReader(this.name, head));
    const end = start + size;
    if (end > section.length) throw this.damaged('it ends too early');
    const header = readUnitHeader(new DwarfReader(this.name, head), base + start, this.isTypes);
    if (header === null) return { unit: null, end };
    const { headerSize: first, abbreviations, version, format, address } = header;
    const sizes = { version, format, address };
    const shapes = this.shapesAt(abbreviations, sizes);
    const bytes = this.fetched(start, size);
    return { unit: { start, end, first, sizes, shapes, bytes, texts: 0 }, end };
  }

  /** Bytes of the section, valid until the next call. */
  private fetched(start: number, size: number): Uint8Array {
    const { section } = this;
    if (section.readInto === undefined) return section.read(start, size);
    if (size > this.buffer.length) this.buffer = new Uint8Array(size);
    const bytes = this.buffer.subarray(0, size);
    section.readInto(start, bytes);
    return bytes;
  }

  private shapesAt(offset: number, sizes: UnitSizes): Shapes {
    const key = `${offset} ${sizes.version} ${sizes.format} ${sizes.address}`;
    if (this.shapes?.key === key) return this.shapes.shapes;
    const table = readAbbreviations(this.sections.abbreviations, offset);
    for (const { specifications } of table.values()) this.patience -= specifications.length + 1;
    if (this.patience < 0) throw this.damaged('its units are smaller than what describes them');
    const shapes = shapesOf(table, sizes);
    this.shapes = { key, shapes };
    return shapes;
  }

  private *walk(unit: Unit): Generator<number, void, undefined> {
    this.unit = unit;
    const { bytes, shapes, start } = unit;
    const end = bytes.length;
    const levels = new Uint8Array(MOST_LEVELS);
    let depth = -1;
    let at = unit.first;
    let left = SLICE;
    while (at < end) {
      const entry = at;
      let code = bytes[at++];
      if (code >= 0x80) {
        at = skipLeb(bytes, entry);
        code = lebAt(bytes, entry);
      }
      if (code === 0) {
        // behind the unit's own entry there is nothing but padding
        if (--depth < 0) return;
        continue;
      }
      const shape = shapes[code];
      if (shape === undefined) throw this.damaged(`it has no abbreviation ${code}`);
      at = this.step(shape.steps, at);
      if (!(at <= end)) throw this.damaged('it ends too early');
      const { tag } = shape;
      const sibling = this.has(ROLE.SIBLING) ? this.values[ROLE.SIBLING] - start : null;
      let inner: number = LEVEL.IGNORED;
      if (depth < 0) {
        if (tag !== TAG.TYPE_UNIT) this.unitEntry(unit);
        inner = LEVEL.OUTER;
      } else if (levels[depth] !== LEVEL.IGNORED) inner = this.found(tag, entry, levels[depth]);
      if (!shape.hasChildren) {
        if (depth < 0) return;
        continue;
      }
      if (inner === LEVEL.IGNORED && sibling !== null) {
        // one that leads back would lead back for ever
        if (sibling < at || sibling > end)
          throw this.damaged('a sibling in it is not behind its entry');
        at = sibling;
      } else {
        if (++depth >= MOST_LEVELS) throw this.damaged('entries in it lie too deep in each other');
        levels[depth] = inner;
      }
      if (--left > 0) continue;
      left = SLICE;
      yield this.base + start + at;
    }
  }

  /** Tells of the entry if it is wanted; gives what lies in it. */
  private found(tag: number, entry: number, level: number): number {
    if (level === LEVEL.ENUMERATION) {
      if (tag === TAG.ENUMERATOR) this.tell(tag, entry);
      return LEVEL.IGNORED;
    }
    switch (tag) {
      case TAG.NAMESPACE:
        return LEVEL.OUTER;
      case TAG.SUBPROGRAM:
        if (this.has(ROLE.LOW_PC) || this.has(ROLE.RANGES)) this.tell(tag, entry);
        return LEVEL.IGNORED;
      case TAG.VARIABLE:
        if (this.has(ROLE.PLACE)) this.tell(tag, entry);
        else if (this.has(ROLE.DECLARATION)) this.tell(DECLARED_VARIABLE, entry);
        else if (this.has(ROLE.NAMESAKE)) this.tell(tag, entry);
        return LEVEL.IGNORED;
      case TAG.STRUCTURE_TYPE:
      case TAG.UNION_TYPE:
      case TAG.CLASS_TYPE:
      case TAG.TYPEDEF:
      case TAG.BASE_TYPE:
        if (!this.has(ROLE.DECLARATION)) this.tell(tag, entry);
        return LEVEL.IGNORED;
      case TAG.ENUMERATION_TYPE:
        if (this.has(ROLE.DECLARATION)) return LEVEL.IGNORED;
        this.tell(tag, entry);
        return LEVEL.ENUMERATION;
      default:
        return LEVEL.IGNORED;
    }
  }

  private unitEntry(unit: Unit): void {
    const { values } = this;
    const folder = this.has(ROLE.COMP_DIR) ? this.text(unit) : null;
    if (this.has(ROLE.STR_OFFSETS_BASE)) unit.texts = values[ROLE.STR_OFFSETS_BASE];
    const start = values[ROLE.LOW_PC];
    const isWhole = this.has(ROLE.LOW_PC) && this.has(ROLE.HIGH_PC) && !this.has(ROLE.RANGES);
    // DW_AT_high_pc counts from DW_AT_low_pc, or in DWARF 2 and 3 is an address
    const high = values[ROLE.HIGH_PC];
    const end = unit.sizes.version < 4 ? high : start + high;
    this.listener.unit({
      offset: this.base + unit.start,
      lines: this.has(ROLE.STMT_LIST) ? values[ROLE.STMT_LIST] : null,
      folder: folder ?? '',
      code: isWhole && end > start ? { start, end } : null,
      hasRanges: this.has(ROLE.RANGES),
    });
  }

  /** Tells the entry that was stepped over last, with its name or the one it borrows. */
  private tell(tag: number, entry: number): void {
    const unit = this.unit as Unit;
    const offset = this.base + unit.start + entry;
    // whoever has its own name needs no other one's
    for (let round = 0; round < MOST_NAMESAKES; round++) {
      if (this.has(ROLE.NAME)) return this.tellName(unit, tag, offset);
      if (!this.has(ROLE.NAMESAKE)) return;
      const namesake = this.values[ROLE.NAMESAKE];
      if (namesake < unit.start || namesake >= unit.end) {
        this.borrowers.push({ tag, offset, namesake });
        return;
      }
      this.stepAt(unit, namesake - unit.start);
    }
  }

  /** Names that are in other units than the entries that have them, unit by unit. */
  private *lent(): Generator<number, void, undefined> {
    const byUnit = new Map<number, Borrower[]>();
    for (const borrower of this.borrowers.splice(0)) {
      const start = lastUpTo(this.starts, borrower.namesake);
      if (start === null) continue;
      const list = byUnit.get(start) ?? [];
      list.push(borrower);
      byUnit.set(start, list);
    }
    for (const [start, borrowers] of byUnit) {
      const { unit } = this.header(start);
      if (unit === null) continue;
      this.unit = unit;
      for (const { tag, offset, namesake } of borrowers) {
        if (namesake >= unit.end) continue;
        this.stepAt(unit, namesake - unit.start);
        if (this.has(ROLE.NAME)) this.tellName(unit, tag, offset);
      }
      yield this.base + this.section.length;
    }
  }

  /** Picks everything of the entry at an offset from the start of its unit. */
  private stepAt(unit: Unit, at: number): void {
    const code = lebAt(unit.bytes, at);
    const shape = unit.shapes[code];
    if (at < unit.first || shape === undefined)
      throw this.damaged('a reference in it leads nowhere');
    if (!(this.step(shape.all, skipLeb(unit.bytes, at)) <= unit.bytes.length))
      throw this.damaged('it ends too early');
  }

  private tellName(unit: Unit, tag: number, offset: number): void {
    const place = this.textPlace(unit);
    if (place !== null) this.listener.entryAt(tag, offset, place);
    else if (this.nameForm === FORM.STRING) this.listener.entry(tag, offset, this.shortText(unit));
    // in .debug_line_str or another file: no compiler puts these names there
  }

  /** Where in .debug_str the text is that was picked, null when it is elsewhere. */
  private textPlace({ bytes, sizes, texts }: Unit): number | null {
    const { nameAt: at, nameForm: form } = this;
    switch (form) {
      case FORM.STRP:
        return wordAt(bytes, at, sizes.format);
      case FORM.STRX:
      case FORM.STRX1:
      case FORM.STRX2:
      case FORM.STRX3:
      case FORM.STRX4: {
        const size = sizeOf(form, sizes);
        const index = size === null ? lebAt(bytes, at) : wordAt(bytes, at, size);
        const { textOffsets } = this.sections;
        const place = texts + index * sizes.format;
        if (place + sizes.format > textOffsets.length) return null;
        return wordAt(textOffsets.read(place, sizes.format), 0, sizes.format);
      }
      default:
        return null;
    }
  }

  /** The text that was picked and stands in the entry. */
  private shortText({ bytes }: Unit): Uint8Array {
    const text = bytes.subarray(this.nameAt, this.nameAt + LONGEST_NAME);
    const end = text.indexOf(0);
    return end < 0 ? text : text.subarray(0, end);
  }

  private text(unit: Unit): string {
    const { texts, lineTexts } = this.sections;
    const place = this.textPlace(unit);
    if (place !== null) return textAt(texts, place);
    if (this.nameForm === FORM.LINE_STRP)
      return textAt(lineTexts, wordAt(unit.bytes, this.nameAt, unit.sizes.format));
    return this.nameForm === FORM.STRING ? readText(this.shortText(unit), 0) : '';
  }

  private has(role: number): boolean {
    return (this.picked & (1 << role)) !== 0;
  }

  /** Steps over the values of an entry; gives the place behind them. */
  private step(steps: Int32Array, start: number): number {
    const { bytes } = this.unit as Unit;
    let at = start;
    this.picked = 0;
    for (let index = 0; index < steps.length; index += 2) {
      const operand = steps[index + 1];
      switch (steps[index]) {
        case STEP.SKIP:
          at += operand;
          break;
        case STEP.ULEB:
          at = skipLeb(bytes, at);
          break;
        case STEP.TEXT:
          at = skipText(bytes, at);
          break;
        case STEP.BLOCK:
          at = skipLeb(bytes, at) + lebAt(bytes, at);
          break;
        case STEP.BLOCK1:
          at += 1 + bytes[at];
          break;
        case STEP.BLOCK2:
          at += 2 + wordAt(bytes, at, 2);
          break;
        case STEP.BLOCK4:
          at += 4 + wordAt(bytes, at, 4);
          break;
        case STEP.INDIRECT:
          at = this.skipIndirect(operand, at);
          break;
        default:
          at = this.pick(steps[index] - STEP.PICK, operand, at);
      }
    }
    return at;
  }

  private pick(role: number, form: number, at: number): number {
    const { bytes, sizes, start } = this.unit as Unit;
    this.picked |= 1 << role;
    if (role === ROLE.NAME || role === ROLE.COMP_DIR) {
      this.nameForm = form;
      this.nameAt = at;
    }
    const size = sizeOf(form, sizes);
    if (size === null || size > 8) {
      this.values[role] = lebAt(bytes, at) + (form === FORM.REF_UDATA ? start : 0);
      if (form === FORM.INDIRECT) this.picked &= ~(1 << role);
      return this.skip(form, at);
    }
    const value = wordAt(bytes, at, size);
    switch (form) {
      case FORM.REF1:
      case FORM.REF2:
      case FORM.REF4:
      case FORM.REF8:
        this.values[role] = start + value;
        break;
      // a flag that is there may say no
      case FORM.FLAG:
        if (value === 0) this.picked &= ~(1 << role);
        break;
      // a type unit's, and what is in other files
      case FORM.REF_SIG8:
      case FORM.REF_SUP4:
      case FORM.REF_SUP8:
      case FORM.GNU_REF_ALT:
        this.picked &= ~(1 << role);
        break;
      default:
        this.values[role] = value;
    }
    return at + size;
  }

  private skip(form: number, at: number): number {
    const { bytes } = this.unit as Unit;
    switch (form) {
      case FORM.SDATA:
      case FORM.UDATA:
      case FORM.REF_UDATA:
      case FORM.STRX:
      case FORM.ADDRX:
      case FORM.LOCLISTX:
      case FORM.RNGLISTX:
        return skipLeb(bytes, at);
      case FORM.STRING:
        return skipText(bytes, at);
      case FORM.BLOCK:
      case FORM.EXPRLOC:
        return skipLeb(bytes, at) + lebAt(bytes, at);
      case FORM.BLOCK1:
        return at + 1 + bytes[at];
      case FORM.BLOCK2:
        return at + 2 + wordAt(bytes, at, 2);
      case FORM.BLOCK4:
        return at + 4 + wordAt(bytes, at, 4);
      default:
        return this.skipIndirect(form, at);
    }
  }

  /** A value that begins with its form, or of a form of which nobody knows how long it is. */
  private skipIndirect(form: number, at: number): number {
    const { bytes, sizes } = this.unit as Unit;
    if (form !== FORM.INDIRECT)
      throw this.damaged(`it uses a form 0x${form.toString(16)}, which DWARF 5 does not have`);
    const actual = lebAt(bytes, at);
    if (actual === FORM.INDIRECT) throw this.damaged('a form in it is indirect twice');
    const behind = skipLeb(bytes, at);
    const size = sizeOf(actual, sizes);
    return size === null ? this.skip(actual, behind) : behind + size;
  }

  private get isTypes(): boolean {
    return this.section === this.sections.types;
  }

  private get name(): string {
    return this.isTypes ? SECTION_NAME.types : SECTION_NAME.info;
  }

  private damaged(problem: string): FormatError {
    return new FormatError('malformed', `The section ${this.name} is damaged: ${problem}.`);
  }
}

/** The last of ascending numbers that is not above `most`, or null. */
function lastUpTo(numbers: readonly number[], most: number): number | null {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (numbers[middle] <= most) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? null : numbers[low - 1];
}
