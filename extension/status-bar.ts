/** Where the guest is, in the status bar: position, processor mode, privilege level, paging. */
import * as vscode from 'vscode';
import type { PositionBody } from '../debug-adapter/protocol.ts';
import type { GuestSession, GuestSessions } from './guest-session.ts';

const MODES = {
  real: 'real mode',
  protected16: '16-bit protected',
  protected32: '32-bit protected',
  v86: 'virtual-8086',
} as const satisfies Record<PositionBody['mode'], string>;

/** How often the position of a running guest is asked for, ms. */
const REFRESH = 1000;

export function registerStatusBar(sessions: GuestSessions): vscode.Disposable {
  const item = vscode.window.createStatusBarItem(
    'guestscope.position',
    vscode.StatusBarAlignment.Left,
  );
  item.name = 'Guestscope: position of the guest';
  item.command = 'guestscope.exits.focus';
  let subscription: vscode.Disposable | undefined;

  const show = (position: PositionBody) => {
    item.text = positionText(position);
    item.tooltip = positionTooltip(position);
    item.show();
  };
  const ask = async (session: GuestSession) => {
    try {
      show(await session.request('guestscope/position', undefined));
    } catch {
      // between two sessions there may be nobody to answer
      item.hide();
    }
  };
  const follow = (session: GuestSession | undefined) => {
    subscription?.dispose();
    subscription = session?.on('guestscope.position', show);
    if (session === undefined) item.hide();
    else void ask(session);
  };
  const timer = setInterval(() => {
    if (sessions.active?.running === true) void ask(sessions.active);
  }, REFRESH);
  follow(sessions.active);
  return vscode.Disposable.from(item, sessions.onActiveChanged(follow), {
    dispose: () => {
      clearInterval(timer);
      subscription?.dispose();
    },
  });
}

/** "$(debug-pause) 12,345 · 32-bit protected · CPL 0". */
export function positionText(position: PositionBody): string {
  const icon = position.running ? '$(debug-start)' : '$(debug-pause)';
  const count = position.retired.toLocaleString('en-US');
  return `${icon} ${count} · ${MODES[position.mode]} · CPL ${String(position.cpl)}`;
}

function positionTooltip(position: PositionBody): string {
  const eip = `0x${position.linearEip.toString(16).padStart(8, '0')}`;
  return [
    `${position.retired.toLocaleString('en-US')} instructions retired`,
    `${position.exits.toLocaleString('en-US')} VM exits`,
    `at ${eip}${position.symbol === undefined ? '' : ` (${position.symbol})`}`,
    `paging ${position.paging}, interrupts ${position.interruptsEnabled ? 'on' : 'off'}`,
  ].join('\n');
}
