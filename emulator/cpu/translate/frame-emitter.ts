/**
 * What every piece of interpreter code stands in: the function that it is emitted into, the state block
 * and the record that the local `record` points to, and the ways out to TypeScript.
 */
import { type FunctionBody, I64, type Label, type Local } from '../../wasm/assembler.ts';
import * as L from '../layout.ts';
import type { Size } from './backend.ts';
import * as R from './record.ts';

/** Where the emitted code finds everything outside itself. */
export interface InterpreterContext {
  /** vCPU block. */
  readonly vcpu: number;
  /** Function indices: see interpreter.ts. */
  readonly calls: {
    readonly typescript: number;
    readonly slowReadForWrite: number;
    readonly slowWrite: number;
    readonly missRead: number;
    readonly missWrite: number;
    readonly writableHost: number;
    readonly lookup: number;
    readonly vectorLoad: number;
    readonly vectorStore: number;
  };
}

/** The function that an instruction is emitted into. */
export interface Frame {
  readonly body: FunctionBody;
  readonly record: Local;
  readonly tlb: Local;
  /** Local with the TypeScript-visible target of a jump, for the shared lookup. */
  readonly target: Local;
  /** Locals of the function, reused by one instruction after the other. */
  readonly pool: { readonly narrow: Local[]; readonly wide: Local[]; readonly vectors: Local[] };
  /** Branch here after a slow access said no. */
  readonly slow: Label;
  /** Main function only: the dispatch loop and the jump-cache lookup. */
  readonly main: { readonly dispatch: Label; readonly lookup: Label } | null;
}

export const REGISTER = (number: number, size: Size): number =>
  size === 1 && number >= 4 ? L.GPR + (number - 4) * 8 + 1 : L.GPR + number * 8;
export const SEGMENT_BLOCK = (segment: number): number => L.SEGMENTS + segment * L.SEGMENT_SIZE;

export class FrameEmitter {
  readonly body: FunctionBody;
  protected readonly context: InterpreterContext;
  protected readonly frame: Frame;
  #narrow = 0;
  #wide = 0;

  constructor(context: InterpreterContext, frame: Frame) {
    this.context = context;
    this.frame = frame;
    this.body = frame.body;
  }

  temp(): Local {
    const { narrow } = this.frame.pool;
    return (narrow[this.#narrow++] ??= this.body.local());
  }
  temp64(): Local {
    const { wide } = this.frame.pool;
    return (wide[this.#wide++] ??= this.body.local(I64));
  }

  // ---- state block

  getState(offset: number): void {
    this.body.i32(0).load(this.context.vcpu + offset);
  }
  setState(offset: number, value: () => void): void {
    this.body.i32(0);
    value();
    this.body.store(this.context.vcpu + offset);
  }
  protected loadSized(size: Size, offset: number): void {
    if (size === 4) this.body.load(offset);
    else if (size === 2) this.body.load16U(offset);
    else this.body.load8U(offset);
  }
  protected storeSized(size: Size, offset: number): void {
    if (size === 4) this.body.store(offset);
    else if (size === 2) this.body.store16(offset);
    else this.body.store8(offset);
  }
  getRegister(number: number, size: Size): void {
    this.body.i32(0);
    this.loadSized(size, this.context.vcpu + REGISTER(number, size));
  }
  setRegister(number: number, size: Size): void {
    const value = this.temp();
    this.body.set(value).i32(0).get(value);
    this.storeSized(size, this.context.vcpu + REGISTER(number, size));
  }
  getFlagResult(): void {
    this.getState(L.FLAGS_RESULT);
  }
  getFlagAux(): void {
    this.getState(L.FLAGS_AUX);
  }
  setFlags(result: (() => void) | null, aux: (() => void) | null): void {
    // AUX first: its value may be computed from the old one and never from the new RESULT
    if (aux !== null) this.setState(L.FLAGS_AUX, aux);
    if (result !== null) this.setState(L.FLAGS_RESULT, result);
  }

  // ---- the record

  protected field(offset: number): void {
    this.body.get(this.frame.record).load(offset);
  }
  protected field16(offset: number): void {
    this.body.get(this.frame.record).load16U(offset);
  }
  /** Pushes how many instructions of the block come before this one. */
  protected ordinal(): void {
    this.body.get(this.frame.record).load8U(R.R_ORDINAL);
  }
  /** Pushes the address of the record. */
  protected recordAddress(): void {
    this.body.get(this.frame.record);
  }
  immediate(): void {
    this.field(R.R_IMMEDIATE);
  }
  eip(): void {
    this.field(R.R_EIP);
  }
  nextEip(): void {
    this.field(R.R_NEXT_EIP);
  }

  // ---- leaving

  protected leave(code: number): void {
    this.setState(L.RECORD, () => {
      this.recordAddress();
    });
    this.setState(L.EXIT, () => this.body.i32(code));
    this.returnNothing();
  }
  protected returnNothing(): void {
    if (this.frame.main === null) this.body.i32(0);
    this.body.op('return');
  }

  /** After a call that may have set layout SLOW. */
  protected leaveIfSlow(): void {
    this.getState(L.SLOW);
    this.body.brIf(this.frame.slow);
  }
}
