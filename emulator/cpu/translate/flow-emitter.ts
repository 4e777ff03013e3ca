/**
 * Where an instruction of the interpreter tier goes on: the next record, a branch's target by link or
 * jump cache, or out to TypeScript with everything accounted for.
 */
import * as L from '../layout.ts';
import { VECTOR } from '../processor.ts';
import { FLAG } from '../state.ts';
import { SEGMENT_BLOCK } from './frame-emitter.ts';
import { MemoryEmitter } from './memory-emitter.ts';
import * as R from './record.ts';

export class FlowEmitter extends MemoryEmitter {
  raise(vector: number, errorCode: number): void {
    this.setState(L.RAISED_VECTOR, () => this.body.i32(vector));
    this.setState(L.RAISED_ERROR, () => this.body.i32(errorCode));
    this.leave(R.EXIT_CODE.EXCEPTION);
  }
  timestamp(): void {
    const { body } = this;
    body.i32(0).load64(this.context.vcpu + L.TSC_BASE);
    this.getState(L.FUEL);
    this.ordinal();
    body.op('sub').op('extendS').op('sub64');
  }
  assist(): void {
    const { body } = this;
    body.get(this.frame.record).call(this.context.calls.typescript);
    body.if();
    this.returnNothing();
    body.end();
    this.next();
  }
  next(): void {
    this.recordAddress();
    this.body.i32(R.RECORD_SIZE).op('add');
    this.continueAtRecordOnStack();
  }
  protected continueAtRecordOnStack(): void {
    if (this.frame.main === null) this.body.op('return');
    else this.body.set(this.frame.record).br(this.frame.main.dispatch);
  }

  /** Takes the block's instructions from the fuel; leaves with RIP = target when little is left. */
  protected endBlock(pushTarget: () => void, instructions: 0 | 1): void {
    const { body } = this;
    const fuel = this.temp();
    this.setState(L.FUEL, () => {
      this.getState(L.FUEL);
      this.ordinal();
      if (instructions === 1) body.i32(1).op('add');
      body.op('sub').tee(fuel);
    });
    body.get(fuel).i32(R.MAX_BLOCK).op('ltS');
    body.if();
    this.setState(L.RIP, pushTarget);
    this.leave(R.EXIT_CODE.FUEL);
    body.end();
  }
  /** To the record in a link field, else by the jump cache. */
  protected follow(linkField: number, pushTarget: () => void): void {
    const { body } = this;
    const link = this.temp();
    this.field(linkField);
    body.tee(link);
    body.if();
    body.get(link);
    this.continueAtRecordOnStack();
    body.end();
    this.lookup(pushTarget, () => {
      this.recordAddress();
      body.i32(linkField).op('add');
    });
  }
  protected lookup(pushTarget: () => void, pushLink: () => void): void {
    const { body } = this;
    this.setState(L.LINK, pushLink);
    pushTarget();
    if (this.frame.main === null) {
      body.call(this.context.calls.lookup).op('return');
    } else {
      body.set(this.frame.target).br(this.frame.main.lookup);
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
    this.endBlock(target, 1);
    this.follow(R.R_LINK, target);
  }
  continueAtTarget(): void {
    const target = (): void => {
      this.immediate();
    };
    this.endBlock(target, 0);
    this.follow(R.R_LINK, target);
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
    this.endBlock(next, 1);
    this.follow(R.R_LINK_NEXT, next);
  }
  jumpDynamic(): void {
    const { body } = this;
    const target = this.temp();
    body.set(target);
    const push = (): void => void body.get(target);
    this.endBlock(push, 1);
    this.lookup(push, () => body.i32(0));
  }
  nextWithEventCheck(): void {
    const { body } = this;
    this.getState(L.EVENT_PENDING);
    body.if();
    this.account(() => {
      this.nextEip();
    });
    this.leave(R.EXIT_CODE.EVENT);
    body.end();
    this.next();
  }
  again(): void {
    // the rest of it resumes behind its own breakpoint (SDM vol. 3, 17.3.1.1)
    this.setState(L.EFLAGS_SYSTEM, () => {
      this.getState(L.EFLAGS_SYSTEM);
      this.body.i32(FLAG.RF).op('or');
    });
    this.account(() => {
      this.eip();
    });
    this.leave(R.EXIT_CODE.EVENT);
  }
  /** Counts everything up to and including this instruction, and sets RIP. */
  protected account(pushRip: () => void): void {
    const { body } = this;
    this.setState(L.FUEL, () => {
      this.getState(L.FUEL);
      this.ordinal();
      body.i32(1).op('add').op('sub');
    });
    this.setState(L.RIP, pushRip);
  }
  inhibitInterrupts(): void {
    this.setState(L.SHADOW_FUEL, () => {
      this.getState(L.FUEL);
      this.ordinal();
      this.body.i32(1).op('add').op('sub');
    });
  }
  stopAtBreakpoint(): void {
    this.leave(R.EXIT_CODE.BREAKPOINT);
  }
  stopAfterStep(): void {
    this.setState(L.RIP, () => {
      this.immediate();
    });
    this.setState(L.FUEL, () => {
      this.getState(L.FUEL);
      this.ordinal();
      this.body.op('sub');
    });
    this.leave(R.EXIT_CODE.STEPPED);
  }
}
