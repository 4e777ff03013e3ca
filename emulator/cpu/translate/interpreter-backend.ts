/**
 * The interpreter tier's answers to what an instruction's meaning asks for (backend.ts): operands are
 * read from the record whose address is in the local `record`, registers and flags live in the state
 * block. Emits either a piece of the main function, where the next record is reached by a branch to the
 * dispatch loop, or a function of its own, which returns the next record (0: leave).
 */
import { type FunctionBody, I64, type Label, type Local } from '../../wasm/assembler.ts';
import { PAGE_SIZE } from '../../memory/address.ts';
import { TLB_ENTRIES, TLB_WRITE } from '../../memory/memory-map.ts';
import * as L from '../layout.ts';
import { VECTOR } from '../processor.ts';
import { FLAG } from '../state.ts';
import type { Backend, Size } from './backend.ts';
import * as R from './record.ts';
import type { Shape } from './shape.ts';

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
  readonly pool: { readonly narrow: Local[]; readonly wide: Local[] };
  /** Branch here after a slow access said no. */
  readonly slow: Label;
  /** Main function only: the dispatch loop and the jump-cache lookup. */
  readonly main: { readonly dispatch: Label; readonly lookup: Label } | null;
}

const REGISTER = (number: number, size: Size): number =>
  size === 1 && number >= 4 ? L.GPR + (number - 4) * 8 + 1 : L.GPR + number * 8;
const SEGMENT_BLOCK = (segment: number): number => L.SEGMENTS + segment * L.SEGMENT_SIZE;

export class InterpreterBackend implements Backend {
  readonly body: FunctionBody;
  readonly #context: InterpreterContext;
  readonly #frame: Frame;
  readonly #shape: Shape;
  #narrow = 0;
  #wide = 0;
  /** Linear address of the memory operand once computed, its host address if it may be written there. */
  #linear: Local | null = null;
  #host: Local | null = null;
  #displacement: Local | null = null;

  constructor(context: InterpreterContext, frame: Frame, shape: Shape) {
    this.#context = context;
    this.#frame = frame;
    this.#shape = shape;
    this.body = frame.body;
  }

