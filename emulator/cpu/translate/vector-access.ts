/**
 * Memory operands of SIMD instructions, as two functions of the interpreter's module: they work out the
 * address from the record, check segment and alignment (SDM vol. 1, 10.2.4 and 11.6.10; vol. 2, "exception
 * classes"), and look into the TLB. One form serves all addressing modes and sizes, since a call costs
 * little beside what such an instruction does. What the TLB cannot serve passes through layout
 * VECTOR_OPERAND (slow-access.ts).
 */
import { PAGE_SIZE } from '../../memory/address.ts';
import { TLB_ENTRIES, TLB_WRITE, type MemoryMap } from '../../memory/memory-map.ts';
import { FunctionBody, type Label, type Local } from '../../wasm/assembler.ts';
import * as L from '../layout.ts';
import { VECTOR } from '../processor.ts';
import * as R from './record.ts';
import { emitOutsideSegment } from './segment-check.ts';

/** Second argument of both functions: the size in bytes, and whether 16-byte alignment is demanded. */
export const VECTOR_ALIGNED = 0x100;
/** In R_SCALE beside the shift count: the effective address has 16 bits. */
export const SCALE_ADDRESS16 = 0x80;

/** Functions that are called from here. */
export interface VectorAccessCalls {
  readonly fill: number;
  readonly writableHost: number;
  readonly slowRead: number;
  readonly slowWrite: number;
}

class VectorAccess {
  readonly body = new FunctionBody(2);
  readonly record: Local = this.body.parameter(0);
  readonly size: Local = this.body.local();
  readonly linear: Local = this.body.local();
  readonly host: Local = this.body.local();
  readonly #flags: Local = this.body.parameter(1);
  readonly #map: MemoryMap;
  readonly #failed: 0 | 1;

  /** @param failed what the function returns when the instruction cannot go on. */
  constructor(map: MemoryMap, failed: 0 | 1) {
    this.#map = map;
    this.#failed = failed;
  }

