/**
 * The devices as a debugger shows them: looking changes nothing, and what is written has the effect that
 * the chip's data sheet promises, seen through the ports and windows that a guest would read.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { MachineConfiguration } from '../../../debug-port.ts';
import { Machine } from '../../../machine.ts';
import type { Detail } from '../detail.ts';
import { deviceNames, devices, inspectDevice, writeDevice } from './devices.ts';

/** A machine with all there is: firmware that halts, and a floppy disk or a hard disk. */
function machineWith(medium: 'floppy' | 'disk'): Machine {
  const bios = {
    medium,
    firmware: new Uint8Array(0x10000).fill(0xf4),
    firmwareName: 'halts',
  };
  const configuration: MachineConfiguration = {
    guest: {
      kernel: new Uint8Array(1_474_560),
      kernelName: 'medium',
      format: 'bios',
      bios,
      commandLine: '',
      loadAddress: 'auto',
    },
    memoryBytes: 4 << 20,
    cpuModel: 'pentium3',
    hypervisor: { interface: 'bare', profile: 'bare', exits: {} },
    shared: false,
  };
  return new Machine(configuration);
}

const machine = machineWith('floppy');
const { board } = machine;

function find(rows: readonly Detail[], path: readonly string[]): Detail {
  const [name, ...rest] = path;
  const row = rows.find((each) => each.name === name);
  assert.ok(row, `no ${name} in ${rows.map((each) => each.name).join(', ')}`);
  return rest.length === 0 ? row : find(row.children ?? [], rest);
}
const shown = (device: string, ...path: string[]): string =>
  find(inspectDevice(machine, device), path).value;
const write = (device: string, path: readonly string[], value: number): void => {
  writeDevice(machine, device, path, value);
};
const port = (number: number): number => board.readPort(number, 1);
function indexed(index: number, number: number): number {
  board.writePort(index, 1, number);
  return port(index + 1);
}

describe('looking at the devices', () => {
  test('shows every one of them, and changes none', () => {
    const before = JSON.stringify(board.state());
    const seen = devices(machine).map(({ name }) => {
      const rows = inspectDevice(machine, name);
      assert.ok(rows.length > 0, name);
      return name;
    });
    assert.deepEqual(seen, deviceNames());
    assert.equal(JSON.stringify(board.state()), before);
  });

  test('shows a disk where there is one', () => {
    const disk = machineWith('disk');
    const rows = inspectDevice(disk, 'ide');
    assert.match(find(rows, ['drive 0', 'status']).value, /^0x50 {2}DSC DRDY$/);
    assert.match(find(inspectDevice(disk, 'pci'), ['00:01.1']).value, /vendor 0x8086$/);
  });

  test('names who is not there', () => {
    assert.throws(() => inspectDevice(machine, 'uarl'), {
      name: 'RangeError',
      message: /There is no device 'uarl'\. Did you mean 'uart'\?/,
    });
  });
});

