/**
 * Scenarios: a conversation with the adapter as one readable file, in which what a client says and what
 * it hears stand in turn.
 *
 *   # comment
 *   guest story                  the machine: story | smp | boot BYTES | toy BYTES (hexadecimal)
 *   launch {…}                   attributes over those of the guest, one line of JSON; optional
 *   abilities {…}                what the client says of itself beside EDITOR, as JSON; optional
 *   begin entry                  entry | configuring | nothing: how far to go before the script
 *   client NAME                  who speaks from here on, at the same server; has sent "initialize"
 *   > request {…}                said, and its answer awaited; ">>" does not wait
 *   ? event                      awaits an event that comes later
 *   < …   ! …   * …              heard: an answer, a refusal, an event; UPDATE_GOLDEN=1 writes these
 *
 * In arguments "$frame" is the topmost frame of the last stack trace, "$ref:NAME" the reference of the
 * last scope or variable of that name, "$seq" the sequence number of the last request, "$launch" the launch.
 */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { GuestLot } from '../../debug-adapter/machine/guest-lot.ts';
import { nodeScheduler } from '../../debug-adapter/host/scheduler-node.ts';
import type { Said } from '../../debug-adapter/testing/test-client.ts';
import { errorText, type TestClient } from '../../debug-adapter/testing/test-client.ts';
import type { TestSetup } from '../../debug-adapter/testing/test-session.ts';
import { EDITOR, fakeSession, testSession } from '../../debug-adapter/testing/test-session.ts';
import type { DebugPort } from '../../emulator/debug-port.ts';
import { createMachine } from '../../emulator/debugger/debugger.ts';

const HOST = { scheduler: nodeScheduler, clone: structuredClone };
const CLIENT = /^client (.+)$/;
/** Longest line of JSON; what is longer goes over several. */
const WIDTH = 110;
/** Events that are only noise here: where the machine is stands in the answers. */
const LEFT_OUT: readonly string[] = ['guestscope.position', 'guestscope.exits'];

interface Scenario {
  /** Lines of the script with what stands between them: comments, headers, empty lines. */
  readonly lines: readonly string[];
  readonly guest: string;
  readonly launch: object;
  readonly abilities: object;
  readonly begin: string;
}

const isHeard = (line: string): boolean => /^([<!*]| {2})/.test(line);

function parse(text: string): Scenario {
  const lines = text.split('\n').filter((line) => !isHeard(line));
  const header = (name: string): string | undefined =>
    lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1);
  const launch = JSON.parse(header('launch') ?? '{}') as object;
  const abilities = JSON.parse(header('abilities') ?? '{}') as object;
  return {
    lines,
    guest: header('guest') ?? '',
    launch,
    abilities,
    begin: header('begin') ?? 'entry',
  };
}

const file = (path: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(path, import.meta.url)));
const bytesOf = (hex: string): number[] => hex.trim().split(/\s+/).map((byte) => Number.parseInt(byte, 16)); // prettier-ignore

interface Setup {
  /** A new client, of a new session. */
  readonly connect: () => TestClient;
  readonly attributes: object;
  readonly dispose: () => void;
}

function setup(guest: string, inServer: boolean): Setup {
  const lot = new GuestLot(nodeScheduler);
  const host = inServer ? { ...HOST, lot } : HOST;
  const sessions: { dispose(): void }[] = [];
  const dispose = (): void => {
    for (const session of sessions) session.dispose();
    lot.close();
  };
  const connected = ({ client, session }: TestSetup<DebugPort>): TestClient => {
    sessions.push(session);
    return client;
  };
  const [kind = '', ...rest] = guest.split(' ');
  const program = rest.length > 0 ? bytesOf(rest.join(' ')) : [];
  if (kind === 'toy') {
    const attributes = { guest: { kernel: '/guest' }, machine: { idle: 'skip' } };
    return { connect: () => connected(fakeSession(program, host)), attributes, dispose };
  }
  const files = new Map([
    ['/boot.bin', Uint8Array.from(program)],
    ['/story.bin', file('../../extension/sample/story/story.bin')],
    ['/story.elf', file('../../extension/sample/story/story.elf')],
    ['/smp.bin', file('../guests/smp/built/smp.bin')],
  ]);
  const flat = (kernel: string): object => ({ kernel, format: 'flat', loadAddress: '0x7c00' });
  const kvm = { interface: 'kvm', profile: 'kvm-ept' };
  const guests: { readonly [kind: string]: object } = {
    story: { guest: flat('/story.bin'), symbols: ['/story.elf'], machine: { memory: '16M', idle: 'skip' }, hypervisor: kvm },
    boot: { guest: flat('/boot.bin'), machine: { memory: '1M', idle: 'skip' }, hypervisor: kvm },
    smp: { guest: { kernel: '/smp.bin', format: 'flat' }, machine: { memory: '16M', vcpus: 2, idle: 'skip' }, hypervisor: { interface: 'bare' } },
  }; // prettier-ignore
  const attributes = guests[kind];
  assert.ok(attributes !== undefined, `there is no guest "${guest}"`);
  return { connect: () => connected(testSession(createMachine, files, host)), attributes, dispose };
}

