/**
 * The call stack (DWARF 5, 6.4.4): from frame to frame by call frame information, where a file of symbols
 * has some of the code, else by what the machine makes of code, frame pointers and what traps leave on the
 * stack. ORC tables are of 64-bit kernels only, which this machine does not run. Whatever the tables of a
 * file or the guest's memory say, there is an end: of frames, and where a frame comes again.
 */
import type { StackFrame } from '../../emulator/debug-port.ts';
import type { FrameRow, RegisterRule } from '../../emulator/formats/dwarf/frame-program.ts';
import type { MachineClient } from '../machine/machine-client.ts';
import type { CfaRule } from '../../emulator/formats/dwarf/frame-program.ts';
import type { GuestSymbols } from '../symbols/symbol-files.ts';
import type { SymbolModule } from '../symbols/symbol-module.ts';
import { computed } from '../typed/dwarf-location.ts';
import { constant } from '../typed/trees.ts';
import type { CallFrame } from './call-frame.ts';
import { FrameMemory } from './frame-memory.ts';
import { withInlined } from './inline-frames.ts';

const [ESP, EIP] = [4, 8] as const;
const GENERAL_REGISTERS = 8;
/** EBX EBP ESI EDI, which a function preserves (System V ABI for i386, table 2.3). */
const PRESERVED: ReadonlySet<number> = new Set([3, 5, 6, 7]);
const WIDE = 0xffffffff;
/** DW_OP_const4u. */
const CONST4U = 0x0c;

/** What one look at the stack needs. */
export interface StackSight {
  readonly machine: MachineClient;
  readonly files: GuestSymbols;
}

/** A physical frame with what is known of the way out of it. */
export interface PhysicalFrame {
  readonly state: StackFrame;
  readonly cfa: number | null;
  readonly by: CallFrame['by'];
}

/** A module's row for an address, and how far the module has moved. */
interface Unwinding {
  readonly row: FrameRow;
  readonly slide: number;
}

/** Frames from the given one, or from the processor's own on, those of inlined functions among them; at most `limit` physical ones. */
export async function callStack(
  sight: StackSight,
  limit: number,
  from?: StackFrame,
): Promise<readonly CallFrame[]> {
  const frames = await new StackWalk(sight).walk(limit, from);
  return frames.flatMap((frame, depth) => withInlined(frame, depth, sight.files.information));
}

/** How the CFA is found at a linear address of the running guest, or null. */
export function cfaRuleAt(modules: readonly SymbolModule[], address: number): CfaRule | null {
  return unwindingAt(modules, address)?.row.cfa ?? null;
}

function unwindingAt(modules: readonly SymbolModule[], address: number): Unwinding | null {
  for (const { frames, image } of modules) {
    const linked = image.toLinked(address);
    const row = linked === null ? null : frames.at(linked);
    if (row !== null) return { row, slide: image.slide };
  }
  return null;
}

/** Where a frame's code is looked up: of a caller, in its call. */
export function codeAddressOf({ linearEip, isInterrupted }: StackFrame): number {
  return isInterrupted ? linearEip : (linearEip - 1) >>> 0;
}

class StackWalk {
  private readonly sight: StackSight;
  private readonly memory: FrameMemory;

  constructor(sight: StackSight) {
    this.sight = sight;
    this.memory = new FrameMemory(sight.machine);
  }

  async walk(limit: number, from?: StackFrame): Promise<readonly PhysicalFrame[]> {
    const { machine } = this.sight;
    const [top] = await machine.call('stack', Math.min(limit, 1), from);
    const frames: PhysicalFrame[] = [];
    const seen = new Set<string>();
    let state: StackFrame | null = top ?? null;
    while (state !== null && frames.length < limit) {
      const key = `${state.linearEip} ${state.stackPointer}`;
      if (seen.has(key)) break;
      seen.add(key);
      const unwinding = state.mode === 'protected32' && state.stackMask === WIDE ? unwindingAt(this.sight.files.modules, codeAddressOf(state)) : null; // prettier-ignore
      const cfa = unwinding === null ? null : await this.cfa(unwinding, state);
      const isKnown = unwinding !== null && cfa !== null;
      frames.push({ state, cfa, by: isKnown ? 'call frame information' : 'code' });
      if (frames.length === limit) break;
      const caller: StackFrame | null | undefined = isKnown
        ? await this.caller(unwinding, state, cfa)
        : (await machine.call('stack', 2, state))[1];
      state = caller ?? null;
    }
    return frames;
  }

