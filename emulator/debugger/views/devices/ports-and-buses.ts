/**
 * Registers of the UART, the keyboard controller, the system control ports, the DMA controllers and the
 * PCI functions, by the names of their manuals.
 */
import { type Bits, hex } from '../detail.ts';
import { type ChipAccess, type DeviceRow, type DeviceView, namedBits } from './device-view.ts';

const LCR_DLAB = 0x80;
// prettier-ignore
const IER = namedBits([['ERBFI', 'received data'], ['ETBEI', 'transmitter empty'], ['ELSI', 'line status'], ['EDSSI', 'modem status']]);
// prettier-ignore
const FCR = namedBits([['enable', 'FIFOs']]).concat([{ name: 'trigger', low: 6, width: 2, meaning: '', values: ['1 byte', '4 bytes', '8 bytes', '14 bytes'] }]);
// prettier-ignore
const LCR: readonly Bits[] = [
  { name: 'WLS', low: 0, width: 2, meaning: '', values: ['5 bits', '6 bits', '7 bits', '8 bits'] }, { name: 'STB', low: 2, meaning: '', values: ['1 stop bit', '2 stop bits'] },
  { name: 'PEN', low: 3, meaning: 'parity' }, { name: 'EPS', low: 4, meaning: 'even parity' }, { name: 'break', low: 6, meaning: 'break' }, { name: 'DLAB', low: 7, meaning: 'divisor latch' },
];
// prettier-ignore
const MCR = namedBits([['DTR', 'data terminal ready'], ['RTS', 'request to send'], ['OUT1', ''], ['OUT2', 'interrupts reach the bus'], ['loop', 'loopback']]);
// prettier-ignore
const MSR = namedBits([['DCTS', 'CTS has changed'], ['DDSR', 'DSR has changed'], ['TERI', 'RI has ended'], ['DDCD', 'DCD has changed'], ['CTS', 'clear to send'], ['DSR', 'data set ready'], ['RI', 'ring'], ['DCD', 'carrier']]);

/** @param base of the eight ports. */
export function uart(base: number): DeviceView {
  return ({ state, writePort }) => {
    const lcr = state.number('lcr');
    const divisor = state.number('divisor');
    const write = (offset: number) => (value: number) => {
      writePort(base + offset, value);
    };
    /** The registers behind DLAB, on either side of it. */
    const behind = (dlab: number, offset: number, value: number): void => {
      writePort(base + 3, dlab === 0 ? lcr & ~LCR_DLAB : lcr | LCR_DLAB);
      writePort(base + offset, value);
      writePort(base + 3, lcr);
    };
    const setDivisor = (value: number): void => {
      behind(1, 0, value & 0xff);
      behind(1, 1, value >>> 8);
    };
    const setIer = (value: number): void => {
      behind(0, 1, value);
    };
    const waiting = state.numbers('receiver');
    // prettier-ignore
    return [
      { name: 'IER', value: state.number('ier'), bits: 8, fields: IER, write: setIer },
      { name: 'FCR', value: state.number('fcr'), bits: 8, fields: FCR, write: write(2) },
      { name: 'LCR', value: lcr,                 bits: 8, fields: LCR, write: write(3) },
      { name: 'MCR', value: state.number('mcr'), bits: 8, fields: MCR, write: write(4) },
      { name: 'MSR', value: state.number('msr'), bits: 8, fields: MSR },
      { name: 'SCR', value: state.number('scratch'), bits: 8, write: write(7) },
      { name: 'divisor', value: divisor, bits: 16, meaning: divisor === 0 ? '' : `${String(Math.round(115200 / divisor))} baud`, write: setDivisor },
      { name: 'received', summary: bytesText(waiting), rows: [] },
      { name: 'to be sent', summary: bytesText(state.numbers('transmitterFifo')), rows: [] },
    ];
  };
}

function bytesText(bytes: readonly number[]): string {
  return bytes.length === 0 ? 'nothing' : bytes.map((byte) => hex(byte, 2)).join(' ');
}

