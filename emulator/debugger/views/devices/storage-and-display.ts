/** Registers of the floppy controller, the IDE channels and bus master, the VGA and the Bochs display. */
import { type Bits, hex } from '../detail.ts';
import {
  type ChipAccess,
  type DeviceRow,
  type DeviceView,
  namedBits,
  type SavedState,
} from './device-view.ts';

// prettier-ignore
const DOR: readonly Bits[] = [
  { name: 'drive', low: 0, width: 2, meaning: 'selected' }, { name: 'RESET', low: 2, meaning: 'not asserted' }, { name: 'DMAGATE', low: 3, meaning: 'DMA and interrupt' },
  { name: 'MOTOR0', low: 4, meaning: 'on' }, { name: 'MOTOR1', low: 5, meaning: 'on' },
];

export function floppyController({ state, writePort }: ChipAccess): readonly DeviceRow[] {
  const bytes = (name: string): string =>
    state.numbers(name).map((byte) => hex(byte, 2)).join(' ') || 'none'; // prettier-ignore
  // prettier-ignore
  return [
    { name: 'DOR', value: state.number('dor'), bits: 8, fields: DOR, write: (value) => { writePort(0x3f2, value); } },
    { name: 'TDR', value: state.number('tape'), bits: 8, write: (value) => { writePort(0x3f3, value); } },
    { name: 'rate', value: state.number('rate'), bits: 8, write: (value) => { writePort(0x3f7, value); } },
    { name: 'DIR', value: state.number('diskChanged') << 7, bits: 8, fields: [{ name: 'DSKCHG', low: 7, meaning: 'disk changed' }] },
    { name: 'cylinders', summary: state.numbers('tracks').join(' '), rows: [] },
    { name: 'command', summary: bytes('command'), rows: [] },
    { name: 'result', summary: bytes('result'), rows: [] },
  ];
}

// prettier-ignore
const ATA_STATUS = namedBits([['ERR', 'error'], null, null, ['DRQ', 'data request'], ['DSC', 'seek complete'], ['DF', 'device fault'], ['DRDY', 'ready'], ['BSY', 'busy']]);
const ATA_ERROR = namedBits([null, null, ['ABRT', 'aborted'], null, ['IDNF', 'not found']]);
const ATA_DEVICE: readonly Bits[] = [
  { name: 'DEV', low: 4, meaning: 'second device' },
  { name: 'LBA', low: 6, meaning: 'addresses are block numbers' },
];
const ATA_CONTROL = namedBits([null, ['nIEN', 'no interrupts'], ['SRST', 'reset']]);

/** @param base of the command block; @param control port of the control register. */
export function ideChannel(base: number, control: number): DeviceView {
  return ({ state, writePort }) => {
    const second = state.number('second');
    const drives = state.parts('drives').map((drive, number): DeviceRow => {
      // the command block of the drive that is not selected cannot be reached
      const isSelected = number === second;
      const row = (name: string, field: string, offset: number): DeviceRow => ({
        name,
        value: drive.number(field),
        bits: 8,
        ...(isSelected && {
          write: (value: number) => {
            writePort(base + offset, value);
          },
        }),
      });
      // prettier-ignore
      return {
        name: `drive ${String(number)}`,
        summary: isSelected ? 'selected' : '',
        rows: [
          { name: 'status', value: drive.number('status'), bits: 8, fields: ATA_STATUS },
          { name: 'error', value: drive.number('error'), bits: 8, fields: ATA_ERROR },
          row('features', 'features', 1), row('sector count', 'count', 2),
          row('LBA low', 'low', 3), row('LBA mid', 'mid', 4), row('LBA high', 'high', 5),
          { name: 'device', value: drive.number('device'), bits: 8, fields: ATA_DEVICE },
          { name: 'data', summary: `byte ${String(drive.number('position'))} of ${String(drive.numbers('buffer').length)}`, rows: [] },
        ],
      };
    });
    // prettier-ignore
    return [
      { name: 'device control', value: state.number('control'), bits: 8, fields: ATA_CONTROL, write: (value) => { writePort(control, value); } },
      ...drives,
    ];
  };
}

// prettier-ignore
const MASTER_COMMAND: readonly Bits[] = [{ name: 'start', low: 0, meaning: '' }, { name: 'direction', low: 3, meaning: '', values: ['from memory', 'to memory'] }];
const MASTER_STATUS = namedBits([
  ['active', ''],
  ['error', ''],
  ['interrupt', ''],
]);

/** Its ports are where the guest has put them; a write there goes by a guest's OUT. */
export function busMaster({ state }: ChipAccess): readonly DeviceRow[] {
  return state.parts('masters').map((master, channel) => ({
    name: channel === 0 ? 'primary' : 'secondary',
    summary: '',
    rows: [
      { name: 'command', value: master.number('command'), bits: 8, fields: MASTER_COMMAND },
      { name: 'status', value: master.number('status'), bits: 8, fields: MASTER_STATUS },
      { name: 'descriptor table', value: master.number('table') >>> 0, bits: 32 },
    ],
  }));
}

/** Registers behind an index: the index is as it was afterwards. */
function indexed(
  { writePort }: ChipAccess,
  state: SavedState,
  [title, list, index, port]: readonly [string, string, string, number],
): DeviceRow {
  const selected = state.number(index);
  const values = state.numbers(list);
  const rows = values.map((value, register): DeviceRow => ({
    name: hex(register, 2),
    value,
    bits: 8,
    write: (next) => {
      writePort(port, register);
      writePort(port + 1, next);
      writePort(port, selected);
    },
  }));
  return { name: title, summary: `${String(values.length)} registers`, rows };
}

export function vga(chip: ChipAccess): readonly DeviceRow[] {
  const { state, writePort } = chip;
  const miscellaneous = state.number('miscellaneousOutput');
  const crtc = (miscellaneous & 1) === 1 ? 0x3d4 : 0x3b4;
  const attributes = state.numbers('attribute');
  // prettier-ignore
  return [
    { name: 'miscellaneous output', value: miscellaneous, bits: 8, write: (value) => { writePort(0x3c2, value); } },
    { name: 'feature control', value: state.number('featureControl'), bits: 8 },
    indexed(chip, state, ['sequencer', 'sequencer', 'sequencerIndex', 0x3c4]),
    indexed(chip, state, ['graphics controller', 'graphics', 'graphicsIndex', 0x3ce]),
    indexed(chip, state, ['CRT controller', 'crtc', 'crtcIndex', crtc]),
    { name: 'attribute controller', summary: `${String(attributes.length)} registers`, rows: attributes.map((value, register) => ({ name: hex(register, 2), value, bits: 8 })) },
    { name: 'DAC mask', value: state.part('dac').number('mask'), bits: 8, write: (value) => { writePort(0x3c6, value); } },
  ];
}

const VBE_REGISTERS = [
  ['id', 0], ['width', 1], ['height', 2], ['depth', 3], ['enable', 4], ['bank', 5], ['virtualWidth', 6], ['xOffset', 8], ['yOffset', 9],
] as const; // prettier-ignore

export function vbe({ state, writePort }: ChipAccess): readonly DeviceRow[] {
  const index = state.number('index');
  return VBE_REGISTERS.map(([name, register]) => ({
    name,
    value: state.number(name),
    bits: 16,
    write: (value) => {
      writePort(0x1ce, register, 2);
      writePort(0x1cf, value, 2);
      writePort(0x1ce, index, 2);
    },
  }));
}
