/**
 * A launch that cannot work ends in a sentence with cause and remedy, and the editor goes on. (The editor
 * shows no dialogs while it runs tests, but rejects with what it would have shown.)
 */
import assert from 'node:assert/strict';
import { suite, test } from 'mocha';
import { DebugRun } from './debug-run.ts';

suite('errors', () => {
  /** Launches in vain; what the user is shown. */
  async function sentence(overrides: Record<string, unknown>): Promise<string> {
    try {
      await DebugRun.launch(overrides);
    } catch (error) {
      return String(error).split('Contents: ').at(-1) ?? '';
    }
    assert.fail('the launch succeeded, or failed without a word');
  }

  test('a kernel that is not there', async () => {
    assert.equal(
      await sentence({ guest: { kernel: '/nowhere/vmlinuz' } }),
      'launch.json: "guest.kernel" names /nowhere/vmlinuz, which cannot be read: there is no such file.',
    );
  });

  test('an unknown attribute, with the nearest that exists', async () => {
    assert.match(
      await sentence({ stopAtEntry: true }),
      /^launch\.json: there is no attribute "stopAtEntry".*"stopOnEntry"/,
    );
  });

  test('an exit reason that does not exist', async () => {
    const text = await sentence({ exitBreakpoints: [{ reason: 'CPUIDD' }] });
    assert.match(text, /exitBreakpoints\[0\].*CPUIDD/);
  });
});
