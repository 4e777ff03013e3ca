/**
 * The story of extension/sample/story as a whole machine tells it: what it says under KVM's interface
 * and on bare hardware, which of its instructions leave the guest, and that it is the same story to the
 * last bit however the run is cut into slices.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { elfSymbols, parseElf } from '../../emulator/formats/elf.ts';
import type { ExitRecord } from '../../emulator/stop-reason.ts';
import { STORY } from './build.ts';
import { type Fingerprint, GuestRun } from './whole-machine.ts';

const image = readFileSync(path.join(STORY, 'story.bin'));
const symbols = new Map(
  [...elfSymbols(parseElf(readFileSync(path.join(STORY, 'story.elf'))))].map(
    ({ name, value }) => [name, value] as const,
  ),
);
/** Address of a symbol as the story prints it. */
const printed = (name: string): string =>
  (symbols.get(name) ?? NaN).toString(16).toUpperCase().padStart(8, '0');

const LINE = 'the quick brown fox';
const PROMPT = '10 Serial port: type a line: ';

/** Runs to the prompt; the position at which it waits there. */
function toPrompt(run: GuestRun, budget?: number): number {
  const stop = run.go({
    ...(budget !== undefined && { budget }),
    done: ({ kind }) => kind === 'idle' && run.text.endsWith(PROMPT),
  });
  assert.equal(stop.kind, 'idle');
  return run.machine.cpu.retired;
}

/** The whole story with LINE typed at the prompt. */
function told(type: 'kvm' | 'bare'): GuestRun {
  const run = new GuestRun({ image, interface: type });
  toPrompt(run);
  run.type(`${LINE}\r`);
  const stop = run.go();
  assert.deepEqual(stop, { kind: 'power-off', code: 0, via: 'debug-exit port 0xf4' });
  return run;
}

function hooks(kvm: readonly string[]): string[] {
  const names = ['irq_disable', 'irq_enable', 'safe_halt', 'io_delay', 'write_cr3', 'get_time'];
  return names.map((name) => {
    const kind = kvm.includes(name) ? 'kvm' : 'native';
    return `  ${name.padEnd(12)} ${printed(`${kind}_${name}`)} ${kind === 'kvm' ? 'KVM' : 'native'}`;
  });
}

/** The serial text as lines; what it says about time is cut out and returned apart. */
function lines(run: GuestRun): { readonly text: readonly string[]; readonly waited: number } {
  const waited = /took (\d+) us, (\d+) times halted/.exec(run.text);
  assert.ok(waited !== null, run.text);
  assert.equal(waited[2], '5', 'one HLT for each tick');
  const text = run.text.replace(waited[0], 'took a while').split('\r\n');
  return { text, waited: Number(waited[1]) };
}

const stack = printed('stack_top');
const CHAPTERS_1_TO_3 = [
  'Guestscope: the story of a guest',
  '',
  '1 Real mode: sixteen bits, segments, no protection',
  '2 Protected mode: CR0 = 00000011',
  `3 Paging: CR3 = ${printed('first_directory')}, CR0 = 80010011`,
  `  written at C${printed('shared_word').slice(1)} (4 MiB page), read at ${printed('shared_word')} (4 KiB page): 600DCAFE`,
  '  page fault at 00800000, error code 0; after it the page reads 12345678',
];
// 00050014: an integrated APIC (SDM vol. 3, 10.4.8); FEE00900: at its place, enabled, bootstrap processor
const CHAPTERS_5_AND_6 = [
  `5 MSRs: IA32_APIC_BASE = FEE00900, IA32_SYSENTER_ESP = ${stack}`,
  '6 Local APIC: version 00050014, LINT0 = 00000700',
];
const CHAPTERS_9_TO_11 = [
  '  address 00800000 reads 11111111 in the first address space, 22222222 in the second',
  '9 Interrupts: waiting for 5 ticks of the timer, which took a while',
  `10 Serial port: type a line: ${LINE}`,
  `  You typed ${LINE.length} characters: ${LINE}`,
  '11 Power off',
  '',
];

