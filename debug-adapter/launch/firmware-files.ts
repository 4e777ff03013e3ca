/**
 * The firmware of a BIOS machine: the files that launch.json names, or those of Debian's package seabios,
 * which has both the BIOS and the option ROM of a VGA display.
 */
import { failure } from '../errors.ts';
import type { Files } from '../host/files.ts';
import { readNamedFile } from '../host/files.ts';

const PACKAGE = '/usr/share/seabios';
const FIRMWARE_PLACES = [`${PACKAGE}/bios-256k.bin`, `${PACKAGE}/bios.bin`] as const;
const VIDEO_PLACES = [`${PACKAGE}/vgabios-isavga.bin`] as const;

export interface FirmwareFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** `named` in guest.firmware, or the package's; throws the numbered error. */
export async function firmwareFile(named: string | undefined, files: Files): Promise<FirmwareFile> {
  if (named !== undefined) {
    return { name: named, bytes: await readNamedFile(files, 'guest.firmware', named) };
  }
  const found = await firstOf(FIRMWARE_PLACES, files);
  if (found !== null) return found;
  throw failure('attributeMissing', {
    attribute: 'guest.firmware',
    remedy: `a medium in "guest.image" is booted by SeaBIOS, which is not in ${PACKAGE}: install Debian's package "seabios", or name the file of a BIOS here`,
  });
}

/** `named` in guest.videoFirmware, or the package's; null where neither is there. */
export async function videoFirmwareFile(
  named: string | undefined,
  files: Files,
): Promise<FirmwareFile | null> {
  if (named === undefined) return firstOf(VIDEO_PLACES, files);
  return { name: named, bytes: await readNamedFile(files, 'guest.videoFirmware', named) };
}

/** Where nobody has named a file, one that cannot be read is one that is not there. */
async function firstOf(names: readonly string[], files: Files): Promise<FirmwareFile | null> {
  for (const name of names) {
    const bytes = await files.readFile(name).catch(() => null);
    if (bytes !== null) return { name, bytes };
  }
  return null;
}
