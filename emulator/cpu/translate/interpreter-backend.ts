/**
 * The interpreter tier's answers to what an instruction's meaning asks for (backend.ts): operands are
 * read from the record whose address is in the local `record`, registers and flags live in the state
 * block. Emits either a piece of the main function, where the next record is reached by a branch to the
 * dispatch loop, or a function of its own, which returns the next record (0: leave).
 */
import type { Local } from '../../wasm/assembler.ts';
import { PAGE_SIZE } from '../../memory/address.ts';
import { TLB_WRITE } from '../../memory/memory-map.ts';
import * as L from '../layout.ts';
import { FLAG } from '../state.ts';
import type { Backend, Size } from './backend.ts';
import { SEGMENT_BLOCK } from './frame-emitter.ts';
import * as R from './record.ts';
import { VectorEmitter } from './vector-emitter.ts';

export class InterpreterBackend extends VectorEmitter implements Backend {
  /** Linear address of the memory operand once computed, its host address if it may be written there. */
  #linear: Local | null = null;
  #host: Local | null = null;
  #displacement: Local | null = null;

  size(n: number): Size {
    const digit = this.operandText(n)[1];
    if (digit === '1') return 1;
    return digit === '2' ? 2 : 4;
  }
  isMemory(n: number): boolean {
    return 'bxsw'.includes(this.operandText(n).charAt(0));
  }
  isImmediate(n: number): boolean {
    return this.operandText(n) === 'i';
  }

  // ---- operands

  /** Pushes the shift count of the index. */
  protected scale(): void {
    this.body.get(this.frame.record).load8U(R.R_SCALE);
  }
  /** Pushes the register that a field of the record names. */
  protected readRegister(field: number, size: Size): void {
    this.field16(field);
    this.loadSized(size, this.context.vcpu);
  }
  protected writeRegister(field: number, size: Size, value: Local): void {
    this.field16(field);
    this.body.get(value);
    this.storeSized(size, this.context.vcpu);
  }