describe('under KVM', () => {
  const run = told('kvm');
  const exits = (name: string): readonly ExitRecord[] =>
    run.exits.filter((exit) => exit.name === name);

  test('the story takes the paravirtual way', () => {
    const { text, waited } = lines(run);
    assert.deepEqual(text, [
      ...CHAPTERS_1_TO_3,
      // feature bits 0, 1, 3, 5, 6, 7, 11, 12, 13, 24: what emulator/paravirt offers
      '4 CPUID: processor GenuineIntel, hypervisor KVMKVMKVM, features 01007AFB',
      ...CHAPTERS_5_AND_6,
      '7 Hypercalls: VAPIC_POLL_IRQ (1) says 0, number 42 says -1000',
      '8 Hooks, for KVM:',
      ...hooks(['irq_enable', 'io_delay', 'get_time']),
      ...CHAPTERS_9_TO_11,
    ]);
    // five periods of 10 ms, the first of which had begun; the clock counts microseconds
    assert.ok(waited > 40_000 && waited < 50_000, `${waited} us`);
    assert.deepEqual(run.notices, []);
  });

  test('each byte on the serial port is an exit with port, size and value', () => {
    const sent = exits('IO_INSTRUCTION').filter(
      ({ fields }) => fields['port'] === 0x3f8 && fields['direction'] === 0,
    );
    // the first is the divisor of the speed
    const bytes = sent.slice(1).map(({ fields }) => fields['value'] ?? NaN);
    assert.equal(Buffer.from(bytes).toString('latin1'), run.text);
    const first = sent[1];
    assert.equal(first?.detail, 'out 0x3f8, 1 byte, 0x47');
    // SDM vol. 3, table 28-5: size 1, OUT, port in DX
    assert.equal(first.qualification, 0x3f80000);
    assert.equal(first.instructionLength, 1);
  });

  test('CPUID, with the leaf in EAX', () => {
    const leaves = exits('CPUID').map(({ fields }) => fields['leaf']);
    assert.deepEqual(leaves, [0, 1, 0x40000000, 0x40000001, 1]);
    assert.ok(exits('CPUID').every((exit) => exit.instructionLength === 2));
  });

  test('hypercalls by VMCALL, where the guest called', () => {
    const calls = exits('VMCALL');
    assert.deepEqual(
      calls.map(({ fields }) => fields['nr']),
      [1, 42, 1],
    );
    assert.deepEqual(
      calls.map(({ linearRip }) => linearRip),
      calls.map(() => symbols.get('kvm_hypercall')),
    );
    assert.equal(calls[0]?.detail, 'KVM_HC_VAPIC_POLL_IRQ()');
  });

  test('writes of CR0 and CR4 whose bits the hypervisor owns; CR3 belongs to the guest', () => {
    const accesses = exits('CR_ACCESS').map(({ detail }) => detail);
    assert.deepEqual(accesses, [
      'mov cr0, eax (0x11)', // PE
      'mov cr4, eax (0x10)', // PSE
      'mov cr0, eax (0x80010011)', // PG and WP
    ]);
  });

  test('MSRs, except those that KVM lets pass', () => {
    assert.deepEqual(
      exits('RDMSR').map(({ fields }) => fields['msr']),
      [0x1b, 0x1b],
    );
    const clock = (symbols.get('kvm_clock') ?? NaN) + 1;
    assert.deepEqual(
      exits('WRMSR').map(({ detail }) => detail),
      [
        `0x4b564d01, 0x${clock.toString(16)} (MSR_KVM_SYSTEM_TIME_NEW: on, at 0x${(clock - 1).toString(16)})`,
      ],
    );
  });

  test('the page of the local APIC, which no memory is behind', () => {
    const violations = exits('EPT_VIOLATION').map(({ detail }) => detail);
    assert.deepEqual(violations, [
      'write, 4 bytes at physical 0xfee000f0 (linear 0xfee000f0)',
      'write, 4 bytes at physical 0xfee00350 (linear 0xfee00350)',
      'read, 4 bytes at physical 0xfee00030 (linear 0xfee00030)',
      'read, 4 bytes at physical 0xfee00350 (linear 0xfee00350)',
    ]);
  });

  test('HLT, and nothing else', () => {
    assert.ok(exits('HLT').length >= 6, 'five ticks, and at least one wait for the line');
    assert.deepEqual(Object.keys(run.fingerprint.exits), [
      ...['CPUID', 'HLT', 'VMCALL', 'CR_ACCESS', 'IO_INSTRUCTION'],
      ...['RDMSR', 'WRMSR', 'EPT_VIOLATION'],
    ]);
  });

  test('an exit is seen before it is resolved', () => {
    const stopped = new GuestRun({ image, interface: 'kvm' });
    const stop = stopped.slice(10_000_000, ({ reason, eax }) => reason === 18 && eax === 42);
    assert.ok(stop.kind === 'exit');
    const { state, retired } = stopped.machine.cpu;
    assert.equal(state.gpr(0, 4), 42);
    assert.equal(state.eip, symbols.get('kvm_hypercall'));
    assert.equal(retired, stop.exit.position);
    stopped.slice(1);
    // -KVM_ENOSYS (linux/kvm_para.h)
    assert.equal(state.gpr(0, 4) | 0, -1000);
    assert.equal(state.eip, (symbols.get('kvm_hypercall') ?? NaN) + 3);
    assert.equal(stopped.machine.cpu.retired, retired + 1);
  });
});

