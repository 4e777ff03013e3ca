/**
 * What Guestscope leaves out of the Debug Adapter Protocol: requests that it knows and does not answer, events
 * that it does not send and capabilities that it does not have, each with the reason.
 * Together with request-table.ts this is every command of the protocol: a test holds both against the
 * protocol's own types, so that none is forgotten and none gets an empty success.
 */

// prettier-ignore
export const REFUSED_REQUESTS = {
  // command, why it is refused: the end of a sentence
  stepBack:         'this machine keeps no recording to go back in',
  reverseContinue:  'this machine keeps no recording to go back in',
  terminateThreads: 'a virtual processor does not end alone; "terminate" ends the machine',
  runInTerminal:    'it is a request of an adapter to its client, and Guestscope never makes it',
  startDebugging:   'it is a request of an adapter to its client, and Guestscope never makes it',
} as const satisfies { readonly [command: string]: string };

/** Events of the protocol that Guestscope never sends, each with the reason. */
// prettier-ignore
export const UNSENT_EVENTS = {
  capabilities: 'what the adapter can do is said in "initialize" and does not change',
  loadedSource: 'sources come with their file of symbols, of which "module" tells',
} as const satisfies { readonly [event: string]: string };

/**
 * Members of the protocol's Capabilities that Guestscope does not announce although no refused request
 * says why.
 */
// prettier-ignore
export const CAPABILITIES_NOT_HAD = {
  supportsExceptionOptions:      'filters have conditions, and the finer events are a tree of their own (guestscope/events)',
  supportedChecksumAlgorithms:   'sources are found by their paths',
  additionalModuleColumns:       'modules have no attributes beyond the protocol\'s',
  completionTriggerCharacters:   'words are completed as they are typed',
} as const satisfies { readonly [capability: string]: string };

/** Null for a command that the protocol does not have, and for one that is answered. */
export function refusalOf(command: string): string | null {
  return Object.hasOwn(REFUSED_REQUESTS, command)
    ? REFUSED_REQUESTS[command as keyof typeof REFUSED_REQUESTS]
    : null;
}
