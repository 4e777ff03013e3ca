/** Debian's kernel under KVM of Linux 2.6.20: everything it does to its page tables goes through a shadow. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { READY_MARKER } from '../support/debian-kernel.ts';
import { boot, POWER_OFF, skip, TIMEOUT_MS } from './linux/boots.ts';

test('boots to a shell with its page tables shadowed', { skip, timeout: TIMEOUT_MS }, async () => {
  const result = await boot({
    interface: 'kvm',
    profile: 'kvm-2.6.20-vmx',
    commands: ['uname -s', 'poweroff -f'],
    budget: 5_000_000,
  });
  const { exits, text } = result.fingerprint;
  assert.ok(text.includes(READY_MARKER), text);
  assert.equal(result.answers[0], 'Linux');
  assert.deepEqual(result.stop, POWER_OFF);
  // every table of the kernel's and of its programs' is met by page faults, every address space by CR3
  assert.ok((exits['EXCEPTION_NMI'] ?? 0) > 10_000, JSON.stringify(exits));
  assert.ok((exits['CR_ACCESS'] ?? 0) > 1000, JSON.stringify(exits));
  assert.equal(exits['EPT_VIOLATION'], undefined);
  assert.equal(exits['INVLPG'], undefined);
});
