/**
 * How a stop of the machine is told: the body of DAP's `stopped` event, with a text that carries what
 * decides (an exit's number, name, RIP and operand), and what exceptionInfo answers for it.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { DataAccess, EventRecord, ExitRecord, FaultLink } from '../emulator/stop-reason.ts';
import type { Breakpoints, BreakpointSource } from './breakpoints.ts';
import type { HostStop } from './machine/machine-channel.ts';
import { formatAddress } from './display/memory-reference.ts';
import { hexBytes } from './display/scopes.ts';
import { exitText, withOutcome } from './exits/exit-text.ts';
import type { SymbolTable } from './symbols/symbol-table.ts';

/** Reasons that leave a machine to look at. */
export type Stop = Exclude<HostStop, { readonly kind: 'budget' | 'idle' }>;

interface Told {
  readonly reason: string;
  /** Shown as the state of the thread. */
  readonly description: string;
  readonly text?: string;
  readonly ids?: readonly number[];
  /** Index of the text that was waited for (guestscope/setRunRules). */
  readonly consoleText?: number;
  /** Body of exceptionInfo; absent where the stop is no exception. */
  readonly exception?: DebugProtocol.ExceptionInfoResponse['body'];
}

export interface StopDescription extends Told {
  /** Kind of the stop, as expectations name it. */
  readonly outcome: Stop['kind'];
  /** With which the guest switched itself off, else null. */
  readonly status: number | null;
}

/** @param hookText what is told of the paravirt hook whose breakpoint has stopped the guest */
export function describeStop(
  stop: Stop,
  breakpoints: Breakpoints,
  symbols: SymbolTable,
  hookText: string | null = null,
): StopDescription {
  const status = stop.kind === 'power-off' ? stop.code : null;
  return { ...tellStop(stop, breakpoints, symbols, hookText), outcome: stop.kind, status };
}

/** The next instruction was chosen by the person in front. */
export function describeJump(reason: 'goto' | 'restart'): StopDescription {
  const description =
    reason === 'goto' ? 'Paused where it was told to go on' : 'Paused where the frame begins again';
  return { reason, description, outcome: 'step', status: null };
}

function tellStop(
  stop: Stop,
  breakpoints: Breakpoints,
  symbols: SymbolTable,
  hookText: string | null,
): Told {
  switch (stop.kind) {
    case 'entry':
      return { reason: 'entry', description: 'Paused on entry' };
    case 'pause':
      return { reason: 'pause', description: 'Paused' };
    case 'step':
      return { reason: 'step', description: 'Paused on step' };
    case 'breakpoint': {
      const { ids, sources } = breakpoints.hit(stop.ids);
      return {
        reason: breakpointReason(sources),
        description: 'Paused on breakpoint',
        ...(hookText !== null && { text: hookText }),
        ids,
      };
    }
    case 'data breakpoint':
      return {
        reason: 'data breakpoint',
        description: 'Paused on data breakpoint',
        text: describeAccess(stop.access, symbols),
        ids: breakpoints.hit(stop.ids).ids,
      };
    case 'exit':
      return exitStop(stop.exit, breakpoints.hit(stop.ids).ids, symbols);
    case 'console':
      return {
        reason: 'console text',
        description: 'Paused on console text',
        text: 'The guest has printed a text that was waited for.',
        consoleText: stop.index,
      };
    case 'limit':
      return {
        reason: 'limit',
        description: 'Paused on a limit',
        text: `The guest has executed ${stop.position} instructions, the limit of this run.`,
      };
    case 'quiet':
      return {
        reason: 'quiet',
        description: 'Paused: the guest waits',
        text:
          stop.time === null
            ? 'The guest sleeps, and nothing of its own will wake it: it waits for input.'
            : `The guest has slept for ${Math.round(stop.time / 1e6) / 1e3} s of its time without printing: it waits for input.`,
      };
    case 'event':
      return eventStop(stop.event, breakpoints.hit(stop.ids).ids, symbols);
    case 'triple-fault': {
      const text = `Triple fault: ${stop.description}. Going on resets the machine.`;
      const told = fault('triple-fault', 'Paused on triple fault', text);
      return withDetails(told, { message: text, typeName: 'triple fault', ...chainOf(stop.chain) });
    }
    case 'unimplemented':
      return fault(
        'unimplemented',
        'Paused on an instruction that is not implemented',
        `"${stop.instruction}" (${stop.bytes}) is not implemented; going on raises #UD in the guest.`,
      );
    case 'guest-error':
      return fault('guest-error', 'Paused on an error of the guest', stop.description);
    case 'halted-forever':
      return fault(
        'halted-forever',
        'Paused: halted for good',
        'The guest has executed HLT with interrupts disabled; nothing can wake it.',
      );
    case 'reset':
      return {
        reason: 'reset',
        description: 'Paused on reset',
        text: `The guest asked for a reset through ${stop.via}. Going on boots it again.`,
      };
    case 'power-off':
      return {
        reason: 'power-off',
        description: 'Switched off',
        text: `The guest switched the machine off through ${stop.via}.`,
      };
  }
}

