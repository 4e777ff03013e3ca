/**
 * Where the current function returns to, without symbols, unwind tables or frame pointers: its code is
 * read ahead from the current instruction, along all branches at once, with the stack pointer worked out
 * at each instruction, until a return instruction is met; what it will find on the stack is the answer.
 * Calls on the way are taken to leave the stack as it was. So that a wrong guess does no harm, a return
 * address counts only if a CALL stands before it.
 */
import type { Cpu } from '../cpu/cpu.ts';
import type { Instruction } from '../cpu/decode/instruction.ts';
import * as L from '../cpu/layout.ts';
import { FLAG } from '../cpu/state.ts';
import { addressSpaceOf, type GuestPlace, placeOf } from '../guest-place.ts';
import { CodeView } from './code-view.ts';
import { followsCall, isReturn } from './instruction-kinds.ts';
import { type Pointers, stackEffect } from './stack-effect.ts';
import { StackView } from './stack-view.ts';
import { codeBase } from './step-target.ts';

const BP = 5;

export type WayOut =
  | {
      readonly kind: 'return';
      /** Right after the return instruction, as things are now. */
      readonly place: GuestPlace;
      /** Every IRET on the ways: a handler may change its return address. Empty for functions. */
      readonly through: readonly GuestPlace[];
      /** Offset in CS of the same. */
      readonly eip: number;
      /** The caller's EBP (BP in 16-bit code), or null where it is not known. */
      readonly framePointer: number | null;
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

/** @param farthest instructions that may be read */
export function findWayOut(cpu: Cpu, farthest = FARTHEST): WayOut {
  return new WayOutSearch(cpu).run(farthest);
}

class WayOutSearch {
  readonly #cpu: Cpu;
  readonly #code: CodeView;
  readonly #stack: StackView;
  readonly #csBase: number;
  readonly #queue: Point[];
  readonly #seen = new Set<number>();
  readonly #through: GuestPlace[] = [];
  #handler: WayOut | null = null;
  #lost = false;

  constructor(cpu: Cpu) {
    this.#cpu = cpu;
    this.#code = new CodeView(cpu);
    this.#stack = new StackView(cpu);
    this.#csBase = cpu.state.segmentBase(L.SEGMENT.CS);
    const { linearEip, stackPointer } = placeOf(cpu);
    this.#queue = [{ linear: linearEip, sp: stackPointer, bp: cpu.state.gpr(BP, 4) }];
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
    this.#queue.push({ linear, ...pointers });
  }

  /** Null where the stack holds no likely return address. */
  #returnFrom(point: Point, { row, operandSize: size }: Instruction): Return | null {
    const { sp, bp } = point;
    const stack = this.#stack;
    const word = (index: number): number | null => stack.read(stack.moved(sp, index * size), size);
    const eip = word(0);
    if (eip === null) return null;
    if (row.meaning === 'ret') {
      return this.#called({ eip, csBase: this.#csBase, sp: stack.moved(sp, size), bp });
    }
    const selector = word(1);
    const csBase = selector === null ? null : codeBase(this.#cpu, selector & 0xffff);
    if (selector === null || csBase === null) return null;
    if (row.meaning === 'ret-far') {
      return this.#called({ eip, csBase, sp: stack.moved(sp, 2 * size), bp });
    }
    const to = { eip, csBase, sp: stack.moved(sp, 3 * size), bp };
    const found = this.#interrupted(word, to, selector);
    if (found !== null) this.#through.push(this.#place(point.linear, sp, this.#cpu.state.cpl));
    return found;
  }
  #called(to: Destination): Return | null {
    if (!followsCall(this.#code, (to.csBase + to.eip) >>> 0)) return null;
    return this.#wayTo(to, this.#cpu.state.cpl, []);
  }
  /** IRET: the flags may lead to another task or to virtual-8086 mode, the selector to another stack. */
  #interrupted(
    word: (index: number) => number | null,
    to: Destination,
    selector: number,
  ): Return | null {
    const { state } = this.#cpu;
    const through = this.#through;
    const flags = word(2);
    const outerStack = word(3);
    if (flags === null || (state.protectedMode && (state.systemFlags & FLAG.NT) !== 0)) return null;
    if (!state.protectedMode || state.v86) return this.#wayTo(to, state.cpl, through);
    const toV86 = state.cpl === 0 && (flags & FLAG.VM) !== 0;
    const cpl = toV86 ? 3 : selector & 3;
    if (cpl === state.cpl) return this.#wayTo(to, cpl, through);
    if (outerStack === null) return null;
    const csBase = toV86 ? (selector & 0xffff) * 16 : to.csBase;
    return this.#wayTo({ ...to, csBase, sp: outerStack }, cpl, through);
  }
  #wayTo(
    { eip, csBase, sp, bp }: Destination,
    cpl: number,
    through: readonly GuestPlace[],
  ): Return {
    const place = this.#place((csBase + eip) >>> 0, sp, cpl);
    return { kind: 'return', place, through, eip, framePointer: bp };
  }
  #place(linearEip: number, stackPointer: number, cpl: number): GuestPlace {
    const addressSpace = addressSpaceOf(this.#cpu, cpl);
    return { linearEip, stackPointer, stackMask: this.#stack.mask, cpl, addressSpace };
  }
}

/** Where a return leads: CS:EIP, the stack pointer after it, and the frame pointer. */
interface Destination extends Pointers {
  readonly eip: number;
  readonly csBase: number;
}
