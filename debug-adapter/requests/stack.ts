/** Threads (one per virtual processor), their call stacks and the scopes of a frame. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { CallFrame } from '../call-stack/call-frame.ts';
import { listingSource } from '../display/code-listings.ts';
import { threadOf } from '../focus.ts';
import type { Guest } from '../guest.ts';
import type { IncomingRequest } from '../incoming-request.ts';
import { formatAddress } from '../display/memory-reference.ts';
import { registersContainer } from '../display/registers.ts';
import { asInstruction } from './disassemble.ts';
import { callerContainer, machineContainer, memoryContainer } from '../display/scopes.ts';
import { linuxContainer } from '../linux/linux-tree.ts';
import { devicesContainer } from '../display/machine-views.ts';
import type { GuestscopeSession } from '../session.ts';
import { restartOf } from './restart-frame.ts';
import type { SourcePlace } from '../source-level/sources.ts';
import { lineText } from '../source-level/sources.ts';
import type { Container } from '../display/variables.ts';

/** Frames that are looked for at most: a stack can be a circle. */
const DEEPEST = 200;

/** One for each virtual processor, with what it does if it does not execute, and its task of Linux. */
export async function threads({ guest }: GuestscopeSession): Promise<unknown> {
  const vcpus = await guest.machine.call('vcpus');
  const several = vcpus.length > 1;
  const threads: DebugProtocol.Thread[] = [];
  for (const { vcpu, activity } of vcpus) {
    const state = several && activity !== 'running' ? ` (${activity})` : '';
    const task = guest.stop === null ? null : await guest.linux.taskOn(vcpu);
    const name = `vCPU ${vcpu}${state}${task === null ? '' : `: ${task.name} (${task.pid})`}`;
    threads.push({ id: threadOf(vcpu), name });
  }
  return { threads };
}

export async function stackTrace(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<unknown> {
  const { guest } = session;
  const start = Math.max(request.integer('startFrame', 0), 0);
  const asked = request.integer('levels', 0);
  const levels = asked <= 0 ? DEEPEST : Math.min(asked, DEEPEST);
  // One more than wanted tells whether there are more.
  const frames = await guest.stack(Math.min(start + levels + 1, DEEPEST));
  const rows = frames.flatMap((frame, index): (CallFrame | Border)[] => {
    const inner = frames[index - 1];
    const isBorder = inner !== undefined && inner.depth < frame.depth && frame.isInterrupted;
    return isBorder ? [{ inner, outer: frame }, frame] : [frame];
  });
  const stackFrames: DebugProtocol.StackFrame[] = [];
  for (const row of rows.slice(start, start + levels))
    stackFrames.push(
      'outer' in row ? borderRow(session, row) : await described(session, row, frames),
    );
  return { stackFrames, totalFrames: rows.length };
}

/** Between the frames of a handler and those of the code that it interrupted. */
interface Border {
  readonly inner: CallFrame;
  readonly outer: CallFrame;
}

const MODE_OF: { readonly [mode in CallFrame['mode']]: string } = {
  real: 'real-address mode',
  protected16: '16-bit code',
  protected32: '',
  v86: 'virtual-8086 mode',
};

/** "--- interrupted at CPL 3, user mode ---". */
function borderRow(
  { guest }: GuestscopeSession,
  { inner, outer }: Border,
): DebugProtocol.StackFrame {
  const { cpl, mode } = outer;
  const level = cpl === inner.cpl ? `at the same CPL ${cpl}` : `at CPL ${cpl}${cpl === 3 ? ', user mode' : ''}`; // prettier-ignore
  const how = MODE_OF[mode] === '' ? '' : `, ${MODE_OF[mode]}`;
  return {
    id: guest.addFrame(null),
    name: `--- interrupted ${mode === 'real' ? 'in real-address mode' : level + how} ---`,
    line: 0,
    column: 0,
    presentationHint: 'label',
  };
}

async function described(
  session: GuestscopeSession,
  frame: CallFrame,
  frames: readonly CallFrame[],
): Promise<DebugProtocol.StackFrame> {
  const { guest, abilities } = session;
  const { linearEip, codeAddress, call } = frame;
  const line = call ?? guest.sources.lines.locate(codeAddress);
  const place =
    (await guest.sources.placeOfLine(line, abilities)) ?? (await inListing(session, linearEip));
  const isNamed = line === null || (place !== null && place.source.path !== undefined);
  const name = nameOf(guest, frame);
  return {
    id: guest.addFrame(frame),
    // a source that is not here is at least named
    name: isNamed ? name : `${name} (${lineText(line)})`,
    line: 0,
    column: 0,
    ...place,
    instructionPointerReference: formatAddress(linearEip),
    canRestart: !('problem' in (await restartOf(guest, frame, frames))),
  };
}

function nameOf({ symbols }: Guest, frame: CallFrame): string {
  const { codeAddress, linearEip, isInlined, scopes } = frame;
  const inlined = isInlined ? scopes.at(-1) : undefined;
  if (inlined?.kind === 'inlined') return `${inlined.name} (inlined)`;
  // behind a call that never returns begins another function
  const symbol = symbols.near(codeAddress)?.symbol;
  if (symbol === undefined) return formatAddress(linearEip);
  const offset = linearEip - symbol.address;
  return offset === 0 ? symbol.name : `${symbol.name}+0x${offset.toString(16)}`;
}

/** Code without a source, for a client that cannot disassemble; null for the others. */
async function inListing(
  { guest, abilities }: GuestscopeSession,
  address: number,
): Promise<SourcePlace | null> {
  if (abilities.memoryReferences) return null;
  const { symbols, listings } = guest;
  const { listing, line } = await listings.showing(address, symbols, (each) => {
    const { instructionBytes = '', instruction } = asInstruction(each, symbols);
    return `${instructionBytes.padEnd(24)}  ${instruction}`;
  });
  return {
    source: listingSource(listing),
    line: line + abilities.firstLine,
    column: abilities.firstColumn,
  };
}

export async function scopes(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<unknown> {
  const { guest } = session;
  const id = request.integer('frameId');
  const frame = guest.frame(id);
  await guest.select(id);
  const scope = (
    name: string,
    container: Container,
    more: Partial<DebugProtocol.Scope> = {},
  ): DebugProtocol.Scope => ({
    name,
    variablesReference: guest.variables.reference(container),
    expensive: false,
    ...more,
  });
  const { locals, globals } = guest.program.scopes();
  const registers =
    frame.depth > 0 ? callerContainer(frame) : registersContainer(guest.registerAccess());
  const ofMachine = (): DebugProtocol.Scope[] => [
    scope(
      'Memory',
      memoryContainer(guest.machine, () => guest.registers()),
    ),
    scope('Machine', machineContainer(guest.machine, guest.symbols, guest.hookView())),
    ...(guest.linux.exists ? [scope('Linux', linuxContainer(guest))] : []),
    scope('Devices', devicesContainer(guest)),
  ];
  return {
    scopes: [
      ...(locals === null ? [] : [scope('Locals', locals, { presentationHint: 'locals' })]),
      ...(globals === null ? [] : [scope('Globals', globals, { expensive: true })]),
      scope('Registers', registers, { presentationHint: 'registers' }),
      ...(frame.depth > 0 ? [] : ofMachine()),
    ],
  };
}