// prettier-ignore
const COMMAND_BYTE = namedBits([['INT', 'keyboard interrupt'], ['INT2', 'mouse interrupt'], ['SYS', 'self-test passed'], null, ['EN', 'keyboard is off'], ['EN2', 'mouse is off'], ['XLATE', 'translates to set 1']]);
// prettier-ignore
const OUTPUT_PORT = namedBits([['reset', 'not asserted'], ['A20', 'open'], null, null, ['OBF', 'IRQ 1']]);

export function keyboardController({ state, writePort }: ChipAccess): readonly DeviceRow[] {
  const command = (code: number) => (value: number) => {
    writePort(0x64, code);
    writePort(0x60, value);
  };
  const ram = state.numbers('ram');
  const keyboard = state.part('keyboard');
  // prettier-ignore
  return [
    { name: 'command byte', value: ram[0] ?? 0, bits: 8, fields: COMMAND_BYTE, write: command(0x60) },
    { name: 'output port', value: state.number('outputPort'), bits: 8, fields: OUTPUT_PORT, write: command(0xd1) },
    { name: 'output buffer', value: state.number('outputBuffer'), bits: 8, meaning: state.number('outputFull') === 1 ? 'full' : 'empty' },
    { name: 'keyboard', summary: keyboard.number('enabled') === 1 ? 'sends' : 'is disabled', rows: [
      { name: 'scan code set', value: keyboard.number('scanCodeSet'), bits: 8 },
      { name: 'LEDs', value: keyboard.number('leds'), bits: 8, fields: namedBits([['scroll', 'scroll lock'], ['num', 'num lock'], ['caps', 'caps lock']]) },
      { name: 'queue', summary: bytesText(keyboard.numbers('queue')), rows: [] },
    ] },
  ];
}

// prettier-ignore
const PORT_61 = namedBits([['GATE2', 'timer 2 counts'], ['SPKR', 'speaker'], ['PERR', 'parity check off'], ['IOCHK', 'channel check off']]);
// prettier-ignore
const PORT_92 = namedBits([['reset', 'fast reset'], ['A20', 'open']]);

export function systemControl({ state, writePort }: ChipAccess): readonly DeviceRow[] {
  // prettier-ignore
  return [
    { name: 'port 61h', value: state.number('portB'), bits: 8, fields: PORT_61, write: (value) => { writePort(0x61, value); } },
    { name: 'port 92h', value: state.number('portA'), bits: 8, fields: PORT_92, write: (value) => { writePort(0x92, value); } },
  ];
}

export function post({ state }: ChipAccess): readonly DeviceRow[] {
  return [{ name: 'POST code', value: state.number('post'), bits: 8 }];
}

// prettier-ignore
const DMA_MODE: readonly Bits[] = [
  { name: 'transfer', low: 2, width: 2, meaning: '', values: ['verify', 'to memory', 'from memory', 'illegal'] }, { name: 'auto', low: 4, meaning: 'autoinitialization' },
  { name: 'decrement', low: 5, meaning: 'address decrements' }, { name: 'kind', low: 6, width: 2, meaning: '', values: ['demand', 'single', 'block', 'cascade'] },
];
/** Offset from 80h of the page register of each channel. */
const PAGE_REGISTERS = [0x7, 0x3, 0x1, 0x2, 0xf, 0xb, 0x9, 0xa] as const;

