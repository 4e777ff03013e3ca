/** Registers of the 8254, the MC146818, the HPET and ACPI's fixed hardware, by the names of their manuals. */
import { PM1A_CONTROL_PORT, PM1A_EVENT_PORT } from '../../../devices/acpi-power.ts';
import { HPET_ADDRESS } from '../../../devices/hpet.ts';
import { type Bits, hex } from '../detail.ts';
import { type ChipAccess, type DeviceRow, namedBits } from './device-view.ts';

const COUNTER_PORT = 0x40;
const CONTROL_WORD_PORT = 0x43;
// prettier-ignore
const CONTROL_WORD: readonly Bits[] = [
  { name: 'BCD', low: 0, meaning: '', values: ['binary', 'BCD'] },
  { name: 'mode', low: 1, width: 3, meaning: 'mode', values: ['interrupt on terminal count', 'one-shot', 'rate generator', 'square wave', 'software strobe', 'hardware strobe', 'rate generator', 'square wave'] },
  { name: 'RW', low: 4, width: 2, meaning: '', values: ['latch', 'low byte', 'high byte', 'low byte, then high byte'] },
];

export function timer({ state, writePort }: ChipAccess): readonly DeviceRow[] {
  return state.parts('counters').map((counter, index): DeviceRow => {
    const [mode, access, bcd] = ['mode', 'access', 'bcd'].map((name) => counter.number(name));
    const control = ((access ?? 0) << 4) | ((mode ?? 0) << 1) | (bcd ?? 0);
    const count = counter.number('countRegister');
    const writeControl = (value: number): void => {
      writePort(CONTROL_WORD_PORT, (index << 6) | (value & 0x3f));
    };
    const writeCount = (value: number): void => {
      // the control word first: so the flip-flop of low and high byte begins anew
      writeControl(control);
      if (access !== 2) writePort(COUNTER_PORT + index, value & 0xff);
      if (access !== 1) writePort(COUNTER_PORT + index, value >>> 8);
    };
    const isLoaded = counter.number('loaded') === 1;
    return {
      name: `counter ${String(index)}`,
      summary: `mode ${String(mode)}, ${isLoaded ? `from ${hex(count, 4)}` : 'not started'}, OUT ${String(counter.number('out'))}`,
      rows: [
        { name: 'control word', value: control, bits: 8, fields: CONTROL_WORD, write: writeControl },
        { name: 'count register', value: count, bits: 16, write: writeCount },
        { name: 'GATE', value: counter.number('gate'), bits: 8 },
        { name: 'OUT', value: counter.number('out'), bits: 8 },
        { name: 'null count', value: counter.number('nullCount'), bits: 8 },
      ],
    };
  }); // prettier-ignore
}

// prettier-ignore
const RTC_A: readonly Bits[] = [
  { name: 'RS', low: 0, width: 4, meaning: 'rate of the periodic interrupt' }, { name: 'DV', low: 4, width: 3, meaning: 'divider' },
];
// prettier-ignore
const RTC_B = namedBits([
  ['DSE', 'daylight saving'], ['24/12', '24 hours'], ['DM', 'binary'], ['SQWE', 'square wave'],
  ['UIE', 'update-ended interrupt'], ['AIE', 'alarm interrupt'], ['PIE', 'periodic interrupt'], ['SET', 'the clock stands'],
]);
// prettier-ignore
const RTC_C = namedBits([null, null, null, null, ['UF', 'update ended'], ['AF', 'alarm'], ['PF', 'periodic'], ['IRQF', 'interrupt']]);
const RTC_INDEX = 0x70;
const RTC_DATA = 0x71;
const CMOS_BYTES = 128;
const FIRST_FREE = 0x0e;

