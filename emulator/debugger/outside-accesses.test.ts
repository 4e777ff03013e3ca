/**
 * Data breakpoints and who writes beside the guest's instructions: the bus master of the IDE channels, the
 * floppy controller through the 8237A, KVM in structures that it shares with the guest, and the
 * hypervisor when it carries out an instruction for the guest.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DataBreakpoint, DebugPort, MachineConfiguration } from '../debug-port.ts';
import type { StopReason } from '../stop-reason.ts';
import { createMachine } from './debugger.ts';
import { type Listing, listing, protectedGuest } from './testing/test-guest.ts';

/** Programs the bus master for one sector to 2000h, and reads it by READ DMA; the table is at 1000h. */
const IDE = listing(`
  0f0000  31 c0                         xor ax, ax
  0f0002  8e d8                         mov ds, ax
  0f0004  66 c7 06 00 10 00 20 00 00    mov dword [0x1000], 0x2000
  0f000d  66 c7 06 04 10 00 02 00 80    mov dword [0x1004], 0x80000200
  0f0016  66 b8 20 09 00 80             mov eax, 0x80000920
  0f001c  ba f8 0c                      mov dx, 0xcf8
  0f001f  66 ef                         out dx, eax
  0f0021  ba fc 0c                      mov dx, 0xcfc
  0f0024  66 b8 01 c0 00 00             mov eax, 0xc001
  0f002a  66 ef                         out dx, eax
  0f002c  66 b8 04 09 00 80             mov eax, 0x80000904
  0f0032  ba f8 0c                      mov dx, 0xcf8
  0f0035  66 ef                         out dx, eax
  0f0037  ba fc 0c                      mov dx, 0xcfc
  0f003a  b8 05 00                      mov ax, 0x5
  0f003d  ef                            out dx, ax
  0f003e  ba 04 c0                      mov dx, 0xc004
  0f0041  66 b8 00 10 00 00             mov eax, 0x1000
  0f0047  66 ef                         out dx, eax
  0f0049  ba f2 01                      mov dx, 0x1f2
  0f004c  b0 01                         mov al, 0x1
  0f004e  ee                            out dx, al
  0f004f  42                            inc dx
  0f0050  b0 00                         mov al, 0x0
  0f0052  ee                            out dx, al
  0f0053  42                            inc dx
  0f0054  ee                            out dx, al
  0f0055  42                            inc dx
  0f0056  ee                            out dx, al
  0f0057  42                            inc dx
  0f0058  b0 e0                         mov al, 0xe0
  0f005a  ee                            out dx, al
  0f005b  42                            inc dx
  0f005c  b0 c8                         mov al, 0xc8
  0f005e  ee                            out dx, al
  0f005f  ba 00 c0                      mov dx, 0xc000
  0f0062  b0 09                         mov al, 0x9
  0f0064  ee                            out dx, al
  again:
  0f0065  43                            inc bx
  0f0066  eb fd                         jmp short 0x65
`);

/** Channel 2 of the 8237A to 3000h, 512 bytes; SPECIFY and READ DATA to the 82077AA. */
const FLOPPY = listing(`
  0f0000  31 c0                         xor ax, ax
  0f0002  8e d8                         mov ds, ax
  0f0004  ba f2 03                      mov dx, 0x3f2
  0f0007  b0 1c                         mov al, 0x1c
  0f0009  ee                            out dx, al
  0f000a  e6 0c                         out 0xc, al
  0f000c  b0 46                         mov al, 0x46
  0f000e  e6 0b                         out 0xb, al
  0f0010  b0 00                         mov al, 0x0
  0f0012  e6 04                         out 0x4, al
  0f0014  b0 30                         mov al, 0x30
  0f0016  e6 04                         out 0x4, al
  0f0018  b0 00                         mov al, 0x0
  0f001a  e6 81                         out 0x81, al
  0f001c  b0 ff                         mov al, 0xff
  0f001e  e6 05                         out 0x5, al
  0f0020  b0 01                         mov al, 0x1
  0f0022  e6 05                         out 0x5, al
  0f0024  b0 02                         mov al, 0x2
  0f0026  e6 0a                         out 0xa, al
  0f0028  be 43 00                      mov si, 0x43
  0f002b  b9 0c 00                      mov cx, 0xc
  0f002e  8c cb                         mov bx, cs
  0f0030  8e db                         mov ds, bx
  0f0032  ba f4 03                      mov dx, 0x3f4
  0f0035  ec                            in al, dx
  0f0036  a8 80                         test al, 0x80
  0f0038  74 fb                         jz 0x35
  0f003a  42                            inc dx
  0f003b  ac                            lodsb
  0f003c  ee                            out dx, al
  0f003d  4a                            dec dx
  0f003e  e2 f5                         loop 0x35
  again:
  0f0040  43                            inc bx
  0f0041  eb fd                         jmp short 0x40
  0f0043  03 df 02 e6 00 00 00 01 02 12 1b ff  SPECIFY; READ DATA of the first sector
`);

