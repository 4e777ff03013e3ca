/**
 * The debugging sections of a file (DWARF 5, 7.3 and appendix B), read by ranges: those of a kernel are
 * hundreds of megabytes, of which a session looks at little. Whoever opens the file says how they are
 * read (from memory, from a file by position); what is compressed is unpacked before, and what a
 * relocatable file leaves to a linker is put in.
 */

import { bytesSource, type ByteSource } from '../byte-source.ts';

/** All of them; a section that is missing is an empty one. */
export interface DwarfSections {
  /** .debug_info */
  readonly info: ByteSource;
  /** .debug_types, which only DWARF 4 has. */
  readonly types: ByteSource;
  /** .debug_abbrev */
  readonly abbreviations: ByteSource;
  /** .debug_line */
  readonly lines: ByteSource;
  /** .debug_str, .debug_line_str, .debug_str_offsets */
  readonly texts: ByteSource;
  readonly lineTexts: ByteSource;
  readonly textOffsets: ByteSource;
  /** .debug_addr */
  readonly addresses: ByteSource;
  /** .debug_ranges up to DWARF 4, .debug_rnglists */
  readonly ranges: ByteSource;
  readonly rangeLists: ByteSource;
  /** .debug_aranges */
  readonly addressRanges: ByteSource;
  /** .debug_loc up to DWARF 4, .debug_loclists */
  readonly locations: ByteSource;
  readonly locationLists: ByteSource;
}

/** The section of each field of DwarfSections. */
export const SECTION_NAME = {
  info: '.debug_info',
  types: '.debug_types',
  abbreviations: '.debug_abbrev',
  lines: '.debug_line',
  texts: '.debug_str',
  lineTexts: '.debug_line_str',
  textOffsets: '.debug_str_offsets',
  addresses: '.debug_addr',
  ranges: '.debug_ranges',
  rangeLists: '.debug_rnglists',
  addressRanges: '.debug_aranges',
  locations: '.debug_loc',
  locationLists: '.debug_loclists',
} as const satisfies { readonly [Field in keyof DwarfSections]: string };

const NO_SECTION: ByteSource = bytesSource(new Uint8Array(0));

/** @param find a section by its name, null where there is none */
export function dwarfSections(find: (name: string) => ByteSource | null): DwarfSections {
  const section = (field: keyof DwarfSections): ByteSource =>
    find(SECTION_NAME[field]) ?? NO_SECTION;
  return {
    info: section('info'),
    types: section('types'),
    abbreviations: section('abbreviations'),
    lines: section('lines'),
    texts: section('texts'),
    lineTexts: section('lineTexts'),
    textOffsets: section('textOffsets'),
    addresses: section('addresses'),
    ranges: section('ranges'),
    rangeLists: section('rangeLists'),
    addressRanges: section('addressRanges'),
    locations: section('locations'),
    locationLists: section('locationLists'),
  };
}
