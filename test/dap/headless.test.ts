/**
 * `guestscope run` on the sample guest and on small ones: what it prints, what it expects, and its exit
 * status. The whole command runs in this process, with the real machine.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { nodeFiles } from '../../debug-adapter/host/files-node.ts';
import { runCommandLine } from '../../debug-adapter/headless/command-line-node.ts';
import { compareCommand } from '../../debug-adapter/headless/compare-command-node.ts';
import { runCommand } from '../../debug-adapter/headless/run-command-node.ts';
import { nodeScheduler } from '../../debug-adapter/host/scheduler-node.ts';
import { GuestscopeSession } from '../../debug-adapter/session.ts';
import { LocalWorker } from '../../debug-adapter/testing/local-worker.ts';
import { createMachine } from '../../emulator/debugger/debugger.ts';

const SAMPLE = fileURLToPath(new URL('../../extension/sample', import.meta.url));
const STORY = `${SAMPLE}#Story: a guest that finds its hypervisor`;
const HELLO = ['--after', 'type a line: ', '--send', 'hello\\r'];

interface Ran {
  readonly status: number;
  readonly printed: string;
  readonly complained: string;
}

/** @param interruptAt calls Ctrl+C when this has been printed */
async function guestscope(args: readonly string[], interruptAt = ''): Promise<Ran> {
  let printed = '';
  let complained = '';
  let interrupt: (() => void) | null = null;
  const newSession = (): GuestscopeSession =>
    new GuestscopeSession({
      startWorker: () => new LocalWorker(createMachine, nodeScheduler, structuredClone),
      files: nodeFiles,
      scheduler: nodeScheduler,
    });
  const commands = [runCommand(newSession), compareCommand(newSession)];
  const status = await runCommandLine(commands, '1.2.3', args, {
    print(text) {
      printed += text;
      if (interruptAt === '' || !printed.includes(interruptAt)) return;
      interrupt?.();
      interrupt = null;
    },
    complain: (text) => (complained += text),
    attended: false,
    onInterrupt: (listener) => (interrupt = listener),
  });
  return { status, printed, complained };
}

