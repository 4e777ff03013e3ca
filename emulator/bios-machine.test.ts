/**
 * A machine with a ROM of a few instructions: the reset vector, shadow RAM as the processor and a debugger
 * see it, and configurations that cannot be. Run: node --import tsx --test emulator/bios-machine.test.ts
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MachineConfiguration } from './debug-port.ts';
import { readMemory } from './debugger/memory.ts';
import { ConfigurationError } from './checked-configuration.ts';
import { Machine } from './machine.ts';

const SIZE = 0x10000;
const EPT_VIOLATION = 48;
/** Sets CONFIG_ADDRESS to the host bridge's register 58h and DX to the data port of register 59h. */
const SELECT_PAM0 = [0x66, 0xb8, 0x58, 0, 0, 0x80, 0xba, 0xf8, 0x0c, 0x66, 0xef, 0xba, 0xfd, 0x0c];

/** 64 KiB with a far jump to F000:0000 at the reset vector, and this code there. */
function firmware(code: readonly number[]): Uint8Array {
  const rom = new Uint8Array(SIZE);
  rom.set(code);
  rom.set([0xea, 0x00, 0x00, 0x00, 0xf0], 0xfff0);
  return rom;
}

function configuration(
  rom: Uint8Array,
  guest: Partial<MachineConfiguration['guest']> = {},
  hypervisor: 'bare' | 'kvm' = 'bare',
): MachineConfiguration {
  return {
    guest: {
      kernel: new Uint8Array(512),
      kernelName: 'boot.img',
      format: 'bios',
      bios: { medium: 'auto', firmware: rom, firmwareName: 'rom.bin' },
      commandLine: '',
      loadAddress: 'auto',
      ...guest,
    },
    memoryBytes: 4 << 20,
    cpuModel: 'pentium3',
    hypervisor: { interface: hypervisor, profile: hypervisor === 'kvm' ? 'kvm-ept' : 'bare', exits: {} }, // prettier-ignore
    shared: false,
  };
}
function run(machine: Machine): void {
  for (let turn = 0; turn < 100; turn++) {
    if (machine.run(10_000, () => false).kind === 'halted-forever') return;
  }
  assert.fail(`not halted, at ${machine.cpu.linearEip.toString(16)}`);
}

test('the first instruction lies 16 bytes below 4 GiB, and a debugger sees it', () => {
  const machine = new Machine(configuration(firmware([0xf4])));
  assert.equal(machine.cpu.linearEip, 0xfffffff0);
  const { bytes } = readMemory(machine.cpu, 'linear', 0xfffffff0, 5);
  assert.deepEqual([...bytes], [0xea, 0, 0, 0, 0xf0]);
  machine.step(() => false);
  assert.equal(machine.cpu.linearEip, 0xf0000);
});

test('firmware copies itself to RAM below its ROM, changes it and locks it', () => {
  for (const hypervisor of ['bare', 'kvm'] as const) {
    // mov ax, F000; mov ds, ax; mov byte [8000], 11: dropped, it is ROM; reads 0
    // PAM0 = 20: writes to RAM, reads from ROM; mov byte [8000], 22; al = [8000] still 0, to BL
    // copy all of it (rep movsb from DS to ES, both F000); PAM0 = 30; al = [8000]: 0 of the ROM, to BH
    // mov byte [8000], 33; PAM0 = 10: locked; mov byte [8000], 44; al = [8000]: 33
    const code = [
      0xb8, 0x00, 0xf0, 0x8e, 0xd8, 0x8e, 0xc0,
      0xc6, 0x06, 0x00, 0x80, 0x11,
      ...SELECT_PAM0, 0xb0, 0x20, 0xee,
      0xc6, 0x06, 0x00, 0x80, 0x22, 0x8a, 0x1e, 0x00, 0x80,
      0x31, 0xf6, 0x31, 0xff, 0xb9, 0xff, 0xff, 0xfc, 0xf3, 0xa4,
      0xb0, 0x30, 0xee, 0x8a, 0x3e, 0x00, 0x80,
      0xc6, 0x06, 0x00, 0x80, 0x33,
      0xb0, 0x10, 0xee, 0xc6, 0x06, 0x00, 0x80, 0x44, 0xa0, 0x00, 0x80,
      0xf4,
    ]; // prettier-ignore
    const machine = new Machine(configuration(firmware(code), {}, hypervisor));
    run(machine);
    assert.equal(machine.cpu.state.gpr(3, 2), 0, 'BX');
    assert.equal(machine.cpu.state.gpr(0, 1), 0x33, 'AL');
    const { bytes } = readMemory(machine.cpu, 'physical', 0xf8000, 1);
    assert.deepEqual([...bytes], [0x33]);
  }
});

test('reads of ROM do not leave the guest, writes to it do', () => {
  // mov ax, F000; mov ds, ax; mov al, [1234]; mov [1234], al; hlt
  const code = [0xb8, 0, 0xf0, 0x8e, 0xd8, 0xa0, 0x34, 0x12, 0xa2, 0x34, 0x12, 0xf4];
  const machine = new Machine(configuration(firmware(code), {}, 'kvm'));
  const seen: number[] = [];
  for (let turn = 0; turn < 10; turn++) {
    const stop = machine.run(1000, (exit) => {
      if (exit.reason === EPT_VIOLATION) seen.push(exit.guestPhysical);
      return false;
    });
    if (stop.kind === 'halted-forever') break;
  }
  assert.deepEqual(seen, [0xf1234], 'the write alone');
});

test('what cannot be built is refused by the attribute, in one sentence', () => {
  const rom = firmware([0xf4]);
  const bios = { medium: 'auto', firmware: rom, firmwareName: 'rom.bin' } as const;
  const rows = [
    [{ kernel: new Uint8Array(0) }, 'guest.image', /^boot.img is empty: /],
    [{ kernel: new Uint8Array(4 << 20), bios: { ...bios, medium: 'floppy' } }, 'guest.image', /larger than a floppy/], // prettier-ignore
    [{ bios: { ...bios, firmware: new Uint8Array(1000) } }, 'guest.firmware', /^rom.bin has .*no firmware for a PC/], // prettier-ignore
    [{ commandLine: 'quiet' }, 'guest.commandLine', /remove guest.commandLine/],
    [{ initrd: new Uint8Array(1) }, 'guest.initrd', /remove guest.initrd/],
    [{ loadAddress: 0x7c00 }, 'guest.loadAddress', /remove guest.loadAddress/],
  ] as const;
  for (const [guest, attribute, message] of rows) {
    assert.throws(
      () => new Machine(configuration(rom, guest)),
      (error) => {
        assert.ok(error instanceof ConfigurationError);
        assert.equal(error.attribute, attribute);
        assert.match(error.message, message);
        return true;
      },
    );
  }
});
