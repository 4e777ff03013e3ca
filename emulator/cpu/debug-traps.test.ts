/**
 * Breakpoints of the debug registers (SDM vol. 3, 17.2 "Debug registers", 17.3.1 "#DB", table 17-2):
 * on instructions they fault before, on data and ports they trap after.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setDebugRegister } from './control-registers.ts';
import * as L from './layout.ts';
import { CR4, FLAG } from './state.ts';
import { CODE, DATA, dword, STACK, TrapMachine } from './testing/trap-machine.ts';

const DB = 1;
const [EAX, ECX, EDX, ESP, ESI, EDI] = [0, 1, 2, 4, 6, 7];
const NOP = 0x90;
/** Conditions and lengths of DR7 (17.2.4). */
const [EXECUTE, WRITE, PORT, ACCESS] = [0, 1, 2, 3];
const [BYTE, WORD, DWORD] = [0, 1, 3];

/** Sets DRn and enables it locally (L) in DR7, in addition to what is enabled. */
function breakAt(
  { cpu }: TrapMachine,
  n: number,
  address: number,
  condition: number,
  length = BYTE,
): void {
  const enable = (1 << (2 * n)) | ((condition | (length << 2)) << (16 + 4 * n));
  setDebugRegister(cpu, n, address);
  setDebugRegister(cpu, 7, (cpu.state.dr(7) | enable) >>> 0);
}
const dr6 = ({ cpu }: TrapMachine): number => cpu.state.dr(6) & 0xe00f;
const has = (flags: number, flag: number): boolean => (flags & flag) !== 0;

