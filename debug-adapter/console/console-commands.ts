/**
 * Commands of the debug console, one row each, for what an expression does not say. Each prints text; only
 * those of exit-commands.ts can change the guest. Addresses are expressions, so `x esp 32` and `u start_kernel` work.
 */
import type { MemoryRange } from '../../emulator/debug-port.ts';
import { deviceNames } from '../../emulator/debugger/views/devices/devices.ts';
import { FUNCTIONS } from '../../emulator/expressions/functions.ts';
import type { MachineView, ViewName } from '../../emulator/debugger/views/views.ts';
import { VIEWS, viewNames } from '../../emulator/debugger/views/views.ts';
import { encodeText } from '../../emulator/formats/text.ts';
import { failure } from '../errors.ts';
import { EXIT_COMMANDS, EXIT_USAGE, exitNext, takeExit } from './exit-commands.ts';
import type { Guest } from '../guest.ts';
import { LINUX_COMMANDS } from '../linux/linux-commands.ts';
import { HOOK_COMMANDS } from '../paravirt-hooks/hook-commands.ts';
import {
  detailRow,
  detailText,
  deviceContainer,
  devicesContainer,
} from '../display/machine-views.ts';
import { findInMemory } from '../machine/memory-search.ts';
import { formatAddress, formatReference } from '../display/memory-reference.ts';
import { formatRegister } from '../display/registers.ts';
import { asInstruction } from '../requests/disassemble.ts';
import { hexBytes } from '../display/scopes.ts';
import type { Progress } from '../progress.ts';
import { pictureText } from '../display/screen-text.ts';
import { TYPED_COMMANDS } from './typed-commands.ts';
import type { Container } from '../display/variables.ts';
import { fixed } from '../display/variables.ts';

export interface CommandRow {
  readonly name: string;
  readonly usage: string;
  readonly help: string;
  /** Words that may come next, beside expressions; @param words after the command, none of them unfinished. */
  next?(words: readonly string[], guest: Guest): readonly string[] | Promise<readonly string[]>;
  /** @param words the words after the command. */
  run(guest: Guest, words: readonly string[], progress: Progress): Promise<string | CommandResult>;
}

export interface CommandResult {
  readonly text: string;
  /** Can be opened below the text. */
  readonly rows?: Container;
  /** For a file or a program: it has no headings and no colours. */
  readonly isData?: true;
  /** The guest is no longer as it was. */
  readonly changed?: true;
}

// prettier-ignore
const COMMANDS: readonly CommandRow[] = [
  { name: 'help',      usage: 'help [NAME]',           help: 'lists these commands, or tells of one',             run: (_guest, words) => Promise.resolve(help(words)), next: (words) => words.length === 0 ? helpNames() : [] },
  { name: 'r',         usage: 'r [GROUP]',             help: 'shows the registers: the common ones, a group, or all', run: showRegisters, next: groupNames },
  { name: 'x',         usage: 'x ADDRESS [BYTES]',     help: 'dumps memory at a linear address',                  run: (guest, words) => dump(guest, 'linear', words) },
  { name: 'xp',        usage: 'xp ADDRESS [BYTES]',    help: 'dumps memory at a guest-physical address',          run: (guest, words) => dump(guest, 'physical', words) },
  { name: 'dump',      usage: 'dump [phys:]ADDRESS [BYTES]', help: 'dumps memory at either kind of address', run: dumpEither },
  { name: 'u',         usage: 'u [ADDRESS [COUNT]]',   help: 'disassembles, from EIP if no address is given',     run: disassemble },
  { name: 'bt',        usage: 'bt',                    help: 'shows the call stack',                              run: backtrace },
  { name: 'screen',    usage: 'screen',                help: 'shows the text on the guest’s screen',              run: showScreen },
  { name: 'translate', usage: 'translate ADDRESS',     help: 'gives the guest-physical address of a linear one',  run: translate },
  { name: 'devices',   usage: 'devices',               help: 'lists the devices of the machine',                  run: listDevices },
  { name: 'device',    usage: 'device NAME',           help: 'shows the registers of a device',                   run: showDevice, next: (words) => words.length === 0 ? deviceNames() : [] },
  { name: 'find',      usage: 'find ADDRESS BYTES PATTERN', help: 'looks for "text" or hexadecimal bytes in linear memory', run: find },
  ...HOOK_COMMANDS,
  ...TYPED_COMMANDS,
  ...LINUX_COMMANDS,
  ...EXIT_COMMANDS,
  { name: 'exit',      usage: EXIT_USAGE,              help: 'shows the VM exit that the guest is stopped at, or takes the hypervisor’s place there when the guest goes on (handle: not after all)', run: (guest, words) => words.length === 0 ? showView(guest, 'exit', words) : takeExit(guest, words), next: exitNext },
  ...viewNames().filter((name) => name !== 'exit').map(viewCommand),
];

