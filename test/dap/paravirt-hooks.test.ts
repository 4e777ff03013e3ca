/**
 * Paravirt hooks of kernels of both forms (test/guests/hooks): what the tables have, what stands at every
 * call site before and after the kernel patches itself, and breakpoints on operations, each of which
 * stops once for each time that the operation is performed. Expected states are those that the guests'
 * sources say; how often operations are performed stands in `perform_all` of each.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type {
  ParavirtOperation,
  ParavirtOperationsBody,
  ParavirtSite,
  ParavirtSitesBody,
} from '../../debug-adapter/protocol.ts';
import { nodeScheduler } from '../../debug-adapter/host/scheduler-node.ts';
import type { GuestscopeSession } from '../../debug-adapter/session.ts';
import type { TestClient } from '../../debug-adapter/testing/test-client.ts';
import { testSession } from '../../debug-adapter/testing/test-session.ts';
import { createMachine } from '../../emulator/debugger/debugger.ts';

const BUILT = new URL('../guests/hooks/built/', import.meta.url);
const THREAD = { threadId: 1 };

class HookGuest {
  readonly client: TestClient;
  private readonly session: GuestscopeSession;

  constructor(name: string) {
    const file = (ending: string): [string, Uint8Array] => [
      `/${name}.${ending}`,
      new Uint8Array(readFileSync(new URL(`${name}.${ending}`, BUILT))),
    ];
    const host = { scheduler: nodeScheduler, clone: structuredClone };
    const files = new Map([file('bin'), file('elf')]);
    ({ client: this.client, session: this.session } = testSession(createMachine, files, host));
  }

  /** Sets breakpoints on functions and operations before the first instruction, and starts. */
  async launch(name: string, breakpoints: readonly object[]): Promise<readonly DebugProtocol.Breakpoint[]> {
    await this.client.ask('initialize', { adapterID: 'guestscope', supportsMemoryReferences: true });
    await this.client.ask('launch', {
      guest: { kernel: `/${name}.bin`, format: 'flat', loadAddress: '0x7c00' },
      symbols: [`/${name}.elf`],
      machine: { memory: '16M', idle: 'skip' },
      stopOnEntry: false,
    });
    await this.client.event('initialized');
    const set = await this.set(breakpoints);
    await this.client.ask('configurationDone');
    return set;
  } // prettier-ignore

  async set(breakpoints: readonly object[]): Promise<readonly DebugProtocol.Breakpoint[]> {
    const body = await this.client.ask('setFunctionBreakpoints', { breakpoints });
    return body['breakpoints'] as DebugProtocol.Breakpoint[];
  }

  /** The next stop: at which function, and what was told. */
  async stop(): Promise<{ at: string; text: string; ids: readonly number[] }> {
    const stopped = await this.client.event('stopped');
    const { stackFrames } = (await this.client.ask('stackTrace', THREAD)) as {
      stackFrames: DebugProtocol.StackFrame[];
    };
    return {
      at: (stackFrames[0]?.name ?? '').replace(/ \(.*/, ''),
      text: typeof stopped['text'] === 'string' ? stopped['text'] : '',
      ids: stopped['hitBreakpointIds'] as number[],
    };
  }

  async goOn(): Promise<{ at: string; text: string; ids: readonly number[] }> {
    await this.client.ask('continue', THREAD);
    return this.stop();
  }

  async hooks(): Promise<ParavirtOperationsBody> {
    return (await this.client.ask('guestscope/paravirtOperations', {})) as unknown as ParavirtOperationsBody; // prettier-ignore
  }

  async operations(): Promise<ReadonlyMap<string, ParavirtOperation>> {
    const { groups } = await this.hooks();
    return new Map(groups.flatMap(({ operations }) => operations).map((each) => [each.name, each]));
  }

  async sites(operation?: string): Promise<readonly ParavirtSite[]> {
    const body = await this.client.ask('guestscope/paravirtSites', { operation, limit: 1000 });
    return (body as unknown as ParavirtSitesBody).sites;
  }

  dispose(): void {
    this.session.dispose();
  }
}

