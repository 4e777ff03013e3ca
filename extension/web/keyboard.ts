/**
 * Keys of a browser (W3C UI Events KeyboardEvent code values) as a PC's keyboard sends them: scan codes of
 * set 1 (IBM PS/2 hardware interface technical reference, "Keyboards", 101-key keyboard), so that every
 * layout of the guest's own works.
 */

const RELEASED = 0x80;
const EXTENDED = 0xe0;

/** Keys in the order of their scan codes, from the code before them. */
// prettier-ignore
const ROWS: readonly (readonly [first: number, codes: string])[] = [
  [0x01, 'Escape Digit1 Digit2 Digit3 Digit4 Digit5 Digit6 Digit7 Digit8 Digit9 Digit0 Minus Equal Backspace Tab'],
  [0x10, 'KeyQ KeyW KeyE KeyR KeyT KeyY KeyU KeyI KeyO KeyP BracketLeft BracketRight Enter ControlLeft'],
  [0x1e, 'KeyA KeyS KeyD KeyF KeyG KeyH KeyJ KeyK KeyL Semicolon Quote Backquote ShiftLeft Backslash'],
  [0x2c, 'KeyZ KeyX KeyC KeyV KeyB KeyN KeyM Comma Period Slash ShiftRight NumpadMultiply AltLeft Space CapsLock'],
  [0x3b, 'F1 F2 F3 F4 F5 F6 F7 F8 F9 F10 NumLock ScrollLock'],
  [0x47, 'Numpad7 Numpad8 Numpad9 NumpadSubtract Numpad4 Numpad5 Numpad6 NumpadAdd Numpad1 Numpad2 Numpad3 Numpad0 NumpadDecimal'],
  [0x56, 'IntlBackslash F11 F12'],
];
/** Keys that a 101-key keyboard has beyond those of the PC AT, behind the prefix E0h. */
const EXTENDED_KEYS: Readonly<Record<string, number>> = {
  NumpadEnter: 0x1c,
  ControlRight: 0x1d,
  NumpadDivide: 0x35,
  AltRight: 0x38,
  Home: 0x47,
  ArrowUp: 0x48,
  PageUp: 0x49,
  ArrowLeft: 0x4b,
  ArrowRight: 0x4d,
  End: 0x4f,
  ArrowDown: 0x50,
  PageDown: 0x51,
  Insert: 0x52,
  Delete: 0x53,
  MetaLeft: 0x5b,
  MetaRight: 0x5c,
  ContextMenu: 0x5d,
};
const PLAIN_KEYS = new Map(
  ROWS.flatMap(([first, codes]) =>
    codes.split(' ').map((code, index): [string, number] => [code, first + index]),
  ),
);

/** What the keyboard sends for a key that is pressed, or released; empty for one that it does not have. */
export function scanCodes(code: string, pressed: boolean): readonly number[] {
  const flag = pressed ? 0 : RELEASED;
  const plain = PLAIN_KEYS.get(code);
  if (plain !== undefined) return [plain | flag];
  const extended = EXTENDED_KEYS[code];
  return extended === undefined ? [] : [EXTENDED, extended | flag];
}