/** The protocol's name for what stopped; editors show instructions at breakpoints on them. */
function breakpointReason(sources: readonly BreakpointSource[]): string {
  const all = (is: (source: BreakpointSource) => boolean): boolean =>
    sources.length > 0 && sources.every(is);
  if (all((source) => source === 'function')) return 'function breakpoint';
  return all((source) => source.startsWith('source:')) ? 'breakpoint' : 'instruction breakpoint';
}

function fault(exceptionId: string, description: string, text: string): Told {
  return {
    reason: 'exception',
    description,
    text,
    exception: { exceptionId, description: text, breakMode: 'always' },
  };
}

function withDetails(stop: Told, details: DebugProtocol.ExceptionDetails): Told {
  return stop.exception === undefined
    ? stop
    : { ...stop, exception: { ...stop.exception, details } };
}

/** "#PF at 0x00100123 <start+0x3>: at 0x1000, write …", "… on vCPU 1 at …"; "after" what has happened. */
export function describeEvent(event: EventRecord, symbols: SymbolTable): string {
  const { title, detail, linearRip, vcpu, when } = event;
  const place = placeText(linearRip, symbols);
  const on = vcpu > 0 ? ` on vCPU ${vcpu}` : '';
  const heading = when === 'after' ? `After ${title}` : title;
  return `${heading}${on} at ${place}${detail === '' ? '' : `: ${detail}`}`;
}

function eventStop(event: EventRecord, ids: readonly number[], symbols: SymbolTable): Told {
  const text = describeEvent(event, symbols);
  const fields = Object.entries(event.fields).map(([name, value]) => `${name} = ${hex(value)}`);
  const { stackTrace, innerException } = chainOf(event.chain);
  const lines = [
    `After ${event.position} instructions.`,
    ...fields,
    ...(stackTrace === undefined ? [] : [stackTrace]),
  ];
  return {
    reason: 'exception',
    description: `Paused ${event.when} ${event.title}`,
    text,
    ids,
    exception: {
      exceptionId: event.name,
      description: text,
      breakMode: 'always',
      details: {
        message: text,
        typeName: event.title,
        stackTrace: lines.join('\n'),
        ...(innerException !== undefined && { innerException }),
      },
    },
  };
}

/**
 * A chain of faults, the last first as exceptions have it: each inner exception is the one during whose
 * delivery the outer one came up.
 */
function chainOf(
  chain: readonly FaultLink[],
): Pick<DebugProtocol.ExceptionDetails, 'stackTrace' | 'innerException'> {
  if (chain.length < 2) return {};
  const inner = chain.slice(0, -1).reduce<readonly DebugProtocol.ExceptionDetails[]>(
    (before, link) => [
      {
        message: linkText(link),
        typeName: link.name,
        ...(before.length > 0 && { innerException: [...before] }),
      },
    ],
    [],
  );
  return {
    stackTrace: chain
      .map((link, index) => (index === 0 ? '' : 'then ') + linkText(link))
      .join('\n'),
    innerException: [...inner],
  };
}

/** "#PF, error code 0x2, at EIP 0x100123, CR2 0x1000". */
function linkText({ name, errorCode, eip, cr2 }: FaultLink): string {
  const code = errorCode === null ? '' : `, error code ${hex(errorCode)}`;
  return `${name}${code}, at EIP ${hex(eip)}${cr2 === null ? '' : `, CR2 ${hex(cr2)}`}`;
}

/** "0x00100123 <start+0x3>". */
export function placeText(address: number, symbols: SymbolTable): string {
  const symbol = symbols.describe(address);
  return formatAddress(address) + (symbol === null ? '' : ` <${symbol}>`);
}

function exitStop(exit: ExitRecord, ids: readonly number[], symbols: SymbolTable): Told {
  const { outcome } = exit;
  const text = withOutcome(exit, exitText(exit, placeText(exit.linearRip, symbols)));
  const fields = Object.entries(exit.fields).map(([name, value]) => `${name} = ${hex(value)}`);
  const details = [
    `Exit ${exit.ordinal} since power-on, after ${exit.position} instructions.`,
    `Exit qualification ${hex(exit.qualification)}, instruction length ${exit.instructionLength}.`,
    ...fields,
    ...(outcome === undefined ? [] : [`${outcome.text}; cost ${outcome.steps}`]),
  ];
  return {
    reason: 'exception',
    description: outcome === undefined ? 'Paused on VM exit' : 'Paused after VM exit',
    text,
    ids,
    exception: {
      exceptionId: exit.name,
      description: text,
      breakMode: 'always',
      details: { message: text, typeName: 'VM exit', stackTrace: details.join('\n') },
    },
  };
}

/** "Write of 4 bytes at 0x00001000 by 0x00100123 <start+0x3>: 01 00 00 00 became 02 00 00 00". */
function describeAccess(access: DataAccess, symbols: SymbolTable): string {
  const { linear, size, write, instruction, by, before, after } = access;
  const what = `${write ? 'Write' : 'Read'} of ${size} byte${size === 1 ? '' : 's'}`;
  const text =
    by === undefined
      ? `${what} at ${formatAddress(linear)} by ${placeText(instruction, symbols)}`
      : `${what} at phys:${formatAddress(linear)} by ${by}`;
  if (after === null || before === null) return text;
  const [was, is] = [hexBytes(before), hexBytes(after)];
  return was === is ? `${text}: ${is}` : `${text}: ${was} became ${is}`;
}

const hex = (value: number | bigint): string => `0x${value.toString(16)}`;
