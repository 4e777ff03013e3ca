/**
 * The compiled tier's answers to what an instruction's meaning asks for (backend.ts): those of the
 * interpreter tier, specialised to one record. What the record holds is a constant, general registers,
 * arithmetic flags and fuel are locals of the region (region-emitter.ts), and the next instruction is
 * simply the code that follows.
 *
 * Whatever needs help (a page that the TLB does not have, an exception, a TypeScript form) is left to the
 * interpreter: the region is left before the instruction, which has changed nothing yet, and the
 * interpreter executes its record. So nothing that happens rarely is written here.
 */
import { type MemoryMap, TLB_WRITE } from '../../memory/memory-map.ts';
import type { Label, Local } from '../../wasm/assembler.ts';
import * as L from '../layout.ts';
import type { Size } from './backend.ts';
import type { Frame, InterpreterContext } from './frame-emitter.ts';
import { pushCrosses, pushFilledHost } from './interpreter.ts';
import { InterpreterBackend } from './interpreter-backend.ts';
import * as R from './record.ts';
import type { Shape } from './shape.ts';

/** The function of a region, and its locals. */
export interface RegionFrame extends Frame {
  /** General registers in encoding order. */
  readonly registers: readonly Local[];
  readonly map: MemoryMap;
  /** Function that refills the TLB (tlb-refill.ts); null: the region is left instead. */
  readonly fill: number | null;
  readonly flagsResult: Local;
  readonly flagsAux: Local;
  readonly fuel: Local;
  /** The record that the interpreter goes on with; 0: it leaves too. */
  readonly next: Local;
  /** Writes locals back and returns `next`. */
  readonly exit: Label;
  /** Goes on with the record in `next`, in this region if it begins a block of it. */
  readonly arrive: Label;
  /** Goes on at the EIP in `target`, after layout LINK was set. */
  readonly lookup: Label;
}

/** The record that is compiled. */
export interface CompiledRecord {
  readonly i32: Int32Array;
  readonly u16: Uint16Array;
  readonly u8: Uint8Array;
  /** Where its fields are read from. */
  readonly address: number;
  /** The record that the interpreter executes in its place. */
  readonly resume: number;
  /** Emits the way to a link field's record where that is part of the region. Returns whether nothing else can happen. */
  readonly follow: (linkField: number) => boolean;
}

export class CompiledBackend extends InterpreterBackend {
  readonly #frame: RegionFrame;
  readonly #record: CompiledRecord;
  /** After this instruction. */
  readonly #end: Label;

  /** @param end label of the block that the instruction is emitted in. */
  constructor(
    context: InterpreterContext,
    frame: RegionFrame,
    shape: Shape,
    record: CompiledRecord,
    end: Label,
  ) {
    super(context, frame, shape);
    this.#frame = frame;
    this.#record = record;
    this.#end = end;
  }

  // ---- the record