const states = (sites: readonly ParavirtSite[]): readonly string[] =>
  sites.map(({ state, text }) => `${state}: ${text}`);

describe('hooks of today’s form, in a kernel that has moved', () => {
  const guest = new HookGuest('today');
  after(() => guest.dispose());

  test('have the names of their types, their functions and their call sites', async () => {
    await guest.launch('today', [{ name: 'before_patching' }]);
    assert.equal((await guest.stop()).at, 'before_patching');
    const { groups, fields, sites, records, isTyped, gap } = await guest.hooks();
    assert.deepEqual(
      groups.map(({ name, operations }) => `${name}: ${operations.map(({ member }) => member).join(' ')}`),
      [
        'cpu: io_delay wbinvd',
        'irq: save_fl irq_disable irq_enable halt',
        'mmu: flush_tlb_user read_cr3 write_cr3 exit_mmap make_pte lazy_mode.enter lazy_mode.leave',
        'lock: queued_spin_unlock wait vcpu_is_preempted',
      ],
    ); // prettier-ignore
    assert.deepEqual(fields, [{ name: 'pv_info.name', value: '"bare hardware"' }]);
    assert.deepEqual([sites, records, isTyped, gap], [19, 17, true, undefined]);
    const operations = await guest.operations();
    const told = (name: string): unknown[] => {
      const { symbol, patch, states: counts } = operations.get(name) ?? {};
      return [symbol, patch, counts];
    };
    assert.deepEqual(told('pv_ops.cpu.io_delay'), ['native_io_delay', 'call', { table: 2 }]);
    assert.deepEqual(told('pv_ops.irq.irq_disable'), ['native_irq_disable', 'native', { table: 2 }]); // prettier-ignore
    assert.deepEqual(told('pv_ops.mmu.exit_mmap'), ['_paravirt_nop', 'nop', { table: 1 }]);
    assert.deepEqual(told('pv_ops.mmu.make_pte'), ['_paravirt_ident_32', 'identity', { table: 1 }]);
    assert.deepEqual(told('pv_ops.lock.queued_spin_unlock'), ['native_queued_spin_unlock', 'native', { table: 1 }]); // prettier-ignore
    assert.deepEqual(told('pv_ops.lock.wait'), ['nothing', 'bug', { table: 1 }]);
    assert.deepEqual(told('pv_ops.irq.halt'), ['native_halt', 'call', { table: 1 }]);
    assert.deepEqual(told('pv_ops.cpu.wbinvd'), ['native_wbinvd', 'call', { table: 2 }]);
    const thunk = operations.get('pv_ops.lock.queued_spin_unlock');
    assert.notEqual(thunk?.target, thunk?.function);
  });

  test('are told as they are patched', async () => {
    await guest.set([{ name: 'after_patching' }]);
    assert.equal((await guest.goOn()).at, 'after_patching');
    const text = async (name: string): Promise<readonly string[]> => states(await guest.sites(name)); // prettier-ignore
    const direct = 'direct: direct call of';
    assert.deepEqual(await text('pv_ops.cpu.io_delay'), [`${direct} native_io_delay`, `${direct} native_io_delay`]); // prettier-ignore
    assert.deepEqual(await text('pv_ops.irq.save_fl'), ['native: native instructions: pushf; pop eax']); // prettier-ignore
    assert.deepEqual(await text('pv_ops.irq.irq_disable'), ['native: native instructions: cli', 'native: native instructions: cli']); // prettier-ignore
    assert.deepEqual(await text('pv_ops.mmu.write_cr3'), ['native: native instructions: mov cr3, eax']); // prettier-ignore
    assert.deepEqual(await text('pv_ops.mmu.flush_tlb_user'), [`${direct} kvm_flush_tlb`]);
    assert.deepEqual(await text('pv_ops.mmu.exit_mmap'), ['removed: nothing is left of the call']);
    assert.deepEqual(await text('pv_ops.lock.queued_spin_unlock'), [`${direct} __raw_callee_save_native_queued_spin_unlock`]); // prettier-ignore
    assert.deepEqual(await text('pv_ops.lock.vcpu_is_preempted'), ['native: native instructions: xor eax, eax']); // prettier-ignore
    assert.deepEqual(await text('pv_ops.lock.wait'), [`${direct} paravirt_BUG; the table has nothing now`]); // prettier-ignore
    assert.deepEqual(await text('pv_ops.cpu.wbinvd'), [
      `${direct} native_wbinvd`,
      'table: call through the table of native_wbinvd',
    ]);
    assert.deepEqual(
      (await guest.sites('hook:halt')).map(({ isRecorded }) => isRecorded),
      [false],
    );
  });

  test('are told when they change once more', async () => {
    await guest.set([{ name: 'after_changes' }]);
    await guest.goOn();
    const [late] = await guest.sites('hook:io_delay');
    assert.equal(late?.text, 'direct call of native_io_delay; the table has kvm_io_delay now');
    const [other] = await guest.sites('pv_ops.cpu.wbinvd');
    assert.equal(other?.state, 'other');
    assert.match(other?.text ?? '', /^other instructions: xor edx, edx; /);
  });

  test('as a tree and as commands', async () => {
    const say = async (expression: string): Promise<string> => {
      const { result } = await guest.client.ask('evaluate', { expression, context: 'repl' });
      return String(result);
    };
    assert.match(await say('hooks'), /^pv_ops\.lock\.wait +nothing +call of paravirt_BUG: there is no function; 1 direct$/m); // prettier-ignore
    assert.match(await say('sites irq_disable'), /^0xc0500\w+ +perform_all\+0x\w+ +native instructions: cli$/m); // prettier-ignore
    const rows = async (reference: unknown): Promise<DebugProtocol.Variable[]> =>
      (await guest.client.ask('variables', { variablesReference: reference }))['variables'] as DebugProtocol.Variable[]; // prettier-ignore
    const { stackFrames } = (await guest.client.ask('stackTrace', THREAD)) as { stackFrames: DebugProtocol.StackFrame[] }; // prettier-ignore
    const { scopes } = (await guest.client.ask('scopes', { frameId: stackFrames[0]?.id })) as { scopes: DebugProtocol.Scope[] }; // prettier-ignore
    let reference = scopes.find(({ name }) => name === 'Machine')?.variablesReference;
    for (const name of ['Paravirt', 'mmu', 'lazy_mode.enter', 'call sites'])
      reference = (await rows(reference)).find((row) => row.name === name)?.variablesReference;
    assert.deepEqual((await rows(reference)).map(({ value }) => value), ['direct call of lazy_enter']); // prettier-ignore
  });
});