describe('on bare hardware', () => {
  const run = told('bare');

  test('the story takes the native way', () => {
    const { text, waited } = lines(run);
    assert.deepEqual(text, [
      ...CHAPTERS_1_TO_3,
      '4 CPUID: processor GenuineIntel, no hypervisor',
      ...CHAPTERS_5_AND_6,
      '7 Hypercalls: nobody to call',
      '8 Hooks, for bare hardware:',
      ...hooks([]),
      ...CHAPTERS_9_TO_11,
    ]);
    assert.equal(waited, 50_000, 'native time is as fine as the ticks');
  });

  test('nothing leaves the guest', () => {
    assert.deepEqual(run.fingerprint.exits, {});
  });
});

/** Types LINE when exactly `at` instructions have retired, and runs to the end. */
function inSlices(type: 'kvm' | 'bare', at: number, budget: number): Fingerprint {
  const run = new GuestRun({ image, interface: type });
  run.goTo(at, budget);
  run.type(`${LINE}\r`);
  assert.equal(run.go({ budget }).kind, 'power-off');
  return run.fingerprint;
}

for (const type of ['kvm', 'bare'] as const) {
  describe(`the same run to the last bit, ${type}`, () => {
    const at = toPrompt(new GuestRun({ image, interface: type }));
    const reference = inSlices(type, at, 1_000_000);

    test('as with the line typed between two slices', () => {
      assert.deepEqual(told(type).fingerprint, reference);
    });
    // a slice of one instruction is a single step: no block is ever executed
    for (const budget of [1, 7, 64, 1000, 1_000_000]) {
      test(`in slices of ${budget}`, () => {
        assert.deepEqual(inSlices(type, at, budget), reference);
      });
    }
  });
}

test('the variable line_wait_ticks ends the wait for a line', () => {
  const run = new GuestRun({ image, interface: 'kvm' });
  toPrompt(run);
  const address = symbols.get('line_wait_ticks') ?? NaN;
  run.machine.cpu.memory.writeRam(address, Uint8Array.of(3, 0, 0, 0));
  run.go({ done: ({ kind }) => kind === 'power-off' });
  assert.match(run.text, /type a line: \r\n {2}Nobody did\.\r\n11 Power off\r\n$/);
});