// a slice of one instruction steps each of them, a long one runs blocks
for (const slice of [1, 1000]) {
  describe(`breakpoints on instructions, in slices of ${slice}`, () => {
    it('fault before the instruction, without RF in the frame', () => {
      const machine = new TrapMachine();
      breakAt(machine, 2, CODE + 1, EXECUTE);
      const trap = machine.trap([NOP, 0x40, 0x40], slice); // nop; inc eax; inc eax
      assert.deepEqual([trap.vector, trap.eip, has(trap.flags, FLAG.RF)], [DB, CODE + 1, false]);
      assert.equal(dr6(machine), 1 << 2);
      assert.equal(machine.cpu.state.gpr(EAX, 4), 0, 'nothing executed');
      const again = machine.resume(undefined, slice);
      assert.deepEqual([again.vector, again.eip], [DB, CODE + 1], 'it is still there');
      assert.equal(machine.resume(again.flags | FLAG.RF, slice).vector, -1, 'RF passes it');
      assert.equal(machine.cpu.state.gpr(EAX, 4), 2);
    });

    it('come back the next time round, since RF lasts for one instruction', () => {
      const machine = new TrapMachine();
      machine.cpu.state.setGpr(ECX, 4, 3);
      breakAt(machine, 0, CODE, EXECUTE);
      // inc eax; dec ecx; jnz to the start
      let trap = machine.trap([0x40, 0x49, 0x75, 0xfc], slice);
      for (let turn = 0; turn < 3; turn++) {
        assert.deepEqual([trap.vector, machine.cpu.state.gpr(EAX, 4)], [DB, turn]);
        trap = machine.resume(trap.flags | FLAG.RF, slice);
      }
      assert.equal(trap.vector, -1);
    });

    it('are found in code that has run before, and leave with DR7', () => {
      const machine = new TrapMachine();
      assert.equal(machine.trap([NOP, NOP, NOP], slice).vector, -1);
      breakAt(machine, 0, CODE + 2, EXECUTE);
      assert.equal(machine.trap([NOP, NOP, NOP], slice).eip, CODE + 2);
      setDebugRegister(machine.cpu, 7, 0);
      assert.equal(machine.trap([NOP, NOP, NOP], slice).vector, -1);
    });

    it('are enabled by G as by L, and by neither not', () => {
      const machine = new TrapMachine();
      setDebugRegister(machine.cpu, 3, CODE + 1);
      setDebugRegister(machine.cpu, 7, 1 << 7);
      assert.equal(machine.trap([NOP, NOP], slice).vector, DB);
      setDebugRegister(machine.cpu, 7, 0xf00);
      assert.equal(machine.trap([NOP, NOP], slice).vector, -1);
    });

    it('are passed over behind MOV SS and POP SS, and nowhere else', () => {
      // mov cx, ss; mov ss, cx or push ss; pop ss; then inc eax with the breakpoint; inc eax
      for (const load of [
        [0x8c, 0xd1, 0x8e, 0xd1],
        [0x16, 0x17],
      ]) {
        const machine = new TrapMachine();
        breakAt(machine, 0, CODE + load.length, EXECUTE);
        assert.equal(machine.trap([...load, 0x40, 0x40], slice).vector, -1);
        assert.equal(machine.cpu.state.gpr(EAX, 4), 2);
        breakAt(machine, 0, CODE + load.length + 1, EXECUTE);
        const trap = machine.trap([...load, 0x40, 0x40], slice);
        assert.deepEqual([trap.vector, trap.eip], [DB, CODE + load.length + 1]);
      }
    });

    it('wait behind a fault of their own: RF is set in the frame of #UD', () => {
      const machine = new TrapMachine();
      breakAt(machine, 0, CODE, EXECUTE);
      const first = machine.trap([0x0f, 0x0b], slice);
      assert.equal(first.vector, DB);
      const undefined_ = machine.resume(first.flags | FLAG.RF, slice);
      assert.deepEqual([undefined_.vector, has(undefined_.flags, FLAG.RF)], [6, true]);
      assert.equal(machine.resume(undefined, slice).vector, 6, 'no breakpoint before it');
    });
  });

  describe(`breakpoints on data, in slices of ${slice}`, () => {
    // mov [DATA + n], eax and mov eax, [DATA + n], five bytes each
    const store = (n: number): number[] => [0xa3, ...dword(DATA + n)];
    const load = (n: number): number[] => [0xa1, ...dword(DATA + n)];

    it('trap after the instruction that writes', () => {
      const machine = new TrapMachine();
      machine.cpu.state.setGpr(EAX, 4, 0x12345678);
      breakAt(machine, 1, DATA + 8, WRITE, DWORD);
      const trap = machine.trap([NOP, ...store(8), NOP], slice);
      assert.deepEqual([trap.vector, trap.eip, has(trap.flags, FLAG.RF)], [DB, CODE + 6, false]);
      assert.equal(dr6(machine), 1 << 1);
      assert.equal(machine.ram32[(DATA + 8) >> 2], 0x12345678, 'it has been written');
      assert.equal(machine.resume(undefined, slice).vector, -1);
    });

    it('go by condition, overlap and alignment to their length', () => {
      const hits = (
        condition: number,
        length: number,
        address: number,
        code: number[],
      ): boolean => {
        const machine = new TrapMachine();
        breakAt(machine, 0, address, condition, length);
        const { vector } = machine.trap(code, slice);
        assert.ok(vector === DB || vector === -1);
        return vector === DB;
      };
      assert.equal(hits(WRITE, DWORD, DATA, load(0)), false, 'a read is no write');
      assert.equal(hits(ACCESS, DWORD, DATA, load(0)), true);
      assert.equal(hits(ACCESS, DWORD, DATA, store(0)), true);
      assert.equal(hits(ACCESS, BYTE, DATA, [NOP]), false);
      assert.equal(hits(WRITE, BYTE, DATA + 3, store(0)), true, 'the last byte');
      assert.equal(hits(WRITE, BYTE, DATA + 4, store(0)), false, 'the one after');
      assert.equal(hits(WRITE, WORD, DATA + 5, store(1)), true, 'aligned to 4 and 5');
      assert.equal(hits(WRITE, WORD, DATA + 5, store(0)), false);
      assert.equal(hits(WRITE, BYTE, DATA, store(0xffd)), false, 'two pages, neither of them');
      assert.equal(hits(WRITE, BYTE, DATA + 0x1000, store(0xffd)), true, 'the second page');
    });

    it('see every way to memory: read-modify-write, stack, strings, instructions in TypeScript', () => {
      const ways: readonly (readonly [string, readonly number[], number])[] = [
        ['inc dword [DATA]', [0xff, 0x05, ...dword(DATA)], DATA],
        ['xchg [DATA], eax', [0x87, 0x05, ...dword(DATA)], DATA],
        ['push eax', [0x50], STACK - 4],
        ['push es', [0x06], STACK - 4],
        ['call next', [0xe8, ...dword(0)], STACK - 4],
        ['stosd', [0xab], DATA],
        ['sgdt [DATA]', [0x0f, 0x01, 0x05, ...dword(DATA)], DATA],
        ['fist dword [DATA]', [0xdb, 0x15, ...dword(DATA)], DATA],
      ];
      for (const [name, code, address] of ways) {
        const machine = new TrapMachine();
        machine.cpu.state.setGpr(EDI, 4, DATA);
        breakAt(machine, 3, address, WRITE, DWORD);
        const trap = machine.trap([NOP, ...code, NOP, NOP], slice);
        assert.deepEqual([trap.vector, trap.eip], [DB, CODE + 1 + code.length], name);
        assert.equal(dr6(machine), 1 << 3, name);
      }
    });

    it('trap after the element of a repeated string instruction that hits, with RF', () => {
      const machine = new TrapMachine();
      const { state } = machine.cpu;
      state.setGpr(EDI, 4, DATA);
      state.setGpr(ECX, 4, 5);
      breakAt(machine, 0, DATA + 8, WRITE, DWORD);
      const trap = machine.trap([0xf3, 0xab, NOP], slice); // rep stosd
      assert.deepEqual([trap.vector, trap.eip, has(trap.flags, FLAG.RF)], [DB, CODE, true]);
      assert.deepEqual([state.gpr(ECX, 4), state.gpr(EDI, 4)], [2, DATA + 12]);
      assert.equal(machine.resume(undefined, slice).vector, -1);
      assert.equal(state.gpr(ECX, 4), 0);
    });

    it('set the bits of all that are hit, and BS with them', () => {
      const machine = new TrapMachine();
      breakAt(machine, 0, DATA, WRITE, DWORD);
      breakAt(machine, 3, DATA + 2, ACCESS, WORD);
      breakAt(machine, 1, DATA + 4, ACCESS, WORD);
      // pushfd; or dword [esp], TF; popfd; mov [DATA], eax
      const trap = machine.trap(
        [0x9c, 0x81, 0x0c, 0x24, ...dword(FLAG.TF), 0x9d, ...store(0)],
        slice,
      );
      assert.equal(trap.vector, DB);
      assert.equal(dr6(machine), (1 << 14) | (1 << 3) | 1);
    });

    it('wait for one instruction after MOV SS', () => {
      const machine = new TrapMachine();
      machine.ram32[DATA >> 2] = 0x10;
      breakAt(machine, 0, DATA, ACCESS, WORD);
      const code = [0x8e, 0x15, ...dword(DATA), NOP, NOP]; // mov ss, [DATA]
      const trap = machine.trap(code, slice);
      assert.deepEqual([trap.vector, trap.eip, dr6(machine)], [DB, CODE + 7, 1]);
    });

    it('are not reported for an instruction that then faults', () => {
      const machine = new TrapMachine();
      breakAt(machine, 0, DATA, ACCESS, DWORD);
      // the read is made, the push lies beyond the limit of SS
      const { SS } = L.SEGMENT;
      machine.segment(SS, { selector: 0x10, rights: 0xc093, limit: 0xfff });
      machine.cpu.modeChanged();
      machine.leaves = ({ kind }) => kind === 'exception';
      machine.load(CODE, [0xff, 0x35, ...dword(DATA), NOP, NOP]); // push dword [DATA]
      machine.cpu.state.eip = CODE;
      machine.cpu.state.setGpr(ESP, 4, STACK);
      assert.equal(machine.runToExit(slice), 'exit');
      assert.deepEqual([machine.exception.vector, machine.cpu.state.eip], [12, CODE]);
      machine.event = null;
      machine.cpu.state.eip = CODE + 6;
      machine.cpu.run(2);
      assert.equal(machine.event, null, 'no #DB');
    });
  });

  describe(`breakpoints on ports, in slices of ${slice}`, () => {
    it('trap after IN and OUT while CR4.DE is set', () => {
      const machine = new TrapMachine();
      machine.cpu.state.setCr(4, CR4.DE);
      machine.cpu.state.setGpr(EDX, 4, 0x3f9);
      breakAt(machine, 0, 0x3f8, PORT, DWORD);
      for (const code of [[0xec], [0xee], [0x6e], [0x66, 0xef]]) {
        machine.cpu.state.setGpr(ESI, 4, DATA);
        const trap = machine.trap([...code, NOP], slice);
        assert.deepEqual([trap.vector, trap.eip, dr6(machine)], [DB, CODE + code.length, 1]);
      }
      machine.cpu.state.setGpr(EDX, 4, 0x3fc);
      assert.equal(machine.trap([0xec], slice).vector, -1, 'another port');
      machine.cpu.state.setGpr(EDX, 4, 0x3f8);
      machine.cpu.state.setCr(4, 0);
      machine.cpu.modeChanged();
      assert.equal(machine.trap([0xec], slice).vector, -1, 'undefined without DE: nothing');
    });
  });
}