test('a breakpoint on an operation stops once for each time it is performed, whatever stands there', async () => {
  const guest = new HookGuest('today');
  const [disable, flush, halt, nop, delay, end, missing, doubtful] = await guest.launch('today', [
    { name: 'pv_ops.irq.irq_disable' },
    { name: 'hook:flush_tlb_user' },
    { name: 'pv_ops.irq.halt' },
    { name: 'pv_ops.mmu.exit_mmap' },
    { name: 'hook:io_delay', hitCondition: '== 5' },
    { name: 'the_end' },
    { name: 'hook:write_cr2' },
    { name: 'hook:enter' },
  ]);
  assert.match(missing?.message ?? '', /^There is no paravirt hook "write_cr2"/);
  assert.equal(doubtful?.verified, true);
  const seen: string[] = [];
  const names = new Map([disable, flush, halt, nop, delay, end, doubtful].map((each, index) => [each?.id, ['disable', 'flush', 'halt', 'nop', 'delay', 'end', 'enter'][index]])); // prettier-ignore
  for (let stop = await guest.stop(); ; stop = await guest.goOn()) {
    assert.equal(stop.ids.length, 1);
    const name = names.get(stop.ids[0]) ?? '';
    if (name === 'end') break;
    seen.push(`${name}: ${stop.text.replace(/^pv_ops\.\S+: /, '')}`);
  }
  const through = (name: string): string => `call through the table of ${name}`;
  const pass = (what: { disable: string; flush: string; nop: string; enter: string }): string[] => [
    `disable: ${what.disable}`,
    `flush: ${what.flush}`,
    `nop: ${what.nop}`,
    `enter: ${what.enter}`,
    `disable: ${what.disable}`,
    `halt: ${through('native_halt')}`,
  ];
  const patched = {
    disable: 'native instructions: cli',
    flush: 'direct call of kvm_flush_tlb',
    nop: 'nothing is left of the call',
    enter: 'direct call of lazy_enter',
  };
  assert.deepEqual(seen, [
    ...pass({
      disable: through('native_irq_disable'),
      flush: through('native_flush_tlb_local'),
      nop: through('_paravirt_nop'),
      enter: through('lazy_enter'),
    }),
    ...pass(patched),
    // the fifth of all: the first place, the third time
    'delay: direct call of native_io_delay; the table has kvm_io_delay now',
    ...pass(patched),
  ]);
  guest.dispose();
});

