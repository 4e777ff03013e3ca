/**
 * Linear memory in emitted code: segment checks (SDM vol. 3, 5.3 and 5.4), the inline look into the data
 * TLB, and the calls that serve what it misses.
 */
import type { Local } from '../../wasm/assembler.ts';
import { PAGE_SIZE } from '../../memory/address.ts';
import { TLB_ENTRIES, TLB_WRITE } from '../../memory/memory-map.ts';
import * as L from '../layout.ts';
import type { Size } from './backend.ts';
import { FrameEmitter, SEGMENT_BLOCK } from './frame-emitter.ts';
import * as R from './record.ts';
import { emitOutsideSegment } from './segment-check.ts';

export class MemoryEmitter extends FrameEmitter {
  /**
   * Pushes whether offsets `first` to `last` are not all in the segment, or may not be read or written.
   * @param segment local with the offset of the segment cache in the vCPU block.
   */
  protected pushOutsideSegment(segment: Local, first: Local, last: Local, write: boolean): void {
    emitOutsideSegment(this.body, this.context.vcpu, segment, { first, last, write });
  }
  /** Checks the offset in `linear` against the segment whose block offset is in a local; adds its base. */
  protected segmentToLinear(segment: Local, linear: Local, last: () => void, write: boolean): void {
    const { body } = this;
    const { vcpu } = this.context;
    const end = this.temp();
    body.get(linear);
    last();
    body.op('add').set(end);
    this.pushOutsideSegment(segment, linear, end, write);
    body.if();
    this.setState(L.RAISED_VECTOR, () => {
      body.i32(12).i32(13).get(segment).i32(SEGMENT_BLOCK(L.SEGMENT.SS)).op('eq').op('select');
    });
    this.setState(L.RAISED_ERROR, () => body.i32(0));
    this.leave(R.EXIT_CODE.EXCEPTION);
    body.end();
    body
      .get(linear)
      .get(segment)
      .load(vcpu + L.SEG_BASE)
      .op('add')
      .set(linear);
  }

  /**
   * Looks the page up in the TLB at `table`; sets `host` to the host address and pushes whether it
   * missed (then `host` is undefined).
   */
  protected probe(linear: Local, size: Size, table: number, host: Local): void {
    const { body } = this;
    const slot = this.temp();
    body
      .get(linear)
      .i32(9)
      .op('shrU')
      .i32((TLB_ENTRIES - 1) << 3)
      .op('and');
    body.get(this.frame.tlb).op('add').tee(slot);
    body
      .load(table + 4)
      .get(linear)
      .op('add')
      .set(host);
    body.get(slot).load(table).get(linear);
    if (size > 1) body.i32(size - 1).op('add');
    body.i32(-PAGE_SIZE).op('and').op('ne');
  }

  /** The TLB does not have the page: pushes what is read, or leaves. */
  protected missedRead(linear: Local, size: Size): void {
    this.body.get(linear).i32(size).call(this.context.calls.missRead);
    this.leaveIfSlow();
  }
  protected missedWrite(linear: Local, size: Size, value: Local): void {
    this.body.get(linear).get(value).i32(size).call(this.context.calls.missWrite);
    this.leaveIfSlow();
  }

  protected readLinear(linear: Local, size: Size): void {
    const { body } = this;
    const host = this.temp();
    this.probe(linear, size, 0, host);
    body.if(0x7f);
    this.missedRead(linear, size);
    body.else();
    body.get(host);
    this.loadSized(size, 0);
    body.end();
  }

  protected writeLinear(linear: Local, size: Size, value: Local): void {
    const { body } = this;
    const host = this.temp();
    this.probe(linear, size, TLB_WRITE, host);
    body.if();
    this.missedWrite(linear, size, value);
    body.else();
    body.get(host).get(value);
    this.storeSized(size, 0);
    body.end();
  }
}