  #setState(offset: number, push: () => void): void {
    this.body.i32(0);
    push();
    this.body.store(this.#map.vcpu + offset);
  }
  /** Leaves the interpreter at the record. */
  #leave(code: number): void {
    const { body } = this;
    this.#setState(L.RECORD, () => body.get(this.record));
    this.#setState(L.EXIT, () => body.i32(code));
    body.i32(this.#failed).op('return');
  }
  #raise(pushVector: () => void): void {
    this.#setState(L.RAISED_VECTOR, pushVector);
    this.#setState(L.RAISED_ERROR, () => this.body.i32(0));
    this.#leave(R.EXIT_CODE.EXCEPTION);
  }
  leaveIfSlow(): void {
    const { body } = this;
    body.i32(0).load(this.#map.vcpu + L.SLOW);
    body.if();
    this.#leave(R.EXIT_CODE.SLOW);
    body.end();
  }

  /**
   * Sets `size` and `linear`; #GP(0) where it is not aligned, which as on a Xeon comes before the segment's
   * #SS(0) and #GP(0).
   */
  address(write: boolean): void {
    const { body, record, linear, size } = this;
    const { vcpu } = this.#map;
    const offset = body.local();
    const segment = body.local();
    body.get(this.#flags).i32(0xff).op('and').set(size);
    this.#effectiveAddress(offset);
    body.get(record).load16U(R.R_SEGMENT).set(segment);
    body
      .get(offset)
      .get(segment)
      .load(vcpu + L.SEG_BASE)
      .op('add')
      .set(linear);
    body.get(this.#flags).i32(VECTOR_ALIGNED).op('geU').get(linear).i32(15).op('and').i32(0);
    body.op('ne').op('and');
    body.if();
    this.#raise(() => body.i32(VECTOR.GP));
    body.end();
    this.#checkSegment(segment, offset, write);
  }
  #effectiveAddress(offset: Local): void {
    const { body, record } = this;
    const { vcpu } = this.#map;
    const scale = body.local();
    body.get(record).load8U(R.R_SCALE).set(scale);
    body.get(record).load16U(R.R_BASE).load(vcpu);
    // a shift count is taken modulo 32
    body.get(record).load16U(R.R_INDEX).load(vcpu).get(scale).op('shl').op('add');
    body.get(record).load(R.R_DISPLACEMENT).op('add');
    body.i32(-1).get(scale).i32(7).op('shrU').i32(4).op('shl').op('shrU').op('and').set(offset);
  }
  #checkSegment(segment: Local, offset: Local, write: boolean): void {
    const { body } = this;
    const { vcpu } = this.#map;
    const last = body.local();
    body.get(offset).get(this.size).op('add').i32(1).op('sub').set(last);
    emitOutsideSegment(body, vcpu, segment, { first: offset, last, write });
    body.if();
    this.#raise(() => {
      const stack = L.SEGMENTS + L.SEGMENT.SS * L.SEGMENT_SIZE;
      body.i32(VECTOR.SS).i32(VECTOR.GP).get(segment).i32(stack).op('eq').op('select');
    });
    body.end();
  }

  /** Sets `host` from the TLB at `table` and pushes whether it missed. */
  probe(table: number): void {
    const { body, linear, size } = this;
    const slot = body.local();
    body
      .get(linear)
      .i32(9)
      .op('shrU')
      .i32((TLB_ENTRIES - 1) << 3)
      .op('and');
    body
      .i32(0)
      .load(this.#map.vcpu + L.TLB)
      .op('add')
      .tee(slot);
    body
      .load(table + 4)
      .get(linear)
      .op('add')
      .set(this.host);
    body.get(slot).load(table).get(linear).get(size).op('add').i32(1).op('sub');
    body.i32(-PAGE_SIZE).op('and').op('ne');
  }

  /** Goes to `label` when the operand lies on two pages. */
  branchIfTwoPages(label: Label): void {
    const { body } = this;
    body.get(this.linear).i32(PAGE_SIZE - 1).op('and').get(this.size).op('add'); // prettier-ignore
    body.i32(PAGE_SIZE).op('gtU').brIf(label);
  }

  /** Copies the operand from VECTOR_OPERAND to `host`. */
  copyOut(): void {
    const { body, size, host } = this;
    const from = this.#map.vcpu + L.VECTOR_OPERAND;
    body.get(size).i32(16).op('eq');
    body.if();
    body.get(host).i32(0).load128(from).store128(0).i32(0).op('return');
    body.end();
    body.get(size).i32(8).op('eq');
    body.if();
    body.get(host).i32(0).load64(from).store64(0).i32(0).op('return');
    body.end();
    body.get(host).i32(0).load(from).store(0);
  }
}

/** (record, flags) → address of the operand's bytes in the WebAssembly memory, 0: leave. */
export function emitVectorLoad(map: MemoryMap, calls: VectorAccessCalls): FunctionBody {
  const access = new VectorAccess(map, 0);
  const { body, linear, size, host } = access;
  const operand = map.vcpu + L.VECTOR_OPERAND;
  const value = body.local();
  access.address(false);
  access.probe(0);
  body.op('eqz');
  body.if();
  body.get(host).op('return');
  body.end();
  const slow = body.block();
  access.branchIfTwoPages(slow);
  body.get(linear).i32(0).call(calls.fill).op('eqz').brIf(slow);
  access.probe(0);
  body.brIf(slow);
  body.get(host).op('return');
  body.end();
  body.get(linear).get(size).call(calls.slowRead).set(value);
  access.leaveIfSlow();
  body.get(size).i32(8).op('ltU');
  body.if();
  body.i32(0).get(value).store(operand);
  body.end();
  return body.i32(operand);
}

/** (record, flags) → 0 when the bytes at VECTOR_OPERAND (4, 8 or 16) are in memory, 1: leave. */
export function emitVectorStore(map: MemoryMap, calls: VectorAccessCalls): FunctionBody {
  const access = new VectorAccess(map, 1);
  const { body, linear, size, host } = access;
  access.address(true);
  access.probe(TLB_WRITE);
  body.if();
  body.get(linear).get(size).call(calls.writableHost).tee(host).op('eqz');
  body.if();
  body
    .get(linear)
    .i32(0)
    .load(map.vcpu + L.VECTOR_OPERAND);
  body.get(size).call(calls.slowWrite);
  access.leaveIfSlow();
  body.i32(0).op('return');
  body.end();
  body.end();
  access.copyOut();
  return body.i32(0);
}
