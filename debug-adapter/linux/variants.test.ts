/**
 * The structures of three generations of Linux, read out of kernels that gcc compiles here (testing/*.c).
 * They never run: their data is the guest's memory, and what is expected stands in their sources. Against
 * a real kernel the same is compared with what the guest prints.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { expressionNames } from '../../emulator/debugger/expression-names.ts';
import { evaluate, integerOf } from '../../emulator/expressions/evaluator.ts';
import { parseWritten } from '../../emulator/expressions/parser.ts';
import { valueText } from '../../emulator/expressions/value-text.ts';
import { SymbolTable, symbolsOfElf } from '../symbols/symbol-table.ts';
import { compiledC, informationOf, parsed, sectionsOf } from '../testing/debugged-program-node.ts';
import { lower } from '../typed/lowering.ts';
import { isTypeName } from '../typed/program-names.ts';
import { valueOf } from '../typed/typed.ts';
import { currentTree } from './current.ts';
import { kernelLog } from './kernel-log.ts';
import { KernelError } from './kernel-memory.ts';
import { KernelLook } from './kernel-look.ts';
import { KernelNames } from './kernel-names.ts';
import { linuxNames } from './linux-names.ts';
import { modules, moduleText } from './modules.ts';
import { perCpu } from './per-cpu.ts';
import { systemCalls } from './system-calls.ts';
import { stackOf } from './task-stack.ts';
import { tasks } from './tasks.ts';
import { Picture } from './testing/picture.ts';

const FOLDER = fileURLToPath(new URL('testing', import.meta.url));
/** kernel.h: per-CPU variables, and their copies for each CPU. */
const PLACES = '-Wl,--section-start=.percpu=0x2000000,--section-start=.copies=0x3000000';
const FLAGS = ['-g', '-fno-toplevel-reorder', PLACES];
/** Where the GDTs of the two CPUs are. */
const GDT = 0x5000000;

class Kernel {
  readonly picture: Picture;
  readonly names: KernelNames;
  readonly symbols: SymbolTable;
  readonly information;

  constructor(bytes: Uint8Array) {
    const elf = parsed(bytes);
    const debug = informationOf(sectionsOf(elf));
    this.picture = new Picture(elf);
    this.symbols = new SymbolTable([{ symbols: symbolsOfElf(elf), image: debug.image }]);
    this.information = [debug];
    this.names = new KernelNames(this);
  }

  look(): KernelLook {
    return new KernelLook(this.names, (address, count) => Promise.resolve(this.picture.read(address, count))); // prettier-ignore
  }

  addressOf(name: string): number {
    return this.look().addressOf(name);
  }

  /** An expression as the machine would evaluate it, on a processor with this base in its descriptor. */
  value(text: string, ownBase = 0): string {
    const { information, symbols } = this;
    const machine = expressionNames(new Set());
    const around = { information, symbols, machine, constants: new Map(), frame: null, system: linuxNames(this.names) }; // prettier-ignore
    const written = parseWritten(text, (word) => isTypeName(word, around));
    return valueText(evaluate(valueOf(lower(written, around)), this.scope(ownBase)), false);
  }

  current(ownBase: number, cpu: number | null = null): number {
    const value = evaluate(currentTree(this.names, cpu), this.scope(ownBase));
    assert.ok(value.kind === 'integer');
    return Number(value.value);
  }

  private scope(ownBase: number): Parameters<typeof evaluate>[1] {
    // entry 27 of a GDT: limit 15:0, base 23:0, rights, base 31:24
    this.picture.write(GDT + 27 * 8 + 2, ownBase & 0xffffff, 3);
    this.picture.write(GDT + 27 * 8 + 7, ownBase >>> 24, 1);
    return {
      value: (name) => (name === 'gdtr.base' ? integerOf(GDT, 32) : null),
      read: (_space, address, length) => this.picture.read(address, length),
      translate: (linear) => linear,
      msr: () => null,
    };
  }
}

function kernel(name: string): Kernel | null {
  const bytes = compiledC(FOLDER, [`kernel-${name}.c`], FLAGS);
  return bytes === null ? null : new Kernel(bytes);
}

