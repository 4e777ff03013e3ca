/**
 * Every request that the adapter answers, one row each: in which states of the session it is legal,
 * whether it may go ahead of others that wait, what it adds to the capabilities, and who handles it.
 * What is not in the table is refused. The capabilities that `initialize` announces are computed from
 * the rows, so none can be claimed without a handler behind it.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { exceptionBreakpointFilters } from './exits/exception-filters.ts';
import type { IncomingRequest } from './incoming-request.ts';
import {
  events,
  setEvents,
  setExceptionBreakpoints,
  setExitBreakpoints,
  setFunctionBreakpoints,
  setInstructionBreakpoints,
} from './requests/breakpoints.ts';
import { completions } from './requests/completions.ts';
import { consoleHistory, consoleInput } from './requests/console.ts';
import {
  BREAKPOINT_MODES,
  dataBreakpointInfo,
  setDataBreakpoints,
} from './requests/data-breakpoints.ts';
import { disassemble } from './requests/disassemble.ts';
import { cancel, disconnect, restart, terminate } from './requests/ending.ts';
import { evaluate, setExpression } from './requests/evaluate.ts';
import { exceptionInfo } from './requests/exception-info.ts';
import {
  exitCounts,
  exitReasons,
  exits,
  exitStatistics,
  exportExits,
  findExits,
  inject,
  intervene,
  setExitLogFilter,
} from './requests/exits.ts';
import { continueGuest, next, pause, stepIn, stepOut, stepping } from './requests/execution.ts';
import { initialize } from './requests/initialize.ts';
import { attach, configurationDone, launch } from './requests/launch.ts';
import { readMemory, writeMemory } from './requests/memory.ts';
import { linuxLog, linuxModules, linuxTasks, linuxTaskStack } from './requests/linux.ts';
import { paravirtInterface, paravirtOperations, paravirtSites } from './requests/paravirt.ts';
import { position, translate } from './requests/position.ts';
import { keyboardInput, screen } from './requests/screen.ts';
import { setExpectations, setRunRules, summary } from './requests/unattended.ts';
import { restartFrame } from './requests/restart-frame.ts';
import { scopes, stackTrace, threads } from './requests/stack.ts';
import {
  breakpointLocations,
  loadedSources,
  modules,
  setBreakpoints,
  source,
} from './requests/sources.ts';
import { goTo, gotoTargets, stepInTargets } from './requests/targets.ts';
import { locations, setVariable, variables } from './requests/variables.ts';
import type { GuestscopeSession, SessionState } from './session.ts';

export interface RequestRow {
  readonly command: string;
  readonly legal: readonly SessionState[];
  readonly urgent?: true;
  /** Sets breakpoints that may name symbols: to be answered anew when these have moved (rebinding.ts). */
  readonly bindsSymbols?: true;
  readonly capability?: DebugProtocol.Capabilities;
  /** What it adds in a server, where guests can wait for another client. */
  readonly inServer?: DebugProtocol.Capabilities;
  /** Gives the response's body; throws AdapterError. */
  handle(session: GuestscopeSession, request: IncomingRequest): Promise<unknown>;
}

const ANY: readonly SessionState[] = [
  'new',
  'initialized',
  'configuring',
  'stopped',
  'running',
  'ended',
];
/** There is a machine. */
const ALIVE: readonly SessionState[] = ['configuring', 'stopped', 'running'];
/** Its state is at rest. */
const AT_REST: readonly SessionState[] = ['configuring', 'stopped'];
const BEGUN: readonly SessionState[] = ['stopped', 'running'];