  read(n: number): void {
    const operand = this.operandText(n);
    switch (operand[0]) {
      case 'r':
        this.readRegister(n === 0 ? R.R_DESTINATION : R.R_SOURCE, this.size(n));
        return;
      case 'i':
        this.immediate();
        return;
      case 'c':
        this.getRegister(1, 1);
        return;
      default:
        this.#computeLinear(n, false);
        this.readLinear(this.#address(), this.size(n));
    }
  }

  readForWrite(n: number): void {
    if (!this.isMemory(n)) {
      this.read(n);
      return;
    }
    const size = this.size(n);
    this.#computeLinear(n, true);
    const linear = this.#address();
    const host = (this.#host = this.temp());
    this.probe(linear, size, TLB_WRITE, host);
    this.loadToModify(linear, size, host);
  }
  /**
   * After the probe for writing, which pushed whether it missed: pushes what is there. Sets `host` to 0
   * where the write cannot simply go there.
   */
  protected loadToModify(linear: Local, size: Size, host: Local): void {
    const { body } = this;
    body.if();
    body.get(linear).i32(size).call(this.context.calls.writableHost).set(host);
    body.end();
    body.get(host);
    body.if(0x7f);
    body.get(host);
    this.loadSized(size, 0);
    body.else();
    body.get(linear).i32(size).call(this.context.calls.slowReadForWrite);
    this.leaveIfSlow();
    body.end();
  }
  /** Stores where loadToModify() has read. */
  protected storeModified(linear: Local, size: Size, host: Local, value: Local): void {
    const { body } = this;
    body.get(host);
    body.if();
    body.get(host).get(value);
    this.storeSized(size, 0);
    body.else();
    body.get(linear).get(value).i32(size).call(this.context.calls.slowWrite);
    this.leaveIfSlow();
    body.end();
  }

  write(n: number, value: Local): void {
    const size = this.size(n);
    if (!this.isMemory(n)) {
      this.writeRegister(n === 0 ? R.R_DESTINATION : R.R_SOURCE, size, value);
      return;
    }
    if (this.#host === null) {
      this.#computeLinear(n, true);
      this.writeLinear(this.#address(), size, value);
      return;
    }
    this.storeModified(this.#address(), size, this.#host, value);
  }

  offset(n: number): void {
    const { body } = this;
    const letter = this.operandText(n)[0];
    this.readRegister(R.R_BASE, 4);
    if (letter !== 'b') {
      this.readRegister(R.R_INDEX, 4);
      this.scale();
      body.op('shl').op('add');
    }
    this.field(R.R_DISPLACEMENT);
    body.op('add');
    if (this.#displacement !== null) body.get(this.#displacement).op('add');
    if (letter === 'w') body.i32(0xffff).op('and');
  }

  displace(_n: number): void {
    this.#displacement ??= this.temp();
    this.body.set(this.#displacement);
    this.#linear = null;
    this.#host = null;
  }

  #address(): Local {
    if (this.#linear === null) throw new Error('the address is computed first');
    return this.#linear;
  }

  #computeLinear(n: number, write: boolean): void {
    if (this.#linear !== null) return;
    const { body } = this;
    const linear = (this.#linear = this.temp());
    this.offset(n);
    body.set(linear);
    if ('sw'.includes(this.operandText(n).charAt(0))) {
      const segment = this.temp();
      this.field16(R.R_SEGMENT);
      body.set(segment);
      this.segmentToLinear(segment, linear, () => this.body.i32(this.size(n) - 1), write);
    }
  }

  // ---- stack

  #stackSize(): 2 | 4 {
    return this.shape.stack === '16' ? 2 : 4;
  }
  getStackPointer(): void {
    this.getRegister(4, this.#stackSize());
  }
  setStackPointer(value: Local): void {
    this.body.get(value);
    this.setRegister(4, this.#stackSize());
  }
  addToStackPointer(bytes: number | (() => void)): void {
    this.getStackPointer();
    if (typeof bytes === 'number') this.body.i32(bytes);
    else bytes();
    this.body.op('add');
    this.setRegister(4, this.#stackSize());
  }
  /** Linear address of the stack slot at the offset in a local (masked by the stack's size). */
  #stackLinear(offset: Local, size: 2 | 4, write: boolean): Local {
    const { body } = this;
    if (this.shape.stack === 'flat') return offset;
    const linear = this.temp();
    const segment = this.temp();
    body.get(offset);
    if (this.shape.stack === '16') body.i32(0xffff).op('and');
    body.set(linear).i32(SEGMENT_BLOCK(L.SEGMENT.SS)).set(segment);
    this.segmentToLinear(segment, linear, () => this.body.i32(size - 1), write);
    return linear;
  }
  pushStack(size: 2 | 4, value: Local): void {
    const at = this.temp();
    this.getStackPointer();
    this.body.i32(size).op('sub').set(at);
    this.writeLinear(this.#stackLinear(at, size, true), size, value);
  }
  peekStack(size: 2 | 4, displacement: number): void {
    const at = this.temp();
    this.getStackPointer();
    if (displacement !== 0) this.body.i32(displacement).op('add');
    this.body.set(at);
    this.readLinear(this.#stackLinear(at, size, false), size);
  }
  readStackAt(offset: Local, size: 2 | 4): void {
    this.readLinear(this.#stackLinear(offset, size, false), size);
  }
  writeStackAt(offset: Local, size: 2 | 4, value: Local): void {
    this.writeLinear(this.#stackLinear(offset, size, true), size, value);
  }

  // ---- strings

  #stringLinear(
    which: 'source' | 'destination',
    offset: Local,
    last: () => void,
    write: boolean,
  ): Local {
    const linear = this.temp();
    const segment = this.temp();
    this.body.get(offset).set(linear);
    if (which === 'source') this.field16(R.R_SEGMENT);
    else this.body.i32(SEGMENT_BLOCK(L.SEGMENT.ES));
    this.body.set(segment);
    this.segmentToLinear(segment, linear, last, write);
    return linear;
  }
  readString(which: 'source' | 'destination', offset: Local, size: Size): void {
    this.readLinear(
      this.#stringLinear(which, offset, () => this.body.i32(size - 1), false),
      size,
    );
  }
  writeString(offset: Local, size: Size, value: Local): void {
    const last = (): void => void this.body.i32(size - 1);
    this.writeLinear(this.#stringLinear('destination', offset, last, true), size, value);
  }

  bulk(parts: Parameters<Backend['bulk']>[0]): void {
    const { body } = this;
    const { vcpu } = this.context;
    const elements = this.temp();
    const linear = this.temp();
    const segment = this.temp();
    const done = body.block();
    const refused = body.block();
    this.getState(L.EFLAGS_SYSTEM);
    body.i32(FLAG.DF).op('and').brIf(refused);
    body.get(parts.count).set(elements);
    const sides = [
      ...(parts.source === null ? [] : [{ ...parts.source, write: false }]),
      { ...parts.destination, write: true },
    ];
    for (const { offset, write } of sides) {
      // elements up to the end of the page
      this.#pushStringSegment(write);
      body
        .tee(segment)
        .load(vcpu + L.SEG_BASE)
        .get(offset)
        .op('add')
        .set(linear);
      body
        .i32(PAGE_SIZE)
        .get(linear)
        .i32(PAGE_SIZE - 1)
        .op('and')
        .op('sub')
        .i32(parts.size)
        .op('divU');
      body.set(linear).get(linear).get(elements).get(linear).get(elements).op('ltU').op('select');
      body.set(elements);
    }
    for (const { offset, host, write } of sides) {
      const end = this.temp();
      this.#pushStringSegment(write);
      body.set(segment);
      body.get(offset).get(elements).i32(parts.size).op('mul').op('add').i32(1).op('sub').set(end);
      this.pushOutsideSegment(segment, offset, end, write);
      body.brIf(refused);
      body
        .get(segment)
        .load(vcpu + L.SEG_BASE)
        .get(offset)
        .op('add')
        .set(linear);
      this.probe(linear, 1, write ? TLB_WRITE : 0, host);
      body.brIf(refused);
    }
    body.br(done);
    body.end();
    body.i32(0).set(elements);
    body.end();
    body.get(elements);
  }
  #pushStringSegment(destination: boolean): void {
    if (destination) this.body.i32(SEGMENT_BLOCK(L.SEGMENT.ES));
    else this.field16(R.R_SEGMENT);
  }
}
