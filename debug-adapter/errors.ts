/**
 * Every error that the debug adapter answers, numbered (Message.id of the Debug Adapter Protocol). Each
 * is one sentence with the cause and, where there is one, the remedy. `user` says whether the editor
 * should show it: only when the person in front of it can act. Numbers are never reused.
 *
 *   1xxx the protocol and the session's state   2xxx the launch configuration and its files
 *   3xxx what was asked of a running machine    9xxx a fault of Guestscope itself
 */

interface ErrorRow {
  readonly id: number;
  readonly user: boolean;
  readonly format: string;
}

// prettier-ignore
const ERRORS = {
  malformedMessage:       { id: 1001, user: false, format: 'The message is no DAP request: {problem}.' },
  unknownCommand:         { id: 1002, user: false, format: 'There is no request "{command}".' },
  notInitialized:         { id: 1003, user: false, format: '"{command}" is not possible before "initialize"; send that first.' },
  notLaunched:            { id: 1004, user: false, format: '"{command}" is not possible before a guest is launched; send "launch" first.' },
  alreadyLaunched:        { id: 1005, user: false, format: '"{command}" is not possible again: this session already has its guest; use "restart" or a new session.' },
  notStopped:             { id: 1006, user: false, format: '"{command}" is not possible while the guest runs; pause it first.' },
  notRunning:             { id: 1007, user: false, format: '"{command}" is not possible now: the guest does not run.' },
  notConfigured:          { id: 1008, user: false, format: '"{command}" is not possible before "configurationDone".' },
  sessionEnded:           { id: 1009, user: false, format: '"{command}" is not possible any more: the session has ended; launch again.' },
  badArgument:            { id: 1010, user: false, format: 'Argument "{argument}" of "{command}" is wrong: {problem}.' },
  cancelled:              { id: 1011, user: false, format: 'cancelled' },
  badReference:           { id: 1012, user: false, format: '"{reference}" is no memory reference; write 0x1000 for a linear and phys:0x1000 for a guest-physical address.' },
  staleReference:         { id: 1013, user: false, format: 'The {kind} {reference} is no longer valid because the guest has run since; ask again.' },
  tooBusy:                { id: 1014, user: false, format: 'More than {limit} requests wait to be answered; send no more until some are.' },
  unsupported:            { id: 1015, user: false, format: 'Guestscope does not answer "{command}": {reason}.' },
  attributeUnknown:       { id: 2001, user: true,  format: 'launch.json: there is no attribute "{attribute}"{hint}; remove or correct it.' },
  attributeMissing:       { id: 2002, user: true,  format: 'launch.json: "{attribute}" is missing; {remedy}.' },
  attributeType:          { id: 2003, user: true,  format: 'launch.json: "{attribute}" is {actual}, and must be {expected}.' },
  attributeValue:         { id: 2004, user: true,  format: 'launch.json: "{attribute}" is {actual}, and must be {expected}.' },
  attributeUnavailable:   { id: 2005, user: true,  format: 'launch.json: "{attribute}" {value}is not available in this version; {remedy}.' },
  fileUnreadable:         { id: 2006, user: true,  format: 'launch.json: "{attribute}" names {file}, which cannot be read: {problem}.' },
  fileUnusable:           { id: 2007, user: true,  format: 'launch.json: "{attribute}" names {file}, which cannot be used: {problem}.' },
  configurationRefused:   { id: 2008, user: true,  format: 'launch.json: "{attribute}": {problem}' },
  attachUnavailable:      { id: 2009, user: true,  format: 'There is no guest to attach to in this adapter, which serves one session; start "adapter --port N", launch a guest there, and attach to it with "port": N.' },
  configurationSeveral:   { id: 2010, user: true,  format: '{problems}' },
  noGuestWaits:           { id: 2011, user: true,  format: 'There is no guest to attach to{others}; launch one at this server and leave it by "disconnect" with "terminateDebuggee": false or "suspendDebuggee": true.' },
  guestUnknown:           { id: 2012, user: true,  format: 'There is no guest {guest} at this server, but {others}; name one of them in "guest" of launch.json.' },
  guestAmbiguous:         { id: 2013, user: true,  format: 'More than one guest could be meant: {guests}; write the number of one as "guest" in launch.json.' },
  guestInUse:             { id: 2014, user: true,  format: 'The guest {guest} is in use by another client; disconnect that one first, and leave the guest behind ("terminateDebuggee": false).' },
  guestEnded:             { id: 2015, user: true,  format: 'The guest {guest} has ended meanwhile: {problem} Launch it again.' },
  tooManyGuests:          { id: 2016, user: true,  format: 'This server has {limit} guests already: {guests}; attach to one that waits and terminate it.' },
  expressionRefused:      { id: 3001, user: false, format: '{problem}' },
  commandUsage:           { id: 3002, user: false, format: '{problem} Usage: {usage}.' },
  registerRefused:        { id: 3003, user: true,  format: '{problem}' },
  notWritable:            { id: 3004, user: true,  format: '{name} cannot be changed{reason}.' },
  memoryUnwritable:       { id: 3005, user: true,  format: 'The guest\'s memory cannot be written at {address}: {problem}.' },
  tooLarge:               { id: 3006, user: false, format: '"{command}" asks for {asked}, and at most {limit} can be given at once.' },
  noException:            { id: 3007, user: false, format: 'The guest is not stopped at a VM exit or fault.' },
  writeRefused:           { id: 3008, user: false, format: 'A {context} expression must not change the guest; assign in the debug console instead.' },
  machineRefused:         { id: 3009, user: false, format: '{problem}' },
  noSymbol:               { id: 3010, user: false, format: 'There is no symbol "{name}"; list the file that has it under "symbols" of launch.json.' },
  noSource:               { id: 3011, user: false, format: 'There is no such source: code was made from files of "symbols" in launch.json, and listings have the "sourceReference" of a stack frame.' },
  noHooks:                { id: 3012, user: false, format: '{problem}' },
  noHook:                 { id: 3013, user: false, format: 'There is no paravirt hook "{name}"{hint}.' },
  linuxUnseen:            { id: 3014, user: false, format: '{problem}' },
  frameNotRestarted:      { id: 3015, user: true,  format: 'The frame cannot be restarted: {problem}; {remedy}.' },
  workerEnded:            { id: 9001, user: true,  format: 'The machine\'s worker has ended ({cause}); launch again.' },
  workerSilent:           { id: 9002, user: true,  format: 'The machine did not answer "{method}" within {seconds} seconds; terminate the session and launch again.' },
  internal:               { id: 9003, user: true,  format: 'Guestscope made a mistake in "{command}": {problem}.' },
} as const satisfies { readonly [name: string]: ErrorRow };

