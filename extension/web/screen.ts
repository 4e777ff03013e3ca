/**
 * Page of the guest's screen: the picture, as large as fits, and the keyboard while the picture has the
 * focus. A text mode's lines stand beside it, unseen, for screen readers and tests.
 */
import type { FromScreenPage, ToScreenPage } from '../views/screen-messages.ts';
import { connectHost, element } from './host.ts';
import { scanCodes } from './keyboard.ts';
import { drawPicture } from './picture-canvas.ts';

const host = connectHost<ToScreenPage, FromScreenPage>();
/** Keys that the guest believes to be down. */
const held = new Set<string>();

const message = element('p', 'message', '');
const hint = element('span', 'hint', '');
const reboot = element('button', '', 'Ctrl+Alt+Del');
reboot.title = 'Press Ctrl, Alt and Delete on the guest’s keyboard';
const paste = element('button', '', 'Paste');
paste.title = 'Type the text of the clipboard into the guest, on a US keyboard';
const toolbar = element('div', 'toolbar', [reboot, paste, hint]);
const canvas = element('canvas', 'picture');
canvas.width = 720;
canvas.height = 400;
canvas.tabIndex = 0;
canvas.setAttribute('role', 'img');
canvas.setAttribute('aria-label', 'Screen of the guest; keys go to the guest');
const lines = element('pre', 'lines', '');
const stage = element('div', 'stage', [canvas]);
document.body.append(toolbar, message, stage, lines);

function say(text: string): void {
  message.textContent = text;
  message.hidden = text === '';
}

function press(...codes: readonly string[]): void {
  const down = codes.flatMap((code) => scanCodes(code, true));
  const up = codes.toReversed().flatMap((code) => scanCodes(code, false));
  host.send({ kind: 'keys', scanCodes: [...down, ...up] });
}

function showHint(): void {
  const focused = document.activeElement === canvas;
  hint.textContent = focused ? 'Keys go to the guest; Ctrl+Alt leaves it' : 'Click the picture to type into the guest'; // prettier-ignore
}

function key(event: KeyboardEvent, pressed: boolean): void {
  const codes = scanCodes(event.code, pressed);
  if (codes.length === 0) return;
  event.preventDefault();
  event.stopPropagation();
  if (pressed) held.add(event.code);
  else held.delete(event.code);
  host.send({ kind: 'keys', scanCodes: codes });
  // the way out for who has no mouse
  if (pressed && event.ctrlKey && event.altKey && /^(Control|Alt)/.test(event.code)) reboot.focus();
}

/** Whatever is still down when the focus goes is released: the guest would think it held for ever. */
function releaseAll(): void {
  const codes = [...held].flatMap((code) => scanCodes(code, false));
  held.clear();
  if (codes.length > 0) host.send({ kind: 'keys', scanCodes: codes });
}

canvas.addEventListener('keydown', (event) => key(event, true));
canvas.addEventListener('keyup', (event) => key(event, false));
canvas.addEventListener('focus', showHint);
canvas.addEventListener('blur', () => {
  releaseAll();
  showHint();
});
canvas.addEventListener('mousedown', () => canvas.focus());
reboot.addEventListener('click', () => {
  press('ControlLeft', 'AltLeft', 'Delete');
  canvas.focus();
});
paste.addEventListener('click', () => {
  void navigator.clipboard.readText().then(
    (text) => {
      host.send({ kind: 'paste', text });
      canvas.focus();
    },
    () => say('The editor does not give its clipboard to this view; click the picture and type.'),
  );
});

host.onMessage((received) => {
  switch (received.kind) {
    case 'picture': {
      const { picture } = received;
      drawPicture(canvas, picture);
      canvas.dataset['kind'] = picture.kind;
      lines.textContent = picture.kind === 'text' ? picture.lines.join('\n') : '';
      say(picture.kind === 'blank' ? 'The guest’s display adapter shows nothing yet.' : '');
      break;
    }
    case 'say':
      say(received.text);
      break;
    case 'running':
      document.body.classList.toggle('running', received.running);
      break;
  }
});

say('');
showHint();
host.send({ kind: 'ready' });
