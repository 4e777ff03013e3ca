/** The debugging sections of a file that line numbers need. */
import type { SymbolFile } from './symbol-file.ts';

export interface DebugSections {
  readonly info: Uint8Array;
  readonly abbreviations: Uint8Array;
  readonly lines: Uint8Array;
  readonly texts: Uint8Array;
  readonly lineTexts: Uint8Array;
}

/** Null for a file without line numbers. Throws Error with a sentence about the file. */
export function debugSections(file: SymbolFile): DebugSections | null {
  const contents = (name: string): Uint8Array => {
    const section = file.section(name);
    return section === null ? new Uint8Array(0) : section.read(0, section.length);
  };
  if (file.section('.debug_line') === null) return null;
  return {
    lines: contents('.debug_line'),
    info: contents('.debug_info'),
    abbreviations: contents('.debug_abbrev'),
    texts: contents('.debug_str'),
    lineTexts: contents('.debug_line_str'),
  };
}
