/** Registers of the 8259A pair, the local APICs and the I/O APIC, by the names of their data sheets. */
import { IO_APIC_ADDRESS } from '../../../devices/io-apic.ts';
import { LOCAL_APIC_ADDRESS } from '../../../devices/local-apic.ts';
import { type Bits, hex } from '../detail.ts';
import type { ChipAccess, DeviceRegister, DeviceRow, DeviceView } from './device-view.ts';

const inputs = (first: number, what: string): readonly Bits[] =>
  Array.from({ length: 8 }, (_, low) => ({
    name: `IRQ${String(first + low)}`,
    low,
    meaning: what,
  }));

/** @param base port of the command register; @param elcr of the edge/level register. */
export function pic(base: number, elcr: number, firstIrq: number): DeviceView {
  return ({ state, writePort }) => {
    const level = state.number('elcr');
    const requests = (state.number('latch') & ~level) | (state.number('lines') & level);
    const vector = state.number('vectorBase');
    // prettier-ignore
    return [
      { name: 'IRR',  value: requests & 0xff, bits: 8, fields: inputs(firstIrq, 'requests an interrupt') },
      { name: 'IMR',  value: state.number('imr'), bits: 8, fields: inputs(firstIrq, 'masked'), ...(state.number('expects') === 0 && { write: (value: number) => { writePort(base + 1, value); } }) },
      { name: 'ISR',  value: state.number('isr'), bits: 8, fields: inputs(firstIrq, 'in service') },
      { name: 'ELCR', value: level, bits: 8, fields: inputs(firstIrq, 'level-triggered'), write: (value: number) => { writePort(elcr, value); } },
      { name: 'ICW1', value: state.number('icw1'), bits: 8, meaning: state.number('expects') === 0 ? 'initialized' : `waits for ICW${String(state.number('expects'))}` },
      { name: 'ICW2', value: vector, bits: 8, meaning: `vectors ${hex(vector, 2)}-${hex(vector + 7, 2)}` },
      { name: 'ICW3', value: state.number('icw3'), bits: 8 },
      { name: 'ICW4', value: state.number('icw4'), bits: 8, fields: [{ name: 'uPM', low: 0, meaning: '8086 mode' }, { name: 'AEOI', low: 1, meaning: 'automatic end of interrupt' }, { name: 'SFNM', low: 4, meaning: 'special fully nested' }] },
      { name: 'lowest priority', value: state.number('lowestPriority'), bits: 8 },
    ];
  };
}

/** SDM vol. 3, table 11-1; ISR, TMR and IRR are summed up. */
// prettier-ignore
const LOCAL_APIC = [
  // name, offset, writable
  ['ID',               0x020, true],  ['version',       0x030, false], ['TPR',        0x080, true],
  ['PPR',              0x0a0, false], ['LDR',           0x0d0, true],  ['DFR',        0x0e0, true],
  ['SVR',              0x0f0, true],  ['ESR',           0x280, true],  ['ICR 31:0',   0x300, true],
  ['ICR 63:32',        0x310, true],  ['LVT timer',     0x320, true],  ['LVT thermal', 0x330, true],
  ['LVT performance',  0x340, true],  ['LVT LINT0',     0x350, true],  ['LVT LINT1',  0x360, true],
  ['LVT error',        0x370, true],  ['initial count', 0x380, true],  ['current count', 0x390, false],
  ['divide configuration', 0x3e0, true],
] as const;

// prettier-ignore
const DELIVERY: Bits = { name: 'delivery', low: 8, width: 3, meaning: '', values: ['fixed', 'lowest priority', 'SMI', 'reserved', 'NMI', 'INIT', 'start-up', 'ExtINT'] };
// prettier-ignore
const LVT_FIELDS: readonly Bits[] = [
  { name: 'vector', low: 0, width: 8, meaning: '' }, DELIVERY,
  { name: 'status', low: 12, meaning: 'delivery status', values: ['idle', 'pending'] },
  { name: 'level', low: 15, meaning: '', values: ['edge', 'level'] }, { name: 'mask', low: 16, meaning: '', values: ['not masked', 'masked'] },
  { name: 'timer mode', low: 17, width: 2, meaning: '', values: ['one-shot', 'periodic', 'TSC deadline'] },
];

export function localApic({
  processor,
  state,
  readMmio,
  writeMmio,
}: ChipAccess): readonly DeviceRow[] {
  const own = state.parts('apics').at(processor);
  const registers = LOCAL_APIC.map(([name, offset, writable]): DeviceRegister => {
    const address = LOCAL_APIC_ADDRESS + offset;
    return {
      name,
      value: readMmio(address),
      bits: 32,
      ...(name.startsWith('LVT') && { fields: LVT_FIELDS }),
      ...(name === 'SVR' && {
        fields: [
          { name: 'vector', low: 0, width: 8, meaning: 'spurious vector' },
          { name: 'enabled', low: 8, meaning: 'software enable' },
        ],
      }),
      ...(writable && {
        write: (value: number) => {
          writeMmio(address, value);
        },
      }),
    };
  });
  const vectors = (['isr', 'tmr', 'irr'] as const).map((name) => ({
    name: name.toUpperCase(),
    summary: vectorsText(own?.numbers(name) ?? []),
    rows: [],
  }));
  return [...registers, ...vectors];
}

/** "0x30 0xef": the vectors whose bits are one. */
function vectorsText(words: readonly number[]): string {
  const vectors = Array.from({ length: 256 }, (_, vector) => vector).filter(
    (vector) => (((words[vector >> 5] ?? 0) >>> (vector & 31)) & 1) === 1,
  );
  return vectors.length === 0 ? 'none' : vectors.map((vector) => hex(vector, 2)).join(' ');
}

// prettier-ignore
const REDIRECTION: readonly Bits[] = [
  { name: 'vector', low: 0, width: 8, meaning: '' }, DELIVERY,
  { name: 'destination mode', low: 11, meaning: '', values: ['physical', 'logical'] },
  { name: 'polarity', low: 13, meaning: '', values: ['active high', 'active low'] }, { name: 'remote IRR', low: 14, meaning: 'accepted, not ended' },
  { name: 'trigger', low: 15, meaning: '', values: ['edge', 'level'] }, { name: 'mask', low: 16, meaning: '', values: ['not masked', 'masked'] },
];
const FIRST_REDIRECTION = 0x10;

export function ioApic({ state, writeMmio }: ChipAccess): readonly DeviceRow[] {
  const select = state.number('select');
  const write = (register: number) => (value: number) => {
    writeMmio(IO_APIC_ADDRESS, register);
    writeMmio(IO_APIC_ADDRESS + 0x10, value);
    writeMmio(IO_APIC_ADDRESS, select);
  };
  const high = state.numbers('high');
  const lines = state.number('lines');
  const entries = state.numbers('low').map((low, input): DeviceRow => {
    const register = FIRST_REDIRECTION + 2 * input;
    const isMasked = (low & 0x10000) !== 0;
    const line = ((lines >>> input) & 1) === 1 ? ', line asserted' : '';
    return {
      name: `input ${String(input)}`,
      summary: (isMasked ? 'masked' : `vector ${hex(low & 0xff, 2)}`) + line,
      rows: [
        { name: 'low', value: low >>> 0, bits: 32, fields: REDIRECTION, write: write(register) },
        { name: 'high', value: (high[input] ?? 0) >>> 0, bits: 32, write: write(register + 1) },
      ],
    };
  });
  return [
    { name: 'IOREGSEL', value: select, bits: 8 },
    { name: 'ID', value: state.number('id') >>> 0, bits: 32, write: write(0) },
    ...entries,
  ];
}