function viewCommand(name: ViewName): CommandRow {
  const { help } = VIEWS[name];
  return {
    name,
    usage: viewUsage(name),
    help,
    run: (guest, words) => showView(guest, name, words),
  };
}

function viewUsage(name: ViewName): string {
  const { ofAddress }: MachineView = VIEWS[name];
  return ofAddress === true ? `${name} ADDRESS` : name;
}

async function showView(
  guest: Guest,
  name: ViewName,
  words: readonly string[],
): Promise<string | CommandResult> {
  const { ofAddress, isTable }: MachineView = VIEWS[name];
  const text = words.join(' ');
  if (ofAddress === true && text === '')
    throw failure('commandUsage', { problem: 'An address is missing.', usage: viewUsage(name) });
  const address = ofAddress === true ? (await guest.evaluateNumber(text)) >>> 0 : 0;
  const details = await guest.machine.call('inspect', name, address);
  if (details.length === 0) return 'There is nothing to show here.';
  const rows = fixed(
    details.map((detail) => detailRow(detail, guest.symbols)),
    isTable,
  );
  return { text: detailText(details, guest.symbols), rows };
}

/** The command that a line begins with; null for an expression. */
export function findCommand(
  line: string,
): { run(guest: Guest, progress: Progress): Promise<string | CommandResult> } | null {
  const [name = '', ...words] = line.trim().split(/\s+/);
  const row = COMMANDS.find((candidate) => candidate.name === name);
  return row === undefined ? null : { run: (guest, progress) => row.run(guest, words, progress) };
}

/** What may stand after `line` in the words of a command; empty for an expression. */
export async function nextWords(line: string, guest: Guest): Promise<readonly string[]> {
  const [name = '', ...words] = line.trim().split(/\s+/);
  const row = COMMANDS.find((candidate) => candidate.name === name);
  return (await row?.next?.(words, guest)) ?? [];
}

export function commandNames(): readonly string[] {
  return COMMANDS.map(({ name }) => name);
}

const USAGE_WIDTH = 30;

const helpNames = (): readonly string[] => [
  ...COMMANDS.map(({ name }) => name),
  ...FUNCTIONS.keys(),
];

/** Of all commands, or of the command or function that is named. */
function help(words: readonly string[]): string {
  const wanted = words.join(' ');
  if (wanted === '') return helpText();
  const command = COMMANDS.find(({ name }) => name === wanted);
  if (command !== undefined) return `${command.usage}\n  ${command.help}`;
  const row = FUNCTIONS.get(wanted);
  if (row !== undefined) return `${row.usage}\n  ${row.meaning}`;
  const problem = `There is no command and no function '${wanted}'.`;
  throw failure('commandUsage', { problem, usage: 'help [NAME]' });
}

function helpText(): string {
  // a longer usage has a line of its own
  const line = (usage: string, meaning: string): string =>
    usage.length <= USAGE_WIDTH
      ? `${usage.padEnd(USAGE_WIDTH)}  ${meaning}`
      : `${usage}\n${' '.repeat(USAGE_WIDTH)}  ${meaning}`;
  return [
    ...COMMANDS.map(({ usage, help }) => line(usage, help)),
    line('PLACE = EXPRESSION', 'writes a register or memory: eax = 5, dword[esp] = eip'),
    'Everything else is an expression over registers, numbers, symbols and memory: dword[ss:esp + 4].',
    ...[...FUNCTIONS.values()].map(({ usage, meaning }) => line(usage, meaning)),
  ].join('\n');
}

