/**
 * Restarting a frame: the processor is put back to where the frame's function was entered, so that it does
 * its work again. What memory has become since is not undone, nor what the function has made of its
 * parameters. What must be known for it, and is else the reason why a frame cannot be restarted: call frame
 * information down to the frame and of its caller, whose preserved registers are those at the entry, and
 * of each parameter that came in a register (kernels are compiled with -mregparm=3) its value in the frame.
 * Other registers stay as they are: callers that count on one that the function does not change are right.
 */
import { S32, U32 } from '../../emulator/expressions/integers.ts';
import type { Syntax } from '../../emulator/expressions/syntax.ts';
import type { FunctionScope, Variable } from '../symbols/debug-information.ts';
import type { GuestSymbols } from '../symbols/symbol-files.ts';
import type { FrameTrees } from '../typed/dwarf-location.ts';
import { unwound } from '../typed/entry-values.ts';
import { GENERAL_REGISTERS } from '../typed/program.ts';
import { type SelectedFrame, storageOf } from '../typed/program-names.ts';
import { load, part, type Piece, reasonLost, type Storage } from '../typed/storage.ts';
import { cast, constant } from '../typed/trees.ts';
import { integerOfType, isStruct, sizeOf, stripped } from '../typed/types.ts';
import type { CallFrame } from './call-frame.ts';
import { behindPrologue, entryOf } from './function-entry.ts';
import { SpilledRegisters } from './spilled-registers.ts';

/** What a restart is planned with. */
export interface RestartSight {
  readonly files: GuestSymbols;
  /** Linear memory; shorter where it cannot be read. */
  readonly read: (address: number, count: number) => Promise<Uint8Array>;
}

export interface Restart {
  /** Linear. */
  readonly entry: number;
  /** By name: ESP, those that functions preserve, and those of parameters. */
  readonly registers: ReadonlyMap<string, Syntax>;
}

/** Parts of a sentence. */
export interface NoRestart {
  readonly problem: string;
  readonly remedy: string;
}

/** EBX EBP ESI EDI (System V ABI for i386, table 2.3). */
const PRESERVED = [3, 5, 6, 7] as const;
const WORD = 4;
const BY_HAND = 'restart a frame further out, or set eip, esp and the registers by hand';

// prettier-ignore
const NO = {
  inlined:   { problem: 'its function was inlined and has none of its own', remedy: 'restart the function around it' },
  unknown:   { problem: 'no file of symbols tells of its function', remedy: 'list one with debugging information under "symbols" of launch.json' },
  border:    { problem: 'an interrupt or an exception has broken in since it was called', remedy: 'let the handler return first' },
  code:      { problem: 'call frame information is missing between it and the processor', remedy: 'step out of the functions that it has called first' },
  caller:    { problem: 'its caller is not known', remedy: BY_HAND },
  registers: { problem: 'what its caller had in the registers that a function preserves is not known', remedy: BY_HAND },
  changed:   { problem: 'its return address is not where it was put', remedy: BY_HAND },
  returned:  { problem: 'its caller finds another stack behind the call', remedy: BY_HAND },
  clone:     { problem: 'the compiler has changed what is passed to it', remedy: BY_HAND },
  structure: { problem: 'it returns a structure through a pointer that has no name', remedy: BY_HAND },
  prologue:  { problem: 'it has not stored its parameters yet', remedy: 'step to its next line first' },
} as const satisfies { readonly [name: string]: NoRestart };

/** Copies for which gcc has split parameters or taken some away; its .constprop has the rest in their places. */
const CLONE = /\.(isra|part)\b/;

/** @param frames the stack down to the caller of the frame at least */
export async function planRestart(
  frame: CallFrame,
  frames: readonly CallFrame[],
  sight: RestartSight,
): Promise<Restart | NoRestart> {
  if (frame.isInlined) return NO.inlined;
  const physical = frames.filter(({ isInlined }) => !isInlined);
  const inner = physical.slice(0, frame.depth + 1);
  const outer = physical[frame.depth + 1];
  if (inner.some(({ isInterrupted, depth }) => isInterrupted && depth > 0)) return NO.border;
  if (inner.some(({ by }) => by !== 'call frame information')) return NO.code;
  const scope = frame.scopes.at(-1);
  if (frame.information === null || scope?.kind !== 'function') return NO.unknown;
  if (outer === undefined || outer.isInterrupted || frame.cfa === null) return NO.caller;
  if (outer.registers[4] !== frame.cfa) return NO.returned;
  const kept = new Map<string, Syntax>([['esp', constant(frame.cfa - WORD, U32)]]);
  for (const number of PRESERVED) {
    const value = outer.registers[number] ?? null;
    if (value === null) return NO.registers;
    kept.set(GENERAL_REGISTERS[number], constant(value, U32));
  }
  const entry = entryOf(scope, frame.information.image.slide);
  if (CLONE.test(sight.files.symbols.near(entry)?.symbol.name ?? '')) return NO.clone;
  if (isStruct(stripped(scope.type.result))) return NO.structure;
  const back = await sight.read((frame.stackBase + frame.cfa - WORD) >>> 0, WORD);
  if (back.length < WORD || wordOf(back) !== outer.eip) return NO.changed;
  // where nothing has been done yet, parameters are where they came
  if (frame.depth === 0 && frame.linearEip === entry) return { entry, registers: kept };
  const passed = await new Parameters(frame, scope, entry, sight).registers();
  return passed instanceof Map ? { entry, registers: new Map([...kept, ...passed]) } : passed;
}

