/**
 * Where in a file's debugging information a name is described: what is found in tables that are built
 * once for a file, so that no question reads a kernel's debugging information through.
 */

export interface NameIndex {
  /**
   * Entries of this name, as offsets in .debug_info (of a type unit of DWARF 4: the size of .debug_info
   * and the offset in .debug_types), in the order of the file.
   */
  entries(kind: NameKind, name: string): readonly number[];
  /** Names of functions, variables and typedefs that begin so, sorted. */
  namesFrom(prefix: string, most: number): readonly string[];
  /**
   * Units whose code may hold an address, as offsets of their headers in .debug_info; none when no unit
   * does. Exact where units tell their ranges.
   */
  unitsAt(address: number): readonly number[];
}

/**
 * - function: DW_TAG_subprogram with code of its own; the name may be that of its abstract origin
 * - variable: DW_TAG_variable outside functions that has a place or a value, or is the completion of one
 *   that was declared (DW_AT_specification, whose name it has)
 * - declared: DW_TAG_variable outside functions that is defined elsewhere (DW_AT_declaration), by an
 *   assembler or the linker; one for each name, where the file has no 'variable' of that name
 * - tag: complete structures, unions, classes and enumerations, which share one space of names in C;
 *   one entry for each name and kind is enough
 * - type: typedefs and base types; one entry for each name is enough
 * - enumerator: DW_TAG_enumerator; one for each name
 */
export type NameKind = 'function' | 'variable' | 'declared' | 'tag' | 'type' | 'enumerator';
