/**
 * Variables and expressions with types over the protocol: a program written down by hand
 * (typed/testing/sample-program.ts) in the memory of a real machine in real mode, whose one instruction
 * stands for the function that holds the frame.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { createMachine } from '../../emulator/debugger/debugger.ts';
import { nodeScheduler } from '../host/scheduler-node.ts';
import { GuestSymbols } from '../symbols/symbol-files.ts';
import type { TestClient } from '../testing/test-client.ts';
import { begin, testSession } from '../testing/test-session.ts';
import {
  CFA,
  INFORMATION,
  INIT,
  memory,
  REGISTERS,
  SECOND,
  SYMBOLS,
  WORK,
} from '../typed/testing/sample-program.ts';

const host = { scheduler: nodeScheduler, clone: structuredClone };

/** Files of symbols that tell what is written down by hand. */
class SampleFiles extends GuestSymbols {
  override readonly symbols = SYMBOLS;
  override get information() {
    return [INFORMATION];
  }
}

/** Stopped in work(), with the sample's registers and memory. */
async function start(
  abilities: object = {},
): Promise<{ client: TestClient; frameId: number; end: () => void }> {
  const code = new Uint8Array(0x100).fill(0x90);
  code.set([0x43, 0xeb, 0xfd], 0x10); // inc bx; jmp to it
  const { client, session } = testSession(createMachine, new Map([['/guest', code]]), host);
  await begin(
    client,
    { guest: { kernel: '/guest', format: 'flat', loadAddress: `0x${WORK.toString(16)}` } },
    abilities,
  );
  const { guest } = session;
  const bytes = memory();
  bytes.set(code, WORK);
  await guest.machine.call('writeMemory', 'linear', 0x1000, bytes.subarray(0x1000));
  for (const [name, value] of Object.entries(REGISTERS))
    if (name !== 'cs') await guest.writeRegister(name, value);
  await guest.writeRegister('eip', WORK + 0x10);
  guest.use(new SampleFiles([]), guest.sources);
  guest.program.frames = {
    cfaRuleAt: () => ({ kind: 'register', register: 4, offset: 0x40 }),
  };
  const { stackFrames } = await client.ask('stackTrace', { threadId: 1 });
  const frameId = (stackFrames as readonly { readonly id: number }[])[0]?.id ?? 0;
  return { client, frameId, end: () => session.dispose() };
}

type Rows = readonly DebugProtocol.Variable[];
const rows = async (
  client: TestClient,
  variablesReference: number,
  more: object = {},
): Promise<Rows> =>
  (await client.ask('variables', { variablesReference, ...more }))['variables'] as Rows;

async function scopeNamed(
  client: TestClient,
  frameId: number,
  name: string,
): Promise<DebugProtocol.Scope> {
  const { scopes } = await client.ask('scopes', { frameId });
  const found = (scopes as readonly DebugProtocol.Scope[]).find((scope) => scope.name === name);
  assert.ok(found, name);
  return found;
}

const row = (all: Rows, name: string): DebugProtocol.Variable => {
  const found = all.find((each) => each.name === name);
  assert.ok(found, `${name} in ${all.map((each) => each.name).join(', ')}`);
  return found;
};

async function evaluated(
  client: TestClient,
  frameId: number,
  expression: string,
  more: object = {},
): Promise<DebugProtocol.EvaluateResponse['body']> {
  return (await client.ask('evaluate', {
    expression,
    frameId,
    context: 'watch',
    ...more,
  })) as DebugProtocol.EvaluateResponse['body'];
}
const shown = async (client: TestClient, frameId: number, expression: string): Promise<string> =>
  (await evaluated(client, frameId, expression)).result;