export function dma({ state, writePort }: ChipAccess): readonly DeviceRow[] {
  const pages = state.numbers('pages');
  return state.parts('chips').flatMap((chip, number) => {
    const [base, step] = number === 0 ? [0x00, 1] : [0xc0, 2];
    const mask = chip.number('mask');
    const reached = chip.number('reached');
    const writeWord = (port: number) => (value: number) => {
      writePort(base + 0xc * step, 0); // the flip-flop: low byte first
      writePort(port, value & 0xff);
      writePort(port, value >>> 8);
    };
    const channels = chip.parts('channels').map((channel, index): DeviceRow => {
      const page = PAGE_REGISTERS[4 * number + index] ?? 0;
      const mode = channel.number('mode');
      // prettier-ignore
      return {
        name: `channel ${String(4 * number + index)}`,
        summary: ((mask >> index) & 1) === 1 ? 'masked' : `at ${hex(((pages[page] ?? 0) << 16) | channel.number('address'), 6)}`,
        rows: [
          { name: 'address', value: channel.number('address'), bits: 16, write: writeWord(base + 2 * index * step) },
          { name: 'count', value: channel.number('count'), bits: 16, write: writeWord(base + (2 * index + 1) * step) },
          { name: 'page', value: pages[page] ?? 0, bits: 8, write: (value) => { writePort(0x80 + page, value); } },
          { name: 'mode', value: mode, bits: 8, fields: DMA_MODE, write: (value) => { writePort(base + 0xb * step, (value & 0xfc) | index); } },
        ],
      };
    });
    // prettier-ignore
    return [
      { name: `command ${String(number)}`, value: chip.number('command'), bits: 8 as const, write: (value: number) => { writePort(base + 8 * step, value); } },
      { name: `mask ${String(number)}`, value: mask, bits: 8 as const, write: (value: number) => { writePort(base + 0xf * step, value); } },
      { name: `reached ${String(number)}`, value: reached, bits: 8 as const, meaning: 'channels at terminal count' },
      ...channels,
    ];
  });
}

/** PCI 2.1, 6.1: the header, and dwords after it that are not 0. */
// prettier-ignore
const PCI_HEADER = [
  ['vendor', 0x00, 16], ['device', 0x02, 16], ['command', 0x04, 16], ['status', 0x06, 16],
  ['revision', 0x08, 8], ['interface', 0x09, 8], ['class', 0x0a, 16], ['header type', 0x0e, 8],
  ['base address 0', 0x10, 32], ['base address 1', 0x14, 32], ['base address 2', 0x18, 32], ['base address 3', 0x1c, 32],
  ['base address 4', 0x20, 32], ['base address 5', 0x24, 32], ['ROM base address', 0x30, 32],
  ['interrupt line', 0x3c, 8], ['interrupt pin', 0x3d, 8],
] as const;
const PCI_COMMAND = namedBits([
  ['IO', 'ports'],
  ['MEM', 'memory'],
  ['MASTER', 'bus master'],
]);
const CONFIG_ADDRESS = 0xcf8;
const CONFIG_DATA = 0xcfc;
const FIRST_OWN = 0x40;

export function pci({ state, writePort }: ChipAccess): readonly DeviceRow[] {
  const address = state.number('address') >>> 0;
  const functions = state.part('functions');
  const rows = functions.names().map((name): DeviceRow => {
    const place = Number(name);
    const bytes = functions.part(name).numbers('bytes');
    const register = (title: string, at: number, bits: 8 | 16 | 32): DeviceRow => {
      let value = 0;
      for (let byte = bits / 8 - 1; byte >= 0; byte--) value = value * 256 + (bytes[at + byte] ?? 0);
      const write = (next: number): void => {
        writePort(CONFIG_ADDRESS, (0x80000000 | (place << 8) | (at & 0xfc)) >>> 0, 4);
        writePort(CONFIG_DATA + (at & 3), next, (bits / 8) as 1 | 2 | 4);
        writePort(CONFIG_ADDRESS, address, 4);
      };
      return { name: title, value, bits, write, ...(at === 4 && { fields: PCI_COMMAND }) };
    };
    const header = PCI_HEADER.map(([title, at, bits]) => register(title, at, bits));
    const own: DeviceRow[] = [];
    for (let at = FIRST_OWN; at < bytes.length; at += 4) {
      if (bytes.slice(at, at + 4).some((byte) => byte !== 0)) own.push(register(hex(at, 2), at, 32));
    }
    const word = (at: number): string => hex((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8), 4);
    const [vendor, device] = [word(0), word(2)];
    return {
      name: `00:${(place >> 3).toString(16).padStart(2, '0')}.${String(place & 7)}`,
      summary: `device ${device} of vendor ${vendor}`,
      rows: [...header, ...own],
    };
  }); // prettier-ignore
  // prettier-ignore
  return [
    { name: 'CONFIG_ADDRESS', value: address, bits: 32, write: (value) => { writePort(CONFIG_ADDRESS, value, 4); } },
    ...rows,
  ];
}
