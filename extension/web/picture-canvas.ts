/**
 * Draws what a display adapter shows on a canvas, a pixel of the guest's a pixel of the canvas. Text is
 * drawn with the glyphs that the guest has loaded, as a VGA does (a cell of nine pixels, the ninth of a
 * line-drawing character repeating the eighth), or with the editor's font where it has loaded none.
 */
import type { ScreenPicture, ScreenPixels, ScreenText } from '../../debug-adapter/protocol.ts';

const CELL_WIDTH = 9;
const GLYPH_ROWS = 32;
/** Characters whose ninth column repeats the eighth. */
const LINES = { first: 0xc0, last: 0xdf };

/** Sets the canvas to the picture's size and draws it. */
export function drawPicture(canvas: HTMLCanvasElement, picture: ScreenPicture): void {
  const context = canvas.getContext('2d');
  if (context === null) return;
  switch (picture.kind) {
    case 'blank':
      context.fillRect(0, 0, canvas.width, canvas.height);
      break;
    case 'graphics':
      drawPixels(canvas, context, picture);
      break;
    case 'text':
      drawText(canvas, context, picture);
      break;
  }
}

function bytesOf(base64: string): Uint8ClampedArray<ArrayBuffer> {
  return Uint8ClampedArray.from(atob(base64), (character) => character.charCodeAt(0));
}

function resize(canvas: HTMLCanvasElement, width: number, height: number): void {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
}

function drawPixels(
  canvas: HTMLCanvasElement,
  context: CanvasRenderingContext2D,
  { width, height, pixels }: ScreenPixels,
): void {
  resize(canvas, width, height);
  context.putImageData(new ImageData(bytesOf(pixels), width, height), 0, 0);
}

function drawText(
  canvas: HTMLCanvasElement,
  context: CanvasRenderingContext2D,
  picture: ScreenText,
): void {
  const { columns, rows, cellHeight } = picture;
  resize(canvas, columns * CELL_WIDTH, rows * cellHeight);
  const image =
    picture.glyphs === undefined
      ? drawnWithFont(canvas, context, picture)
      : drawnWithGlyphs(canvas, context, picture, bytesOf(picture.glyphs));
  context.putImageData(image, 0, 0);
}

/** Where a cell's colours are taken from. */
interface CellColours {
  readonly foreground: number;
  readonly background: number;
}

function coloursOf(attribute: number, { palette, blinks }: ScreenText): CellColours {
  const colour = (index: number): number => palette[index] ?? 0;
  const background = (attribute >> 4) & (blinks ? 0x07 : 0x0f);
  return { foreground: colour(attribute & 0x0f), background: colour(background) };
}

function put(image: ImageData, x: number, y: number, colour: number): void {
  const at = (y * image.width + x) * 4;
  image.data[at] = colour >> 16;
  image.data[at + 1] = colour >> 8;
  image.data[at + 2] = colour;
  image.data[at + 3] = 0xff;
}

function drawnWithGlyphs(
  canvas: HTMLCanvasElement,
  context: CanvasRenderingContext2D,
  picture: ScreenText,
  glyphs: Uint8ClampedArray,
): ImageData {
  const { columns, rows, cellHeight, cursor } = picture;
  const image = context.createImageData(canvas.width, canvas.height);
  const cells = bytesOf(picture.cells);
  const hasTwoSets = glyphs.length > 256 * GLYPH_ROWS;
  for (let cell = 0; cell < columns * rows; cell++) {
    const character = cells[cell * 2] ?? 0;
    const attribute = cells[cell * 2 + 1] ?? 0;
    const colours = coloursOf(attribute, picture);
    const glyph = character + (hasTwoSets && (attribute & 0x08) !== 0 ? 256 : 0);
    const left = (cell % columns) * CELL_WIDTH;
    const top = Math.floor(cell / columns) * cellHeight;
    const hasCursor = cursor !== undefined && cursor.row * columns + cursor.column === cell;
    for (let line = 0; line < cellHeight; line++) {
      const inCursor = hasCursor && line >= cursor.firstLine && line <= cursor.lastLine;
      const bits = inCursor ? 0xff : (glyphs[glyph * GLYPH_ROWS + line] ?? 0);
      const isLine = character >= LINES.first && character <= LINES.last;
      const ninth = inCursor || isLine ? bits & 1 : 0;
      for (let x = 0; x < CELL_WIDTH; x++) {
        const isSet = x < 8 ? (bits >> (7 - x)) & 1 : ninth;
        put(image, left + x, top + line, isSet === 1 ? colours.foreground : colours.background);
      }
    }
  }
  return image;
}

function drawnWithFont(
  canvas: HTMLCanvasElement,
  context: CanvasRenderingContext2D,
  picture: ScreenText,
): ImageData {
  const { columns, cellHeight, lines, cursor } = picture;
  const cells = bytesOf(picture.cells);
  const css = (colour: number): string => `#${colour.toString(16).padStart(6, '0')}`;
  context.font = `${String(cellHeight - 2)}px ${getComputedStyle(canvas).fontFamily}`;
  context.textBaseline = 'middle';
  for (const [row, line] of lines.entries()) {
    for (const [column, character] of [...line].entries()) {
      const colours = coloursOf(cells[(row * columns + column) * 2 + 1] ?? 7, picture);
      const [x, y] = [column * CELL_WIDTH, row * cellHeight];
      context.fillStyle = css(colours.background);
      context.fillRect(x, y, CELL_WIDTH, cellHeight);
      context.fillStyle = css(colours.foreground);
      context.fillText(character, x, y + cellHeight / 2, CELL_WIDTH);
      if (cursor?.row !== row || cursor.column !== column) continue;
      context.fillRect(x, y + cursor.firstLine, CELL_WIDTH, cursor.lastLine - cursor.firstLine + 1);
    }
  }
  return context.getImageData(0, 0, canvas.width, canvas.height);
}
