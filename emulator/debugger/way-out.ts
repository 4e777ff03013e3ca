/**
 * Where the current function returns to, without symbols, unwind tables or frame pointers: its code is
 * read ahead from the current instruction, along all branches at once, with the stack pointer worked out
 * at each instruction, until a return instruction is met; what it will find on the stack is the answer.
 * Calls on the way are taken to leave the stack as it was. So that a wrong guess does no harm, a return
 * address counts only if a CALL stands before it.
 */
import type { Cpu } from '../cpu/cpu.ts';
import type { Instruction } from '../cpu/decode/instruction.ts';
import { FLAG } from '../cpu/state.ts';
import type { StackFrame } from '../debug-port.ts';
import { addressSpaceOf, type GuestPlace } from '../guest-place.ts';
import { CodeView } from './code-view.ts';
import { currentFrame, codeSizeIn } from './current-frame.ts';
import { followsCall, isReturn } from './instruction-kinds.ts';
import { type Pointers, stackEffect } from './stack-effect.ts';
import { StackView } from './stack-view.ts';
import { codeSegment } from './step-target.ts';
import { interruptedFrame, type TrapWords } from './trap-frame.ts';

export type WayOut =
  | {
      readonly kind: 'return';
      /** Right after the return instruction, as things are now. */
      readonly frame: StackFrame;
      /** Every IRET on the ways: a handler may change its return address. Empty for functions. */
      readonly through: readonly GuestPlace[];
    }
  /** All ways end in loops or undefined instructions. */
  | { readonly kind: 'never' }
  /** A way goes where reading ahead cannot follow. */
  | { readonly kind: 'unknown' };

type Return = Extract<WayOut, { kind: 'return' }>;

/** An instruction on the way. */
interface Point extends Pointers {
  readonly linear: number;
}

/** Most instructions read ahead. */
const FARTHEST = 4000;
const BRANCHES = new Set(['jcc', 'loop', 'loope', 'loopne', 'jcxz']);
const NEVER: WayOut = { kind: 'never' };
const UNKNOWN: WayOut = { kind: 'unknown' };

/**
 * @param from the frame whose caller is looked for
 * @param farthest instructions that may be read
 */
export function findWayOut(cpu: Cpu, from = currentFrame(cpu), farthest = FARTHEST): WayOut {
  return new WayOutSearch(cpu, from).run(farthest);
}

/** Where a frame is, as a place to wait for. */
export function placeOfFrame(cpu: Cpu, frame: StackFrame): GuestPlace {
  const { linearEip, stackPointer, stackMask, cpl } = frame;
  return { linearEip, stackPointer, stackMask, cpl, addressSpace: addressSpaceOf(cpu, cpl) };
}

class WayOutSearch {
  readonly #cpu: Cpu;
  readonly #from: StackFrame;
  readonly #code: CodeView;
  readonly #stack: StackView;
  readonly #csBase: number;
  readonly #queue: Point[];
  readonly #seen = new Set<number>();
  readonly #through: GuestPlace[] = [];
  #handler: WayOut | null = null;
  #lost = false;

  constructor(cpu: Cpu, from: StackFrame) {
    const { eip, linearEip, stackBase, stackMask, stackPointer, registers, mode } = from;
    this.#cpu = cpu;
    this.#from = from;
    this.#csBase = (linearEip - eip) >>> 0;
    this.#code = new CodeView(cpu, this.#csBase, codeSizeIn(mode));
    this.#stack = new StackView(cpu, stackBase, stackMask);
    this.#queue = [{ linear: linearEip, sp: stackPointer, registers }];
  }

  run(farthest: number): WayOut {
    for (let next = 0; next < this.#queue.length; next++) {
      if (next >= farthest) return this.#handler ?? UNKNOWN;
      const point = this.#queue[next];
      const instruction = this.#code.instructionAt(point.linear);
      if (instruction === null) {
        this.#lost = true;
      } else if (isReturn(instruction)) {
        const found = this.#returnFrom(point, instruction);
        if (found === null) this.#lost = true;
        else if (found.through.length === 0) return found;
        else this.#handler ??= found;
      } else {
        this.#follow(point, instruction);
      }
    }
    return this.#handler ?? (this.#lost ? UNKNOWN : NEVER);
  }

  /** Enters what may come after an instruction that is no return. */
  #follow(point: Point, instruction: Instruction): void {
    const { row, operands, length } = instruction;
    const meaning = row.meaning ?? '';
    if (meaning === 'ud') return;
    const pointers = stackEffect(this.#stack, point, instruction);
    if (pointers === null || meaning === 'jmp-far' || meaning === 'sysexit') {
      this.#lost = true;
      return;
    }
    if (meaning !== 'jmp') this.#enter(point.linear + length, pointers);
    if (meaning !== 'jmp' && !BRANCHES.has(meaning)) return;
    const [target] = operands;
    if (target?.kind === 'relative') this.#enter(this.#csBase + target.target, pointers);
    else this.#lost = true;
  }
  #enter(address: number, pointers: Pointers): void {
    const linear = address >>> 0;
    if (this.#seen.has(linear)) return;
    this.#seen.add(linear);
    this.#queue.push({ ...pointers, linear });
  }

  /** Null where the stack holds no likely return address. */
  #returnFrom(point: Point, { row, operandSize: size, operands }: Instruction): Return | null {
    const { sp, registers } = point;
    const stack = this.#stack;
    const from = this.#from;
    const word = (index: number): number | null => stack.read(stack.moved(sp, index * size), size);
    const eip = word(0);
    if (eip === null) return null;
    const [released] = operands;
    const gone = released?.kind === 'immediate' ? released.value & 0xffff : 0;
    const after = (words: number): number => stack.moved(sp, words * size + gone);
    if (row.meaning === 'ret') return this.#called(from, eip, after(1), registers);
    if (row.meaning === 'iret') return this.#interrupted(point, { word, after });
    const selector = word(1);
    const segment = selector === null ? null : codeSegment(this.#cpu, from.mode, selector & 0xffff);
    if (segment === null) return null;
    const { base, mode } = segment;
    const target = { ...from, mode, linearEip: (base + eip) >>> 0 };
    return this.#called(target, eip, after(2), registers);
  }
  /** @param target with CS as it will be */
  #called(
    target: StackFrame,
    eip: number,
    stackPointer: number,
    registers: Pointers['registers'],
  ): Return | null {
    const base = target === this.#from ? this.#csBase : (target.linearEip - eip) >>> 0;
    const linearEip = (base + eip) >>> 0;
    if (!followsCall(this.#code, linearEip)) return null;
    const own = registers.with(SP, stackPointer);
    const frame = { ...target, eip, linearEip, stackPointer, registers: own, isInterrupted: false };
    return { kind: 'return', frame, through: [] };
  }
  /** IRET: the flags may lead to another task or to virtual-8086 mode, the selector to another stack. */
  #interrupted({ linear, sp, registers }: Point, words: TrapWords): Return | null {
    const from = this.#from;
    const { state } = this.#cpu;
    if (state.protectedMode && from.cpl === state.cpl && (state.systemFlags & FLAG.NT) !== 0)
      return null;
    const frame = interruptedFrame(this.#cpu, from, words, registers);
    if (frame === null) return null;
    const iret = { ...from, linearEip: linear, stackPointer: sp };
    this.#through.push(placeOfFrame(this.#cpu, iret));
    return { kind: 'return', frame, through: this.#through };
  }
}

const SP = 4;
