#!/usr/bin/env node
/**
 * `guestscope`: the debugger without an editor, for terminals, scripts and CI. What there is to say is in
 * headless/: a command is a row here and a file there.
 */
import { readFileSync } from 'node:fs';
import { compareCommand } from './headless/compare-command-node.ts';
import { runCommandLine } from './headless/command-line-node.ts';
import { processTerminal } from './headless/process-terminal-node.ts';
import { runCommand } from './headless/run-command-node.ts';
import { textCommand } from './headless/text-command-node.ts';
import { nodeSession } from './headless/node-session-node.ts';

const newSession = (): ReturnType<typeof nodeSession> => nodeSession(import.meta.url);
const COMMANDS = [runCommand(newSession), compareCommand(newSession), textCommand(newSession)];

function version(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return String((JSON.parse(manifest) as { readonly version: unknown }).version);
}

const status = await runCommandLine(COMMANDS, version(), process.argv.slice(2), processTerminal());
// what was written is flushed first; then nothing may keep the process
process.stdout.write('', () => process.exit(status));
