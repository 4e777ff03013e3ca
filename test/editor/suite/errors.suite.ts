/** A launch that cannot work ends in a sentence with cause and remedy, and the editor goes on. */
import { suite, test } from 'mocha';
import { DebugRun } from './debug-run.ts';
import { Ui } from './ui.ts';

const DIALOG = '.monaco-dialog-box';

suite('errors', () => {
  const ui = Ui.here();

  /** Launches in vain; the dialog must say this. */
  async function fails(overrides: Record<string, unknown>, sentence: string): Promise<void> {
    const launched = DebugRun.launch(overrides);
    await ui?.waitFor(DIALOG, { text: sentence });
    await ui?.screenshot(`error ${sentence.slice(0, 30)}`);
    await ui?.press('Escape');
    await launched;
    await ui?.waitUntilGone(DIALOG);
  }

  test('a kernel that is not there', async function () {
    if (ui === null) return this.skip();
    await fails(
      { guest: { kernel: '/nowhere/vmlinuz' } },
      'launch.json: "guest.kernel" names /nowhere/vmlinuz, which cannot be read: there is no such file.',
    );
  });

  test('an unknown attribute, with the nearest that exists', async function () {
    if (ui === null) return this.skip();
    await fails({ stopAtEntry: true }, 'launch.json: there is no attribute "stopAtEntry"');
  });

  test('an exit reason that does not exist', async function () {
    if (ui === null) return this.skip();
    await fails({ exitBreakpoints: [{ reason: 'CPUIDD' }] }, 'exitBreakpoints[0]');
  });
});