  temp(): Local {
    const { narrow } = this.#frame.pool;
    return (narrow[this.#narrow++] ??= this.body.local());
  }
  temp64(): Local {
    const { wide } = this.#frame.pool;
    return (wide[this.#wide++] ??= this.body.local(I64));
  }

  #operand(n: number): string {
    const operand = this.#shape.operands[n];
    if (operand === undefined)
      throw new Error(`${this.#shape.meaning} has no operand ${String(n)}`);
    return operand;
  }
  size(n: number): Size {
    const digit = this.#operand(n)[1];
    if (digit === '1') return 1;
    return digit === '2' ? 2 : 4;
  }
  isMemory(n: number): boolean {
    return 'bxsw'.includes(this.#operand(n).charAt(0));
  }
  isImmediate(n: number): boolean {
    return this.#operand(n) === 'i';
  }

  // ---- state block

  getState(offset: number): void {
    this.body.i32(0).load(this.#context.vcpu + offset);
  }
  setState(offset: number, value: () => void): void {
    this.body.i32(0);
    value();
    this.body.store(this.#context.vcpu + offset);
  }
  #loadSized(size: Size, offset: number): void {
    if (size === 4) this.body.load(offset);
    else if (size === 2) this.body.load16U(offset);
    else this.body.load8U(offset);
  }
  #storeSized(size: Size, offset: number): void {
    if (size === 4) this.body.store(offset);
    else if (size === 2) this.body.store16(offset);
    else this.body.store8(offset);
  }
  getRegister(number: number, size: Size): void {
    this.body.i32(0);
    this.#loadSized(size, this.#context.vcpu + REGISTER(number, size));
  }
  setRegister(number: number, size: Size): void {
    const value = this.temp();
    this.body.set(value).i32(0).get(value);
    this.#storeSized(size, this.#context.vcpu + REGISTER(number, size));
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

  #field(offset: number): void {
    this.body.get(this.#frame.record).load(offset);
  }
  #field16(offset: number): void {
    this.body.get(this.#frame.record).load16U(offset);
  }
  immediate(): void {
    this.#field(R.R_IMMEDIATE);
  }
  eip(): void {
    this.#field(R.R_EIP);
  }
  nextEip(): void {
    this.#field(R.R_NEXT_EIP);
  }

  // ---- operands

  read(n: number): void {
    const operand = this.#operand(n);
    switch (operand[0]) {
      case 'r':
        this.#field16(n === 0 ? R.R_DESTINATION : R.R_SOURCE);
        this.#loadSized(this.size(n), this.#context.vcpu);
        return;
      case 'i':
        this.immediate();
        return;
      case 'c':
        this.getRegister(1, 1);
        return;
      default:
        this.#computeLinear(n, false);
        this.#readLinear(this.#address(), this.size(n));
    }
  }

  readForWrite(n: number): void {
    if (!this.isMemory(n)) {
      this.read(n);
      return;
    }
    const { body } = this;
    const size = this.size(n);
    this.#computeLinear(n, true);
    const linear = this.#address();
    const host = (this.#host = this.temp());
    this.#probe(linear, size, TLB_WRITE, host);
    body.if();
    body.get(linear).i32(size).call(this.#context.calls.writableHost).set(host);
    body.end();
    body.get(host);
    body.if(0x7f);
    body.get(host);
    this.#loadSized(size, 0);
    body.else();
    body.get(linear).i32(size).call(this.#context.calls.slowReadForWrite);
    this.#leaveIfSlow();
    body.end();
  }

  write(n: number, value: Local): void {
    const { body } = this;
    const size = this.size(n);
    if (!this.isMemory(n)) {
      this.#field16(n === 0 ? R.R_DESTINATION : R.R_SOURCE);
      body.get(value);
      this.#storeSized(size, this.#context.vcpu);
      return;
    }
    if (this.#host === null) {
      this.#computeLinear(n, true);
      this.#writeLinear(this.#address(), size, value);
      return;
    }
    body.get(this.#host);
    body.if();
    body.get(this.#host).get(value);
    this.#storeSized(size, 0);
    body.else();
    body.get(this.#address()).get(value).i32(size).call(this.#context.calls.slowWrite);
    this.#leaveIfSlow();
    body.end();
  }

  offset(n: number): void {
    const { body } = this;
    const letter = this.#operand(n)[0];
    this.#field16(R.R_BASE);
    body.load(this.#context.vcpu);
    if (letter !== 'b') {
      this.#field16(R.R_INDEX);
      body.load(this.#context.vcpu).get(this.#frame.record).load8U(R.R_SCALE).op('shl').op('add');
    }
    this.#field(R.R_DISPLACEMENT);
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
    if ('sw'.includes(this.#operand(n).charAt(0))) {
      const segment = this.temp();
      this.#field16(R.R_SEGMENT);
      body.set(segment);
      this.#segmentToLinear(segment, linear, () => this.body.i32(this.size(n) - 1), write);
    }
  }

  /** Checks the offset in `linear` against the segment whose block offset is in a local; adds its base. */
  #segmentToLinear(segment: Local, linear: Local, last: () => void, write: boolean): void {
    const { body } = this;
    const { vcpu } = this.#context;
    const end = this.temp();
    body.get(linear);
    last();
    body.op('add').set(end);
    body
      .get(linear)
      .get(segment)
      .load(vcpu + L.SEG_LOW)
      .op('ltU');
    body
      .get(end)
      .get(segment)
      .load(vcpu + L.SEG_HIGH)
      .op('gtU')
      .op('or');
    body.get(end).get(linear).op('ltU').op('or');
    body
      .get(segment)
      .load(vcpu + L.SEG_ABILITY)
      .i32(write ? 2 : 1)
      .op('and')
      .op('eqz')
      .op('or');
    body.if();
    this.setState(L.RAISED_VECTOR, () => {
      body.i32(12).i32(13).get(segment).i32(SEGMENT_BLOCK(L.SEGMENT.SS)).op('eq').op('select');
    });
    this.setState(L.RAISED_ERROR, () => body.i32(0));
    this.#leave(R.EXIT_CODE.EXCEPTION);
    body.end();
    body
      .get(linear)
      .get(segment)
      .load(vcpu + L.SEG_BASE)
      .op('add')
      .set(linear);
  }

  // ---- memory

  /**
   * Looks the page up in the TLB at `table`; sets `host` to the host address and pushes whether it
   * missed (then `host` is undefined).
   */
  #probe(linear: Local, size: Size, table: number, host: Local): void {
    const { body } = this;
    const slot = this.temp();
    body
      .get(linear)
      .i32(9)
      .op('shrU')
      .i32((TLB_ENTRIES - 1) << 3)
      .op('and');
    body.get(this.#frame.tlb).op('add').tee(slot);
    body
      .load(table + 4)
      .get(linear)
      .op('add')
      .set(host);
    body.get(slot).load(table).get(linear);
    if (size > 1) body.i32(size - 1).op('add');
    body.i32(-PAGE_SIZE).op('and').op('ne');
  }

  #readLinear(linear: Local, size: Size): void {
    const { body } = this;
    const host = this.temp();
    this.#probe(linear, size, 0, host);
    body.if(0x7f);
    body.get(linear).i32(size).call(this.#context.calls.missRead);
    this.#leaveIfSlow();
    body.else();
    body.get(host);
    this.#loadSized(size, 0);
    body.end();
  }

  #writeLinear(linear: Local, size: Size, value: Local): void {
    const { body } = this;
    const host = this.temp();
    this.#probe(linear, size, TLB_WRITE, host);
    body.if();
    body.get(linear).get(value).i32(size).call(this.#context.calls.missWrite);
    this.#leaveIfSlow();
    body.else();
    body.get(host).get(value);
    this.#storeSized(size, 0);
    body.end();
  }

  #leaveIfSlow(): void {
    this.getState(L.SLOW);
    this.body.brIf(this.#frame.slow);
  }

  // ---- stack

  #stackSize(): 2 | 4 {
    return this.#shape.stack === '16' ? 2 : 4;
  }
  getStackPointer(): void {
    this.getRegister(4, this.#stackSize());
  }
  setStackPointer(value: Local): void {
    this.body.i32(0).get(value);
    this.#storeSized(this.#stackSize(), this.#context.vcpu + REGISTER(4, 4));
  }
  addToStackPointer(bytes: number | (() => void)): void {
    const { body } = this;
    body.i32(0);
    this.getStackPointer();
    if (typeof bytes === 'number') body.i32(bytes);
    else bytes();
    body.op('add');
    this.#storeSized(this.#stackSize(), this.#context.vcpu + REGISTER(4, 4));
  }
  /** Linear address of the stack slot at the offset in a local (masked by the stack's size). */
  #stackLinear(offset: Local, size: 2 | 4, write: boolean): Local {
    const { body } = this;
    if (this.#shape.stack === 'flat') return offset;
    const linear = this.temp();
    const segment = this.temp();
    body.get(offset);
    if (this.#shape.stack === '16') body.i32(0xffff).op('and');
    body.set(linear).i32(SEGMENT_BLOCK(L.SEGMENT.SS)).set(segment);
    this.#segmentToLinear(segment, linear, () => this.body.i32(size - 1), write);
    return linear;
  }
  pushStack(size: 2 | 4, value: Local): void {
    const at = this.temp();
    this.getStackPointer();
    this.body.i32(size).op('sub').set(at);
    this.#writeLinear(this.#stackLinear(at, size, true), size, value);
  }
  peekStack(size: 2 | 4, displacement: number): void {
    const at = this.temp();
    this.getStackPointer();
    if (displacement !== 0) this.body.i32(displacement).op('add');
    this.body.set(at);
    this.#readLinear(this.#stackLinear(at, size, false), size);
  }
  readStackAt(offset: Local, size: 2 | 4): void {
    this.#readLinear(this.#stackLinear(offset, size, false), size);
  }
  writeStackAt(offset: Local, size: 2 | 4, value: Local): void {
    this.#writeLinear(this.#stackLinear(offset, size, true), size, value);
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
    if (which === 'source') this.#field16(R.R_SEGMENT);
    else this.body.i32(SEGMENT_BLOCK(L.SEGMENT.ES));
    this.body.set(segment);
    this.#segmentToLinear(segment, linear, last, write);
    return linear;
  }
  readString(which: 'source' | 'destination', offset: Local, size: Size): void {
    this.#readLinear(
      this.#stringLinear(which, offset, () => this.body.i32(size - 1), false),
      size,
    );
  }
  writeString(offset: Local, size: Size, value: Local): void {
    const last = (): void => void this.body.i32(size - 1);
    this.#writeLinear(this.#stringLinear('destination', offset, last, true), size, value);
  }

  bulk(parts: Parameters<Backend['bulk']>[0]): void {
    const { body } = this;
    const { vcpu } = this.#context;
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
      body
        .get(offset)
        .get(segment)
        .load(vcpu + L.SEG_LOW)
        .op('ltU');
      body
        .get(end)
        .get(segment)
        .load(vcpu + L.SEG_HIGH)
        .op('gtU')
        .op('or');
      body.get(end).get(offset).op('ltU').op('or');
      body
        .get(segment)
        .load(vcpu + L.SEG_ABILITY)
        .i32(write ? 2 : 1)
        .op('and')
        .op('eqz')
        .op('or');
      body.brIf(refused);
      body
        .get(segment)
        .load(vcpu + L.SEG_BASE)
        .get(offset)
        .op('add')
        .set(linear);
      this.#probe(linear, 1, write ? TLB_WRITE : 0, host);
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
    else this.#field16(R.R_SEGMENT);
  }

  // ---- leaving and going on

  #leave(code: number): void {
    const { body } = this;
    this.setState(L.RECORD, () => body.get(this.#frame.record));
    this.setState(L.EXIT, () => body.i32(code));
    this.#returnNothing();
  }
  #returnNothing(): void {
    if (this.#frame.main === null) this.body.i32(0);
    this.body.op('return');
  }
  raise(vector: number, errorCode: number): void {
    this.setState(L.RAISED_VECTOR, () => this.body.i32(vector));
    this.setState(L.RAISED_ERROR, () => this.body.i32(errorCode));
    this.#leave(R.EXIT_CODE.EXCEPTION);
  }
  assist(): void {
    const { body } = this;
    body.get(this.#frame.record).call(this.#context.calls.typescript);
    body.if();
    this.#returnNothing();
    body.end();
    this.next();
  }
  next(): void {
    const { body } = this;
    body.get(this.#frame.record).i32(R.RECORD_SIZE).op('add');
    this.#continueAtRecordOnStack();
  }
  #continueAtRecordOnStack(): void {
    if (this.#frame.main === null) this.body.op('return');
    else this.body.set(this.#frame.record).br(this.#frame.main.dispatch);
  }

  /** Takes the block's instructions from the fuel; leaves with RIP = target when little is left. */
  #endBlock(pushTarget: () => void, instructions: 0 | 1): void {
    const { body } = this;
    const fuel = this.temp();
    body.i32(0);
    this.getState(L.FUEL);
    body.get(this.#frame.record).load8U(R.R_ORDINAL);
    if (instructions === 1) body.i32(1).op('add');
    body
      .op('sub')
      .tee(fuel)
      .store(this.#context.vcpu + L.FUEL);
    body.get(fuel).i32(R.MAX_BLOCK).op('ltS');
    body.if();
    this.setState(L.RIP, pushTarget);
    this.#leave(R.EXIT_CODE.FUEL);
    body.end();
  }
  /** To the record in a link field, else by the jump cache. */
  #follow(linkField: number, pushTarget: () => void): void {
    const { body } = this;
    const link = this.temp();
    this.#field(linkField);
    body.tee(link);
    body.if();
    body.get(link);
    this.#continueAtRecordOnStack();
    body.end();
    this.#lookup(pushTarget, () => body.get(this.#frame.record).i32(linkField).op('add'));
  }
  #lookup(pushTarget: () => void, pushLink: () => void): void {
    const { body } = this;
    this.setState(L.LINK, pushLink);
    pushTarget();
    if (this.#frame.main === null) {
      body.call(this.#context.calls.lookup).op('return');
    } else {
      body.set(this.#frame.target).br(this.#frame.main.lookup);
    }
  }
  checkTarget(pushTarget: () => void): void {
    const { body } = this;
    pushTarget();
    this.getState(SEGMENT_BLOCK(L.SEGMENT.CS) + L.SEG_HIGH);
    body.op('gtU');
    body.if();
    this.raise(VECTOR.GP, 0);
    body.end();
  }
  jumpStatic(): void {
    const target = (): void => {
      this.immediate();
    };
    this.#endBlock(target, 1);
    this.#follow(R.R_LINK, target);
  }
  continueAtTarget(): void {
    const target = (): void => {
      this.immediate();
    };
    this.#endBlock(target, 0);
    this.#follow(R.R_LINK, target);
  }
  branch(): void {
    this.body.if();
    this.checkTarget(() => {
      this.immediate();
    });
    this.jumpStatic();
    this.body.end();
    const next = (): void => {
      this.nextEip();
    };
    this.#endBlock(next, 1);
    this.#follow(R.R_LINK_NEXT, next);
  }
  jumpDynamic(): void {
    const { body } = this;
    const target = this.temp();
    body.set(target);
    const push = (): void => void body.get(target);
    this.#endBlock(push, 1);
    this.#lookup(push, () => body.i32(0));
  }
  nextWithEventCheck(): void {
    const { body } = this;
    this.getState(L.EVENT_PENDING);
    body.if();
    this.#account(() => {
      this.nextEip();
    });
    this.#leave(R.EXIT_CODE.EVENT);
    body.end();
    this.next();
  }
  again(): void {
    this.#account(() => {
      this.eip();
    });
    this.#leave(R.EXIT_CODE.EVENT);
  }
  /** Counts everything up to and including this instruction, and sets RIP. */
  #account(pushRip: () => void): void {
    const { body } = this;
    this.setState(L.FUEL, () => {
      this.getState(L.FUEL);
      body.get(this.#frame.record).load8U(R.R_ORDINAL).i32(1).op('add').op('sub');
    });
    this.setState(L.RIP, pushRip);
  }
  inhibitInterrupts(): void {
    this.setState(L.SHADOW_FUEL, () => {
      this.getState(L.FUEL);
      this.body.get(this.#frame.record).load8U(R.R_ORDINAL).i32(1).op('add').op('sub');
    });
  }
  stopAtBreakpoint(): void {
    this.#leave(R.EXIT_CODE.BREAKPOINT);
  }
  stopAfterStep(): void {
    this.setState(L.RIP, () => {
      this.immediate();
    });
    this.setState(L.FUEL, () => {
      this.getState(L.FUEL);
      this.body.get(this.#frame.record).load8U(R.R_ORDINAL).op('sub');
    });
    this.#leave(R.EXIT_CODE.STEPPED);
  }
}
