/**
 * Nested exceptions, and what exceptions leave behind. The expected outcomes are SDM vol. 3, table 6-5
 * "Conditions for generating a double fault", and 17.3.1.1 for RF.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deliverEvent, deliverInterrupt } from './exceptions.ts';
import { VECTOR, VmExitSignal } from './processor.ts';
import { FLAG } from './state.ts';
import { FakeProcessor } from './testing/fake-processor.ts';
import { ProtectedMachine, SELECTOR, gate } from './testing/protected-machine.ts';

const S = SELECTOR;
const INTERRUPT32 = 14;
/** A page that holds nothing else: a stack there can be made to fault. */
const STACK_PAGE = 0x40;

/**
 * A machine on which delivering `first` raises `second` (by its gate or, for #PF, by its stack), and
 * all other vectors are good. Handler of vector v at 0x10000 + v.
 */
function nesting(first: number, second: number): ProtectedMachine {
  const cpu = new ProtectedMachine();
  for (let vector = 0; vector < 32; vector++) {
    cpu.setGate(vector, gate(INTERRUPT32, S.CODE1, 0x10000 + vector));
  }
  cpu.atLevel(3);
  switch (second) {
    case VECTOR.PF:
      // only this vector goes to level 0, whose stack is missing
      cpu.setGate(first, gate(INTERRUPT32, S.CODE0, 0));
      cpu.setTssStack(0, S.DATA0, (STACK_PAGE + 1) << 12);
      cpu.memory.missing.add(STACK_PAGE);
      break;
    case VECTOR.NP:
      cpu.setGate(first, gate(INTERRUPT32, S.CODE1, 0, 0, 0, false));
      break;
    case VECTOR.TS:
      cpu.setGate(first, gate(INTERRUPT32, S.CODE0, 0));
      cpu.setTssStack(0, 0, 0);
      break;
    case VECTOR.SS:
      cpu.setGate(first, gate(INTERRUPT32, S.CODE0, 0));
      cpu.setTssStack(0, S.DATA0, 2);
      break;
    default:
      cpu.setGate(first, gate(12, S.CODE1, 0));
  }
  return cpu;
}

const name = (vector: number): string =>
  Object.entries(VECTOR).find(([, number]) => number === vector)?.[0] ?? String(vector);
const handlerOf = (cpu: ProtectedMachine): string => name(cpu.state.eip - 0x10000);

describe('a second exception during delivery', () => {
  const { DE, UD, TS, NP, SS, GP, PF, DF } = VECTOR;
  const cases = [
    { first: UD, second: GP, handler: GP },
    { first: UD, second: PF, handler: PF },
    { first: DE, second: GP, handler: DF },
    { first: DE, second: PF, handler: PF },
    { first: TS, second: NP, handler: DF },
    { first: NP, second: TS, handler: DF },
    { first: SS, second: SS, handler: DF },
    { first: GP, second: GP, handler: DF },
    { first: GP, second: PF, handler: PF },
    { first: PF, second: GP, handler: DF },
    { first: PF, second: PF, handler: DF },
  ] as const;
  for (const { first, second, handler } of cases) {
    it(`#${name(second)} in #${name(first)} ends in #${name(handler)}`, () => {
      const cpu = nesting(first, second);
      cpu.raise(first, 0, 0x1234);
      assert.equal(handlerOf(cpu), name(handler));
      assert.deepEqual(
        cpu.faultChain.map(({ vector }) => name(vector)),
        [first, second, ...(handler === DF ? [DF] : [])].map(name),
      );
      if (handler === DF) assert.equal(cpu.frame(1)[0], 0, 'error code of #DF');
      assert.equal(cpu.vectoring, null);
    });
  }

  it('in #DF shuts the processor down', () => {
    const cpu = nesting(VECTOR.PF, VECTOR.PF);
    cpu.setGate(VECTOR.DF, gate(INTERRUPT32, S.CODE0, 0));
    cpu.raise(VECTOR.PF, 4, 0x1234);
    assert.deepEqual(cpu.log, ['shutdown']);
    assert.deepEqual(cpu.offered.at(-1)?.event, { kind: 'triple-fault' });
    const missing = (STACK_PAGE << 12) + 0xffc;
    assert.deepEqual(cpu.faultChain, [
      { vector: VECTOR.PF, errorCode: 4, eip: 0x100, cr2: 0x1234 },
      { vector: VECTOR.PF, errorCode: 2, eip: 0x100, cr2: missing },
      { vector: VECTOR.DF, errorCode: 0, eip: 0x100, cr2: missing },
      { vector: VECTOR.PF, errorCode: 2, eip: 0x100, cr2: missing },
    ]);
  });

  it('during a software or external interrupt is delivered as it is', () => {
    for (const type of ['software', 'external'] as const) {
      const cpu = nesting(0x20, VECTOR.GP);
      deliverInterrupt(cpu, 0x20, type, 0x102);
      assert.equal(handlerOf(cpu), 'GP');
      // vector × 8, IDT bit, EXT for what the program did not ask for
      const error = 0x102 | (type === 'external' ? 1 : 0);
      assert.deepEqual(cpu.frame(2), [error, 0x100]);
    }
  });

  it('ends in shutdown when there is no IDT at all', () => {
    const cpu = new FakeProcessor();
    cpu.state.set(0x218, 0);
    cpu.raise(VECTOR.UD);
    assert.deepEqual(cpu.log, ['shutdown']);
    assert.deepEqual(
      cpu.faultChain.map(({ vector }) => name(vector)),
      ['UD', 'GP', 'GP', 'DF', 'GP'],
    );
  });
});

