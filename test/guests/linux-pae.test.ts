/**
 * Debian's linux-image-686-pae in a whole machine: page tables of three levels, with page table isolation,
 * on bare hardware up to a shell and down again, twice and each time the same; and once as a PVH guest,
 * without the decompressor and its setup header, on a processor that has NX.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { debianKernel, READY_MARKER } from '../support/debian-kernel.ts';
import { assertQuietLog, boot, describeFigures, log, logs, once, POWER_OFF, skip, TIMEOUT_MS } from './linux/boots.ts'; // prettier-ignore

describe('Debian for PAE on the machine', { skip, timeout: 3 * TIMEOUT_MS }, () => {
  const flavour = '686-pae';
  const { release } = skip === false ? debianKernel(flavour) : { release: '' };
  const commands = ['uname -r', 'grep flags /proc/cpuinfo', 'exit'];

  describe('its bzImage', () => {
    const boots = once(() =>
      Promise.all([
        boot({ flavour, interface: 'bare', commands, budget: 5_000_000 }),
        // slices end in single steps: these end elsewhere
        boot({ flavour, interface: 'bare', commands, budget: 777_777 }),
      ]),
    );

    test('boots to a shell that answers', async () => {
      const [first] = await boots();
      assert.ok(log(first).includes(READY_MARKER), first.fingerprint.text);
      const [version, flags] = first.answers;
      assert.equal(version, release);
      assert.match(flags ?? '', /\bpae\b.*\bpti\b/);
      console.log(`  -686-pae, to the marker: ${describeFigures(first.marker)}`);
    });
    test('finds board and processor as they should be', async () => {
      const [first] = await boots();
      logs(first, /^ACPI: PM: \(supports S0 S5\)$/);
      logs(first, /^Kernel\/User page tables isolation: enabled$/);
      logs(
        first,
        /^Checking if this processor honours the WP bit even in supervisor mode\.\.\.Ok\.$/,
      );
      logs(first, /^clocksource: Switched to clocksource tsc$/);
      assertQuietLog(first);
    });
    test('switches the machine off by ACPI', async () => {
      const [first] = await boots();
      assert.deepEqual(first.stop, POWER_OFF);
    });
    test('another process in other slices makes the very same run', async () => {
      const [first, second] = await boots();
      assert.deepEqual(second.fingerprint, first.fingerprint);
      assert.deepEqual(second.answers, first.answers);
    });
  });

  describe('its vmlinux, by the PVH entry', () => {
    const boots = once(() =>
      boot({ flavour, format: 'pvh', cpu: 'max', interface: 'kvm', commands, budget: 5_000_000 }),
    );

    test('boots to a shell with memory map, initrd, command line and ACPI', async () => {
      const result = await boots();
      assert.match(result.summary, /^PVH ELF, .* entry 0x[0-9a-f]+, module /);
      assert.ok(log(result).includes(READY_MARKER), result.fingerprint.text);
      assert.equal(result.answers[0], release);
      logs(result, /^BIOS-e820: \[mem 0x0000000000100000-0x0000000007ffffff\] usable$/);
      logs(result, /^Kernel command line: console=ttyS0$/);
      logs(result, /^ACPI: RSDP 0x00000000000E0000 /);
      logs(result, /^NX \(Execute Disable\) protection: active$/);
      logs(result, /^x86\/mm: Checked W\+X mappings: passed, no W\+X pages found\.$/);
      assertQuietLog(result);
      console.log(`  -686-pae by PVH, to the marker: ${describeFigures(result.marker)}`);
    });
    test('switches the machine off by ACPI', async () => {
      const result = await boots();
      assert.deepEqual(result.stop, POWER_OFF);
    });
  });
});
