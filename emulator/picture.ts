/**
 * What is on the guest's screen, as plain data: characters in a text mode, pixels in a graphics mode,
 * nothing while the adapter keeps the screen dark. The cursor's and the characters' blinking is left to
 * whoever shows it.
 */

/** Text of a VGA's alphanumeric mode. */
export interface TextPicture {
  readonly kind: 'text';
  readonly columns: number;
  readonly rows: number;
  /** Two bytes a cell, row by row: character (code page 437 with the usual font), attribute. */
  readonly cells: Uint8Array;
  /** Null while it is switched off or outside the screen. */
  readonly cursor: TextCursor | null;
  /** What a cell's foreground and background mean: 0xRRGGBB of the sixteen attribute colours. */
  readonly palette: readonly number[];
  /** Bit 7 of an attribute blinks; otherwise it is the fourth bit of the background. */
  readonly blinks: boolean;
  /** Scan lines of a cell. */
  readonly cellHeight: number;
  /**
   * Glyphs as the guest or its firmware loaded them, 32 bytes each, one a scan line, bit 7 leftmost: 256
   * of them, or 512 where attribute bit 3 chooses the upper half. Null when none were loaded.
   */
  readonly glyphs: Uint8Array | null;
}

export interface TextCursor {
  readonly column: number;
  readonly row: number;
  /** Scan lines of its cell. */
  readonly firstLine: number;
  readonly lastLine: number;
}

export interface GraphicsPicture {
  readonly kind: 'graphics';
  readonly width: number;
  readonly height: number;
  /** Red, green, blue, 255: four bytes a pixel, row by row. */
  readonly pixels: Uint8Array;
}

export interface BlankPicture {
  readonly kind: 'blank';
}

export type Picture = TextPicture | GraphicsPicture | BlankPicture;

export interface Screen {
  /** Grows whenever the picture may have changed; give it back to be spared a picture that has not. */
  readonly changes: number;
  /** Null when it has not changed. */
  readonly picture: Picture | null;
}
