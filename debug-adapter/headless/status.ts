/** What the exit status of `guestscope` says; the same for every command. */
export const STATUS = {
  /** Everything that was expected holds. */
  ok: 0,
  /** An expectation does not hold, or a comparison shows a difference. */
  failed: 1,
  /** The command line, the launch configuration or one of its files is wrong. */
  usage: 2,
  /** The guest came to an end that nobody expected: a triple fault, a reset, HLT for good. */
  guest: 3,
  /** A limit of the run was met first. */
  limit: 4,
  /** Ctrl+C: as shells have it, 128 + SIGINT. */
  interrupted: 130,
} as const;
