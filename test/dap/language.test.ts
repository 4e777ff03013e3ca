/**
 * The language of expressions, sentence by sentence of the README, on the story's guest where it asks for
 * KVM's signature: in protected mode with paging, at an exit. Each row is an expression and its value,
 * which follows from the guest (story.s), the manuals or the row itself. Values of a type that is named are
 * decimal numbers, as in C; others have both.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { nodeScheduler } from '../../debug-adapter/host/scheduler-node.ts';
import type { TestSetup } from '../../debug-adapter/testing/test-session.ts';
import { begin, testSession } from '../../debug-adapter/testing/test-session.ts';
import type { DebugPort } from '../../emulator/debug-port.ts';
import { createMachine } from '../../emulator/debugger/debugger.ts';

const FOLDER = new URL('../../extension/sample/story/', import.meta.url);
const file = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(name, FOLDER)));
const FILES = new Map([
  ['/story.bin', file('story.bin')],
  ['/story.elf', file('story.elf')],
]);

type Rows = readonly (readonly [expression: string, value: string | RegExp])[];

describe('expressions', { timeout: 60_000 }, () => {
  let setup: TestSetup<DebugPort>;

  before(async () => {
    setup = testSession<DebugPort>(createMachine, FILES, {
      scheduler: nodeScheduler,
      clone: structuredClone,
    });
    const { client } = setup;
    await begin(client, {
      guest: { kernel: '/story.bin', format: 'flat', loadAddress: '0x7c00' },
      symbols: ['/story.elf'],
      machine: { memory: '16M', idle: 'skip' },
      hypervisor: { interface: 'kvm', profile: 'kvm-ept' },
      exitBreakpoints: [{ reason: 'CPUID', condition: 'leaf == 0x40000000' }],
    });
    await client.ask('continue', { threadId: 1 });
    await client.event('stopped');
  });
  after(() => setup.session.dispose());

  const evaluate = async (expression: string, context = 'watch'): Promise<string> => {
    const { result } = await setup.client.ask('evaluate', { expression, context });
    return String(result);
  };
  const all = (name: string, rows: Rows): void => {
    it(name, async () => {
      for (const [expression, value] of rows) {
        const result = await evaluate(expression).catch((cause: unknown) => String(cause));
        if (typeof value === 'string') assert.equal(result, value, expression);
        else assert.match(result, value, expression);
      }
    });
  };

  it('name every register that is shown, with its value', async () => {
    const groups = setup.machines[0]?.registers() ?? [];
    assert.ok(groups.length > 8);
    for (const { registers } of groups)
      for (const { name, bits, value } of registers) {
        const result = await evaluate(name);
        // what has more bits than a number of the language is only shown
        if (bits <= 32) assert.match(result, new RegExp(`^(0x0*${value.toString(16)}|${value})\\b`), name); // prettier-ignore
      }
  });

  all('name registers and their parts', [
    ['eax', '0x40000000'],
    ['EAX', '0x40000000'],
    ['eax >> 24', '0x40 (64)'],
    ['ax', '0x0 (0)'],
    ['ah', '0x0 (0)'],
    ['al', '0x0 (0)'],
    ['sf', '0x1 (1)'],
    ['cf', '0x0 (0)'],
    ['eflags.sf', '1'],
    ['eflags.iopl', '0x0'],
    ['cpl', '0x0'],
    ['ds', '0x0010'],
    ['ds.base', '0x00000000'],
    ['ds.limit', '0xffffffff'],
    ['gdtr.base', '0x00007cc8 <gdt>'],
    ['gdtr.limit', '0x0017'],
    ['idtr.base', /<idt>$/],
    ['tr', '0x0000'],
    ['cr0', '0x80010011 PE ET WP PG'],
    ['cr0.pg', '1'],
    ['cr3', '0x00010000'],
    ['cr4.pse', '1'],
    ['dr6', '0xffff0ff0'],
    ['st0', '0'],
    ['mxcsr', '0x00001f80'],
    ['xmm0.i0', '0x00000000'],
    ['msr.ia32_apic_base', '0xfee00900 (4276095232)'],
    ['msr.apic_base', '0xfee00900 (4276095232)'],
    ['msr.mtrr_def_type & 0x800', '0x800 (2048)'],
    ['msr[0x1b]', '0xfee00900 (4276095232)'],
    ['msr.tsc == tsc && msr[0x10] == tsc', '0x1 (1)'],
    ['msr.kvm_steal_time', '0x0 (0)'],
    ['msr[MSR_KVM_STEAL_TIME]', '0x0 (0)'],
    ['msr.efer', /This processor has no model-specific register 'efer'\.$/],
    ['position', '0x2310 (8976)'],
    ['position < 1e9', '0x1 (1)'],
    ['tsc == time', '0x1 (1)'],
  ]);

  all('reach memory in every form', [
    // cli, cld, xor ax, ax
    ['byte[start]', '0xfa (250)'],
    ['word[start]', '0xfcfa (64762)'],
    ['dword[0x7c00]', '0xc031fcfa (3224501498)'],
    ['qword[0x7c00]', '0xc08ed88ec031fcfa (13875265609596534010)'],
    ['byte[ds:0x7c00]', '0xfa (250)'],
    ['byte[ds:esi] == byte[esi]', '0x1 (1)'],
    ['word[0x7c0:0]', '0xfcfa (64762)'],
    ['dword[ss:esp + 4] == dword[esp + 4]', '0x1 (1)'],
    ['phys:word[0x7c00]', '0xfcfa (64762)'],
    // linear 0xc0018088 is 0x00018088, by a page of 4 MiB
    ['translate(0xc0018088)', '0x18088 (98440)'],
    ['dword[0xc0018088] == phys:dword[translate(0xc0018088)]', '0x1 (1)'],
    ['*(u16 *)start', '64762'],
    ['((char *)start)[1]', "-4 '\\xfc'"],
    ['((u8 *)start)[1]', '252'],
    ['byte[0xd0000000]', /There is no readable memory at linear address 0xd0000000/],
    ['phys:byte[0xffff0000]', /There is no readable memory at/],
  ]);

  all('name exits and what they are about', [
    ['exit.reason == CPUID && exit.leaf == 0x40000000', '0x1 (1)'],
    ['exit.leaf', '0x40000000 (1073741824)'],
    ['leaf == 0x40000000', '0x1 (1)'],
    ['exit.rip', /<find_hypervisor\+0x26>$/],
    ['exits', '0x2b8 (696)'],
    ['exits.CPUID', '0x3 (3)'],
    ['exits.io_instruction + exits.CPUID + exits.CR_ACCESS == exits', '0x1 (1)'],
    ['console contains "Real mode"', '0x1 (1)'],
    ['console contains "login"', '0x0 (0)'],
  ]);

  all('calculate as C does, in up to 64 bits', [
    ['0xffffffff + 1', '0x0 (0)'],
    ['(u64)0xffffffff + 1', '4294967296'],
    ['0xffffffffffffffff', '0xffffffffffffffff (18446744073709551615)'],
    ['0xffffffffffffffff + 1', '0x0 (0)'],
    ['0x100000000 * 0xffffffff', '0xffffffff00000000 (-4294967296)'],
    ['(u64)0x100000000 * 0xffffffff', '18446744069414584320'],
    ['9007199254740993 - 1', '0x20000000000000 (9007199254740992)'],
    ['-7 / 2', '0xfffffffd (-3)'],
    ['-7 % 2', '0xffffffff (-1)'],
    ['(s8)0xff', '-1'],
    ['(u8)0x1ff', '255'],
    ['(s64)-1 >> 63', '-1'],
    ['1 ? 2 : 3', '0x2 (2)'],
    ['0 && 1/0', '0x0 (0)'],
    ["'A'", '0x41 (65)'],
    ['0b101 | 1 ^ 3', '0x7 (7)'],
    ['~0', '0xffffffff (-1)'],
  ]);

  all('have functions', [
    ['symbol(eip)', 'find_hypervisor+0x26'],
    ['symbol(0x7c00)', 'start'],
    ['translate(0x7c00)', '0x7c00 (31744)'],
    ['translate(0xdead0000)', '0xffffffffffffffff (-1)'],
    ['string(0x7c69)', /^"Guestscope: the story of a guest/],
    ['string(0x7c69, 10) == "Guestscope"', '0x1 (1)'],
    ['bits(cr4, 5, 4)', '0x1 (1)'],
    ['bit(cr0, 31)', '0x1 (1)'],
    ['min(1, 2) + max(3, 4) + abs(-5)', '0xa (10)'],
  ]);

  for (const [expression, position] of [
    ['eax + nonsense', 6],
    ['1 +', 3],
    ['dword[eax', 9],
    ['(eax + 1', 8],
    ['eax == == 2', 7],
    ['2 * 1/0', 5],
    ['1 + byte[0xd0000000]', 4],
    ['7 + min(1)', 4],
    ['1 + msr[0x12345]', 4],
    ['1 + "a"', 2],
    ['3 $ 4', 2],
  ] as const)
    it(`have a mistake at its character: ${expression}`, async () => {
      const refusal = await setup.client.refused('evaluate', { expression, context: 'watch' });
      const [, text, mark] = refusal.split('\n');
      assert.equal(text, `  ${expression}`, refusal);
      assert.equal(mark, `  ${' '.repeat(position)}^`, refusal);
    });

  it('are the same in conditions, log messages, watches, hovers and the debug console', async () => {
    const { client } = setup;
    const expression = 'exit.leaf == 0x40000000';
    for (const context of ['watch', 'hover', 'repl', 'clipboard', 'variables'])
      assert.equal(await evaluate(expression, context), '0x1 (1)', context);
    const { breakpoints } = await client.ask('setInstructionBreakpoints', {
      breakpoints: [
        { instructionReference: '0x7c00', condition: 'dword[esp] == msr.apic_base' },
        { instructionReference: '0x7c00', logMessage: '{symbol(eip)} {dword[esp]}' },
        { instructionReference: '0x7c00', condition: 'eax + nonsense' },
      ],
    });
    const outcomes = breakpoints as { verified: boolean; message?: string }[];
    assert.deepEqual(outcomes.map(({ verified }) => verified), [true, true, false]); // prettier-ignore
    assert.match(outcomes[2]?.message ?? '', /no name 'nonsense' here/);
  });

  it('change nothing but in the debug console', async () => {
    for (const context of ['watch', 'hover', 'clipboard', 'variables'])
      assert.match(
        await setup.client.refused('evaluate', { expression: 'ebx = 5', context }),
        /must not change the guest; assign in the debug console/,
      );
    assert.equal(await evaluate('ebx'), '0x00000000');
    assert.equal(await evaluate('ebx = 5', 'repl'), '0x00000005');
    assert.equal(await evaluate('ebx'), '0x00000005');
    assert.equal(await evaluate('ebx = 0', 'repl'), '0x00000000');
  });
});

describe('commands of the debug console', { timeout: 60_000 }, () => {
  it('all have their line in help, their own help, and are completed', async () => {
    const host = { scheduler: nodeScheduler, clone: structuredClone };
    const { client, session } = testSession<DebugPort>(createMachine, FILES, host);
    await begin(client, { guest: { kernel: '/story.bin', format: 'flat', loadAddress: '0x7c00' } });
    const say = async (expression: string): Promise<string> =>
      String((await client.ask('evaluate', { expression, context: 'repl' }))['result']);
    const all = await say('help');
    const named = ['help', 'exits', 'walk', 'gdt', 'idt', 'find', 'dump', 'inject', 'exit', 'translate', 'vmcs', 'hypercalls', 'devices']; // prettier-ignore
    for (const name of named) {
      const [usage = '', meaning = ''] = (await say(`help ${name}`)).split('\n');
      assert.equal(usage.split(' ')[0], name);
      assert.ok(all.includes(usage) && all.includes(meaning.trim()) && meaning.length > 10, name);
      const text = name.slice(0, -1);
      const { targets } = await client.ask('completions', { text, column: text.length + 1 });
      assert.ok(
        (targets as { label: string }[]).some(({ label }) => label === name),
        name,
      );
    }
    session.dispose();
  });
});
