/** What people write to take the hypervisor's place, and the tables and files of what exits add up to. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ExitStatistics } from '../../emulator/hypervisor/exit-statistics.ts';
import { parseEvent, parseExitAction } from './exit-actions.ts';
import {
  csv,
  hypercallsText,
  rateText,
  statisticsText,
  topText,
  withFunctions,
} from './exit-reports.ts';
import { parse, surroundings } from '../expressions/expressions.ts';
import { GuestImage } from '../symbols/guest-image.ts';
import { SymbolTable } from '../symbols/symbol-table.ts';

const SYMBOLS = new SymbolTable([
  {
    image: new GuestImage('a file'),
    symbols: [
      { name: 'outb', address: 0x1000, size: 0x10 },
      { name: 'cpuid', address: 0x2000, size: 0x10 },
    ],
  },
]);
const read = (text: string) => parse(text, surroundings({ symbols: SYMBOLS }));

/** An action with the texts of its expressions. */
const written = (text: string): unknown =>
  JSON.parse(
    JSON.stringify(parseExitAction(text, read), (key, value: unknown) =>
      key === 'syntax' ? undefined : value,
    ),
  );

describe('actions', () => {
  test('skip and return take registers with expressions', () => {
    assert.deepEqual(written('skip'), { kind: 'skip', registers: [] });
    assert.deepEqual(written('return eax = max(1, ebx), CL=[esp]'.replace('[esp]', 'byte[esp]')), {
      kind: 'return',
      registers: [
        { register: 'eax', value: { text: 'max(1, ebx)' } },
        { register: 'CL', value: { text: 'byte[esp]' } },
      ],
    });
  });

  // SDM vol. 3, table 6-1: which exceptions push an error code
  test('exceptions have an error code and an address as the manual says', () => {
    const of = (text: string): unknown => (written(`inject ${text}`) as { event: unknown }).event;
    const exception = { kind: 'exception', address: null };
    assert.deepEqual(of('#UD'), { ...exception, vector: 6, errorCode: null });
    assert.deepEqual(of('#GP'), { ...exception, vector: 13, errorCode: { text: '0' } });
    assert.deepEqual(of('#gp(0x10)'), { ...exception, vector: 13, errorCode: { text: '0x10' } });
    const fault = { kind: 'exception', vector: 14, address: { text: '0x1000' } };
    assert.deepEqual(of('#PF 0x1000 2'), { ...fault, errorCode: { text: '2' } });
    assert.deepEqual(of('#PF 0x1000'), { ...fault, errorCode: { text: '0' } });
    assert.deepEqual(of('interrupt 0x20'), { kind: 'interrupt', vector: { text: '0x20' } });
    assert.deepEqual(parseEvent('NMI', read), { kind: 'nmi' });
  });

  test('what is none is refused with the usage', () => {
    for (const [text, sentence] of [
      ['jump', /'jump' is nothing that can be done with an exit\. Usage: skip/],
      ['return', /Name a register and its value/],
      ['skip eax', /'eax' is no REGISTER=VALUE/],
      ['skip eax==5', /is no REGISTER=VALUE/],
      ['inject #XX', /There is no exception #XX/],
      ['inject #UD 5', /#UD has no error code/],
      ['inject #GP 1 2', /'2' is more than #GP has/],
      ['inject tomorrow', /is no event/],
      ['skip eax=)', /./],
    ] as const) {
      assert.throws(() => parseExitAction(text, read), sentence, text);
    }
  });
});

const COUNTS: ExitStatistics = {
  total: 100,
  reasons: [
    { reason: 'CPUID', number: 10, count: 10 },
    { reason: 'IO_INSTRUCTION', number: 30, count: 88 },
    { reason: 'VMCALL', number: 18, count: 2 },
  ],
  details: [
    { reason: 'IO_INSTRUCTION', what: 'port', detail: 'out 0x3f8', count: 80 },
    { reason: 'VMCALL', what: 'hypercall', detail: 'KVM_HC_KICK_CPU', count: 2 },
  ],
  addresses: [
    { address: 0x1004, reason: 'IO_INSTRUCTION', count: 50 },
    { address: 0x1008, reason: 'IO_INSTRUCTION', count: 30 },
    { address: 0x2000, reason: 'CPUID', count: 10 },
    { address: 0x500, reason: 'VMCALL', count: 2 },
  ],
  interrupts: [{ vector: 0x20, count: 3 }],
  others: { details: 8, addresses: 8 },
  rate: { width: 1000, stretches: [{ CPUID: 10 }, {}, { IO_INSTRUCTION: 88, VMCALL: 2 }] },
};

describe('reports', () => {
  const counts = withFunctions(COUNTS, SYMBOLS);

  test('functions gather the addresses within them', () => {
    assert.deepEqual(counts.functions, [
      { name: 'outb', count: 80 },
      { name: 'cpuid', count: 10 },
    ]);
    assert.equal(counts.addresses[1]?.symbol, 'outb+0x8');
  });

  test('tables show the most frequent with their share, and the rest as one line', () => {
    assert.equal(
      topText(counts, 'reason', 2),
      ['88   88.0 %  IO_INSTRUCTION', '10   10.0 %  CPUID', ' 2    2.0 %  (others)'].join('\n'),
    );
    assert.match(
      topText(counts, 'address', 1),
      /^50 .* 0x00001004 <outb\+0x4> IO_INSTRUCTION\n50 .*\(others\)$/,
    );
    assert.match(topText(counts, 'function', 5), /^80 .*outb\n10 .*cpuid\n10 .*\(others\)$/);
    assert.equal(hypercallsText(counts, 5), '2  100.0 %  KVM_HC_KICK_CPU');
    assert.equal(
      topText({ ...counts, interrupts: [] }, 'interrupt', 5),
      'There is nothing to count by interrupt yet.',
    );
  });

  test('the rate is a chart', () => {
    assert.deepEqual(rateText(counts).split('\n'), [
      'exits of each 1000 instructions, from:',
      `   0  10  ${'#'.repeat(5)}`,
      '1000   0',
      `2000  90  ${'#'.repeat(40)}`,
    ]);
  });

  test('CSV has a row for each count, quoted where need be; JSON is the whole', () => {
    const lines = statisticsText(counts, 'csv').trimEnd().split('\n');
    assert.equal(lines[0], 'kind,reason,name,value,count');
    assert.ok(lines.includes('reason,CPUID,,10,10'));
    assert.ok(lines.includes('address,IO_INSTRUCTION,outb+0x4,0x00001004,50'));
    assert.ok(lines.includes('rate,VMCALL,from instruction,2000,2'));
    assert.equal(csv([['a"b', 'c,d', 'e\nf', 1]]), '"a""b","c,d","e\nf",1\n');
    assert.deepEqual(
      JSON.parse(statisticsText(counts, 'json')),
      JSON.parse(JSON.stringify(counts)),
    );
  });
});
