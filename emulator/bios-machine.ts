/**
 * A machine that starts as a PC does, in firmware at the reset vector, with one medium to boot from: what
 * machine.ts gives its board for that, the state of the processor after RESET (SDM vol. 3, table 10-1), and
 * what the firmware's own messages mean for whoever debugs the guest.
 */
import { told } from './checked-configuration.ts';
import type { Cpu } from './cpu/cpu.ts';
import type { MachineConfiguration } from './debug-port.ts';
import type { BiosOptions } from './devices/bios-board.ts';
import { type BootMedium, bootMedium } from './devices/boot-medium.ts';
import { isRomSize } from './devices/firmware-rom.ts';
import { SHADOW_ADDRESS, SHADOW_BYTES } from './devices/i440fx.ts';
import { bytesText } from './formats/format-error.ts';
import { type GuestAttribute, GuestImageError, type LoadedGuest } from './loaders/loader.ts';
import { resetState } from './loaders/processor-state.ts';
import { PAGE_FLAG, type MemoryMap } from './memory/memory-map.ts';
import type { OutsideAccesses } from './outside-accesses.ts';

/** What SeaBIOS prints when it gives up, and before that for each medium that it tried. */
const NOTHING_TO_BOOT = 'No bootable device.';
const BOOT_FAILED = /^Boot failed: (.*)$/;

type Bios = NonNullable<MachineConfiguration['guest']['bios']>;

export interface BiosMachineParts {
  readonly buffer: ArrayBufferLike;
  readonly map: MemoryMap;
  /** The processors, once they are built. */
  readonly cpus: () => readonly Cpu[];
  /** As OutsideAccesses. */
  readonly accessed: OutsideAccesses['accessed'];
  readonly notice: (text: string) => void;
  /** The firmware has given up; the sentence says why and what to do. */
  readonly stop: (description: string) => void;
}

/** What the board of a BIOS machine is told; null for a guest without firmware. Throws ConfigurationError. */
export function configuredBios(
  guest: MachineConfiguration['guest'],
  parts: BiosMachineParts,
): BiosOptions | null {
  if (guest.format !== 'bios') return null;
  const { bios } = guest;
  if (bios === undefined) throw new Error('format bios without firmware');
  return told(() => biosOptions(guest, bios, parts));
}

/** What the board is to be built with. Throws GuestImageError. */
function biosOptions(
  guest: MachineConfiguration['guest'],
  bios: Bios,
  parts: BiosMachineParts,
): BiosOptions {
  const { kernel, kernelName } = guest;
  const { buffer, map, cpus } = parts;
  checkNothingElse(guest);
  const medium = checkedMedium(kernel, kernelName, bios.medium);
  checkFirmware(bios);
  const ram = new DataView(buffer, map.ram, map.ramSize);
  return {
    firmware: bios.firmware,
    ...(bios.videoRom && { videoRom: bios.videoRom }),
    medium,
    memory: (user) => ({
      read: (address, length) => {
        parts.accessed(user, address, length, false);
        return cpus()[0].memory.readRam(address, length);
      },
      write: (address, bytes) => {
        const written = cpus()[0].memory.writeRam(address, bytes);
        if (written) parts.accessed(user, address, bytes.length, true);
        return written;
      },
    }),
    setMemoryAttributes: (address, bytes, { readRam, writeRam }) => {
      const flag = !readRam ? PAGE_FLAG.DEVICE : writeRam ? 0 : PAGE_FLAG.READ_ONLY;
      setPageFlags(buffer, map, address, bytes, flag);
      for (const cpu of cpus()) cpu.memoryRemapped(address, bytes);
    },
    writeRam: (address, size, value) => {
      for (let at = 0; at < size; at++) ram.setUint8(address + at, (value >>> (8 * at)) & 0xff);
    },
    firmwareLine: firmwareListener(kernelName, parts),
  };
}

/** As it is at power-on: reads between C0000h and FFFFFh do not find RAM. */
export function hideShadowRam(buffer: ArrayBufferLike, map: MemoryMap): void {
  setPageFlags(buffer, map, SHADOW_ADDRESS, SHADOW_BYTES, PAGE_FLAG.DEVICE);
}

/** The guest as loaders give it: nothing was loaded. */
export function firmwareGuest(cpu: Cpu, { firmwareName }: Bios, medium: BootMedium): LoadedGuest {
  const { eax: signature } = cpu.model.cpuid(1, 0);
  const size = bytesText(medium.image.length);
  const kind = medium.kind === 'floppy' ? `${medium.format.name} floppy` : MEDIA[medium.kind];
  return {
    loader: 'bios',
    cpu: resetState(signature),
    ranges: [],
    summary: `${firmwareName}, ${kind} of ${size}, real mode at the reset vector`,
  };
}

const MEDIA = { disk: 'hard disk', cdrom: 'CD-ROM' } as const;

function checkedMedium(image: Uint8Array, name: string, wanted: Bios['medium']): BootMedium {
  const medium = bootMedium(image, wanted);
  if ('problem' in medium) throw new GuestImageError('guest.image', `${name} ${medium.problem}.`);
  return medium;
}

/** Firmware has no way to pass on what is for kernels. */
function checkNothingElse({
  initrd,
  modules,
  commandLine,
  loadAddress,
}: MachineConfiguration['guest']): void {
  const refuse = (attribute: GuestAttribute): never => {
    throw new GuestImageError(
      attribute,
      `A medium that firmware boots has no way to find it: remove ${attribute}, or boot a kernel with guest.kernel.`,
    );
  };
  if (initrd !== undefined) refuse('guest.initrd');
  if ((modules ?? []).length > 0) refuse('guest.modules');
  if (commandLine !== '') refuse('guest.commandLine');
  if (loadAddress !== 'auto') refuse('guest.loadAddress');
}

function checkFirmware({ firmware, firmwareName }: Bios): void {
  if (isRomSize(firmware.length)) return;
  throw new GuestImageError(
    'guest.firmware',
    `${firmwareName} has ${bytesText(firmware.length)} and is no firmware for a PC, which has 64 KiB to 1 MiB, a power of two: name SeaBIOS's bios-256k.bin or bios.bin in guest.firmware.`,
  );
}

function setPageFlags(
  buffer: ArrayBufferLike,
  map: MemoryMap,
  address: number,
  bytes: number,
  flag: number,
): void {
  const flags = new Uint8Array(buffer, map.pageFlags + (address >> 12), bytes >> 12);
  const changed = PAGE_FLAG.DEVICE | PAGE_FLAG.READ_ONLY;
  flags.forEach((before, page) => {
    flags[page] = (before & ~changed) | flag;
  });
}

/** Passes the firmware's lines on, and stops the guest when they say that nothing boots. */
function firmwareListener(
  image: string,
  { notice, stop }: BiosMachineParts,
): (line: string) => void {
  const reasons: string[] = [];
  return (line) => {
    notice(`Firmware: ${line}`);
    const reason = BOOT_FAILED.exec(line)?.[1];
    if (reason !== undefined) reasons.push(reason);
    if (line !== NOTHING_TO_BOOT) return;
    const said = reasons.length === 0 ? 'found no boot sector' : `said: ${reasons.join(', ')}`;
    stop(
      `The firmware cannot boot ${image} (it ${said}): a boot sector ends in the bytes 55 AA, and a CD needs an El Torito boot image.`,
    );
  };
}