it('general detect is a fault before MOV DR, with RF in the frame, and clears GD (17.2.4)', () => {
  const machine = new TrapMachine();
  setDebugRegister(machine.cpu, 7, 1 << 13);
  const trap = machine.trap([NOP, 0x0f, 0x23, 0xc0, NOP]); // mov dr0, eax
  assert.deepEqual([trap.vector, trap.eip, has(trap.flags, FLAG.RF)], [DB, CODE + 1, true]);
  assert.equal(dr6(machine), 1 << 13);
  assert.equal(machine.cpu.state.dr(7), 0x400);
  assert.equal(machine.resume().vector, -1);
});

it('a breakpoint of the machine comes before the guest sees its own', () => {
  const machine = new TrapMachine();
  breakAt(machine, 0, CODE + 1, EXECUTE);
  machine.cpu.setBreakpoints(new Set([CODE + 1]));
  machine.load(CODE, [NOP, NOP, NOP]);
  machine.cpu.state.eip = CODE;
  machine.cpu.state.setGpr(ESP, 4, STACK);
  assert.equal(machine.cpu.run(1000), 'breakpoint');
  assert.equal(machine.cpu.state.eip, CODE + 1);
  machine.cpu.skipBreakpoint();
  assert.deepEqual([machine.next().vector, dr6(machine)], [DB, 1]);
});
