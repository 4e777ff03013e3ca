/**
 * A real kernel in a whole machine: Debian's linux-image-686 with an initramfs of busybox, 128 MiB, under
 * KVM's interface and on bare hardware, up to a shell that answers, and down again. Two of the boots are
 * the same but for the slices in which they run, in two processes: they must be one and the same run.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { debianKernel, READY_MARKER } from '../support/debian-kernel.ts';
import { assertQuietLog, boot, describeFigures, log, logs, once, POWER_OFF, skip, TIMEOUT_MS } from './linux/boots.ts'; // prettier-ignore
import type { BootResult } from './linux/main.ts';

const INTERRUPTS = 'cat /proc/interrupts';
const CLOCKSOURCE = '/sys/devices/system/clocksource/clocksource0/current_clocksource';
const KVM_QUESTIONS = [`cat ${CLOCKSOURCE}`, 'grep ^cpu0 /proc/stat'];
/** Typed under both interfaces. */
const QUESTIONS = ['echo $((6*7))', 'uname -r', INTERRUPTS, 'cat /proc/mtrr', 'date'];

describe('Debian on the machine', { skip, timeout: 2 * TIMEOUT_MS + 120_000 }, () => {
  const { release } = skip === false ? debianKernel() : { release: '' };
  function assertAnswers(result: BootResult): void {
    const [sum, version, interrupts, mtrr, date] = result.answers;
    assert.equal(sum, '42');
    assert.equal(version, release);
    // the timer that woke the shell, and the serial port on which its answer came
    assert.match(interrupts ?? '', /^LOC: +[1-9]\d* +Local timer interrupts$/m);
    assert.match(interrupts ?? '', /^ +4: +[1-9]\d* +IO-APIC +4-edge +ttyS0$/m);
    assert.match(interrupts ?? '', /^ERR: +0$/m);
    assert.match(interrupts ?? '', /^SPU: +0 /m);
    assert.match(mtrr ?? '', /base=0x080000000 .*uncachable$/);
    // the board's clock starts at the release of Linux 2.6.20
    assert.match(date ?? '', /^Sun Feb {2}4 18:4\d:\d\d UTC 2007$/);
  }

  describe('under KVM', () => {
    const commands = [...QUESTIONS, ...KVM_QUESTIONS, 'exit'];
    const boots = once(() =>
      Promise.all([
        boot({ interface: 'kvm', commands, budget: 5_000_000 }),
        // slices end in single steps: these end elsewhere
        boot({ interface: 'kvm', commands, budget: 777_777 }),
      ]),
    );

    test('boots to the marker and finds its hypervisor', async () => {
      const [first, second] = await boots();
      assert.ok(log(first).includes(READY_MARKER), first.fingerprint.text);
      logs(first, /^Hypervisor detected: KVM$/);
      logs(first, /^kvm-clock: Using msrs 4b564d01 and 4b564d00$/);
      logs(first, /^Booting paravirtualized kernel on KVM$/);
      logs(first, /^clocksource: Switched to clocksource kvm-clock$/);
      console.log(`  KVM, to the marker: ${describeFigures(first.marker)}`);
      console.log(`  KVM, other slices: ${describeFigures(second.marker)}`);
    });
    test('uses the clock, steal time and end of interrupt of its hypervisor', async () => {
      const [first] = await boots();
      const [clocksource, stat = ''] = first.answers.slice(QUESTIONS.length);
      assert.equal(clocksource, 'kvm-clock');
      // user nice system idle iowait irq softirq steal: alone, it loses nothing
      assert.match(stat, /^cpu0( \d+){7} 0 0 0$/);
      const ticks = Number(/^LOC: +(\d+)/m.exec(first.answers[2] ?? '')?.[1]);
      assert.ok(first.eoiWrites < ticks / 4, `${first.eoiWrites} writes to EOI, ${ticks} ticks`);
    });
    test('finds its board', async () => {
      const [first] = await boots();
      logs(first, /^ACPI: PM: \(supports S0 S5\)$/);
      logs(first, /^pnp: PnP ACPI: found 3 devices$/);
      logs(first, /ttyS0 at I\/O 0x3f8 \(irq = 4, base_baud = 115200\) is a 16550A$/);
      logs(first, /^serio: i8042 KBD port at 0x60,0x64 irq 1$/);
      logs(first, /setting system clock to 2007-02-04T18:44:5\d UTC/);
      assertQuietLog(first);
    });
    test('a shell answers what is typed', async () => {
      const [first] = await boots();
      assertAnswers(first);
    });
    test('switches the machine off by ACPI', async () => {
      const [first] = await boots();
      assert.deepEqual(first.stop, POWER_OFF);
    });
    test('exits are those of KVM with second-stage paging', async () => {
      const [first] = await boots();
      const { exits } = first.fingerprint;
      for (const name of ['CPUID', 'HLT', 'IO_INSTRUCTION', 'RDMSR', 'WRMSR', 'CR_ACCESS', 'EPT_VIOLATION', 'EXTERNAL_INTERRUPT']) {
        assert.ok((exits[name] ?? 0) > 0, name);
      } // prettier-ignore
      // KVM leaves paging to the guest and lets RDTSC pass
      assert.ok(!('INVLPG' in exits) && !('RDTSC' in exits) && !('TRIPLE_FAULT' in exits));
      console.log(`  KVM, exits: ${JSON.stringify(exits)}`);
    });
    test('another process in other slices makes the very same run', async () => {
      const [first, second] = await boots();
      assert.deepEqual(second.fingerprint, first.fingerprint);
      assert.deepEqual(second.answers, first.answers);
    });
  });

  describe('on bare hardware', () => {
    const boots = once(() =>
      boot({ interface: 'bare', commands: [...QUESTIONS, 'reboot -f'], budget: 5_000_000 }),
    );

    test('boots to the marker without a hypervisor', async () => {
      const bare = await boots();
      assert.ok(log(bare).includes(READY_MARKER), bare.fingerprint.text);
      assert.ok(!log(bare).some((line) => line.startsWith('Hypervisor detected')));
      logs(bare, /^Booting paravirtualized kernel on bare hardware$/);
      logs(bare, /^tsc: Fast TSC calibration using PIT$/);
      logs(bare, /^clocksource: Switched to clocksource tsc$/);
      assertQuietLog(bare);
      console.log(`  bare, to the marker: ${describeFigures(bare.marker)}`);
    });
    test('a shell answers what is typed', async () => {
      const bare = await boots();
      assertAnswers(bare);
    });
    test('nothing leaves the guest', async () => {
      const bare = await boots();
      assert.deepEqual(bare.fingerprint.exits, {});
    });
    test('a reboot is a reset', async () => {
      const bare = await boots();
      logs(bare, /^reboot: Restarting system$/);
      assert.equal(bare.stop.kind, 'reset');
    });
  });
});
