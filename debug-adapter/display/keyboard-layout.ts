/**
 * A US keyboard: which keys make a character, in scan codes of set 1 (IBM PS/2 hardware interface
 * technical reference, "Keyboards", 101-key keyboard). Each key is pressed and released, with Shift or
 * Ctrl around it where the character needs them.
 */

/** Keys in the order of their scan codes from `first` on: what they make alone, and with Shift. */
// prettier-ignore
const ROWS = [
  { first: 0x02, plain: '1234567890-=',  shifted: '!@#$%^&*()_+' },
  { first: 0x10, plain: 'qwertyuiop[]',  shifted: 'QWERTYUIOP{}' },
  { first: 0x1e, plain: "asdfghjkl;'`",  shifted: 'ASDFGHJKL:"~' },
  { first: 0x2b, plain: '\\zxcvbnm,./',  shifted: '|ZXCVBNM<>?' },
] as const;

/** Keys of control characters and the space bar. */
const KEYS: { readonly [character: string]: number } = {
  ' ': 0x39,
  '\b': 0x0e,
  '\u007f': 0x0e,
  '\t': 0x0f,
  '\r': 0x1c,
  '\n': 0x1c,
  '\u001b': 0x01,
};

const LEFT_SHIFT = 0x2a;
const CTRL = 0x1d;
const RELEASED = 0x80;
/** From a control character to the letter that is typed with Ctrl. */
const LETTER = 0x60;

/** Scan codes that type `text`; the first character that has no key, in words, if there is one. */
export function scanCodesFor(text: string): readonly number[] | string {
  const codes: number[] = [];
  // a line's end is one key
  for (const character of text.replaceAll('\r\n', '\r')) {
    const key = keyFor(character);
    if (key === null) return describe(character);
    codes.push(...key);
  }
  return codes;
}

function keyFor(character: string): readonly number[] | null {
  const own = KEYS[character];
  if (own !== undefined) return press(own);
  for (const { first, plain, shifted } of ROWS) {
    const alone = plain.indexOf(character);
    if (alone >= 0) return press(first + alone);
    const withShift = shifted.indexOf(character);
    if (withShift >= 0) return held(LEFT_SHIFT, first + withShift);
  }
  const code = character.codePointAt(0) ?? 0;
  if (code < 1 || code > 26) return null;
  const [letter] = keyFor(String.fromCodePoint(code + LETTER)) ?? [];
  return letter === undefined ? null : held(CTRL, letter);
}

function press(key: number): readonly number[] {
  return [key, key | RELEASED];
}

function held(modifier: number, key: number): readonly number[] {
  return [modifier, ...press(key), modifier | RELEASED];
}

function describe(character: string): string {
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return /\p{C}|\p{Z}/u.test(character) ? `U+${code}` : `"${character}" (U+${code})`;
}
