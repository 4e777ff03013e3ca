/** The guest's screen and keyboard: what the display adapter shows, and keys typed for the guest. */
import type { Picture } from '../../emulator/picture.ts';
import { encodeBase64 } from '../host/encoding.ts';
import { failure } from '../errors.ts';
import type { IncomingRequest } from '../incoming-request.ts';
import { scanCodesFor } from '../display/keyboard-layout.ts';
import type { KeyboardInputBody, ScreenBody, ScreenPicture } from '../protocol.ts';
import { textLines } from '../display/screen-text.ts';
import type { GuestscopeSession } from '../session.ts';

/** Scan codes of one request: what a person may paste. */
const MOST_CODES = 16 * 1024;

export async function screen(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<ScreenBody> {
  const seen = request.has('seen') ? request.integer('seen') : null;
  const { changes, picture } = await session.guest.machine.call('screen', seen);
  return { changes, ...(picture !== null && { picture: asBody(picture) }) };
}

function asBody(picture: Picture): ScreenPicture {
  switch (picture.kind) {
    case 'blank':
      return picture;
    case 'graphics':
      return { ...picture, pixels: encodeBase64(picture.pixels) };
    case 'text': {
      const { cursor, glyphs, cells, ...rest } = picture;
      return {
        ...rest,
        lines: textLines(picture),
        cells: encodeBase64(cells),
        ...(cursor !== null && { cursor }),
        ...(glyphs !== null && { glyphs: encodeBase64(glyphs) }),
      };
    }
  }
}

export async function keyboardInput(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<KeyboardInputBody> {
  const { command } = request;
  const codes = request.has('scanCodes')
    ? scanCodes(request)
    : scanCodesFor(request.string('text'));
  if (typeof codes === 'string') {
    throw failure('badArgument', {
      argument: 'text',
      command,
      problem: `there is no key for ${codes} on a US keyboard`,
    });
  }
  if (codes.length > MOST_CODES) {
    throw failure('tooLarge', {
      command,
      asked: `${codes.length} scan codes`,
      limit: `${MOST_CODES} scan codes`,
    });
  }
  if (codes.length > 0) await session.guest.machine.call('sendKeys', Uint8Array.from(codes));
  return { scanCodes: codes.length };
}

function scanCodes(request: IncomingRequest): readonly number[] {
  const { scanCodes: codes } = request.raw as { readonly scanCodes?: unknown };
  const isByte = (code: unknown): code is number =>
    typeof code === 'number' && Number.isInteger(code) && code >= 0 && code <= 0xff;
  if (Array.isArray(codes) && codes.every(isByte)) return codes;
  throw failure('badArgument', {
    argument: 'scanCodes',
    command: request.command,
    problem: 'it must be an array of integers from 0 to 255',
  });
}