/** Plays a scenario and gives its file as it should be. */
async function play(scenario: Scenario): Promise<string> {
  const inServer = scenario.lines.some((line) => CLIENT.test(line));
  const { connect, attributes, dispose } = setup(scenario.guest, inServer);
  const clients = new Map([['', connect()]]);
  let client = clients.get('') as TestClient;
  const launch = { ...attributes, ...scenario.launch };
  const introduction = { adapterID: 'guestscope', ...EDITOR, ...scenario.abilities };
  if (scenario.begin !== 'nothing') {
    await client.ask('initialize', introduction);
    await client.ask('launch', launch);
    await client.event('initialized');
  }
  if (scenario.begin === 'entry') {
    await client.ask('configurationDone');
    await client.event('stopped');
  }
  let told = client.said.length;
  const written: string[] = [];
  const tell = (): void => {
    written.push(...heard(client.said.slice(told)));
    told = client.said.length;
  };
  for (const line of scenario.lines) {
    const [, mark, command = '', args] = /^(>>?|\?) (\S+)(?: (.*))?$/.exec(line) ?? [];
    if (mark === undefined) tell();
    const [, name] = CLIENT.exec(line) ?? [];
    if (name !== undefined) {
      const known = clients.get(name);
      client = known ?? connect();
      clients.set(name, client);
      if (known === undefined) await client.ask('initialize', introduction);
      told = client.said.length;
    }
    written.push(line);
    if (mark === '?') await client.event(command);
    else if (mark !== undefined) {
      const given = args === undefined ? undefined : filledIn(args, client.said, launch);
      if (mark === '>') await client.request(command, given);
      else client.send(command, given);
    }
    if (mark !== undefined && mark !== '>>') tell();
  }
  dispose();
  return written.join('\n');
}

/** The arguments with the names that begin with "$" replaced. */
function filledIn(text: string, said: readonly Said[], launch: object): unknown {
  return JSON.parse(text, (_, value: unknown) => {
    if (value === '$launch') return launch;
    if (value === '$frame') return last(said, 'stackFrames', () => true)?.['id'];
    if (value === '$seq') return said.findLast(({ type }) => type === 'request')?.seq;
    if (typeof value !== 'string' || !value.startsWith('$ref:')) return value;
    const wanted = (row: Row): boolean => row['name'] === value.slice('$ref:'.length);
    const row = last(said, 'variables', wanted) ?? last(said, 'scopes', wanted);
    return row?.['variablesReference'];
  });
}

type Row = { readonly [name: string]: unknown };

function last(said: readonly Said[], list: string, wanted: (row: Row) => boolean): Row | undefined {
  for (const { body } of said.toReversed()) {
    const rows = (body as Row | undefined)?.[list] as readonly Row[] | undefined;
    const row = rows?.find(wanted);
    if (row !== undefined) return row;
  }
  return undefined;
}

/**
 * Console output is joined, and notices come first: how the one is cut into events and where the others
 * stand in it depends on the host's speed.
 */
function heard(said: readonly Said[]): string[] {
  const lines: string[] = [];
  const notices: string[] = [];
  let console = '';
  const flush = (): void => {
    if (console !== '') lines.push(`* console ${JSON.stringify(console)}`);
    console = '';
  };
  for (const message of said) {
    if (message.event === 'guestscope.console') {
      console += (message.body as { readonly text: string }).text;
      continue;
    }
    const { message: notice, output } = (message.body ?? {}) as Row;
    if (message.event === 'guestscope.notice') notices.push(`${String(notice)}\n`);
    const isNotice = message.event === 'output' && notices.includes(String(output));
    if (isNotice || message.event === 'guestscope.notice') continue;
    if (message.type === 'request' || LEFT_OUT.includes(message.event ?? '')) continue;
    flush();
    if (message.type === 'event') lines.push(...block(`* ${message.event ?? ''}`, message.body));
    else if (message.success === true) lines.push(...block('<', message.body));
    else lines.push(...`! ${errorText(message)}`.split('\n').map((text, at) => (at === 0 ? text : `  ${text}`))); // prettier-ignore
  }
  flush();
  return [...notices.map((text) => `* notice ${JSON.stringify(text)}`), ...lines];
}

function block(head: string, body: unknown): string[] {
  return [head, ...(body === undefined ? [] : [shown(body, '  ')])].join(' ').split('\n');
}

/** JSON on one line if it fits, else a member a line. References are of no interest: which is which is. */
function shown(value: unknown, indent: string): string {
  const plain = JSON.stringify(value, (key, inner: unknown) =>
    key === 'variablesReference' && inner !== 0 ? '…' : inner,
  );
  const isOne = plain.length + indent.length <= WIDTH;
  if (isOne || typeof value !== 'object' || value === null) return plain;
  const deeper = `${indent}  `;
  const entries: readonly string[] = Array.isArray(value)
    ? value.map((item: unknown) => shown(item, deeper))
    : Object.entries(value).map(([key, item]) =>
        key === 'variablesReference' && item !== 0
          ? `${JSON.stringify(key)}:"…"`
          : `${JSON.stringify(key)}:${shown(item, deeper)}`,
      );
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  return `${open}\n${entries.map((entry) => deeper + entry).join(',\n')}\n${indent}${close}`;
}

/** Plays the file's script and compares what is heard with what the file says. */
export async function assertScenario(path: string): Promise<void> {
  const expected = readFileSync(path, 'utf8');
  const actual = await play(parse(expected));
  const leftover = `${path}.actual`;
  rmSync(leftover, { force: true });
  if (actual === expected) return;
  if (process.env['UPDATE_GOLDEN'] === '1') {
    writeFileSync(path, actual);
    return;
  }
  writeFileSync(leftover, actual);
  const [is, was] = [actual.split('\n'), expected.split('\n')];
  const line = is.findIndex((text, index) => text !== was[index]);
  assert.fail(`${path} differs in line ${line + 1}:\n- ${was[line]}\n+ ${is[line]}`);
}
