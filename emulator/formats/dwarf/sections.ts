/**
 * The debugging sections of a file (DWARF 5, 7.3 and appendix B), read by ranges: those of a kernel are
 * hundreds of megabytes, of which a session looks at little. Whoever opens the file says how they are
 * read (from memory, from a file by position); what is compressed is unpacked before, and what a
 * relocatable file leaves to a linker is put in.
 */

/** Contents of one section. */
export interface SectionSource {
  /** Bytes; 0 for a section that the file does not have. */
  readonly size: number;
  /**
   * Bytes from `at` on, as many as are asked for or fewer where the section ends. Not to be written to,
   * and not to be kept without `slice()` longer than needed: they may be a part of something large.
   */
  read(at: number, length: number): Uint8Array;
}

/** All of them; a section that is missing is an empty one (NO_SECTION). */
export interface DwarfSections {
  /** .debug_info */
  readonly info: SectionSource;
  /** .debug_types, which only DWARF 4 has. */
  readonly types: SectionSource;
  /** .debug_abbrev */
  readonly abbreviations: SectionSource;
  /** .debug_str, .debug_line_str, .debug_str_offsets */
  readonly texts: SectionSource;
  readonly lineTexts: SectionSource;
  readonly textOffsets: SectionSource;
  /** .debug_addr */
  readonly addresses: SectionSource;
  /** .debug_ranges up to DWARF 4, .debug_rnglists */
  readonly ranges: SectionSource;
  readonly rangeLists: SectionSource;
  /** .debug_loc up to DWARF 4, .debug_loclists */
  readonly locations: SectionSource;
  readonly locationLists: SectionSource;
}

/** The section of each field of DwarfSections. */
export const SECTION_NAME = {
  info: '.debug_info',
  types: '.debug_types',
  abbreviations: '.debug_abbrev',
  texts: '.debug_str',
  lineTexts: '.debug_line_str',
  textOffsets: '.debug_str_offsets',
  addresses: '.debug_addr',
  ranges: '.debug_ranges',
  rangeLists: '.debug_rnglists',
  locations: '.debug_loc',
  locationLists: '.debug_loclists',
} as const satisfies { readonly [Field in keyof DwarfSections]: string };

/** A section that lies in memory whole. */
export const sectionInMemory = (bytes: Uint8Array): SectionSource => ({
  size: bytes.length,
  read: (at, length) => bytes.subarray(at, at + length),
});

export const NO_SECTION: SectionSource = sectionInMemory(new Uint8Array(0));