describe('variables with types', () => {
  it('are the locals of a frame, with those that are nowhere', async () => {
    const { client, frameId, end } = await start();
    const locals = await rows(
      client,
      (await scopeNamed(client, frameId, 'Locals')).variablesReference,
    );
    assert.deepEqual(
      locals.map(({ name, value, type, evaluateName }) => [name, value, type, evaluateName]),
      [
        ['count', '3', 'int', 'count'],
        ['count', '9', 'int', undefined],
        ['task', '0x00001100', 'struct task *', 'task'],
        ['cs', "65 'A'", 'unsigned char', 'cs'],
        ['wide', '6153737367135073092', 'long long int', 'wide'],
        ['gone', '<optimized out>', 'int', 'gone'],
        ['twice', '130', 'int', 'twice'],
        ['seven', '7', 'int', 'seven'],
        ['small', '-5', 'short int', 'small'],
        ['pair', '{low = 287454020, high = 9}', 'struct pair', 'pair'],
      ],
    );
    end();
  });

  it('open as trees: members, elements, targets, each with an expression that gives it', async () => {
    const { client, frameId, end } = await start();
    const globals = await scopeNamed(client, frameId, 'Globals');
    assert.equal(globals.expensive, true);
    const all = await rows(client, globals.variablesReference);
    assert.equal(row(all, 'letters').value, '0x00001300 "hello"');
    assert.equal(row(all, 'jiffies').value, '1234');
    assert.equal(row(all, 'port').evaluateName, undefined, 'a field of exits has the name');
    const init = row(all, 'init');
    const members = await rows(client, init.variablesReference);
    assert.deepEqual(
      members.map(({ name, value, type, evaluateName }) => [name, value, type, evaluateName]),
      [
        ['pid', '1', 'int', 'init.pid'],
        ['comm', '"swapper"', 'char [8]', 'init.comm'],
        ['ready', '1', 'unsigned int : 1', 'init.ready'],
        ['level', '21', 'unsigned int : 5', 'init.level'],
        ['delta', '-3', 'int : 4', 'init.delta'],
        ['word', '67305985', 'long unsigned int', 'init.word'],
        ['half', '"\\x01\\x02\\x03\\x04"', 'unsigned char [4]', 'init.half'],
        ['parent', '0x00001100', 'struct task *', 'init.parent'],
        ['node', '{next = 0x00001018 <init+0x18>}', 'struct list', 'init.node'],
        ['state', 'BUSY', 'enum state', 'init.state'],
        ['time', '-2', 'long long int', 'init.time'],
        ['load', '1.5', 'double', 'init.load'],
        ['grid', '[2] {[3] {-2, -1, 0}, [3] {1, 2, 3}}', 'short int [2][3]', 'init.grid'],
      ].map((each) => [each[0], each[1]?.replace(' <init+0x18>', ''), each[2], each[3]]),
    );
    const parent = await rows(client, row(members, 'parent').variablesReference);
    assert.equal(row(parent, 'comm').evaluateName, 'init.parent->comm');
    assert.equal(row(parent, 'comm').value, '"init"');
    const grid = await rows(client, row(members, 'grid').variablesReference, {
      filter: 'indexed',
      start: 1,
      count: 1,
    });
    assert.equal(grid[0]?.evaluateName, 'init.grid[1]');
    const numbers = await rows(client, grid[0]?.variablesReference ?? 0);
    assert.deepEqual(
      numbers.map(({ name, value }) => [name, value]),
      [
        ['[0]', '1'],
        ['[1]', '2'],
        ['[2]', '3'],
      ],
    );
    for (const each of [...members, ...parent, ...numbers])
      assert.equal(
        await shown(client, frameId, each.evaluateName ?? ''),
        each.value,
        each.evaluateName,
      );
    end();
  });

  it('go round in a circle only as far as one opens them', async () => {
    const { client, frameId, end } = await start();
    let { variablesReference } = await evaluated(client, frameId, 'init.node');
    for (let depth = 0; depth < 20; depth++) {
      const [next] = await rows(client, variablesReference);
      assert.equal(next?.value, '0x00001018');
      variablesReference = next.variablesReference;
    }
    end();
  });

  it('of a hostile guest are read as far as they are shown', async () => {
    const { client, frameId, end } = await start({ supportsVariablePaging: false });
    const huge = await evaluated(client, frameId, '*(int (*)[1073741824])0x1000').catch(() => null);
    assert.equal(huge, null, 'C writes such a type otherwise');
    const { variablesReference } = await evaluated(client, frameId, '*(char *)0xfffffff0');
    assert.equal(variablesReference, 0);
    assert.match(
      await shown(client, frameId, '(char *)0xf0000000'),
      /^0xf0000000$|not readable|^0xf0000000 "/,
    );
    assert.equal(await shown(client, frameId, 'tail'), '[]');
    end();
  });

  it('are written with effect: members, elements, bit-fields, pointers, locals in registers', async () => {
    const { client, frameId, end } = await start();
    const set = async (expression: string, value: string): Promise<unknown> =>
      (await client.ask('setExpression', { expression, value, frameId }))['value'];
    assert.equal(await set('init.pid', '2 + 3'), '5');
    assert.equal(await set('init.grid[1][2]', '-7'), '-7');
    assert.equal(await set('init.level', '9'), '9');
    assert.equal(await shown(client, frameId, 'init.ready'), '1', 'its neighbours stay');
    assert.equal(await shown(client, frameId, 'init.delta'), '-3');
    assert.equal(await set('init.delta', '7'), '7');
    assert.equal(await set('init.state', 'IDLE'), 'IDLE');
    assert.equal(await set('init.load', '0.25'), '0.25');
    assert.equal(await set('init.parent', '&init'), '0x00001000');
    assert.equal(await shown(client, frameId, 'init.parent->parent->pid'), '5');
    assert.equal(await set('cs', "'Z'"), "90 'Z'");
    assert.match(await shown(client, frameId, 'ebx'), /^0x0000005a/);
    assert.equal(await set('wide', '-1'), '-1');
    assert.match(await shown(client, frameId, 'edx'), /^0xffffffff/);
    assert.equal(await set('count', '77'), '77');
    const { result } = await client.ask('evaluate', {
      expression: `u32[0x${(CFA - 4).toString(16)}]`,
      context: 'repl',
      frameId,
    });
    assert.match(String(result), /^0x4d/);
    assert.equal(
      (await client.ask('evaluate', { expression: '*current = init', context: 'repl', frameId }))[
        'type'
      ],
      'task_t',
    );
    assert.equal(await shown(client, frameId, 'current->comm'), '"swapper"');
    const locals = await scopeNamed(client, frameId, 'Locals');
    const written = await client.ask('setVariable', {
      variablesReference: locals.variablesReference,
      name: 'small',
      value: 'count - 80',
    });
    assert.equal(written['value'], '-3');
    for (const [expression, value, refusal] of [
      ['gone', '1', /optimized out/],
      ['twice', '1', /computed/],
      ['init', '1', /takes another one; set its members/],
      ['init.pid + 1', '1', /Only registers and memory/],
    ] as const)
      assert.match(await client.refused('setExpression', { expression, value, frameId }), refusal);
    end();
  });

  it('can be watched: by name, by expression, a pointer itself and not what it points to', async () => {
    const { client, frameId, end } = await start();
    const info = async (given: object): Promise<unknown> =>
      (await client.ask('dataBreakpointInfo', { frameId, ...given }))['dataId'];
    assert.equal(await info({ name: 'current->comm' }), `linear:0x${(SECOND + 4).toString(16)}:8`);
    assert.equal(await info({ name: 'init.time' }), `linear:0x${(INIT + 32).toString(16)}:8`);
    assert.equal(await info({ name: 'current' }), 'linear:0x1200:4');
    assert.equal(await info({ name: 'cs' }), null);
    const { variablesReference } = await evaluated(client, frameId, 'init');
    assert.equal(
      await info({ name: 'parent', variablesReference }),
      `linear:0x${(INIT + 20).toString(16)}:4`,
    );
    end();
  });

  it('decide in conditions and appear in log messages where the breakpoint is', async () => {
    const { client, frameId, end } = await start();
    const instructionReference = `0x${(WORK + 0x10).toString(16)}`;
    const { breakpoints } = await client.ask('setInstructionBreakpoints', {
      breakpoints: [{ instructionReference, condition: 'cs == 70 && task->comm == "init"' }],
    });
    assert.equal((breakpoints as readonly DebugProtocol.Breakpoint[])[0]?.verified, true);
    await client.ask('continue', { threadId: 1 });
    await client.event('stopped');
    assert.match(await shown(client, await frameOf(client), '$ebx'), /^0x00000046/);
    const { breakpoints: refused } = await client.ask('setInstructionBreakpoints', {
      breakpoints: [{ instructionReference, condition: 'gone == 1' }],
    });
    assert.match(
      (refused as readonly DebugProtocol.Breakpoint[])[0]?.message ?? '',
      /optimized out/,
    );
    assert.ok(frameId > 0);
    end();
  });

  it('are completed, asked for their types, and printed in hexadecimal', async () => {
    const { client, frameId, end } = await start();
    const complete = async (text: string): Promise<readonly string[]> => {
      const { targets } = await client.ask('completions', {
        text,
        column: text.length + 1,
        frameId,
      });
      return (targets as readonly DebugProtocol.CompletionItem[]).map(({ label }) => label);
    };
    assert.deepEqual(await complete('1 + current->p'), ['pid', 'parent']);
    assert.deepEqual(await complete('init.node.'), ['next']);
    assert.deepEqual(await complete('((struct task *)eax)->lo'), ['load']);
    assert.ok((await complete('cou')).includes('count'));
    assert.ok((await complete('tas')).includes('task_t'));
    const says = async (expression: string): Promise<string> =>
      String((await client.ask('evaluate', { expression, context: 'repl', frameId }))['result']);
    assert.equal(await says('whatis &init.grid[1]'), 'short int (*)[3]');
    assert.equal(
      await says('ptype struct list'),
      'struct list {\n  struct list *next;                             /* 0 */\n} 4 bytes',
    );
    assert.match(
      await says('ptype current->state'),
      /enum state \{\n {2}IDLE = 0,\n {2}BUSY = 4,\n\}/,
    );
    assert.equal(await says('print init.pid + 15'), '16');
    assert.equal(await says('print/x init.pid + 15'), '0x10');
    assert.match(await says('x init 4'), /^0x00001000 {2}01 00 00 00/);
    end();
  });
});

async function frameOf(client: TestClient): Promise<number> {
  const { stackFrames } = await client.ask('stackTrace', { threadId: 1 });
  return (stackFrames as readonly { readonly id: number }[])[0]?.id ?? 0;
}
