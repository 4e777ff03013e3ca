/**
 * The call frame instructions of an entry, carried out up to an address (DWARF 5, 6.4.2 and 6.4.3): the
 * row of the table that says how the caller's registers are found there. Every instruction takes bytes of
 * the program, so it ends; what it may remember on the way is bounded.
 */
import { DwarfReader } from './dwarf-reader.ts';
import type { DescriptionEntry } from './frame-entries.ts';

/** How the canonical frame address is computed from the registers in the frame. */
export type CfaRule =
  | { readonly kind: 'register'; readonly register: number; readonly offset: number }
  /** A DWARF expression. */
  | { readonly kind: 'expression'; readonly operations: Uint8Array };

/** Where the caller's value of a register is (6.4.1). Expressions begin with the CFA on the stack. */
export type RegisterRule =
  | { readonly kind: 'undefined' }
  | { readonly kind: 'same' }
  /** In memory at the CFA and so many bytes, or the sum itself. */
  | { readonly kind: 'offset' | 'value'; readonly offset: number }
  | { readonly kind: 'register'; readonly register: number }
  | { readonly kind: 'expression' | 'value expression'; readonly operations: Uint8Array };

export interface FrameRow {
  readonly cfa: CfaRule;
  /** By DWARF's number of the register; for those that are not here the ABI says what becomes of them. */
  readonly rules: ReadonlyMap<number, RegisterRule>;
  /** Number of the column with the return address. */
  readonly returnAddress: number;
  /** The frame was entered by a signal: its caller was interrupted between two instructions. */
  readonly isSignalFrame: boolean;
}

/** Rows remembered at once. */
const DEEPEST = 64;

/** Null for a program without a CFA. Throws FormatError. */
export function frameRow(entry: DescriptionEntry, address: number): FrameRow | null {
  const { common } = entry;
  const program = new Program(entry, address);
  program.run(common.program);
  program.begin();
  program.run(entry.program);
  const { cfa, rules } = program;
  if (cfa === null) return null;
  const { returnAddress, isSignalFrame } = common;
  return { cfa, rules, returnAddress, isSignalFrame };
}

type Rules = ReadonlyMap<number, RegisterRule>;

class Program {
  cfa: CfaRule | null = null;
  rules = new Map<number, RegisterRule>();
  private readonly entry: DescriptionEntry;
  private readonly address: number;
  private location: number;
  /** Rules as the common entry leaves them. */
  private initial: Rules = new Map();
  private readonly remembered: { readonly cfa: CfaRule | null; readonly rules: Rules }[] = [];

  constructor(entry: DescriptionEntry, address: number) {
    this.entry = entry;
    this.address = address;
    this.location = entry.start;
  }

  /** From now on the instructions are those of the function. */
  begin(): void {
    this.initial = new Map(this.rules);
    this.location = this.entry.start;
  }

  run(program: Uint8Array): void {
    const reader = new DwarfReader('.debug_frame', program);
    while (reader.left > 0 && this.location <= this.address) this.step(reader);
  }

  private step(reader: DwarfReader): void {
    const operation = reader.u8();
    const low = operation & 0x3f;
    switch (operation >> 6) {
      case 1:
        this.advance(low);
        break;
      case 2:
        this.saved(low, reader.uleb());
        break;
      case 3:
        this.restore(low);
        break;
      default:
        this.other(operation, reader);
    }
  }

  private other(operation: number, reader: DwarfReader): void {
    const { addressSize, dataAlignment } = this.entry.common;
    // prettier-ignore
    switch (operation) {
      case 0x00: /* nop */ break;
      case 0x01: /* set_loc */ this.location = reader.address(addressSize); break;
      case 0x02: this.advance(reader.u8()); break;
      case 0x03: this.advance(reader.u16()); break;
      case 0x04: this.advance(reader.u32()); break;
      case 0x05: /* offset_extended */ this.saved(reader.uleb(), reader.uleb()); break;
      case 0x06: /* restore_extended */ this.restore(reader.uleb()); break;
      case 0x07: this.rules.set(reader.uleb(), { kind: 'undefined' }); break;
      case 0x08: this.rules.set(reader.uleb(), { kind: 'same' }); break;
      case 0x09: this.rules.set(reader.uleb(), { kind: 'register', register: reader.uleb() }); break;
      case 0x0a: this.remember(reader); break;
      case 0x0b: this.recall(reader); break;
      case 0x0c: this.cfa = { kind: 'register', register: reader.uleb(), offset: reader.uleb() }; break;
      case 0x0d: this.cfa = { ...this.registerRule(reader), register: reader.uleb() }; break;
      case 0x0e: this.cfa = { ...this.registerRule(reader), offset: reader.uleb() }; break;
      case 0x0f: this.cfa = { kind: 'expression', operations: reader.block(reader.uleb()) }; break;
      case 0x10: this.rules.set(reader.uleb(), { kind: 'expression', operations: reader.block(reader.uleb()) }); break;
      case 0x11: /* offset_extended_sf */ this.saved(reader.uleb(), reader.sleb()); break;
      case 0x12: this.cfa = { kind: 'register', register: reader.uleb(), offset: reader.sleb() * dataAlignment }; break;
      case 0x13: this.cfa = { ...this.registerRule(reader), offset: reader.sleb() * dataAlignment }; break;
      case 0x14: this.rules.set(reader.uleb(), { kind: 'value', offset: reader.uleb() * dataAlignment }); break;
      case 0x15: this.rules.set(reader.uleb(), { kind: 'value', offset: reader.sleb() * dataAlignment }); break;
      case 0x16: this.rules.set(reader.uleb(), { kind: 'value expression', operations: reader.block(reader.uleb()) }); break;
      case 0x2e: /* GNU_args_size: of no concern to frames */ reader.uleb(); break;
      case 0x2f: /* GNU_negative_offset_extended */ this.saved(reader.uleb(), -reader.uleb()); break;
      default: throw reader.malformed(`its call frame instruction 0x${operation.toString(16)} is not known`);
    }
  }

  private advance(by: number): void {
    this.location += by * this.entry.common.codeAlignment;
  }
  private saved(register: number, factored: number): void {
    const offset = factored * this.entry.common.dataAlignment;
    this.rules.set(register, { kind: 'offset', offset });
  }
  private restore(register: number): void {
    const rule = this.initial.get(register);
    if (rule === undefined) this.rules.delete(register);
    else this.rules.set(register, rule);
  }
  private remember(reader: DwarfReader): void {
    if (this.remembered.length >= DEEPEST) throw reader.malformed('it remembers too many rows');
    this.remembered.push({ cfa: this.cfa, rules: new Map(this.rules) });
  }
  private recall(reader: DwarfReader): void {
    const row = this.remembered.pop();
    if (row === undefined) throw reader.malformed('it restores a row that it has not remembered');
    this.cfa = row.cfa;
    this.rules = new Map(row.rules);
  }
  private registerRule(reader: DwarfReader): Extract<CfaRule, { kind: 'register' }> {
    if (this.cfa?.kind === 'register') return this.cfa;
    throw reader.malformed('it changes a CFA that is in no register');
  }
}