/** MSR_KVM_SYSTEM_TIME_NEW, and REP INSB of the POST port. */
const KVM = listing(`
  100040  bb 00 00 20 00            mov ebx, 0x200000
  100045  b9 01 4d 56 4b            mov ecx, 0x4b564d01
  10004a  b8 01 00 20 00            mov eax, 0x200001
  10004f  31 d2                     xor edx, edx
  100051  0f 30                     wrmsr
  after:
  100053  bf 40 00 20 00            mov edi, 0x200040
  100058  b9 02 00 00 00            mov ecx, 2
  10005d  ba 80 00 00 00            mov edx, 0x80
  in:
  100062  f3 6c                     rep insb
  end:
  100064  eb fe                     jmp end
`);

type Hit = Extract<StopReason, { kind: 'data breakpoint' }>;

/** Runs on to a stop; null when there is none in a hundred thousand instructions. */
function next(port: DebugPort): Hit | null {
  port.resume({ kind: 'continue' });
  const end = port.position().retired + 100_000;
  while (port.position().retired < end) {
    const stop = port.run(10_000);
    if (stop.kind === 'data breakpoint') return stop;
    assert.ok(stop.kind === 'budget' || stop.kind === 'idle', stop.kind);
  }
  return null;
}

function watch(port: DebugPort, ...list: Partial<DataBreakpoint>[]): void {
  port.setDataBreakpoints(
    list.map((each, index) => ({
      id: index + 1, space: 'physical', address: 0, length: 16, access: 'write', ...each,
    })), // prettier-ignore
  );
}

const bytes = (array: Uint8Array | null): number[] => Array.from(array ?? []);

/** A machine with this firmware at F000:0 and a medium whose sectors are filled with their numbers. */
function biosGuest(code: Listing, medium: 'disk' | 'floppy'): DebugPort {
  const firmware = new Uint8Array(0x10000);
  firmware.set(code.bytes);
  firmware.set([0xea, 0x00, 0x00, 0x00, 0xf0], 0xfff0);
  const image = Uint8Array.from({ length: 1_474_560 }, (_, at) => (at >> 9) + 1);
  const configuration: MachineConfiguration = {
    guest: {
      kernel: image, kernelName: 'medium', format: 'bios', commandLine: '', loadAddress: 'auto',
      bios: { medium, firmware, firmwareName: 'rom.bin' },
    },
    memoryBytes: 4 << 20,
    cpuModel: 'pentium3',
    hypervisor: { interface: 'bare', profile: 'bare', exits: {} },
    shared: false,
  }; // prettier-ignore
  return createMachine(configuration);
}

describe('data breakpoints are met by', () => {
  // the first sector of the medium is full of ones
  for (const [by, code, medium, address] of [
    ['IDE DMA', IDE, 'disk', 0x2000],
    ['floppy DMA', FLOPPY, 'floppy', 0x3000],
  ] as const) {
    test(`${by}, by physical and by linear address, once`, () => {
      for (const space of ['physical', 'linear'] as const) {
        const port = biosGuest(code, medium);
        watch(port, { space, address: address + 0x1f8, length: 8 });
        const found = next(port);
        assert.ok(found !== null, 'it stops');
        const { linear, size, write, before, after } = found.access;
        assert.equal(found.access.by, by);
        assert.deepEqual([linear, size, write], [address, 512, true]);
        assert.deepEqual(
          bytes(before),
          Array.from({ length: 8 }, () => 0),
        );
        assert.deepEqual(
          bytes(after),
          Array.from({ length: 8 }, () => 1),
        );
        assert.equal(next(port), null, 'nobody writes there again');
        assert.deepEqual(bytes(port.readMemory('physical', address + 511, 2).bytes), [1, 0]);
      }
    });
  }

  test('reads of a device, by who watches for reads', () => {
    const port = biosGuest(IDE, 'disk');
    watch(port, { address: 0x1004, length: 4, access: 'read' });
    const { by, linear, size, write } = next(port)?.access ?? {};
    assert.deepEqual([by, linear, size, write], ['IDE DMA', 0x1000, 8, false]);
  });

  test('not by DMA beside the range', () => {
    const port = biosGuest(IDE, 'disk');
    watch(port, { address: 0x1ff0, length: 16 }, { address: 0x2200, length: 16 });
    assert.equal(next(port), null);
  });

  test('KVM, which is named by what it writes, after the instruction that made it', () => {
    for (const space of ['physical', 'linear'] as const) {
      const { port, code } = protectedGuest(KVM, { interface: 'kvm' });
      watch(port, { space, address: 0x200000, length: 4 });
      const found = next(port);
      assert.equal(found?.access.by, 'KVM (kvmclock)');
      assert.equal(port.position().linearEip, code.at('after'));
      assert.deepEqual(bytes(found.access.after), [2, 0, 0, 0], 'the version');
    }
  });

  test('an instruction that the hypervisor carries out: it is the guest that writes', () => {
    for (const kind of ['kvm', 'bare'] as const) {
      const { port, code } = protectedGuest(KVM, { interface: kind, exits: kind === 'kvm' ? { io: true } : {} });
      if (kind === 'bare') port.writeRegister('eip', code.at('after'));
      watch(port, { address: 0x200041, length: 1, access: 'readWrite' });
      const found = next(port);
      assert.equal(found?.access.by, undefined);
      assert.deepEqual([found?.access.linear, found?.access.instruction], [0x200041, code.at('in')], kind);
    }
  }); // prettier-ignore
});
