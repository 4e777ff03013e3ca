/**
 * Debian's linux-image-686 where it was not linked to: loaded 50 MiB up, at the least alignment that its
 * header allows, and started at its 16-bit entry, whose setup code asks our BIOS services for the memory
 * map. The log and /proc/iomem say where the kernel is.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { READY_MARKER } from '../support/debian-kernel.ts';
import { assertQuietLog, boot, describeFigures, log, logs, once, POWER_OFF, skip, TIMEOUT_MS } from './linux/boots.ts'; // prettier-ignore

/** A multiple of 8 KiB (min_alignment) and of nothing more. */
const LOAD_ADDRESS = 0x3202000;

describe('Debian moved', { skip, timeout: TIMEOUT_MS + 120_000 }, () => {
  const boots = once(() =>
    boot({
      entry: '16-bit',
      loadAddress: LOAD_ADDRESS,
      words: 'nokaslr', // else it moves on, by chance
      interface: 'bare',
      commands: ['grep Kernel /proc/iomem', 'grep -w _text /proc/kallsyms', 'exit'],
      budget: 5_000_000,
    }),
  );

  test('the setup code speaks to our services', async () => {
    const result = await boots();
    assert.match(result.summary, /at 0x3202000, .*, 16-bit entry$/);
    assert.match(result.fingerprint.text, /^Probing EDD \(edd=off to disable\)\.\.\. ok\r\n/);
    logs(result, /^BIOS-e820: \[mem 0x0000000000000000-0x000000000009fbff\] usable$/);
    logs(result, /^BIOS-e820: \[mem 0x00000000000f0000-0x00000000000fffff\] reserved$/);
    logs(result, /^BIOS-e820: \[mem 0x0000000000100000-0x0000000007ffffff\] usable$/);
  });
  test('the kernel runs where it was loaded', async () => {
    const result = await boots();
    assert.ok(log(result).includes(READY_MARKER), result.fingerprint.text);
    const [memory, text] = result.answers;
    assert.match(memory ?? '', /^ {2}03202000-[0-9a-f]+ : Kernel code$/m);
    // linked to run at c1000000, which is the mapping of 1000000
    assert.match(text ?? '', /^c3202000 T _text$/m);
    assertQuietLog(result);
    console.log(`  -686 moved, 16-bit entry, to the marker: ${describeFigures(result.marker)}`);
  });
  test('switches the machine off by ACPI', async () => {
    const result = await boots();
    assert.deepEqual(result.stop, POWER_OFF);
  });
});