/** Groups shown where none is named. */
const COMMON_GROUPS: readonly string[] = ['General', 'Flags', 'Segments', 'Control'];

async function groupNames(words: readonly string[], guest: Guest): Promise<readonly string[]> {
  if (words.length > 0) return [];
  return [...(await guest.registers()).map(({ name }) => name.toLowerCase()), 'all'];
}

async function showRegisters(guest: Guest, words: readonly string[]): Promise<string> {
  const groups = await guest.registers();
  const wanted = words.join(' ').toLowerCase();
  const shown = groups.filter(({ name }) =>
    wanted === ''
      ? COMMON_GROUPS.includes(name)
      : wanted === 'all' || name.toLowerCase().startsWith(wanted),
  );
  if (shown.length === 0) {
    const names = groups.map(({ name }) => name).join(', ');
    const problem = `There is no group "${wanted}"; there are ${names}.`;
    throw failure('commandUsage', { problem, usage: 'r [GROUP]' });
  }
  return shown
    .map(({ name, registers }) => {
      const values = registers.map(
        (register) => `${register.name}=${formatRegister(register, { hex: true })}`,
      );
      return `${name}: ${values.join('  ')}`;
    })
    .join('\n');
}

const DUMP_BYTES = 64;
const DUMP_LIMIT = 4096;

async function dump(
  guest: Guest,
  space: 'linear' | 'physical',
  words: readonly string[],
  usage = space === 'linear' ? 'x ADDRESS [BYTES]' : 'xp ADDRESS [BYTES]',
): Promise<string> {
  const [text, second] = addressAndCount(words);
  if (text === '') throw failure('commandUsage', { problem: 'An address is missing.', usage });
  const address = await guest.evaluateNumber(text);
  const count = second === null ? DUMP_BYTES : await guest.evaluateNumber(second);
  const range = await guest.machine.call('readMemory', space, address, Math.min(count, DUMP_LIMIT));
  return dumpText(range, space);
}

const DUMP_USAGE = 'dump [phys:]ADDRESS [BYTES]';
const PHYSICAL = /^phys:/i;

function dumpEither(guest: Guest, words: readonly string[]): Promise<string> {
  const [first = '', ...rest] = words;
  const isPhysical = PHYSICAL.test(first);
  const place = [first.replace(PHYSICAL, ''), ...rest].filter((word) => word !== '');
  return dump(guest, isPhysical ? 'physical' : 'linear', place, DUMP_USAGE);
}

/** Rows of sixteen bytes with their characters, and a last row for what cannot be read. */
export function dumpText(range: MemoryRange, space: 'linear' | 'physical'): string {
  const rows: string[] = [];
  const { address, bytes, unreadable } = range;
  for (let at = 0; at < bytes.length; at += 16) {
    const row = bytes.subarray(at, at + 16);
    const characters = Array.from(row, (byte) =>
      byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.',
    ).join('');
    const place = formatReference({ space, address: address + at });
    rows.push(`${place}  ${hexBytes(row).padEnd(47)}  ${characters}`);
  }
  if (unreadable > 0) {
    const place = formatReference({ space, address: address + bytes.length });
    rows.push(`${place}  ${unreadable} bytes cannot be read`);
  }
  return rows.join('\n');
}

const LINES = 16;
const LINES_LIMIT = 500;

async function disassemble(guest: Guest, words: readonly string[]): Promise<string> {
  const [text, second] = addressAndCount(words);
  const { linearEip } = await guest.machine.call('position');
  const address = text === '' ? linearEip : await guest.evaluateNumber(text);
  const asked = second === null ? LINES : await guest.evaluateNumber(second);
  const lines = await guest.listing.lines(address, 0, Math.min(asked, LINES_LIMIT));
  return lines
    .map((line) => {
      const { address: place, instruction, instructionBytes = '', symbol } = asInstruction(line, guest.symbols);
      const label = symbol === undefined ? '' : `${symbol}:\n`;
      const arrow = line.address === linearEip ? '=> ' : '   ';
      return `${label}${arrow}${place}  ${instructionBytes.padEnd(24)}  ${instruction}`;
    })
    .join('\n'); // prettier-ignore
}

