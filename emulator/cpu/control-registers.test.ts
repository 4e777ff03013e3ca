/**
 * MOV to and from control and debug registers, LMSW, CLTS: checks of SDM vol. 2, "MOV - Move to/from
 * control registers" and "… debug registers"; PAE entries: vol. 3, 4.4.1.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as L from './layout.ts';
import { VECTOR } from './processor.ts';
import { CR0, CR4 } from './state.ts';
import { ProtectedMachine } from './testing/protected-machine.ts';

const GP0 = { vector: VECTOR.GP, errorCode: 0 };
const UD = { vector: VECTOR.UD, errorCode: null };
const EAX = 0;

/** MOV CRn, EAX. */
function toCr(cpu: ProtectedMachine, register: number, value: number) {
  cpu.state.setGpr(EAX, 4, value);
  return cpu.execute([0x0f, 0x22, 0xc0 | (register << 3)]);
}

describe('CR0', () => {
  it('refuses PG without PE and NW without CD', () => {
    const cpu = new ProtectedMachine();
    assert.deepEqual(toCr(cpu, 0, CR0.PG), GP0);
    assert.deepEqual(toCr(cpu, 0, CR0.PE | CR0.NW), GP0);
    assert.equal(toCr(cpu, 0, CR0.PE | CR0.NW | CR0.CD), null);
  });

  it('keeps ET set, drops reserved bits, flushes when paging changes', () => {
    const cpu = new ProtectedMachine();
    assert.equal(toCr(cpu, 0, 0x9fffffc1 & ~CR0.NW), null);
    assert.equal(cpu.state.cr(0), 0x80050011);
    assert.ok(cpu.log.includes('flush all'));
  });

  it('LMSW sets PE and the three bits above it and cannot clear PE', () => {
    const cpu = new ProtectedMachine();
    cpu.state.setGpr(EAX, 4, 0xfffe);
    assert.equal(cpu.execute([0x0f, 0x01, 0xf0]), null);
    assert.equal(cpu.state.cr(0), 0x1f);
    cpu.state.setGpr(EAX, 4, 0);
    assert.equal(cpu.execute([0x0f, 0x01, 0xf0]), null);
    assert.equal(cpu.state.cr(0), 0x11);
  });

  it('CLTS clears TS alone', () => {
    const cpu = new ProtectedMachine();
    cpu.state.setCr(0, 0x1f);
    assert.equal(cpu.execute([0x0f, 0x06]), null);
    assert.equal(cpu.state.cr(0), 0x17);
  });

  it('is privileged except for SMSW', () => {
    const cpu = new ProtectedMachine();
    cpu.atLevel(3);
    assert.deepEqual(toCr(cpu, 0, 0x11), GP0);
    assert.deepEqual(cpu.execute([0x0f, 0x20, 0xc0]), GP0);
    assert.deepEqual(cpu.execute([0x0f, 0x06]), GP0);
    assert.equal(cpu.execute([0x0f, 0x01, 0xe0]), null);
    assert.equal(cpu.state.gpr(EAX, 4), 0x11);
    assert.deepEqual(cpu.offered, [], 'privilege comes before the exit');
  });
});

describe('CR4', () => {
  it('refuses bits that the model does not have', () => {
    const cpu = new ProtectedMachine();
    assert.equal(toCr(cpu, 4, CR4.PAE | CR4.PGE | CR4.VME), null);
    assert.deepEqual(toCr(cpu, 4, 1 << 12), GP0);
    assert.equal(toCr(cpu, 4, CR4.OSFXSR | CR4.OSXMMEXCPT), null);
    const old = new ProtectedMachine('pentium');
    assert.deepEqual(toCr(old, 4, CR4.PAE), GP0);
    assert.deepEqual(toCr(old, 4, CR4.OSFXSR), GP0);
  });
});

describe('page-directory-pointer entries', () => {
  function paeMachine(): ProtectedMachine {
    const cpu = new ProtectedMachine();
    cpu.state.setCr(4, CR4.PAE);
    cpu.state.setCr(3, 0xc020);
    cpu.poke32(0xc020, 0x10001);
    cpu.poke32(0xc028, 0x11019);
    return cpu;
  }

  it('are loaded when paging comes on and with CR3', () => {
    const cpu = paeMachine();
    assert.equal(toCr(cpu, 0, CR0.PG | CR0.PE), null);
    assert.deepEqual([cpu.state.get(L.PDPTE), cpu.state.get(L.PDPTE + 8)], [0x10001, 0x11019]);
    cpu.poke32(0xc020, 0x20001);
    assert.equal(cpu.state.get(L.PDPTE), 0x10001, 'and not read again');
    assert.equal(toCr(cpu, 3, 0xc020), null);
    assert.equal(cpu.state.get(L.PDPTE), 0x20001);
  });

  it('with reserved bits refuse the load, unless absent', () => {
    const cpu = paeMachine();
    cpu.poke32(0xc030, 0x12003);
    assert.deepEqual(toCr(cpu, 0, CR0.PG | CR0.PE), GP0);
    assert.equal(cpu.state.cr(0), 0x11);
    cpu.poke32(0xc030, 0x12002);
    assert.equal(toCr(cpu, 0, CR0.PG | CR0.PE), null);
    cpu.poke32(0xc034, 0x10);
    cpu.poke32(0xc030, 1);
    assert.deepEqual(toCr(cpu, 3, 0xc020), GP0, 'address beyond 36 bits');
  });
});

describe('debug registers', () => {
  /** MOV DRn, EAX. */
  function toDr(cpu: ProtectedMachine, register: number, value: number) {
    cpu.state.setGpr(EAX, 4, value);
    return cpu.execute([0x0f, 0x23, 0xc0 | (register << 3)]);
  }

  it('have fixed bits in DR6 and DR7', () => {
    const cpu = new ProtectedMachine();
    toDr(cpu, 6, 0);
    toDr(cpu, 7, 0xffffffff & ~0x2000);
    assert.equal(cpu.state.dr(6), 0xffff0ff0);
    assert.equal(cpu.state.dr(7), 0xffff07ff);
  });

  it('4 and 5 are 6 and 7, or undefined under CR4.DE', () => {
    const cpu = new ProtectedMachine();
    assert.equal(toDr(cpu, 5, 0x401), null);
    assert.equal(cpu.state.dr(7), 0x401);
    cpu.state.setCr(4, CR4.DE);
    assert.deepEqual(toDr(cpu, 5, 0), UD);
  });

  it('under general detect raise #DB with BD', () => {
    const cpu = new ProtectedMachine();
    cpu.state.setDr(7, 0x2400);
    assert.deepEqual(cpu.execute([0x0f, 0x21, 0xc0]), { vector: VECTOR.DB, errorCode: null });
    assert.equal(cpu.offered.length, 1, 'the exit comes before');
  });
});
