/**
 * Where breakpoints on functions of a C guest (test/guests/stacks) are set: where gdb 13.1 sets them, asked by
 * `gdb -batch -ex 'break NAME'`. Behind the prologue of code without optimization, at the entry of optimized
 * code and of assembly code.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { stacksSession } from '../guests/stacks/stacks-session.ts';

const FUNCTIONS = ['stop', 'leaf', 'middle', 'recursive', 'handle_undefined', 'main', '_start'];

// prettier-ignore
const OF_GDB = {
  'O0':         [0x100169, 0x10018a, 0x1001bd, 0x1002bf, 0x10034f, 0x1003da, 0x10000c],
  'O0-regparm': [0x100190, 0x1001b7, 0x1001f0, 0x1002fd, 0x100383, 0x100403, 0x10000c],
  'O2':         [0x100150, 0x100170, 0x1001a0, 0x100280, 0x1002f0, 0x100350, 0x100010],
} as const;

for (const variant of ['O0', 'O0-regparm', 'O2'] as const)
  it(`functions of ${variant} are broken at where gdb does`, async () => {
    const { client, session } = await stacksSession(variant, ['finished']);
    const answered = await client.ask('setFunctionBreakpoints', {
      breakpoints: [...FUNCTIONS, '*0x00100169'].map((name) => ({ name })),
    });
    const set = answered['breakpoints'] as readonly DebugProtocol.Breakpoint[];
    const places = set.map(({ instructionReference }) => Number(instructionReference));
    assert.deepEqual(places, [...OF_GDB[variant], 0x100169], 'an address is meant exactly');
    session.dispose();
  });