/** What came in registers, as the frame has it. */
class Parameters {
  private readonly frame: CallFrame;
  private readonly scope: FunctionScope;
  private readonly entry: number;
  private readonly sight: RestartSight;
  private readonly spilled: SpilledRegisters;

  constructor(frame: CallFrame, scope: FunctionScope, entry: number, sight: RestartSight) {
    this.frame = frame;
    this.scope = scope;
    this.entry = entry;
    this.sight = sight;
    this.spilled = new SpilledRegisters(entry, behindPrologue(sight.files, entry), sight.read);
  }

  async registers(): Promise<Map<string, Syntax> | NoRestart> {
    const registers = new Map<string, Syntax>();
    for (const variable of this.scope.variables) {
      if (!variable.isParameter) continue;
      const problem = await this.add(variable, registers);
      if (problem !== null) return problem;
    }
    return registers;
  }

  private async add(variable: Variable, registers: Map<string, Syntax>): Promise<NoRestart | null> {
    const size = sizeOf(variable.type) ?? WORD;
    const came = this.place(variable, this.entry, atEntry(this.frame));
    if (came === null) return notKnown(variable.name, 'where it came is not told');
    for (let offset = 0; offset < size; offset += WORD) {
      const bytes = Math.min(size - offset, WORD);
      const [piece, ...more] = part(came, offset, bytes);
      if (piece === undefined || more.length > 0)
        return notKnown(variable.name, 'it came in several pieces');
      const problem = await this.addWord({ variable, piece, offset, bytes }, registers);
      if (problem !== null) return problem;
    }
    return null;
  }

  private async addWord(
    word: ParameterWord,
    registers: Map<string, Syntax>,
  ): Promise<NoRestart | null> {
    const { variable, piece } = word;
    const { name } = variable;
    if (piece.kind === 'lost') return notKnown(name, piece.reason);
    if (piece.kind === 'memory') return this.addFromMemory(word, registers);
    // what is constant in all calls is not passed
    if (piece.register === null)
      return piece.value.kind === 'integer' ? null : notKnown(name, 'where it came is not told');
    if (piece.register.byte !== 0) return notKnown(name, 'it came in a part of a register');
    return this.addRegister(piece.register.name, word, registers);
  }

  /** On the stack nothing is to be done; below it, the function has stored there what came in a register. */
  private async addFromMemory(
    word: ParameterWord,
    registers: Map<string, Syntax>,
  ): Promise<NoRestart | null> {
    const { cfa, codeAddress, registers: own } = this.frame;
    const { variable, bytes, offset } = word;
    if (cfa !== null && isAbove(word.piece, cfa)) return null;
    const place = this.place(variable, codeAddress, unwound(this.frame));
    const [piece] = place === null ? [] : part(place, offset, bytes);
    const address = piece?.kind === 'memory' ? constantOf(piece.address) : null;
    if (piece === undefined || address === null || cfa === null)
      return notKnown(variable.name, 'where it is now is not told');
    if (isAbove(piece, cfa)) return null;
    if (codeAddress < this.spilled.end) return NO.prologue;
    const frameBase = own[5] ?? null;
    const register = frameBase === null ? null : await this.spilled.storedAt(address - frameBase);
    if (register === null) return notKnown(variable.name, 'which register it came in is not told');
    return this.addRegister(register, word, registers);
  }

  private addRegister(
    register: string,
    { variable, offset, bytes }: ParameterWord,
    registers: Map<string, Syntax>,
  ): NoRestart | null {
    const { codeAddress } = this.frame;
    const now = this.place(variable, codeAddress, unwound(this.frame));
    if (now === null) return notKnown(variable.name, 'its value is no longer there');
    const storage = part(now, offset, bytes);
    const reason = reasonLost(storage);
    if (reason !== null) return notKnown(variable.name, reason);
    const integer = bytes < WORD ? integerOfType(variable.type) : null;
    const value = load(storage, bytes, integer ?? U32, 0);
    registers.set(register, integer?.signed === true ? cast(cast(value, S32), U32) : value);
    return null;
  }

  private place(variable: Variable, address: number, trees: FrameTrees): Storage | null {
    const { information, scopes } = this.frame;
    if (information === null) return null;
    const selected: SelectedFrame = { address, trees, information, scopes };
    return storageOf(variable, information, selected);
  }
}

/** Four bytes of a parameter, or the last ones, and how they came. */
interface ParameterWord {
  readonly variable: Variable;
  readonly piece: Piece;
  readonly offset: number;
  readonly bytes: number;
}

/** Registers by their names alone: what they were at the entry nobody knows. */
function atEntry({ cfa }: CallFrame): FrameTrees {
  return {
    register(number) {
      const name = GENERAL_REGISTERS[number];
      return name === undefined ? null : { value: { kind: 'name', at: 0, name }, name };
    },
    cfa: () => (cfa === null ? null : constant(cfa, U32)),
  };
}

const wordOf = (bytes: Uint8Array): number =>
  new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);

const constantOf = (tree: Syntax): number | null =>
  tree.kind === 'integer' ? Number(BigInt.asUintN(32, tree.value)) : null;

/** It lies on the stack where the caller has put it. */
function isAbove(piece: Piece, cfa: number): boolean {
  const address = piece.kind === 'memory' ? constantOf(piece.address) : null;
  return address !== null && address >= cfa;
}

function notKnown(parameter: string, reason: string): NoRestart {
  return { problem: `what its parameter "${parameter}" was is not known (${reason})`, remedy: BY_HAND }; // prettier-ignore
}