describe('hooks of the first form', () => {
  const guest = new HookGuest('first');
  after(() => guest.dispose());

  test('as compiled: values beside operations, numbers of records of their own', async () => {
    await guest.launch('first', [{ name: 'before_patching' }]);
    await guest.stop();
    const { fields, sites, records } = await guest.hooks();
    assert.deepEqual(fields, [
      { name: 'paravirt_ops.kernel_rpl', value: '0' },
      { name: 'paravirt_ops.paravirt_enabled', value: '0' },
      { name: 'paravirt_ops.name', value: '"bare hardware"' },
    ]);
    assert.deepEqual([sites, records], [13, 8]);
    const both = (await guest.sites()).filter(({ operations }) => operations.length > 1);
    assert.deepEqual(
      both.map(({ operations, state }) => [operations.join(), state]),
      [['paravirt_ops.save_fl,paravirt_ops.irq_disable', 'table']],
    );
    assert.ok((await guest.sites()).every(({ state }) => state === 'table'));
  });

  test('patched by the table’s own function', async () => {
    await guest.set([{ name: 'after_patching' }]);
    await guest.goOn();
    const native = (text: string): string => `native: native instructions: ${text}`;
    const found: { [name: string]: readonly string[] } = {};
    for (const name of [
      'irq_disable',
      'restore_fl',
      'iret',
      'irq_enable_sysexit',
      'write_cr3',
      'set_lazy_mode',
    ])
      // prettier-ignore
      found[name] = states(await guest.sites(`paravirt_ops.${name}`));
    assert.deepEqual(found, {
      irq_disable: [native('cli'), native('pushf; pop eax; cli'), native('cli')],
      restore_fl: [native('push eax; popf')],
      iret: [native('iret')],
      irq_enable_sysexit: [native('sti; sysexit')],
      write_cr3: ['table: call through the table of native_write_cr3'],
      set_lazy_mode: ['table: call through the table of native_nop'],
    });
    const kinds = await guest.operations();
    assert.deepEqual(
      ['set_lazy_mode', 'iret', 'write_cr3'].map((name) => kinds.get(`paravirt_ops.${name}`)?.patch),
      ['nop', 'native', 'call'],
    ); // prettier-ignore
  });

  test('stop at their operations', async () => {
    await guest.set([
      { name: 'paravirt_ops.irq_disable' },
      { name: 'paravirt_ops.write_cr3' },
      { name: 'the_end' },
    ]);
    const texts: string[] = [];
    for (let stop = await guest.goOn(); stop.at !== 'the_end'; stop = await guest.goOn())
      texts.push(stop.text);
    assert.deepEqual(texts, [
      'paravirt_ops.irq_disable: native instructions: cli',
      'paravirt_ops.save_fl and paravirt_ops.irq_disable: native instructions: pushf; pop eax; cli',
      'paravirt_ops.irq_disable: native instructions: cli',
      'paravirt_ops.write_cr3: call through the table of native_write_cr3',
    ]);
  });
});
