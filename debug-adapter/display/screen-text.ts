/**
 * The guest's screen as lines of text, for the debug console and the text session: characters of code
 * page 437 as Unicode, without colours. A picture of pixels is told by its size.
 */
import type { Picture, TextPicture } from '../../emulator/picture.ts';

/** Code page 437 from 00h to 1Fh, 7Fh, and from 80h on, in Unicode; the rest is ASCII. */
const LOW = ' ☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼';
const HIGH =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0';

/** The character of a byte of code page 437. */
export function codePage437(byte: number): string {
  if (byte < 0x20) return LOW[byte] ?? ' ';
  if (byte === 0x7f) return '⌂';
  return byte < 0x80 ? String.fromCharCode(byte) : (HIGH[byte - 0x80] ?? ' ');
}

/** The rows of a text picture, each `columns` characters. */
export function textLines({ columns, rows, cells }: TextPicture): readonly string[] {
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (__, column) =>
      codePage437(cells[2 * (row * columns + column)] ?? 0),
    ).join(''),
  );
}

/** The screen for a console: lines without blanks at their ends, nothing below the last that says something. */
export function pictureText(picture: Picture): string {
  switch (picture.kind) {
    case 'blank':
      return 'The screen is dark.';
    case 'graphics':
      return `The screen shows a picture of ${picture.width} x ${picture.height} pixels.`;
    case 'text': {
      const text = textLines(picture)
        .map((line) => line.trimEnd())
        .join('\n')
        .trimEnd();
      return text === '' ? 'The screen is empty.' : text;
    }
  }
}