async function backtrace(guest: Guest): Promise<string> {
  const frames = await guest.stack(50);
  return frames
    .map(({ linearEip }, depth) => {
      const symbol = guest.symbols.describe(linearEip);
      return `#${depth}  ${formatAddress(linearEip)}${symbol === null ? '' : ` <${symbol}>`}`;
    })
    .join('\n');
}

async function showScreen(guest: Guest): Promise<string> {
  const { picture } = await guest.machine.call('screen', null);
  return picture === null ? '' : pictureText(picture);
}

async function translate(guest: Guest, words: readonly string[]): Promise<string> {
  const text = words.join(' ');
  const usage = 'translate ADDRESS';
  if (text === '') throw failure('commandUsage', { problem: 'An address is missing.', usage });
  const linear = (await guest.evaluateNumber(text)) >>> 0;
  const physical = await guest.machine.call('translate', linear);
  return physical === null
    ? `${formatAddress(linear)} is not mapped`
    : `${formatAddress(linear)} is ${formatReference({ space: 'physical', address: physical })}`;
}

async function listDevices(guest: Guest): Promise<CommandResult> {
  const devices = await guest.machine.call('devices');
  const lines = devices.map(({ name, title }) => `${name.padEnd(10)}  ${title}`);
  return { text: lines.join('\n'), rows: devicesContainer(guest) };
}

async function showDevice(guest: Guest, words: readonly string[]): Promise<CommandResult> {
  const [name] = words;
  if (name === undefined || words.length > 1)
    throw failure('commandUsage', {
      problem: 'Give the name of one device.',
      usage: 'device NAME',
    });
  const details = await guest.machine.call('inspectDevice', name);
  return { text: detailText(details, guest.symbols), rows: deviceContainer(guest, name) };
}

/** Bytes looked through at most, and places told. */
const FIND_LIMIT = 1 << 30;
const FIND_MOST = 100;

async function find(guest: Guest, words: readonly string[], progress: Progress): Promise<string> {
  const usage = 'find ADDRESS BYTES PATTERN';
  const [start, length] = words;
  const pattern = patternOf(words.slice(2).join(' '));
  if (start === undefined || length === undefined || pattern === null)
    throw failure('commandUsage', {
      problem: 'Give an address, a number of bytes, and "text" or bytes as 7f 45 4c 46.',
      usage,
    });
  const from = (await guest.evaluateNumber(start)) >>> 0;
  const bytes = Math.min(await guest.evaluateNumber(length), FIND_LIMIT, 2 ** 32 - from);
  let looked = 0;
  const found = await progress.during('Searching memory', (work) =>
    findInMemory(guest.machine, 'linear', pattern, {
      start: from,
      length: bytes,
      most: FIND_MOST,
      goOn(soFar) {
        looked = soFar;
        work.report(looked / bytes);
        return !progress.isCancelled;
      },
    }),
  );
  if (progress.isCancelled && found.length === 0) progress.check();
  if (found.length === 0) return 'It is not there.';
  const more = progress.isCancelled
    ? [`… cancelled at ${formatAddress(from + looked)}`]
    : found.length >= FIND_MOST
      ? [`… the first ${FIND_MOST}`]
      : [];
  return [...found.map((address) => formatAddress(address)), ...more].join('\n');
}

function patternOf(text: string): Uint8Array | null {
  const quoted = /^"(.+)"$/.exec(text)?.[1];
  if (quoted !== undefined) return encodeText(quoted);
  if (!/^([0-9a-f]{2}\s*)+$/i.test(text)) return null;
  return Uint8Array.from(text.match(/[0-9a-f]{2}/gi) ?? [], (digits) => parseInt(digits, 16));
}

/** The last word is a count when it is a number and something stands before it. */
function addressAndCount(words: readonly string[]): readonly [string, string | null] {
  const last = words.at(-1) ?? '';
  return words.length > 1 && /^(0x[0-9a-f]+|\d+)$/i.test(last) && !/[-+*/%&|^(<>=]$/.test(words.at(-2) ?? '')
    ? [words.slice(0, -1).join(' '), last]
    : [words.join(' '), null]; // prettier-ignore
}