  private async cfa({ row, slide }: Unwinding, frame: StackFrame): Promise<number | null> {
    const { cfa } = row;
    if (cfa.kind === 'expression') return this.computed(cfa.operations, frame, slide);
    const value = frame.registers[cfa.register] ?? null;
    return value === null ? null : (value + cfa.offset) >>> 0;
  }

  /** Null where the frame has none, or its return address cannot be read. */
  private async caller(
    unwinding: Unwinding,
    frame: StackFrame,
    cfa: number,
  ): Promise<StackFrame | null> {
    const { row } = unwinding;
    const found = (number: number): Promise<number | null> =>
      this.recovered(row.rules.get(number), number, { unwinding, frame, cfa });
    const eip = await found(row.returnAddress);
    // the outermost function of a thread is marked by a return address of 0, or an undefined one
    if (eip === null || eip === 0) return null;
    const registers: (number | null)[] = [];
    for (let number = 0; number < GENERAL_REGISTERS; number++)
      registers.push(number === ESP && !row.rules.has(ESP) ? cfa : await found(number));
    const stackPointer = registers[ESP] ?? cfa;
    const csBase = (frame.linearEip - frame.eip) >>> 0;
    const linearEip = (csBase + eip) >>> 0;
    return { ...frame, eip, linearEip, registers, stackPointer, isInterrupted: row.isSignalFrame };
  }

  private async recovered(
    rule: RegisterRule | undefined,
    number: number,
    at: { readonly unwinding: Unwinding; readonly frame: StackFrame; readonly cfa: number },
  ): Promise<number | null> {
    const { frame, cfa, unwinding } = at;
    const own = number === EIP ? frame.eip : (frame.registers[number] ?? null);
    const inMemory = (address: number): Promise<number | null> =>
      this.memory.word((frame.stackBase + address) >>> 0);
    if (rule === undefined) return PRESERVED.has(number) ? own : null;
    switch (rule.kind) {
      case 'undefined':
        return null;
      case 'same':
        return own;
      case 'offset':
        return inMemory((cfa + rule.offset) >>> 0);
      case 'value':
        return (cfa + rule.offset) >>> 0;
      case 'register':
        return rule.register === EIP ? frame.eip : (frame.registers[rule.register] ?? null);
      case 'expression':
      case 'value expression': {
        const operations = Uint8Array.of(CONST4U, cfa, cfa >>> 8, cfa >>> 16, cfa >>> 24, ...rule.operations); // prettier-ignore
        const value = await this.computed(operations, frame, unwinding.slide);
        return value === null || rule.kind === 'value expression' ? value : inMemory(value);
      }
    }
  }

  /** The value of a DWARF expression over the frame's registers; null where it has none. */
  private async computed(
    operations: Uint8Array,
    { registers, eip }: StackFrame,
    slide: number,
  ): Promise<number | null> {
    const trees = {
      register: (number: number) => {
        const value = number === EIP ? eip : (registers[number] ?? null);
        return value === null ? null : { value: constant(value), name: null };
      },
      cfa: () => null,
    };
    const tree = computed(operations, { frame: trees, frameBase: null, slide });
    if (tree === null) return null;
    // memory that is not there makes it fail: then there is no value
    const value = await this.sight.machine
      .call('evaluate', { text: '', syntax: tree })
      .catch(() => null);
    return value?.kind === 'integer' ? Number(BigInt.asUintN(32, value.value)) : null;
  }
}
