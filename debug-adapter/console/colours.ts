/**
 * Modest colour in what console commands print, as ECMA-48 "SGR" sequences, for clients that show them
 * (`supportsANSIStyling` of DAP): headings are bold, addresses at the beginning of a line and names of
 * addresses stand out. The text is the same without them.
 */

const ESCAPE = '\u001b[';
const BOLD = 1;
const YELLOW = 33;
const CYAN = 36;

/** What stands out, wherever it is in a text of several lines; the first group is left as it is. */
// prettier-ignore
const STYLES: readonly { readonly pattern: RegExp; readonly style: number }[] = [
  { pattern: /^((?:=>|#\d+)? *)((?:phys:)?0x[0-9a-f]{8})\b/gm, style: CYAN },   // an address, marked or not
  { pattern: /^()(\S+:)(?=$| )/gm,                             style: BOLD },   // "General: eax=…", "start_kernel:"
  { pattern: /( )(<[\w.$]+(?:\+0x[0-9a-f]+)?>)/g,              style: YELLOW }, // "<start_kernel+0x10>"
];

export function coloured(text: string): string {
  return STYLES.reduce(
    (styled, { pattern, style }) =>
      styled.replace(
        pattern,
        (_, before: string, part: string) => `${before}${ESCAPE}${style}m${part}${ESCAPE}0m`,
      ),
    text,
  );
}