export type ErrorName = keyof typeof ERRORS;

/** Names between braces of a format string. */
type Placeholders<Format extends string> = Format extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholders<Rest>
  : never;
export type ErrorVariables<Name extends ErrorName> = {
  readonly [Variable in Placeholders<(typeof ERRORS)[Name]['format']>]: string;
};

/** An error for the client; `message` is the finished sentence. */
export class AdapterError extends Error {
  readonly id: number;
  readonly kind: ErrorName;
  readonly showUser: boolean;

  constructor(kind: ErrorName, message: string) {
    super(message);
    this.name = 'AdapterError';
    this.kind = kind;
    this.id = ERRORS[kind].id;
    this.showUser = ERRORS[kind].user;
  }
}

/** Builds the error of that name; every variable of its sentence must be given. */
export function failure<Name extends ErrorName>(
  kind: Name,
  variables: ErrorVariables<Name>,
): AdapterError {
  const values: { readonly [name: string]: string } = variables;
  const format: string = ERRORS[kind].format;
  const message = format.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
  return new AdapterError(kind, message);
}

/** What a caught value says, without a stack: for the `problem` of an error. */
export function describeFailure(cause: unknown): string {
  if (cause instanceof Error) return cause.message === '' ? cause.name : cause.message;
  return String(cause);
}