const skip = kernel('6.1') === null && 'gcc does not compile for i386 here';
const of = (name: string): Kernel => {
  const made = kernel(name);
  assert.ok(made !== null, `gcc refuses kernel-${name}.c`);
  return made;
};

async function taskRows(look: KernelLook): Promise<readonly string[]> {
  const { rows, problem } = await tasks(look);
  assert.equal(problem, null);
  return rows.map((task) => {
    assert.equal(task.problem, null);
    const { pid, tgid, parent, cpu, state, name, isKernelThread } = task;
    return `${pid} ${tgid} ${parent} cpu${cpu} ${state} ${name}${isKernelThread ? ' kernel' : ''}`;
  });
}

async function logRows(look: KernelLook): Promise<readonly unknown[]> {
  const { rows, problem } = await kernelLog(look);
  assert.equal(problem, null);
  return rows.map(({ time, level, facility, text }) => [time, level, facility, text]);
}

async function moduleRows(look: KernelLook): Promise<readonly string[]> {
  const { rows, problem } = await modules(look);
  assert.equal(problem, null);
  return rows.map((module) => {
    assert.equal(module.problem, null);
    const sections = module.sections.map(({ name, address }) => ` ${name}=${address.toString(16)}`);
    return moduleText(module) + sections.join('');
  });
}

async function frames(look: KernelLook, name: string): Promise<readonly string[]> {
  const task = (await tasks(look)).rows.find((each) => each.name === name);
  assert.ok(task !== undefined);
  const { frames: found, problem } = await stackOf(look, task);
  return [...found.map(({ symbol }) => symbol ?? '?'), ...(problem === null ? [] : [problem])];
}

test('2.6.20: tasks, log, modules, per-CPU variables, system calls', { skip }, async () => {
  const guest = of('2.6.20');
  const look = guest.look();
  assert.equal(await look.banner(), 'Linux version 2.6.20 (test)');
  assert.deepEqual(await taskRows(look), [
    '1 1 0 cpu1 S (sleeping) init',
    '20 20 1 cpu1 R (running) shell of 15 chr',
    '21 20 1 cpu1 D (disk sleep) thread',
    '22 22 20 cpu0 Z (zombie) zombie kernel',
  ]);
  assert.deepEqual(await frames(look, 'init'), ['schedule+0x5', 'sys_wait4+0x9']);
  assert.match((await frames(look, 'thread')).join(), /not in its stack/);
  assert.deepEqual(await logRows(look), [
    [null, 4, 0, 'ost'],
    [1_500_000_000n, 6, 0, 'one'],
    [2_000_002_000n, 4, 0, 'two'],
    [null, 3, 0, 'without time'],
  ]);
  assert.deepEqual(await moduleRows(look), [
    'ext3 36864 0 [permanent], Loading 0xd0810000',
    'jbd 16384 1 ext3, Live 0xd0800000 .text=d0800000 .data=d0803000',
  ]);
  assert.equal(await (await perCpu(look, 'count', 1)).number(), 8);
  await assert.rejects(perCpu(look, 'count', 2), /no CPU 2; this kernel has CPUs 0 to 1/);
  assert.deepEqual(
    (await systemCalls(look)).map(({ number, name }) => `${number} ${name}`),
    ['0 restart_syscall', '1 exit', '2 ni_syscall'],
  );
  assert.equal(guest.current(guest.addressOf('second_pda')), guest.addressOf('shell'));
  assert.equal(guest.current(0, 0), guest.addressOf('init_task'));
  const second = guest.addressOf('second_pda');
  assert.equal(guest.value('current->pid', second), '20');
  assert.equal(guest.value('this_cpu(count)', second), '8');
  assert.equal(guest.value('per_cpu(count, 0) + per_cpu(count, 1)'), '15');
});