// prettier-ignore
const REQUESTS: readonly RequestRow[] = [
  // command, legal when; capability; handler
  { command: 'initialize',                  legal: ['new'],         handle: initialize(capabilities) },
  { command: 'launch',                      legal: ['initialized'], handle: launch },
  { command: 'attach',                      legal: ['initialized'], handle: attach },
  { command: 'configurationDone',           legal: ['configuring'], handle: configurationDone,         capability: { supportsConfigurationDoneRequest: true } },
  { command: 'restart',                     legal: BEGUN,           handle: restart,                   capability: { supportsRestartRequest: true } },
  { command: 'terminate',                   legal: ANY,             handle: terminate, urgent: true,   capability: { supportsTerminateRequest: true } },
  { command: 'disconnect',                  legal: ANY,             handle: disconnect, urgent: true,  inServer: { supportSuspendDebuggee: true, supportTerminateDebuggee: true } },
  { command: 'cancel',                      legal: ANY,             handle: cancel, urgent: true,      capability: { supportsCancelRequest: true } },

  { command: 'breakpointLocations',         legal: ALIVE,           handle: breakpointLocations,       capability: { supportsBreakpointLocationsRequest: true } },
  { command: 'setBreakpoints',              legal: ALIVE,           handle: setBreakpoints, bindsSymbols: true },
  { command: 'setInstructionBreakpoints',   legal: ALIVE,           handle: setInstructionBreakpoints, bindsSymbols: true, capability: { supportsInstructionBreakpoints: true, supportsConditionalBreakpoints: true, supportsHitConditionalBreakpoints: true, supportsLogPoints: true } },
  { command: 'setFunctionBreakpoints',      legal: ALIVE,           handle: setFunctionBreakpoints, bindsSymbols: true,    capability: { supportsFunctionBreakpoints: true } },
  { command: 'setExceptionBreakpoints',     legal: ALIVE,           handle: setExceptionBreakpoints, bindsSymbols: true,   capability: { supportsExceptionFilterOptions: true, exceptionBreakpointFilters: exceptionBreakpointFilters() } },
  { command: 'dataBreakpointInfo',          legal: ALIVE,           handle: dataBreakpointInfo,        capability: { supportsDataBreakpoints: true, supportsDataBreakpointBytes: true, breakpointModes: [...BREAKPOINT_MODES] } },
  { command: 'setDataBreakpoints',          legal: ALIVE,           handle: setDataBreakpoints },
  { command: 'exceptionInfo',               legal: ['stopped'],     handle: exceptionInfo,             capability: { supportsExceptionInfoRequest: true } },

  { command: 'continue',                    legal: ['stopped'],     handle: continueGuest,             capability: { supportsSingleThreadExecutionRequests: true } },
  { command: 'next',                        legal: ['stopped'],     handle: next,                      capability: { supportsSteppingGranularity: true } },
  { command: 'stepIn',                      legal: ['stopped'],     handle: stepIn },
  { command: 'stepOut',                     legal: ['stopped'],     handle: stepOut },
  { command: 'stepInTargets',               legal: ['stopped'],     handle: stepInTargets,             capability: { supportsStepInTargetsRequest: true } },
  { command: 'gotoTargets',                 legal: AT_REST,         handle: gotoTargets,               capability: { supportsGotoTargetsRequest: true } },
  { command: 'restartFrame',                legal: ['stopped'],     handle: restartFrame,              capability: { supportsRestartFrame: true } },
  { command: 'goto',                        legal: ['stopped'],     handle: goTo },
  { command: 'pause',                       legal: ['running'],     handle: pause, urgent: true },

  { command: 'threads',                     legal: ALIVE,           handle: threads },
  { command: 'stackTrace',                  legal: AT_REST,         handle: stackTrace,                capability: { supportsDelayedStackTraceLoading: true, supportsValueFormattingOptions: true } },
  { command: 'source',                      legal: ALIVE,           handle: source },
  { command: 'loadedSources',               legal: ALIVE,           handle: loadedSources,             capability: { supportsLoadedSourcesRequest: true } },
  { command: 'modules',                     legal: ALIVE,           handle: modules,                   capability: { supportsModulesRequest: true } },
  { command: 'scopes',                      legal: AT_REST,         handle: scopes },
  { command: 'variables',                   legal: AT_REST,         handle: variables },
  { command: 'locations',                   legal: AT_REST,         handle: locations },
  { command: 'setVariable',                 legal: AT_REST,         handle: setVariable,               capability: { supportsSetVariable: true } },
  { command: 'evaluate',                    legal: ALIVE,           handle: evaluate,                  capability: { supportsEvaluateForHovers: true, supportsClipboardContext: true, supportsANSIStyling: true } },
  { command: 'setExpression',               legal: AT_REST,         handle: setExpression,             capability: { supportsSetExpression: true } },
  { command: 'completions',                 legal: ALIVE,           handle: completions,               capability: { supportsCompletionsRequest: true } },

  { command: 'readMemory',                  legal: ALIVE,           handle: readMemory,                capability: { supportsReadMemoryRequest: true } },
  { command: 'writeMemory',                 legal: ALIVE,           handle: writeMemory,               capability: { supportsWriteMemoryRequest: true } },
  { command: 'disassemble',                 legal: ALIVE,           handle: disassemble,               capability: { supportsDisassembleRequest: true } },

  { command: 'guestscope/exits',            legal: ALIVE,           handle: exits },
  { command: 'guestscope/findExits',        legal: ALIVE,           handle: findExits },
  { command: 'guestscope/exitCounts',       legal: ALIVE,           handle: exitCounts },
  { command: 'guestscope/exitStatistics',   legal: ALIVE,           handle: exitStatistics },
  { command: 'guestscope/exportExits',      legal: ALIVE,           handle: exportExits },
  { command: 'guestscope/setExitLogFilter', legal: ALIVE,           handle: setExitLogFilter },
  { command: 'guestscope/intervene',        legal: ['stopped'],     handle: intervene },
  { command: 'guestscope/inject',           legal: ['stopped'],     handle: inject },
  { command: 'guestscope/exitReasons',      legal: ANY,             handle: exitReasons },
  { command: 'guestscope/setExitBreakpoints', legal: ALIVE,         handle: setExitBreakpoints, bindsSymbols: true },
  { command: 'guestscope/events',           legal: ALIVE,           handle: events },
  { command: 'guestscope/stepping',         legal: ALIVE,           handle: stepping },
  { command: 'guestscope/setEvents',        legal: ALIVE,           handle: setEvents, bindsSymbols: true },
  { command: 'guestscope/paravirtInterface', legal: ALIVE,          handle: paravirtInterface },
  { command: 'guestscope/paravirtOperations', legal: ALIVE,         handle: paravirtOperations },
  { command: 'guestscope/paravirtSites',    legal: ALIVE,           handle: paravirtSites },
  { command: 'guestscope/linux/tasks',      legal: ALIVE,           handle: linuxTasks },
  { command: 'guestscope/linux/taskStack',  legal: ALIVE,           handle: linuxTaskStack },
  { command: 'guestscope/linux/log',        legal: ALIVE,           handle: linuxLog },
  { command: 'guestscope/linux/modules',    legal: ALIVE,           handle: linuxModules },
  { command: 'guestscope/setRunRules',      legal: ALIVE,           handle: setRunRules },
  { command: 'guestscope/setExpectations',  legal: ALIVE,           handle: setExpectations },
  { command: 'guestscope/summary',          legal: AT_REST,         handle: summary },
  { command: 'guestscope/consoleInput',     legal: ALIVE,           handle: consoleInput },
  { command: 'guestscope/consoleHistory',   legal: [...ALIVE, 'ended'],           handle: consoleHistory },
  { command: 'guestscope/screen',           legal: ALIVE,           handle: screen },
  { command: 'guestscope/keyboardInput',    legal: ALIVE,           handle: keyboardInput },
  { command: 'guestscope/translate',        legal: ALIVE,           handle: translate },
  { command: 'guestscope/position',         legal: ALIVE,           handle: position },
];

export function findRequest(command: string): RequestRow | null {
  return REQUESTS.find((row) => row.command === command) ?? null;
}

export function requestNames(): readonly string[] {
  return REQUESTS.map(({ command }) => command);
}

/**
 * What the adapter can do, from the rows.
 * @param hasLot it is a server, where guests can wait
 */
export function capabilities(hasLot: boolean): DebugProtocol.Capabilities {
  return Object.assign(
    {},
    ...REQUESTS.map(({ capability, inServer }) => ({ ...capability, ...(hasLot && inServer) })),
  ) as DebugProtocol.Capabilities;
}