describe('writing', () => {
  test('8259A: mask and trigger mode, by bit too', () => {
    write('pic', ['IMR'], 0xfb);
    assert.equal(port(0x21), 0xfb);
    write('pic', ['IMR', 'IRQ4'], 0);
    assert.equal(port(0x21), 0xeb);
    assert.match(shown('pic', 'IMR', 'IRQ4'), /^0 /);
    write('pic2', ['ELCR', 'IRQ11'], 1);
    assert.equal(port(0x4d1), 0x08);
  });

  test('I/O APIC: a redirection entry, and IOREGSEL is as it was', () => {
    board.writeMmio(0xfec00000, 4, 1);
    write('ioapic', ['input 3', 'low', 'vector'], 0x31);
    write('ioapic', ['input 3', 'low', 'mask'], 0);
    assert.equal(shown('ioapic', 'input 3'), 'vector 0x31');
    assert.equal(board.readMmio(0xfec00010, 4), 0x00170011, 'IOREGSEL still names the version');
    board.writeMmio(0xfec00000, 4, 0x16);
    assert.equal(board.readMmio(0xfec00010, 4), 0x31);
  });

  test('local APIC: spurious vector and task priority', () => {
    write('lapic', ['SVR', 'vector'], 0xff);
    write('lapic', ['TPR'], 0x20);
    assert.equal(board.readMmio(0xfee000f0, 4), 0x1ff);
    assert.equal(shown('lapic', 'PPR'), '0x00000020');
    assert.throws(() => {
      write('lapic', ['PPR'], 1);
    }, /PPR is read-only/);
  });

  test('8254: a count starts the counter in its mode', () => {
    write('pit', ['counter 2', 'control word'], 0x36);
    write('pit', ['counter 2', 'count register'], 0x1234);
    assert.equal(shown('pit', 'counter 2', 'count register'), '0x1234');
    assert.match(shown('pit', 'counter 2', 'control word', 'mode'), /square wave$/);
    board.writePort(0x43, 1, 0xe8); // read-back: status of counter 2
    assert.equal(port(0x42) & 0x3f, 0x36);
  });

  test('MC146818: a register and CMOS memory, and the index is as it was', () => {
    board.writePort(0x70, 1, 0x0b);
    write('rtc', ['B', 'UIE'], 1);
    assert.equal(port(0x71) & 0x10, 0x10);
    write('rtc', ['CMOS memory', '0x40'], 0x5a);
    assert.equal(shown('rtc', 'index'), '0x0b');
    assert.equal(indexed(0x70, 0x40), 0x5a);
  });

  test('HPET and ACPI', () => {
    write('hpet', ['timer 1', 'comparator'], 0x1000);
    assert.equal(board.readMmio(0xfed00128, 4), 0x1000);
    write('acpi', ['PM1a_EN', 'PWRBTN'], 1);
    assert.equal(board.readPort(0x602, 2), 0x100);
  });

  test('16550A: registers before and behind DLAB, which is as it was', () => {
    write('uart', ['LCR'], 0x83);
    write('uart', ['IER', 'ETBEI'], 1);
    write('uart', ['divisor'], 12);
    assert.match(shown('uart', 'divisor'), /9600 baud$/);
    assert.equal(port(0x3fb), 0x83);
    assert.deepEqual([port(0x3f8), port(0x3f9)], [12, 0]);
    board.writePort(0x3fb, 1, 3);
    assert.equal(port(0x3f9), 0x02);
  });

  test('8042 and the system control ports: A20', () => {
    write('i8042', ['command byte', 'INT'], 0);
    assert.equal(shown('i8042', 'command byte', 'INT'), '0  keyboard interrupt');
    write('i8042', ['output port', 'A20'], 0);
    write('sysctl', ['port 92h', 'A20'], 1);
    assert.equal(port(0x92) & 2, 2);
    assert.equal(board.a20, true, 'one of the two gates is open');
    write('sysctl', ['port 92h', 'A20'], 0);
    assert.equal(board.a20, false);
  });

  test('PCI: a configuration register, and CONFIG_ADDRESS is as it was', () => {
    board.writePort(0xcf8, 4, 0x80000000);
    write('pci', ['00:01.1', 'command', 'MASTER'], 1);
    assert.equal(board.readPort(0xcf8, 4), 0x80000000);
    board.writePort(0xcf8, 4, 0x80000904);
    assert.equal(board.readPort(0xcfc, 2) & 4, 4);
  });

  test('8237A: address, count and page of a channel', () => {
    write('dma', ['channel 2', 'address'], 0xabcd);
    write('dma', ['channel 2', 'page'], 0x12);
    board.writePort(0x0c, 1, 0);
    assert.deepEqual([port(0x04), port(0x04), port(0x81)], [0xcd, 0xab, 0x12]);
    write('dma', ['channel 5', 'count'], 0x0102);
    assert.equal(shown('dma', 'channel 5', 'count'), '0x0102');
    write('dma', ['mask 0'], 0);
    assert.equal(shown('dma', 'channel 2'), 'at 0x12abcd');
  });

  test('82077AA, VGA and the Bochs display', () => {
    write('fdc', ['DOR'], 0x1c);
    assert.equal(port(0x3f2), 0x1c);
    board.writePort(0x3d4, 1, 0x0a);
    write('vga', ['CRT controller', '0x0e'], 0x05);
    assert.equal(shown('vga', 'CRT controller', '0x0e'), '0x05');
    assert.equal(port(0x3d4), 0x0a);
    write('vbe', ['width'], 1024);
    assert.equal(shown('vbe', 'width'), '0x0400');
  });

  test('IDE: the task file of the selected drive', () => {
    const disk = machineWith('disk');
    writeDevice(disk, 'ide', ['drive 0', 'LBA low'], 0x77);
    assert.equal(disk.board.readPort(0x1f3, 1), 0x77);
  });

  test('refuses what does not fit or does not exist', () => {
    for (const [path, value, message] of [
      [['IMR'], 256, 'IMR has 8 bits; 256 does not fit.'],
      [['IMR', 'IRQ4'], 2, 'IRQ4 has 1 bit; 2 does not fit.'],
      [['IMR'], 1.5, 'IMR has 8 bits; 1.5 does not fit.'],
      [['IMR', 'IRQ9'], 1, "IMR has no 'IRQ9'."],
      [['ISR'], 1, 'ISR is read-only.'],
      [['XYZ'], 1, "There is no register 'XYZ' here."],
      [[], 1, "There is no register '' here."],
    ] as const) {
      assert.throws(() => {
        write('pic', path, value);
      }, { name: 'RangeError', message });
    } // prettier-ignore
  });
});
