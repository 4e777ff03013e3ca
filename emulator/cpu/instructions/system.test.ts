/**
 * System instructions: privilege, offers to the hypervisor and results by SDM vol. 2; order of checks
 * by vol. 3, 26.1.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as L from '../layout.ts';
import { VECTOR, VmExitSignal } from '../processor.ts';
import { CR4, FLAG, RIGHTS } from '../state.ts';
import { FakeProcessor } from '../testing/fake-processor.ts';
import {
  ACCESS,
  GDT,
  ProtectedMachine,
  SELECTOR,
  gate,
  segmentDescriptor,
} from '../testing/protected-machine.ts';

const S = SELECTOR;
const GP0 = { vector: VECTOR.GP, errorCode: 0 };
const UD = { vector: VECTOR.UD, errorCode: null };
const [EAX, ECX, EDX, EBX] = [0, 1, 2, 3];

describe('privileged instructions', () => {
  const cases = [
    { name: 'hlt',      bytes: [0xf4],                   kind: 'hlt' },
    { name: 'invd',     bytes: [0x0f, 0x08],             kind: 'invd' },
    { name: 'wbinvd',   bytes: [0x0f, 0x09],             kind: 'wbinvd' },
    { name: 'rdmsr',    bytes: [0x0f, 0x32],             kind: 'rdmsr' },
    { name: 'wrmsr',    bytes: [0x0f, 0x30],             kind: 'wrmsr' },
    { name: 'clts',     bytes: [0x0f, 0x06],             kind: 'cr-access' },
    { name: 'lmsw',     bytes: [0x0f, 0x01, 0xf0],       kind: 'cr-access' },
    { name: 'mov-cr',   bytes: [0x0f, 0x20, 0xd8],       kind: 'cr-access' },
    { name: 'mov-dr',   bytes: [0x0f, 0x21, 0xc0],       kind: 'dr-access' },
    { name: 'invlpg',   bytes: [0x0f, 0x01, 0x38],       kind: 'invlpg' },
    { name: 'lgdt',     bytes: [0x0f, 0x01, 0x10],       kind: 'descriptor-table' },
    { name: 'lidt',     bytes: [0x0f, 0x01, 0x18],       kind: 'descriptor-table' },
    { name: 'lldt',     bytes: [0x0f, 0x00, 0xd0],       kind: 'descriptor-table' },
    { name: 'ltr',      bytes: [0x0f, 0x00, 0xd8],       kind: 'descriptor-table' },
  ] as const; // prettier-ignore
  for (const { name, bytes, kind } of cases) {
    it(`${name} is refused at level 3 and leaves as ${kind} at level 0`, () => {
      const cpu = new ProtectedMachine();
      cpu.atLevel(3);
      assert.deepEqual(cpu.execute(bytes), GP0);
      // the exit of MOV DR comes before the privilege check (SDM vol. 3, 26.1.3)
      assert.equal(cpu.offered.length, name === 'mov-dr' ? 1 : 0);
      cpu.atLevel(0);
      cpu.intercepts = () => true;
      const before = Uint8Array.from(cpu.state.u8);
      assert.throws(() => cpu.execute(bytes), VmExitSignal);
      assert.deepEqual(cpu.state.u8, before);
      assert.equal(cpu.offered.at(-1)?.event.kind, kind);
      assert.equal(cpu.offered.at(-1)?.length, bytes.length);
    });
  }

  it('are offered with what the hypervisor must know', () => {
    const cpu = new ProtectedMachine();
    const { state } = cpu;
    state.setGpr(EAX, 4, 0x11);
    state.setGpr(ECX, 4, 0x10);
    state.setGpr(EBX, 4, 0x4000);
    cpu.execute([0x0f, 0x22, 0xd8]);
    cpu.execute([0x0f, 0x01, 0x7b, 0x10]);
    cpu.execute([0x0f, 0x30]);
    cpu.execute([0x0f, 0x01, 0x33]);
    assert.deepEqual(
      cpu.offered.map(({ event }) => event),
      [
        { kind: 'cr-access', register: 3, access: 'mov-to-cr', gpr: 0, value: 0x11, linear: -1 },
        { kind: 'invlpg', linear: 0x4010 },
        { kind: 'wrmsr', index: 0x10, low: 0x11, high: 0 },
        { kind: 'cr-access', register: 0, access: 'lmsw', gpr: 0, value: 0, linear: 0x4000 },
      ],
    );
  });
});

describe('CPUID, RDTSC, RDPMC', () => {
  it('CPUID names the processor', () => {
    const cpu = new ProtectedMachine();
    cpu.execute([0x0f, 0xa2]);
    const text = [EBX, EDX, ECX].map((register) => {
      const word = cpu.state.gpr(register, 4);
      return String.fromCharCode(word & 255, (word >> 8) & 255, (word >> 16) & 255, word >>> 24);
    });
    assert.equal(text.join(''), 'GenuineIntel');
    assert.equal(cpu.state.gpr(EAX, 4), 2);
  });

  it('RDTSC reads the counter unless CR4.TSD keeps it from programs', () => {
    const cpu = new ProtectedMachine();
    cpu.tsc = { low: 0x89abcdef, high: 0x12 };
    assert.equal(cpu.execute([0x0f, 0x31]), null);
    assert.deepEqual([cpu.state.gpr(EDX, 4), cpu.state.gpr(EAX, 4)], [0x12, 0x89abcdef]);
    cpu.state.setCr(4, CR4.TSD);
    assert.equal(cpu.execute([0x0f, 0x31]), null);
    cpu.atLevel(3);
    assert.deepEqual(cpu.execute([0x0f, 0x31]), GP0);
  });

  it('RDPMC has two counters', () => {
    const cpu = new ProtectedMachine();
    cpu.state.setGpr(ECX, 4, 2);
    assert.deepEqual(cpu.execute([0x0f, 0x33]), GP0);
    cpu.state.setGpr(ECX, 4, 1);
    assert.equal(cpu.execute([0x0f, 0x33]), null);
    cpu.atLevel(3);
    assert.deepEqual(cpu.execute([0x0f, 0x33]), GP0);
  });
});

describe('hypercalls', () => {
  for (const [kind, byte] of [
    ['vmcall', 0xc1],
    ['vmmcall', 0xd9],
  ] as const) {
    it(`${kind} is offered at any level and undefined when nobody takes it`, () => {
      const cpu = new ProtectedMachine();
      cpu.atLevel(3);
      assert.deepEqual(cpu.execute([0x0f, 0x01, byte]), UD);
      assert.deepEqual(cpu.offered, [{ event: { kind }, length: 3 }]);
    });
  }
});

describe('descriptor-table registers', () => {
  it('LGDT takes 24 bits of base with operand size 16, SGDT stores all 32', () => {
    const cpu = new ProtectedMachine();
    const { state } = cpu;
    state.setGpr(EBX, 4, 0x9000);
    cpu.poke16(0x9000, 0x3ff);
    cpu.poke32(0x9002, 0xc1234567);
    assert.equal(cpu.execute([0x0f, 0x01, 0x1b]), null);
    assert.deepEqual([state.get(L.IDTR), state.get(L.IDTR + 8)], [0xc1234567, 0x3ff]);
    assert.equal(cpu.execute([0x66, 0x0f, 0x01, 0x4b, 0x10]), null);
    assert.deepEqual([cpu.peek16(0x9010), cpu.peek32(0x9012)], [0x3ff, 0xc1234567]);
    assert.equal(cpu.execute([0x66, 0x0f, 0x01, 0x1b]), null);
    assert.equal(state.get(L.IDTR), 0x234567);
  });

  it('SIDT stores nothing when its second half faults', () => {
    const cpu = new ProtectedMachine();
    cpu.state.setGpr(EBX, 4, 0x9ffc);
    cpu.memory.missing.add(0xa);
    cpu.poke16(0x9ffc, 0x5555);
    assert.deepEqual(cpu.execute([0x0f, 0x01, 0x0b]), { vector: VECTOR.PF, errorCode: 2 });
    assert.equal(cpu.peek16(0x9ffc), 0x5555);
  });

  it('LTR marks the TSS busy and refuses a busy one', () => {
    const cpu = new ProtectedMachine();
    cpu.state.setGpr(EAX, 4, S.OTHER_TSS);
    assert.equal(cpu.execute([0x0f, 0x00, 0xd8]), null);
    assert.equal((cpu.peek32(GDT + S.OTHER_TSS + 4) >> 8) & 0xff, 0x8b);
    assert.equal(cpu.state.segment(L.SEGMENT.TR).rights, 0x8b);
    const busy = { vector: VECTOR.GP, errorCode: S.OTHER_TSS };
    assert.deepEqual(cpu.execute([0x0f, 0x00, 0xd8]), busy);
    cpu.state.setGpr(EAX, 4, 0);
    assert.deepEqual(cpu.execute([0x0f, 0x00, 0xd8]), GP0);
  });

  it('LLDT takes null, refuses others than LDTs', () => {
    const cpu = new ProtectedMachine();
    cpu.state.setGpr(EAX, 4, 0);
    assert.equal(cpu.execute([0x0f, 0x00, 0xd0]), null);
    assert.notEqual(cpu.state.segment(L.SEGMENT.LDTR).rights & RIGHTS.UNUSABLE, 0);
    cpu.state.setGpr(EAX, 4, S.TSS);
    const refused = { vector: VECTOR.GP, errorCode: S.TSS };
    assert.deepEqual(cpu.execute([0x0f, 0x00, 0xd0]), refused);
    cpu.setDescriptor(S.SPARE, segmentDescriptor(0, 0xff, 0x02));
    cpu.state.setGpr(EAX, 4, S.SPARE);
    const absent = { vector: VECTOR.NP, errorCode: S.SPARE };
    assert.deepEqual(cpu.execute([0x0f, 0x00, 0xd0]), absent);
  });

  it('SLDT, STR, LAR and their kin are unknown in real-address mode', () => {
    const cpu = new FakeProcessor();
    const all = [[0x0f, 0x00, 0xc0], [0x0f, 0x00, 0xc8], [0x0f, 0x02, 0xc0], [0x0f, 0x03, 0xc0], [0x0f, 0x00, 0xe0], [0x63, 0xc0]]; // prettier-ignore
    for (const bytes of all) assert.deepEqual(cpu.execute(bytes), UD);
  });
});

describe('SYSENTER, SYSEXIT, RSM', () => {
  it('SYSENTER goes to level 0 and SYSEXIT back to where EDX and ECX say (SDM vol. 2)', () => {
    const cpu = new ProtectedMachine();
    const { state } = cpu;
    cpu.atLevel(3);
    state.set(L.SYSENTER_CS, 0x60);
    state.set(L.SYSENTER_ESP, 0x5000);
    state.set(L.SYSENTER_EIP, 0x4321);
    assert.equal(cpu.execute([0x0f, 0x34]), null);
    assert.deepEqual([state.cpl, state.eip, state.gpr(4, 4)], [0, 0x4321, 0x5000]);
    assert.equal(state.selector(L.SEGMENT.CS), 0x60);
    state.setGpr(EDX, 4, 0x1234);
    state.setGpr(ECX, 4, 0x7000);
    assert.equal(cpu.execute([0x0f, 0x35]), null);
    assert.deepEqual([state.cpl, state.eip, state.gpr(4, 4)], [3, 0x1234, 0x7000]);
    assert.equal(state.selector(L.SEGMENT.CS), 0x73);
    assert.deepEqual(cpu.execute([0x0f, 0x35]), GP0, 'SYSEXIT needs level 0');
  });
  it('both are refused where IA32_SYSENTER_CS is null', () => {
    const cpu = new ProtectedMachine();
    assert.deepEqual(cpu.execute([0x0f, 0x34]), GP0);
    assert.deepEqual(cpu.execute([0x0f, 0x35]), GP0);
  });
  it('RSM is undefined outside system-management mode (SDM vol. 2, "RSM")', () => {
    assert.deepEqual(new ProtectedMachine().execute([0x0f, 0xaa]), UD);
  });
});

describe('LAR, LSL, VERR, VERW, ARPL', () => {
  const zero = (cpu: FakeProcessor): boolean => (cpu.state.eflags & FLAG.ZF) !== 0;

  it('LAR shows the second dword as processors do, limit bits included', () => {
    const cpu = new ProtectedMachine();
    cpu.atLevel(3);
    cpu.state.setGpr(ECX, 4, S.CODE3 | 3);
    assert.equal(cpu.execute([0x0f, 0x02, 0xc1]), null);
    assert.equal(zero(cpu), true);
    // as executed on an Intel Xeon for Linux' flat user code segment, but for its accessed bit
    assert.equal(cpu.state.gpr(EAX, 4), 0x00cffa00);
    assert.equal(cpu.execute([0x0f, 0x03, 0xc1]), null);
    assert.equal(cpu.state.gpr(EAX, 4), 0xffffffff);
  });

  const cases = [
    { name: 'null',                    selector: 0,               level: 0, lar: false, lsl: false, verr: false, verw: false },
    { name: 'outside the GDT',         selector: 0x80,            level: 0, lar: false, lsl: false, verr: false, verw: false },
    { name: 'data',                    selector: S.DATA0,         level: 0, lar: true,  lsl: true,  verr: true,  verw: true },
    { name: 'inner data',              selector: S.DATA0,         level: 3, lar: false, lsl: false, verr: false, verw: false },
    { name: 'data beyond its RPL',     selector: S.DATA0 | 3,     level: 0, lar: false, lsl: false, verr: false, verw: false },
    { name: 'code',                    selector: S.CODE0,         level: 0, lar: true,  lsl: true,  verr: true,  verw: false },
    { name: 'inner conforming code',   selector: S.CONFORMING0,   level: 3, lar: true,  lsl: true,  verr: true,  verw: false },
    { name: 'a TSS',                   selector: S.TSS,           level: 0, lar: true,  lsl: true,  verr: false, verw: false },
    { name: 'a call gate',             selector: S.SPARE,         level: 0, lar: true,  lsl: false, verr: false, verw: false },
    { name: 'an interrupt gate',       selector: S.SPARE2,        level: 0, lar: false, lsl: false, verr: false, verw: false },
  ] as const; // prettier-ignore
  for (const { name, selector, level, ...expected } of cases) {
    it(`judge ${name}`, () => {
      const cpu = new ProtectedMachine();
      cpu.setDescriptor(S.SPARE, gate(12, S.CODE0, 0));
      cpu.setDescriptor(S.SPARE2, gate(14, S.CODE0, 0));
      cpu.atLevel(level);
      cpu.state.setGpr(ECX, 4, selector);
      const result = (bytes: readonly number[]): boolean => {
        assert.equal(cpu.execute(bytes), null);
        return zero(cpu);
      };
      const seen = {
        lar: result([0x0f, 0x02, 0xc1]),
        lsl: result([0x0f, 0x03, 0xc1]),
        verr: result([0x0f, 0x00, 0xe1]),
        verw: result([0x0f, 0x00, 0xe9]),
      };
      assert.deepEqual(seen, expected);
    });
  }

  it('LSL scales the limit, LAR leaves its destination alone when it fails', () => {
    const cpu = new ProtectedMachine();
    cpu.setDescriptor(S.SPARE, segmentDescriptor(0, 0x12, ACCESS.DATA32));
    cpu.state.setGpr(ECX, 4, S.SPARE);
    cpu.execute([0x0f, 0x03, 0xc1]);
    assert.equal(cpu.state.gpr(EAX, 4), 0x12fff);
    cpu.state.setGpr(ECX, 4, 0);
    cpu.execute([0x0f, 0x02, 0xc1]);
    assert.equal(cpu.state.gpr(EAX, 4), 0x12fff);
  });

  it('ARPL raises the RPL of the destination', () => {
    const cpu = new ProtectedMachine();
    cpu.state.setGpr(EAX, 4, 0x50);
    cpu.state.setGpr(ECX, 4, 3);
    cpu.execute([0x63, 0xc8]);
    assert.deepEqual([cpu.state.gpr(EAX, 4), zero(cpu)], [0x53, true]);
    cpu.execute([0x63, 0xc8]);
    assert.equal(zero(cpu), false);
  });
});

describe('PUSHF, POPF, CLI, STI', () => {
  it('POPF changes IF by IOPL and IOPL only at level 0', () => {
    const cpu = new ProtectedMachine();
    const pop = (flags: number): number => {
      cpu.push(4, flags);
      assert.equal(cpu.execute([0x9d]), null);
      return cpu.state.eflags;
    };
    assert.equal(pop(0x3202), 0x3202);
    assert.equal(pop(0x1002 | FLAG.VM | FLAG.RF | FLAG.VIF), 0x1002);
    cpu.atLevel(3);
    assert.equal(pop(0x3202), 0x1002);
    cpu.state.eflags = 0x3002;
    assert.equal(pop(0x0202), 0x3202);
  });

  it('PUSHF hides RF and VM', () => {
    const cpu = new ProtectedMachine();
    cpu.state.eflags = FLAG.RF | FLAG.ID | 0x246;
    cpu.execute([0x9c]);
    assert.equal(cpu.frame(1)[0], FLAG.ID | 0x246);
  });

  it('CLI and STI need IOPL, STI inhibits interrupts for one instruction', () => {
    const cpu = new ProtectedMachine();
    cpu.execute([0xfb]);
    cpu.execute([0xfb]);
    assert.deepEqual(cpu.log, ['inhibit'], 'only when IF was clear');
    cpu.execute([0xfa]);
    assert.equal(cpu.state.systemFlags & FLAG.IF, 0);
    cpu.atLevel(3);
    assert.deepEqual(cpu.execute([0xfa]), GP0);
    assert.deepEqual(cpu.execute([0xfb]), GP0);
  });

  it('PVI puts VIF in the place of IF at level 3', () => {
    const cpu = new ProtectedMachine();
    cpu.state.setCr(4, CR4.PVI);
    cpu.atLevel(3);
    assert.equal(cpu.execute([0xfb]), null);
    assert.equal(cpu.state.systemFlags & (FLAG.IF | FLAG.VIF), FLAG.VIF);
    cpu.state.systemFlags |= FLAG.VIP;
    assert.deepEqual(cpu.execute([0xfb]), GP0);
    assert.equal(cpu.execute([0xfa]), null);
    assert.equal(cpu.state.systemFlags & FLAG.VIF, 0);
  });

  it('in virtual-8086 mode below IOPL 3 go through VIF or to the monitor', () => {
    const cpu = new ProtectedMachine();
    const { state } = cpu;
    state.set(L.CPL, 3);
    state.eflags = FLAG.VM | FLAG.VIF | 2;
    state.setSegment(L.SEGMENT.SS, { selector: 0x800, rights: 0xf3, base: 0x8000, limit: 0xffff });
    state.setSegment(L.SEGMENT.CS, { selector: 0x100, rights: 0xf3, base: 0x1000, limit: 0xffff });
    state.setGpr(4, 4, 0x100);
    assert.deepEqual(cpu.execute([0x9c]), GP0);
    state.setCr(4, CR4.VME);
    assert.deepEqual(cpu.execute([0x66, 0x9c]), GP0, 'PUSHFD never');
    assert.equal(cpu.execute([0x9c]), null);
    assert.equal(cpu.peek16(0x80fe), FLAG.IF | FLAG.IOPL | 2);
    cpu.poke16(0x80fe, 2);
    assert.equal(cpu.execute([0x9d]), null);
    assert.equal(state.eflags, FLAG.VM | 2);
    state.setGpr(4, 4, 0xfe);
    cpu.poke16(0x80fe, FLAG.TF | 2);
    assert.deepEqual(cpu.execute([0x9d]), GP0);
  });
});
