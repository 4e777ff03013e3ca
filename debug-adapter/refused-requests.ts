/**
 * Requests of the Debug Adapter Protocol that Guestscope knows and does not answer, each with the reason.
 * Together with request-table.ts this is every command of the protocol: a test holds both against the
 * protocol's own types, so that none is forgotten and none gets an empty success.
 */

// prettier-ignore
export const REFUSED_REQUESTS = {
  // command, why it is refused: the end of a sentence
  stepBack:         'this machine keeps no recording to go back in',
  reverseContinue:  'this machine keeps no recording to go back in',
  restartFrame:     'what the caller has changed since cannot be undone without a recording; set eip and esp by hand',
  terminateThreads: 'a virtual processor does not end alone; "terminate" ends the machine',
  locations:        'no value of Guestscope has a location reference',
  runInTerminal:    'it is a request of an adapter to its client, and Guestscope never makes it',
  startDebugging:   'it is a request of an adapter to its client, and Guestscope never makes it',
} as const satisfies { readonly [command: string]: string };

/** Null for a command that the protocol does not have, and for one that is answered. */
export function refusalOf(command: string): string | null {
  return Object.hasOwn(REFUSED_REQUESTS, command)
    ? REFUSED_REQUESTS[command as keyof typeof REFUSED_REQUESTS]
    : null;
}