const folder = mkdtempSync(join(tmpdir(), 'guestscope-run-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A launch.json for a boot sector of these bytes, entered at 0:7c00 in real mode. */
function bootSector(bytes: readonly number[], attributes: object = {}): string {
  const own = mkdtempSync(join(folder, 'guest-'));
  writeFileSync(join(own, 'guest.bin'), Uint8Array.from(bytes));
  const configuration = {
    type: 'guestscope',
    name: 'small',
    guest: { kernel: '${workspaceFolder}/guest.bin', format: 'flat', loadAddress: '0x7c00' },
    machine: { memory: '1M' },
    ...attributes,
  };
  const file = join(own, 'launch.json');
  writeFileSync(file, JSON.stringify({ configurations: [configuration] }));
  return file;
}

describe('guestscope run', () => {
  it('tells a run in the order of the guest’s time, the same every time', async () => {
    const args = ['run', STORY, ...HELLO, '--break', 'setup_local_apic if eax != 1'];
    args.push('--break-exit', 'HLT', '--log', 'halt at {symbol(eip)}');
    const first = await guestscope(args);
    assert.equal(first.status, 0, first.complained);
    let from = 0;
    for (const part of [
      'Guestscope: Story: a guest that finds its hypervisor\n',
      '4 CPUID: processor \n[note] raw binary',
      '[stop] @8,976 VM exit 10 CPUID at ',
      '6 Local APIC: \n[stop] @',
      'waiting for 5 ticks of the timer\n[log] halt at native_safe_halt+0x',
      '10 Serial port: type a line: \n[sent] "hello\\r"\n',
      'You typed 5 characters: hello\n11 Power off\n',
      '[end] The guest has switched itself off with status 0.\n',
    ]) {
      from = first.printed.indexOf(part, from);
      assert.ok(from >= 0, `${JSON.stringify(part)} is missing in:\n${first.printed}`);
    }
    assert.equal((await guestscope(args)).printed, first.printed);
  });

  it('tells the same as JSON lines, every one an object', async () => {
    const args = ['run', STORY, ...HELLO, '--format', 'jsonl', '--expect', 'exits.HLT >= 5'];
    const { status, printed } = await guestscope(args);
    assert.equal(status, 0);
    const rows = printed.trimEnd().split('\n').map((line) => JSON.parse(line) as { [name: string]: unknown });
    assert.deepEqual([...new Set(rows.map(({ type }) => type))], ['start', 'console', 'notice', 'stop', 'sent', 'expectation', 'end']);
    const stop = rows.find(({ type }) => type === 'stop') as { exit: { name: string; fields: object } };
    assert.equal(stop.exit.name, 'CPUID');
    assert.equal((stop.exit.fields as { leaf: number }).leaf, 0x40000000);
    const console = rows.filter(({ type }) => type === 'console').map(({ text }) => text).join('');
    assert.match(console, /You typed 5 characters: hello\r\n11 Power off\r\n$/);
    const { outcome, status: code, exitStatus } = rows.at(-1) ?? {};
    assert.deepEqual([outcome, code, exitStatus], ['power-off', 0, 0]);
  }); // prettier-ignore

  it('judges expectations of the command line, of a file and of launch.json', async () => {
    const list = join(folder, 'expect.txt');
    writeFileSync(list, '# about the end\nstatus == 0x41\n\nposition < 1e3\n');
    const json = join(folder, 'expect.json');
    writeFileSync(json, '[ "outcome == \\"power-off\\"", /* one more */ "exits.CPUID == 1", ]');
    const junit = join(folder, 'junit.xml');
    // mov ax, 0x41; cpuid; out 0xf4, ax
    const file = bootSector([0xb8, 0x41, 0, 0x0f, 0xa2, 0xb0, 0x41, 0xe7, 0xf4], {
      expect: ['exits == exits.CPUID + exits.IO_INSTRUCTION', 'console == "never"'],
    });
    const args = ['run', file, '--expect-file', list, '--expect-file', json, '--junit', junit];
    const ran = await guestscope([...args, '--expect', 'al + 1 == 0x43', '--expect', 'dword[0xfffffff0] == 1']); // prettier-ignore
    assert.equal(ran.status, 1, ran.printed + ran.complained);
    for (const line of [
      'ok    exits == exits.CPUID + exits.IO_INSTRUCTION',
      'FAIL  console == "never": console is ""',
      'ok    position < 1e3',
      'ok    outcome == "power-off"',
      'ok    exits.CPUID == 1',
    ])
      assert.ok(ran.printed.includes(`${line}\n`), `${line} is missing in:\n${ran.printed}`);
    assert.match(ran.printed, /FAIL {2}al \+ 1 == 0x43: al \+ 1 is \d/);
    assert.match(ran.printed, /FAIL {2}dword\[0xfffffff0\] == 1: There is no readable memory/);
    const xml = readFileSync(junit, 'utf8');
    assert.match(xml, /<testsuite name="small" tests="9" failures="[34]"/);
    assert.match(
      xml,
      /name="console == &quot;never&quot;"><failure message="console is &quot;&quot;"\/>/,
    );
  });

  it('ends as the guest ends, by its exit status', async () => {
    const loop = [0xeb, 0xfe];
    // lidt [cs:7c20] of nothing; int3: a triple fault
    const triple = [0x2e, 0x0f, 0x01, 0x1e, 0x20, 0x7c, 0xcc];
    const halt = [0xfa, 0xf4];
    for (const [bytes, args, status, line] of [
      [loop, ['--max-instructions', '1e6'], 4, /\[end\] The guest has executed 1000000 instructions, the limit/],
      [loop, ['--max-instructions', '5', '--expect', 'outcome == "limit" && position == 5'], 0, /ok {4}outcome/],
      [triple, [], 3, /\[end\] Triple fault: /],
      [triple, ['--expect', 'outcome == "triple-fault"'], 0, /ok {4}outcome/],
      [halt, [], 3, /\[end\] The guest has executed HLT with interrupts disabled/],
      [halt, ['--expect', 'outcome == "reset"'], 1, /FAIL {2}outcome == "reset": outcome is "halted-forever"/],
      // sti; hlt; jmp: with the timer's interrupts masked nothing wakes it
      [[0xb0, 0xff, 0xe6, 0x21, 0xfb, 0xf4, 0xeb, 0xfd], [], 4, /\[end\] The guest /],
      [loop, ['--break', '0x7c00', '--max-stops', '3'], 0, /(\[stop\] .*\n){3}\[end\]/],
    ] as const) {
      const ran = await guestscope(['run', bootSector(bytes), ...args]);
      assert.equal(ran.status, status, ran.printed + ran.complained);
      assert.match(ran.printed, line);
    }
  }); // prettier-ignore

  it('ends when a text has come, and fails when it never does', async () => {
    const until = (text: string): Promise<Ran> =>
      guestscope(['run', STORY, ...HELLO, '--until-console', text, '--max-instructions', '1e5']);
    const found = await until('Hooks, for KVM');
    assert.equal(found.status, 0, found.printed);
    assert.match(found.printed, /Hooks, for KVM\n\[end\] The guest has printed the text\./);
    assert.doesNotMatch(found.printed, /Power off/);
    const never = await until('no such text');
    assert.equal(never.status, 1);
    assert.match(
      never.printed,
      /FAIL {2}--until-console "no such text": The guest has not printed it/,
    );
  });

  it('stops cleanly at Ctrl+C and reports', async () => {
    const file = bootSector([0xb8, 0x41, 0x0e, 0xba, 0xf8, 0x03, 0xee, 0xeb, 0xfe]);
    const ran = await guestscope(['run', file, '--expect', 'al == 0x41'], 'A');
    assert.equal(ran.status, 130, ran.complained);
    assert.match(ran.printed, /A\n.*\[end\] Paused\n.*\nok {4}al == 0x41\n$/s);
  });

  it('refuses what is wrong with one sentence and status 2', async () => {
    const good = bootSector([0xeb, 0xfe]);
    const bad = join(folder, 'bad.json');
    writeFileSync(bad, '{ "configurations": [');
    const list = join(folder, 'list.json');
    writeFileSync(list, '[1]');
    for (const [args, sentence] of [
      [[], /^$/],
      [['rum'], /There is no command "rum"; did you mean "run"\?/],
      [['run'], /Name one launch configuration: guestscope run LAUNCH\.JSON/],
      [['run', good, good], /Name one launch configuration/],
      [['run', good, '--expct', 'x'], /There is no option --expct; did you mean --expect\?/],
      [['run', good, '--expect'], /--expect needs a value: --expect EXPR\./],
      [['run', join(folder, 'none.json')], /There is no launch\.json at .*none\.json\./],
      [['run', bad], /launch\.json is no JSON: /],
      [['run', `${good}#other`], /no configuration "other"; there is "small"\./],
      [['run', good, '--workspace', join(folder, 'none')], /--workspace names .*none, and there is no such folder/],
      [['run', good, '--format', 'xml'], /--format is text or jsonl, not "xml"\./],
      [['run', good, '--expect', 'exits.CPUIT == 1'], /--expect "exits\.CPUIT == 1": There is no name 'exits\.CPUIT' here/],
      [['run', good, '--expect', '1 +'], /--expect "1 \+": Expected a value, found the end/],
      [['run', good, '--break', 'no_such'], /--break "no_such": There is no name 'no_such' here/],
      [['run', good, '--break', '0x7c00 if eax ='], /--break "0x7c00 if eax =": .*Write '=='/],
      [['run', good, '--break-exit', 'CPUIT'], /--break-exit "CPUIT": .*CPUIT/],
      [['run', good, '--break-event', 'exception.XX'], /--break-event "exception\.XX": /],
      [['run', good, '--log', 'x'], /--log "x" belongs to the breakpoint before it/],
      [['run', good, '--after', 'x'], /--after "x" has no --send behind it/],
      [['run', good, '--send', '\\q'], /--send "\\q": "\\q" has no meaning/],
      [['run', good, '--until-console', ''], /--until-console needs a text that is not empty/],
      [['run', good, '--max-instructions', '-1'], /--max-instructions must be a whole number above 0, not "-1"/],
      [['run', good, '--max-instructions', '1.5'], /--max-instructions must be a whole number/],
      [['run', good, '--idle-limit', '0'], /--idle-limit must be a number of seconds above 0/],
      [['run', good, '--expect-file', join(folder, 'none')], /--expect-file .*none cannot be read: /],
      [['run', good, '--expect-file', list], /--expect-file .* must be a JSON list of strings/],
      [['run', good, '--junit', join(folder, 'none', 'x.xml')], /--junit .*x\.xml cannot be written: /],
      [['run', bootSector([0xeb, 0xfe], { expect: ['nothing == 1'] })], /launch\.json: "expect\[0\]": There is no name 'nothing' here/],
      [['run', bootSector([0xeb, 0xfe], { guest: { kernel: '/none' } })], /launch\.json: "guest\.kernel" names \/none, which cannot be read/],
    ] as const) {
      const ran = await guestscope(args);
      assert.equal(ran.status, 2, `${args.join(' ')}: ${ran.printed}${ran.complained}`);
      assert.match(ran.complained, sentence, args.join(' '));
    }
  }); // prettier-ignore

  it('helps', async () => {
    assert.match((await guestscope(['--help'])).printed, /run +runs a launch configuration/);
    assert.match(
      (await guestscope(['run', '--help'])).printed,
      /--until-console TEXT .*Exit status\n {2}0 /s,
    );
    assert.equal((await guestscope(['--version'])).printed, '1.2.3\n');
  });
});

describe('guestscope compare', () => {
  // cpuid; cli; hlt
  const LEAVES = [0x0f, 0xa2, 0xfa, 0xf4];

  it('runs the guest under each face and puts its exits beside each other', async () => {
    const faces = ['--face', 'kvm-ept', '--face', 'kvm-ept:bare'];
    const { status, printed, complained } = await guestscope([
      'compare',
      bootSector(LEAVES),
      ...faces,
    ]);
    assert.equal(status, 0, complained);
    assert.deepEqual(
      printed.split('\n').map((line) => line.split(/ {2,}/)).slice(0, 5),
      [
        ['exits', 'kvm-ept', 'kvm-ept:bare', 'difference'],
        ['CPUID', '1', '1', '±0'],
        ['HLT', '1', '1', '±0'],
        ['all exits', '2', '2', '±0'],
        ['of kvm-ept', '100.0 %', '100.0 %'],
      ],
    ); // prettier-ignore
    assert.match(printed, /^end +halted-forever +halted-forever$/m);
  });

  it('counts the same exits in the sample guest as a run of its own', async () => {
    const face = ['--face', 'bare', '--face', 'kvm-ept:kvm'];
    const compared = await guestscope(['compare', STORY, ...HELLO, ...face, '--format', 'json']);
    const { runs } = JSON.parse(compared.printed) as {
      readonly runs: readonly { readonly total: number; readonly exits: object }[];
    };
    const run = await guestscope(['run', STORY, ...HELLO, '--format', 'jsonl']);
    const end = run.printed.trimEnd().split('\n').at(-1) ?? '';
    assert.equal(runs[0]?.total, 0);
    assert.deepEqual(runs[1]?.exits, (JSON.parse(end) as { exits: object }).exits);
  });

  it('says what is wrong with a face', async () => {
    const { status, complained } = await guestscope([
      'compare',
      bootSector(LEAVES),
      '--face',
      'kvm-epd',
    ]);
    assert.equal(status, 2);
    assert.match(complained, /^guestscope compare: Face kvm-epd: .*kvm-epd.*kvm-ept/);
  });
});