  protected override field(offset: number): void {
    this.body.i32(this.#record.i32[(this.#record.address + offset) >> 2]);
  }
  protected override field16(offset: number): void {
    this.body.i32(this.#record.u16[(this.#record.address + offset) >> 1]);
  }
  protected override ordinal(): void {
    this.body.i32(this.#record.u8[this.#record.address + R.R_ORDINAL]);
  }
  protected override scale(): void {
    this.body.i32(this.#record.u8[this.#record.address + R.R_SCALE]);
  }
  protected override recordAddress(): void {
    this.body.i32(this.#record.resume);
  }

  // ---- state in locals

  protected override readRegister(field: number, size: Size): void {
    const offset = this.#record.u16[(this.#record.address + field) >> 1];
    if (offset === L.ZERO) this.body.i32(0);
    else this.getRegister(numberOf(offset), size);
  }
  protected override writeRegister(field: number, size: Size, value: Local): void {
    const offset = this.#record.u16[(this.#record.address + field) >> 1];
    this.body.get(value);
    this.setRegister(numberOf(offset), size);
  }
  override getRegister(number: number, size: Size): void {
    const { body } = this;
    if (size === 4) body.get(this.#frame.registers[number]);
    else if (size === 2) body.get(this.#frame.registers[number]).i32(0xffff).op('and');
    else if (number < 4) body.get(this.#frame.registers[number]).i32(0xff).op('and');
    else
      body
        .get(this.#frame.registers[number - 4])
        .i32(8)
        .op('shrU')
        .i32(0xff)
        .op('and');
  }
  override setRegister(number: number, size: Size): void {
    const { body } = this;
    if (size === 4) {
      body.set(this.#frame.registers[number]);
      return;
    }
    const high = size === 1 && number >= 4;
    const register = this.#frame.registers[high ? number - 4 : number];
    const mask = size === 2 ? 0xffff : high ? 0xff00 : 0xff;
    if (high) body.i32(8).op('shl');
    body.i32(mask).op('and');
    body.get(register).i32(~mask).op('and').op('or').set(register);
  }
  override getState(offset: number): void {
    if (offset === L.FUEL) this.body.get(this.#frame.fuel);
    else super.getState(offset);
  }
  override setState(offset: number, value: () => void): void {
    if (offset !== L.FUEL) {
      super.setState(offset, value);
      return;
    }
    value();
    this.body.set(this.#frame.fuel);
  }
  override getFlagResult(): void {
    this.body.get(this.#frame.flagsResult);
  }
  override getFlagAux(): void {
    this.body.get(this.#frame.flagsAux);
  }
  override setFlags(result: (() => void) | null, aux: (() => void) | null): void {
    if (aux !== null) {
      aux();
      this.body.set(this.#frame.flagsAux);
    }
    if (result !== null) {
      result();
      this.body.set(this.#frame.flagsResult);
    }
  }

  // ---- memory that the TLB does not have

  protected override missedRead(linear: Local, size: Size): void {
    this.#refill(linear, size, 0);
    this.loadSized(size, 0);
  }
  protected override missedWrite(linear: Local, size: Size, value: Local): void {
    this.#refill(linear, size, TLB_WRITE);
    this.body.get(value);
    this.storeSized(size, 0);
  }
  /** Pushes the host address after a refill, or leaves where the interpreter must look at the access. */
  #refill(linear: Local, size: Size, table: number): void {
    const { body } = this;
    const { fill, map } = this.#frame;
    this.setState(L.COMPILED_MISSES, () => {
      this.getState(L.COMPILED_MISSES);
      body.i32(1).op('add');
    });
    if (fill !== null) {
      pushCrosses(body, linear, () => body.i32(size));
      body.if();
      this.leaveToInterpreter();
      body.end();
      body
        .get(linear)
        .i32(table === 0 ? 0 : 1)
        .call(fill)
        .i32(1)
        .op('ne');
      body.if();
      this.leaveToInterpreter();
      body.end();
      pushFilledHost(body, map, linear, table);
    } else this.leaveToInterpreter();
  }
  protected override loadToModify(linear: Local, size: Size, host: Local): void {
    this.body.if();
    this.#refill(linear, size, TLB_WRITE);
    this.body.set(host);
    this.body.end();
    this.body.get(host);
    this.loadSized(size, 0);
  }
  protected override storeModified(_linear: Local, size: Size, host: Local, value: Local): void {
    this.body.get(host).get(value);
    this.storeSized(size, 0);
  }

  // ---- where it goes on

  leaveToInterpreter(): void {
    this.body.i32(this.#record.resume).set(this.#frame.next).br(this.#frame.exit);
  }
  protected override leave(code: number): void {
    if (code === R.EXIT_CODE.EXCEPTION) this.leaveToInterpreter();
    else super.leave(code);
  }
  protected override returnNothing(): void {
    this.body.i32(0).set(this.#frame.next).br(this.#frame.exit);
  }
  override assist(): void {
    this.leaveToInterpreter();
  }
  override next(): void {
    this.body.br(this.#end);
  }
  override raise(): void {
    this.leaveToInterpreter();
  }
  protected override follow(linkField: number, pushTarget: () => void): void {
    if (this.#record.follow(linkField)) return;
    const { body } = this;
    const { next, arrive } = this.#frame;
    body
      .i32(0)
      .load(this.#record.resume + linkField)
      .tee(next)
      .brIf(arrive);
    this.lookup(pushTarget, () => body.i32(this.#record.resume + linkField));
  }
  protected override lookup(pushTarget: () => void, pushLink: () => void): void {
    this.setState(L.LINK, pushLink);
    pushTarget();
    this.body.set(this.#frame.target).br(this.#frame.lookup);
  }
}

/** Number of the register at an offset of the vCPU block, as getRegister() takes it. */
function numberOf(offset: number): number {
  return (offset >> 3) + ((offset & 1) !== 0 ? 4 : 0);
}
