/**
 * SIMD operands and checks in emitted code: XMM registers in the state block, MMX registers in the low
 * eight bytes of the x87 registers (SDM vol. 1, 9.2 and 10.2), memory through vector-access.ts.
 */
import { type Local, V128 } from '../../wasm/assembler.ts';
import { STATUS } from '../fpu/rounding.ts';
import * as L from '../layout.ts';
import { VECTOR } from '../processor.ts';
import { CR0, CR4 } from '../state.ts';
import { FlowEmitter } from './flow-emitter.ts';
import type { Frame, InterpreterContext } from './frame-emitter.ts';
import * as R from './record.ts';
import type { Shape } from './shape.ts';
import { VECTOR_ALIGNED } from './vector-access.ts';

const EMPTY_TAGS = 0xffff;
const SIGN_AND_EXPONENT = 8;

export class VectorEmitter extends FlowEmitter {
  protected readonly shape: Shape;
  #vectors = 0;

  constructor(context: InterpreterContext, frame: Frame, shape: Shape) {
    super(context, frame);
    this.shape = shape;
  }

  tempVector(): Local {
    const { vectors } = this.frame.pool;
    return (vectors[this.#vectors++] ??= this.body.local(V128));
  }

  protected operandText(n: number): string {
    const operand = this.shape.operands[n];
    if (operand === undefined) throw new Error(`${this.shape.meaning} has no operand ${String(n)}`);
    return operand;
  }
  operandKind(n: number): 'xmm' | 'mmx' | 'memory' | 'other' {
    switch (this.operandText(n)[0]) {
      case 'v':
        return 'xmm';
      case 'q':
        return 'mmx';
      case 'g':
        return 'memory';
      default:
        return 'other';
    }
  }
  /** Bytes of a memory operand. */
  #bytes(n: number): number {
    return Number(this.operandText(n).slice(1));
  }

  // ---- whether it may be used

  /** CR0 and `bits`: EM and TS. */
  #raiseIf(bits: number, vector: number): void {
    const { body } = this;
    this.getState(L.CR);
    body.i32(bits).op('and');
    body.if();
    this.raise(vector, -1);
    body.end();
  }
  requireXmm(): void {
    const { body } = this;
    this.getState(L.CR);
    body.i32(CR0.EM | CR0.TS).op('and');
    this.getState(L.CR + 8 * 4);
    body.i32(CR4.OSFXSR).op('and').i32(CR4.OSFXSR).op('xor').op('or');
    body.if();
    this.getState(L.CR + 8 * 4);
    body.i32(CR4.OSFXSR).op('and');
    body.if();
    this.#raiseIf(CR0.EM, VECTOR.UD);
    this.raise(VECTOR.NM, -1);
    body.end();
    this.raise(VECTOR.UD, -1);
    body.end();
  }
  requireMmx(): void {
    const { body } = this;
    this.getState(L.CR);
    body.i32(CR0.EM | CR0.TS).op('and');
    body.if();
    this.#raiseIf(CR0.EM, VECTOR.UD);
    this.raise(VECTOR.NM, -1);
    body.end();
    this.waitForError();
  }
  /** A pending error of the x87 unit is TypeScript's affair, which lets the instruction pass once it may. */
  waitForError(): void {
    const { body } = this;
    body.i32(0).load16U(this.context.vcpu + L.FPU_STATUS);
    body.i32(STATUS.ES).op('and');
    body.if();
    this.getState(L.ERROR_AWAITED);
    body.op('eqz');
    body.if();
    this.assist();
    body.end();
    this.setState(L.ERROR_AWAITED, () => body.i32(0));
    body.end();
  }
  enterMmx(): void {
    this.#setTags(0);
  }
  leaveMmx(): void {
    this.#setTags(EMPTY_TAGS);
  }
  #setTags(tags: number): void {
    this.body
      .i32(0)
      .i32(tags)
      .store16(this.context.vcpu + L.FPU_TAGS);
    this.clearTop();
  }
  clearTop(): void {
    const { body } = this;
    const status = this.context.vcpu + L.FPU_STATUS;
    body.i32(0).i32(0).load16U(status).i32(~STATUS.TOP).op('and').store16(status);
  }

  // ---- operands

  #register(n: number): void {
    this.field16(n === 0 ? R.R_DESTINATION : R.R_SOURCE);
  }
  /** Pushes the address of a memory operand's bytes, to be read with a load. */
  protected loadOperand(n: number, aligned: boolean): void {
    const { body, context } = this;
    const host = this.temp();
    const size = this.#bytes(n);
    body.get(this.frame.record).i32(size | (aligned && size === 16 ? VECTOR_ALIGNED : 0));
    body.call(context.calls.vectorLoad).tee(host).op('eqz');
    body.if();
    this.returnNothing();
    body.end();
    body.get(host);
  }
  readVector(n: number, aligned = true): void {
    const { body } = this;
    const { vcpu } = this.context;
    switch (this.operandKind(n)) {
      case 'xmm':
        this.#register(n);
        body.load128(vcpu);
        return;
      case 'mmx':
        this.#register(n);
        body.load64Zero(vcpu);
        return;
      case 'memory':
        this.loadOperand(n, aligned);
        if (this.#bytes(n) === 16) body.load128(0);
        else if (this.#bytes(n) === 8) body.load64Zero(0);
        else body.load32Zero(0);
        return;
      case 'other':
        this.#register(n);
        body.load32Zero(vcpu);
    }
  }
  writeVector(n: number, value: Local, aligned = true): void {
    const { body } = this;
    const { vcpu } = this.context;
    switch (this.operandKind(n)) {
      case 'xmm':
        this.#register(n);
        body.get(value).store128(vcpu);
        return;
      case 'mmx':
        this.#register(n);
        body.get(value).store64Lane(vcpu);
        this.#register(n);
        body.i32(-1).store16(vcpu + SIGN_AND_EXPONENT);
        return;
      case 'memory':
        this.#storeOperand(n, value, aligned);
        return;
      case 'other':
        this.#register(n);
        body.get(value).extract64(0).op('wrap').store(vcpu);
    }
  }
  #storeOperand(n: number, value: Local, aligned: boolean): void {
    const { body } = this;
    const size = this.#bytes(n);
    body
      .i32(0)
      .get(value)
      .store128(this.context.vcpu + L.VECTOR_OPERAND);
    body.get(this.frame.record).i32(size | (aligned && size === 16 ? VECTOR_ALIGNED : 0));
    body.call(this.context.calls.vectorStore);
    body.if();
    this.returnNothing();
    body.end();
  }

  readLane16(n: number, mask: number): void {
    const { body } = this;
    this.#pushLane(n, mask);
    body.load16U(this.context.vcpu);
  }
  writeLane16(n: number, mask: number, value: Local): void {
    const { body } = this;
    this.#pushLane(n, mask);
    body.get(value).store16(this.context.vcpu);
    if (this.operandKind(n) !== 'mmx') return;
    this.#register(n);
    body.i32(-1).store16(this.context.vcpu + SIGN_AND_EXPONENT);
  }
  /** Pushes the offset of the word of register operand `n` that the immediate selects. */
  #pushLane(n: number, mask: number): void {
    this.#register(n);
    this.immediate();
    this.body.i32(mask).op('and').i32(1).op('shl').op('add');
  }
  readWord(n: number): void {
    const { body } = this;
    if (this.operandKind(n) === 'memory') {
      this.loadOperand(n, false);
      body.load16U(0);
      return;
    }
    this.#register(n);
    body.load16U(this.context.vcpu);
  }
}
