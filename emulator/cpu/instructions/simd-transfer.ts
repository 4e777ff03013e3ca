/**
 * Moves of MMX, SSE, SSE2 and SSE3 (SDM vol. 1, 5.4.1, 5.5.1.1, 5.5.2, 5.5.4, 5.6.1.1, 5.6.3, 5.6.4, 5.7;
 * vol. 2, MOVD to MOVUPS, LDDQU), EMMS, and the fences. Hints about caches change nothing here: memory is
 * always in order, and a non-temporal store is a store.
 */
import type { Backend } from '../translate/backend.ts';
import type { EmittedInstruction } from '../translate/shape.ts';
import { doublewords, isMmx, require, runs, XMM_FORMS } from './simd-packed.ts';

/** Which operand tells the registers: the one that is not memory or a general register. */
function registerOperand(e: Backend): number {
  const kind = e.operandKind(0);
  return kind === 'mmx' || kind === 'xmm' ? 0 : 1;
}

/** Source to destination; an XMM destination gets zeros above what is moved. */
function move(patterns: readonly string[], aligned = true): EmittedInstruction {
  return {
    vector: true,
    patterns,
    emit(e) {
      const n = registerOperand(e);
      require(e, n);
      const value = e.tempVector();
      e.readVector(1, aligned);
      e.body.set(value);
      // on a Xeon a store of an MMX register has cleared TOP even when it faults
      if (isMmx(e, n)) e.clearTop();
      e.writeVector(0, value, aligned);
      if (isMmx(e, n)) e.enterMmx();
      e.next();
    },
  };
}

const WHOLE = [...XMM_FORMS, 'g16,v'];
const aligned = move(WHOLE);
const unaligned = move(WHOLE, false);

/** Between XMM registers the upper quadword becomes zero. */
const movq: EmittedInstruction = {
  vector: true,
  patterns: ['q,q', 'q,g8', 'g8,q', 'v,v', 'v,g8', 'g8,v'],
  emit(e, shape) {
    if (e.operandKind(0) !== 'xmm' || e.operandKind(1) !== 'xmm') {
      quadword.emit(e, shape);
      return;
    }
    e.requireXmm();
    const value = e.tempVector();
    e.readVector(1);
    e.body
      .v128(doublewords(-1, -1, 0, 0))
      .vector('v128And')
      .set(value);
    e.writeVector(0, value);
    e.next();
  },
};
const quadword = move([]);

/** Loads and register moves that replace some bytes of the destination: i8x16.shuffle of it and the source. */
function merge(pattern: readonly number[], forms: readonly string[]): EmittedInstruction {
  return {
    vector: true,
    patterns: forms,
    emit(e) {
      e.requireXmm();
      const source = e.tempVector();
      const value = e.tempVector();
      e.readVector(1);
      e.body.set(source);
      e.readVector(0);
      e.body.get(source).shuffle(pattern).set(value);
      e.writeVector(0, value);
      e.next();
    },
  };
}
/** Bytes of the source alone; stores and duplicating loads. */
function rearrange(pattern: readonly number[], forms: readonly string[]): EmittedInstruction {
  return {
    vector: true,
    patterns: forms,
    emit(e) {
      e.requireXmm();
      const value = e.tempVector();
      e.readVector(1);
      e.body.tee(value).get(value).shuffle(pattern).set(value);
      e.writeVector(0, value);
      e.next();
    },
  };
}

/** One instruction with different ways by its operands, which the first that has the pattern serves. */
function either(...ways: readonly EmittedInstruction[]): EmittedInstruction {
  return {
    vector: true,
    patterns: ways.flatMap(({ patterns }) => patterns),
    emit(e, shape) {
      const way = ways.find(({ patterns }) => patterns.includes(shape.operands.join(',')));
      if (way === undefined) throw new Error(`${shape.meaning} ${shape.operands.join(',')}`);
      way.emit(e, shape);
    },
  };
}

const LOW = runs([16, 8], [8, 8]);
const HIGH_FROM_LOW = runs([0, 8], [16, 8]);
const movlps = either(merge(LOW, ['v,g8']), move(['g8,v']));
const movhps = either(merge(HIGH_FROM_LOW, ['v,g8']), rearrange(runs([8, 8], [8, 8]), ['g8,v']));

/** Between the two kinds of registers. */
function cross(pattern: string): EmittedInstruction {
  return {
    vector: true,
    patterns: [pattern],
    emit(e) {
      e.requireXmm();
      e.waitForError();
      const value = e.tempVector();
      e.readVector(1);
      e.body.set(value);
      e.enterMmx();
      e.writeVector(0, value);
      e.next();
    },
  };
}

const movnti: EmittedInstruction = {
  patterns: ['m4,r4'],
  emit(e) {
    const value = e.temp();
    e.read(1);
    e.body.set(value);
    e.write(0, value);
    e.next();
  },
};

const emms: EmittedInstruction = {
  patterns: [''],
  emit(e) {
    e.requireMmx();
    e.leaveMmx();
    e.next();
  },
};

const fence: EmittedInstruction = {
  patterns: [''],
  emit(e) {
    e.next();
  },
};

export const simdTransferInstructions = {
  movaps: aligned,
  movapd: aligned,
  movdqa: aligned,
  movups: unaligned,
  movupd: unaligned,
  movdqu: unaligned,
  lddqu: move(['v,g16'], false),
  movntps: move(['g16,v']),
  movntpd: move(['g16,v']),
  movntdq: move(['g16,v']),
  movntq: move(['g8,q']),
  movnti,
  movd: move(['q,r4', 'q,g4', 'r4,q', 'g4,q', 'v,r4', 'v,g4', 'r4,v', 'g4,v']),
  movq,
  movss: either(merge(runs([16, 4], [4, 12]), ['v,v']), move(['v,g4', 'g4,v'])),
  'movsd-xmm': either(merge(LOW, ['v,v']), move(['v,g8', 'g8,v'])),
  movlps,
  movlpd: movlps,
  movhps,
  movhpd: movhps,
  movhlps: merge(runs([24, 8], [8, 8]), ['v,v']),
  movlhps: merge(HIGH_FROM_LOW, ['v,v']),
  movddup: rearrange(runs([0, 8], [0, 8]), ['v,v', 'v,g8']),
  movsldup: rearrange(runs([0, 4], [0, 4], [8, 4], [8, 4]), XMM_FORMS),
  movshdup: rearrange(runs([4, 4], [4, 4], [12, 4], [12, 4]), XMM_FORMS),
  movq2dq: cross('v,q'),
  movdq2q: cross('q,v'),
  emms,
  lfence: fence,
  sfence: fence,
  mfence: fence,
} as const satisfies Readonly<Record<string, EmittedInstruction>>;
