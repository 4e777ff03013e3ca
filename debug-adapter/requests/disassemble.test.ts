/**
 * What an editor's disassembly view asks for when it scrolls: a request that fails, or rows that do not
 * fit those it has, lock such a view for good. All on a real machine, in real mode.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { createMachine } from '../../emulator/debugger/debugger.ts';
import { nodeScheduler } from '../host/scheduler-node.ts';
import type { TestClient } from '../testing/test-client.ts';
import { begin, testSession } from '../testing/test-session.ts';

type Instruction = DebugProtocol.DisassembledInstruction;

const host = { scheduler: nodeScheduler, clone: structuredClone };
/** mov ax, imm16 with bytes that are instructions too: backwards there are many ways to cut it. */
const MOV = [0xb8, 0x90, 0x40];
const LOOP = [0xeb, 0xfe];
const START = 0x7c00;
/** Rows that the view asks for at a time: those of VS Code. */
const PAGE = 50;

/** Stopped at the beginning of 200 long instructions, a loop after them; or in the loop, running. */
async function start(isRunning = false) {
  const program = [...Array.from({ length: 200 }, () => MOV).flat(), ...LOOP];
  const files = new Map([['/guest', Uint8Array.from(program)]]);
  const { client, session } = testSession(createMachine, files, host);
  await begin(client, {
    guest: { kernel: '/guest', format: 'flat', loadAddress: `0x${START.toString(16)}` },
  });
  if (isRunning) await client.ask('continue', { threadId: 1 });
  return { client, session };
}

async function rows(
  client: TestClient,
  memoryReference: string,
  instructionOffset: number,
  instructionCount = PAGE,
  offset = 0,
): Promise<readonly Instruction[]> {
  const asked = { memoryReference, offset, instructionOffset, instructionCount };
  const { instructions } = await client.ask('disassemble', { ...asked, resolveSymbols: true });
  const given = instructions as readonly Instruction[];
  assert.equal(given.length, instructionCount, 'exactly the rows that were asked for');
  return given;
}

const isPlace = ({ address }: Instruction): boolean => address !== '-1';
const addresses = (given: readonly Instruction[]): readonly number[] =>
  given.filter(isPlace).map(({ address }) => Number(address));

function assertAscending(given: readonly Instruction[]): void {
  const places = addresses(given);
  for (const [index, place] of places.entries())
    assert.ok(
      index === 0 || place > (places[index - 1] ?? 0),
      `row ${index} of ${places.join(' ')}`,
    );
}

describe('a disassembly view that scrolls', () => {
  it('at address 0: rows before it have no place, the first has its own', async () => {
    const { client, session } = await start();
    const before = await rows(client, '0x0', -PAGE);
    assert.ok(before.every((row) => row.address === '-1' && row.presentationHint === 'invalid'));
    const across = await rows(client, '0x0', -10, 20);
    for (const [index, row] of across.entries())
      assert.equal(isPlace(row), index >= 10, `row ${index}`);
    assert.equal(Number(across[10]?.address), 0);
    assertAscending(across);
    const below = await rows(client, '0x0', 0, 5, -3);
    assert.deepEqual(
      below.map(isPlace),
      [false, false, false, true, true],
      'a negative offset in bytes',
    );
    session.dispose();
  });

  it('from an empty reference, or one that is none: rows without a place, no error', async () => {
    const { client, session } = await start();
    for (const reference of ['', 'nonsense', '-', '0x', 'phys:0x1000'])
      for (const row of await rows(client, reference, -5, 10))
        assert.deepEqual([row.address, row.instruction], ['-1', '??'], reference);
    session.dispose();
  });

  it('to the top of the address space and past it', async () => {
    const { client, session } = await start();
    for (const reference of ['0xffffffff', '0xfffffff0', '0x100000000', '0xffffffffffffffff']) {
      assertAscending(await rows(client, reference, 0));
      await rows(client, reference, -PAGE);
      await rows(client, reference, PAGE);
    }
    const [first] = await rows(client, '0xfffffff0', 0);
    assert.equal(Number(first?.address), 0xfffffff0);
    session.dispose();
  });

  it('in both directions with one alignment: pages fit, and going back gives the same rows', async () => {
    const { client, session } = await start();
    // from the 100th instruction, as the view does: around it, then pages before and after by turns
    const reference = `0x${(START + 100 * MOV.length).toString(16)}`;
    const pages = new Map<number, readonly Instruction[]>();
    for (const page of [0, -1, 1, -2, 2, -3])
      pages.set(page, await rows(client, reference, page * PAGE));
    const inOrder = [-3, -2, -1, 0, 1, 2].flatMap((page) => pages.get(page) ?? []);
    assertAscending(inOrder);
    const code = addresses(inOrder).filter((at) => at >= START && at < START + 200 * MOV.length);
    assert.deepEqual(
      code,
      Array.from({ length: 200 }, (_, index) => START + index * MOV.length),
      'each instruction of the program once, cut as it runs',
    );
    for (const [page, before] of pages)
      assert.deepEqual(await rows(client, reference, page * PAGE), before, `page ${page} again`);
    assert.deepEqual(await rows(client, reference, -75, 100), inOrder.slice(75, 175));
    session.dispose();
  });

  it('while the guest runs', async () => {
    const { client, session } = await start(true);
    assert.equal(session.state, 'running');
    const [first] = await rows(client, `0x${START.toString(16)}`, 0);
    assert.match(first?.instruction ?? '', /^mov ax, 0x4090/);
    assertAscending(await rows(client, `0x${START.toString(16)}`, -PAGE, 2 * PAGE));
    await rows(client, '0x0', -PAGE);
    await rows(client, '', -PAGE);
    assert.equal(session.state, 'running');
    session.dispose();
  });
});
