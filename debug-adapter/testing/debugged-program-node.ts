/** debugged-program.c as gcc compiles it, with its debugging information and its bytes in memory. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bytesSource } from '../../emulator/formats/byte-source.ts';
import { dwarfSections, type DwarfSections } from '../../emulator/formats/dwarf/sections.ts';
import { findSection, parseElf, sectionBytes, type ElfFile } from '../../emulator/formats/elf.ts';
import { DwarfInformation } from '../symbols/dwarf-information.ts';
import { DwarfPlaces } from '../symbols/dwarf-places.ts';
import { GuestImage } from '../symbols/guest-image.ts';
import { ScannedNames } from './scanned-names.ts';

const SOURCES = ['debugged-program.c', 'debugged-other.c'];
const HERE = fileURLToPath(new URL('.', import.meta.url));

/** Null where gcc cannot compile for i386. @param flags "-gdwarf-5", "-O2" */
export const compiledElf = (flags: readonly string[]): Uint8Array | null =>
  compiledC(HERE, SOURCES, flags);

/** The same of other sources, by their names in a folder. */
export function compiledC(
  cwd: string,
  sources: readonly string[],
  flags: readonly string[],
): Uint8Array | null {
  const folder = mkdtempSync(join(tmpdir(), 'guestscope-debugged-'));
  try {
    const out = join(folder, 'program');
    const fixed = ['-m32', '-ffreestanding', '-nostdlib', '-static', '-fno-pic', '-no-pie'];
    const made = spawnSync('gcc', [...fixed, ...flags, '-o', out, ...sources], { cwd });
    return made.status === 0 ? new Uint8Array(readFileSync(out)) : null;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function sectionsOf(elf: ElfFile): DwarfSections {
  return dwarfSections((name) => {
    const section = findSection(elf, name);
    return section === undefined ? null : bytesSource(sectionBytes(elf, section));
  });
}

export function informationOf(sections: DwarfSections): DwarfInformation {
  const places = new DwarfPlaces('', {});
  const image = new GuestImage('program');
  return new DwarfInformation(image, sections, new ScannedNames(sections), places, () => null);
}

/** Bytes of the program at a linear address. */
export function bytesAt(elf: ElfFile, address: number, length: number): Uint8Array {
  const section = elf.sections.find(
    ({ address: start, size }) => start !== 0 && address >= start && address + length <= start + size, // prettier-ignore
  );
  if (section === undefined) throw new Error(`nothing is at 0x${address.toString(16)}`);
  return sectionBytes(elf, section)
    .subarray(address - section.address)
    .slice(0, length);
}

export const parsed = (bytes: Uint8Array): ElfFile => parseElf(bytesSource(bytes));