test('3.x: tasks, log, modules, per-CPU variables', { skip }, async () => {
  const guest = of('3.x');
  const look = guest.look();
  assert.deepEqual(await taskRows(look), [
    '1 1 0 cpu0 D (disk sleep) systemd',
    '9 1 0 cpu0 Z (zombie) worker kernel',
  ]);
  assert.deepEqual(await logRows(look), [
    [1000n, 6, 0, 'oldest\nof all'],
    [1_500_000_000n, 4, 0, 'half whole'],
  ]);
  assert.deepEqual(await moduleRows(look), ['loop 20480 2 [permanent], Live 0xd0800000']);
  assert.equal(await (await perCpu(look, 'current_task', 1)).number(), guest.addressOf('thread'));
  assert.equal(guest.value('current->comm == "worker"', 0x1001000), '1');
  assert.equal(guest.value('per_cpu(current_task, 0)->pid'), '1');
  assert.equal(guest.value('this_cpu(counters).decs', 0x1001000), '4');
});

test('6.1: tasks, log, modules, system calls', { skip }, async () => {
  const guest = of('6.1');
  const look = guest.look();
  assert.deepEqual(await taskRows(look), ['2 2 0 cpu0 I (idle) kworker/0:0-events kernel']);
  assert.deepEqual(await frames(look, 'kworker/0:0-events'), ['__schedule+0x7', 'kthreadd+0x3']);
  assert.deepEqual(await logRows(look), [
    [1_234_567_890n, 6, 1, 'seventeen letters'],
    [2_000_000_000n, 3, 0, 'over the end\n2 lines'],
    [2_100_000_000n, 7, 0, ''],
  ]);
  assert.deepEqual(await moduleRows(look), [
    'ext4 12288 0 - Unloading 0xd0991000',
    'crc16 16384 1 ext4, Live 0xd0809000 .text=d0809000',
  ]);
  const names = (await systemCalls(look)).map(({ name }) => name);
  assert.deepEqual(names, ['restart_syscall', 'exit', 'ni_syscall']);
  assert.equal(guest.value('current->pid'), '2');
  assert.equal(guest.value('per_cpu(current_task, 0)->tgid'), '2');
  assert.equal(guest.value('syscall(1) == &__ia32_sys_exit'), '1');
});

test('what is damaged ends with a sentence', { skip }, async () => {
  const guest = of('6.1');
  const { picture } = guest;
  const list = guest.addressOf('modules');
  const first = picture.word(list);
  picture.write(first, first, 4);
  const { rows, problem } = await modules(guest.look());
  assert.deepEqual(rows.map(({ name }) => name), ['ext4']); // prettier-ignore
  assert.match(problem ?? '', /^The list is damaged after the entry at 0x[0-9a-f]{8}: It leads in a circle\.$/); // prettier-ignore
  picture.write(first, 0xfffffff0, 4);
  const wild = await modules(guest.look());
  assert.match(wild.problem ?? '', /0xfffffff0: Memory at 0xfffffff0 cannot be read\.$/);
  assert.match(wild.rows[1]?.problem ?? '', /cannot be read/);
  picture.write(guest.addressOf('prb'), 0, 4);
  await assert.rejects(kernelLog(guest.look()), KernelError);
  picture.write(guest.addressOf('printk_rb_static'), 31, 4);
  picture.write(guest.addressOf('prb'), guest.addressOf('printk_rb_static'), 4);
  await assert.rejects(kernelLog(guest.look()), /log is not set up yet/);
  picture.write(guest.addressOf('linux_banner'), 0, 4);
  assert.equal(await guest.look().banner(), null);
});

test('a log of records whose lengths lie ends where they do', { skip }, async () => {
  const guest = of('3.x');
  guest.picture.write(guest.addressOf('ring') + 32 + 8, 0xfff0, 2);
  const { rows, problem } = await kernelLog(guest.look());
  assert.deepEqual(rows.map(({ text }) => text), ['oldest\nof all', 'half']); // prettier-ignore
  assert.match(problem ?? '', /damaged/);
});

test('without types only what needs none is told', { skip }, async () => {
  const { symbols, picture } = of('2.6.20');
  const read = (at: number, count: number): Promise<Uint8Array> => Promise.resolve(picture.read(at, count)); // prettier-ignore
  const look = new KernelLook(new KernelNames({ symbols, information: [] }), read);
  assert.equal((await kernelLog(look)).rows.length, 4);
  assert.equal((await systemCalls(look)).length, 3);
  await assert.rejects(tasks(look), /"struct task_struct" is not known: list a vmlinux/);
});
