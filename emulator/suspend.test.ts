/**
 * Suspend to RAM: a guest sleeps in S3, the alarm of the real-time clock or the power button wakes it, and
 * it goes on in real mode at the waking vector of the FACS, which says so in PM1a_STS. Expected values:
 * ACPI specification 3.0, 4.7.3.1 (WAK_STS, RTC_STS, PWRBTN_STS) and 5.2.10.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Machine } from './machine.ts';
import type { MachineStop } from './machine-stop.ts';

/** GNU as, .code16, at 7C00h; `vector` is put at FACS + 12 (E0000h + 40h + 12). */
const sleeper = (vector: number, alarm: boolean): Uint8Array => {
  const code = [
    0xb8, 0x00, 0xe0, 0x8e, 0xc0,                           // mov $0xe000,%ax; mov %ax,%es
    0x26, 0x66, 0xc7, 0x06, 0x4c, 0x00, vector & 0xff, vector >> 8, 0, 0, // movl $vector,%es:0x4c
    0xba, 0x02, 0x06, 0xb8, 0x00, 0x04, 0xef,               // out $0x400 -> PM1a_EN: RTC
    0xb3, 0xc0,                                             // mov $0xc0,%bl: any second, minute, hour
    0xb0, 0x01, 0xe6, 0x70, 0x88, 0xd8, 0xe6, 0x71,
    0xb0, 0x03, 0xe6, 0x70, 0x88, 0xd8, 0xe6, 0x71,
    0xb0, 0x05, 0xe6, 0x70, 0x88, 0xd8, 0xe6, 0x71,
    0xb0, 0x0b, 0xe6, 0x70, 0xb0, alarm ? 0x22 : 0x02, 0xe6, 0x71, // register B: AIE
    0xba, 0x04, 0x06, 0xb8, 0x00, 0x24, 0xef,               // out $0x2400 -> PM1a_CNT: S3, now
    0xeb, 0xfe,                                             // jmp .
  ]; // prettier-ignore
  const resume = [
    0xba, 0x00, 0x06, 0xed,                                 // in PM1a_STS
    0xba, 0xf4, 0x00, 0xef, 0xf4,                           // out %ax,$0xf4; hlt
  ]; // prettier-ignore
  const sector = new Uint8Array(512);
  sector.set(code);
  sector.set(resume, 0x80);
  sector.set([0x55, 0xaa], 510);
  return sector;
};

function machine(kernel: Uint8Array): Machine {
  return new Machine({
    guest: { kernel, kernelName: 'sleeper', format: 'flat', commandLine: '', loadAddress: 'auto' },
    memoryBytes: 1 << 24,
    cpuModel: 'pentium3',
    hypervisor: { interface: 'bare', profile: 'bare', exits: {} },
    shared: false,
  });
}

/** Runs until something else than a wait with an end comes. */
function run(sleeping: Machine): MachineStop {
  for (let turn = 0; turn < 100; turn++) {
    const stop = sleeping.run(100_000, () => false);
    if (stop.kind === 'idle' && stop.wakeAt !== Infinity) continue;
    if (stop.kind !== 'budget') return stop;
  }
  throw new Error('it runs on');
}

test('the alarm of the real-time clock wakes it, with WAK_STS and RTC_STS', () => {
  const stop = run(machine(sleeper(0x7c80, true)));
  assert.equal(stop.kind, 'power-off');
  assert.ok(stop.kind === 'power-off' && stop.code === 0x8400, JSON.stringify(stop));
});

test('no instruction is executed until the power button is pressed', () => {
  const sleeping = machine(sleeper(0x7c80, false));
  assert.deepEqual(run(sleeping), { kind: 'idle', wakeAt: Infinity });
  const { retired } = sleeping;
  assert.deepEqual(run(sleeping), { kind: 'idle', wakeAt: Infinity });
  assert.equal(sleeping.retired, retired);
  sleeping.board.pressPowerButton();
  const stop = run(sleeping);
  assert.ok(stop.kind === 'power-off' && stop.code === 0x8100, JSON.stringify(stop));
});

test('without a waking vector the wake is a reset', () => {
  assert.equal(run(machine(sleeper(0, true))).kind, 'reset');
});