describe('an exception', () => {
  function ready(): ProtectedMachine {
    const cpu = new ProtectedMachine();
    for (let vector = 0; vector < 32; vector++) {
      cpu.setGate(vector, gate(INTERRUPT32, S.CODE0, 0x10000 + vector));
    }
    return cpu;
  }

  it('#PF sets CR2 and pushes its error code', () => {
    const cpu = ready();
    cpu.raise(VECTOR.PF, 6, 0xdeadbeef);
    assert.equal(cpu.state.cr(2), 0xdeadbeef);
    assert.deepEqual(cpu.frame(2), [6, 0x100]);
  });

  it('pushes RF for a fault, not for a trap, a breakpoint or #DB', () => {
    const pushedRf = (vector: number, errorCode: number | null, qualification = 0): boolean => {
      const cpu = ready();
      cpu.raise(vector, errorCode, qualification);
      return ((cpu.frame(4)[errorCode === null ? 2 : 3] ?? 0) & FLAG.RF) !== 0;
    };
    assert.equal(pushedRf(VECTOR.GP, 0), true);
    assert.equal(pushedRf(VECTOR.UD, null), true);
    assert.equal(pushedRf(VECTOR.DB, null, 0x4000), false);
    assert.equal(pushedRf(VECTOR.DB, null, 1), false);
    assert.equal(pushedRf(VECTOR.DF, 0), false);
    const cpu = ready();
    deliverInterrupt(cpu, VECTOR.BP, 'software-exception', 0x101);
    assert.equal(cpu.frame(3)[2] & FLAG.RF, 0);
  });

  it('#DB sets its bits in DR6 and clears general detect', () => {
    const cpu = ready();
    cpu.state.setDr(7, 0x2400);
    cpu.state.setDr(6, 0xffff0ff4);
    cpu.raise(VECTOR.DB, null, 0x4001);
    assert.equal(cpu.state.dr(6), 0xffff4ff1);
    assert.equal(cpu.state.dr(7), 0x400);
  });

  it('pushes no error code in real-address mode', () => {
    const cpu = new FakeProcessor();
    cpu.state.setGpr(4, 4, 0x800);
    cpu.raise(VECTOR.GP, 0);
    assert.equal(cpu.state.gpr(4, 4), 0x7fa);
    const [offer] = cpu.offered;
    assert.equal(offer.event.kind === 'exception' && offer.event.errorCode, null);
  });
});

describe('an exit', () => {
  it('for a first exception leaves everything as it was', () => {
    const cpu = nesting(VECTOR.PF, VECTOR.PF);
    cpu.intercepts = ({ kind }) => kind === 'exception';
    const before = Uint8Array.from(cpu.state.u8);
    assert.throws(() => cpu.raise(VECTOR.PF, 0, 0x1234), VmExitSignal);
    assert.deepEqual(cpu.state.u8, before);
    assert.equal(cpu.vectoring, null);
  });

  it('for a second one says which event was being delivered, and may deliver it again', () => {
    const cpu = nesting(0x20, VECTOR.PF);
    cpu.intercepts = (event) => event.kind === 'exception' && event.vector === VECTOR.PF;
    assert.throws(() => deliverInterrupt(cpu, 0x20, 'external', 0x100), VmExitSignal);
    assert.deepEqual(cpu.vectoring, { vector: 0x20, type: 'external', errorCode: null, length: 0 });
    assert.equal(cpu.state.cr(2), 0);

    cpu.memory.missing.clear();
    assert.ok(cpu.vectoring);
    deliverEvent(cpu, cpu.vectoring);
    assert.equal(cpu.state.eip, 0);
    assert.equal(cpu.state.cpl, 0);
    assert.equal(cpu.vectoring, null);
  });

  it('is offered for both exceptions, the double fault and the triple fault', () => {
    const cpu = nesting(VECTOR.GP, VECTOR.GP);
    cpu.setGate(VECTOR.DF, gate(12, 0, 0));
    cpu.raise(VECTOR.GP, 0x50);
    const seen = cpu.offered.map(({ event }) =>
      event.kind === 'exception' ? name(event.vector) : event.kind,
    );
    assert.deepEqual(seen, ['GP', 'GP', 'DF', 'GP', 'triple-fault']);
  });

  it('has the length and type of INT3 and INT1, and none for INT n', () => {
    const cpu = new ProtectedMachine();
    cpu.execute([0xcc]);
    cpu.execute([0xf1]);
    const kinds = cpu.offered.slice(0, 1).map(({ event, length }) => [event, length]);
    assert.deepEqual(kinds, [
      [{ kind: 'exception', vector: 3, errorCode: null, type: 'software', qualification: 0 }, 1],
    ]);
    const other = new ProtectedMachine();
    other.setGate(0x80, gate(INTERRUPT32, S.CODE0, 0x10));
    other.execute([0xcd, 0x80]);
    assert.deepEqual(other.offered, []);
  });
});