export function realTimeClock({ state, writePort }: ChipAccess): readonly DeviceRow[] {
  const index = state.number('index');
  const memory = state.numbers('memory');
  const write = (register: number) => (value: number) => {
    writePort(RTC_INDEX, register);
    writePort(RTC_DATA, value);
    writePort(RTC_INDEX, index);
  };
  const byte = (name: string, register: number, fields?: readonly Bits[]): DeviceRow => ({
    name,
    value: memory[register] ?? 0,
    bits: 8,
    ...(fields && { fields }),
    write: write(register),
  });
  const flags = state.number('flags') | (state.number('interrupt') << 7);
  const cmos = Array.from({ length: CMOS_BYTES - FIRST_FREE }, (_, offset) =>
    byte(hex(FIRST_FREE + offset, 2), FIRST_FREE + offset),
  );
  return [
    { name: 'index', value: index, bits: 8 },
    byte('seconds alarm', 1),
    byte('minutes alarm', 3),
    byte('hours alarm', 5),
    byte('A', 0x0a, RTC_A),
    byte('B', 0x0b, RTC_B),
    { name: 'C', value: flags, bits: 8, fields: RTC_C },
    { name: 'CMOS memory', summary: `${String(cmos.length)} bytes`, rows: cmos },
  ];
}

// prettier-ignore
const HPET_TIMER: readonly Bits[] = [
  { name: 'level', low: 1, meaning: '', values: ['edge', 'level'] }, { name: 'INT_ENB', low: 2, meaning: 'interrupts' },
  { name: 'TYPE', low: 3, meaning: '', values: ['one-shot', 'periodic'] }, { name: 'INT_ROUTE', low: 9, width: 5, meaning: 'I/O APIC input' },
];

/** Reads of its window have no effect. */
export function hpet({ state, readMmio, writeMmio }: ChipAccess): readonly DeviceRow[] {
  const register = (name: string, offset: number, fields?: readonly Bits[]): DeviceRow => ({
    name,
    value: readMmio(HPET_ADDRESS + offset),
    bits: 32,
    ...(fields && { fields }),
    write: (value) => {
      writeMmio(HPET_ADDRESS + offset, value);
    },
  });
  const timers = state.parts('timers').map((_, number): DeviceRow => {
    const at = 0x100 + 0x20 * number;
    const rows = [register('configuration', at, HPET_TIMER), register('comparator', at + 8)];
    return { name: `timer ${String(number)}`, summary: '', rows };
  });
  return [
    register('configuration', 0x10, [{ name: 'ENABLE_CNF', low: 0, meaning: 'counts' }]),
    register('interrupt status', 0x20),
    register('main counter', 0xf0),
    ...timers,
  ];
}

// prettier-ignore
const PM1_EVENTS: readonly Bits[] = [
  { name: 'TMR', low: 0, meaning: 'timer carry' }, { name: 'GBL', low: 5, meaning: 'global lock' },
  { name: 'PWRBTN', low: 8, meaning: 'power button' }, { name: 'SLPBTN', low: 9, meaning: 'sleep button' },
  { name: 'RTC', low: 10, meaning: 'alarm' }, { name: 'WAK', low: 15, meaning: 'woken' },
];
// prettier-ignore
const PM1_CONTROL: readonly Bits[] = [
  { name: 'SCI_EN', low: 0, meaning: 'ACPI mode' }, { name: 'SLP_TYP', low: 10, width: 3, meaning: 'sleep type' }, { name: 'SLP_EN', low: 13, meaning: 'sleep' },
];

export function acpi({ state, writePort }: ChipAccess): readonly DeviceRow[] {
  const write = (port: number) => (value: number) => {
    writePort(port, value, 2);
  };
  // prettier-ignore
  return [
    { name: 'PM1a_STS', value: state.number('status'),  bits: 16, fields: PM1_EVENTS,  write: write(PM1A_EVENT_PORT) },
    { name: 'PM1a_EN',  value: state.number('enable'),  bits: 16, fields: PM1_EVENTS,  write: write(PM1A_EVENT_PORT + 2) },
    { name: 'PM1a_CNT', value: state.number('control'), bits: 16, fields: PM1_CONTROL, write: write(PM1A_CONTROL_PORT) },
  ];
}
