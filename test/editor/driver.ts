/**
 * Lets the suites, which run inside the extension host, use the editor as a person would: they post
 * these requests to the process that holds the browser (ui.ts is the client). Selectors are
 * Playwright's.
 */
import { mkdirSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import type { Page } from 'playwright-core';

export type UiRequest =
  | { readonly action: 'click'; readonly selector: string; readonly button?: 'left' | 'right'; readonly count?: number } // prettier-ignore
  | { readonly action: 'hover'; readonly selector: string }
  /** Keys in Playwright's words: "F5", "Control+Shift+P". */
  | { readonly action: 'press'; readonly keys: string }
  | { readonly action: 'type'; readonly text: string }
  /** Waits until an element is visible that matches (and contains `text`). */
  | { readonly action: 'waitFor'; readonly selector: string; readonly text?: string; readonly gone?: boolean } // prettier-ignore
  /** Inner texts of all elements that match. */
  | { readonly action: 'texts'; readonly selector: string }
  /** Stores a PNG; the answer is its path. */
  | { readonly action: 'screenshot'; readonly name: string };

export type UiAnswer = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: string }; // prettier-ignore

const PATIENCE = 20_000;

async function perform(page: Page, directory: string, request: UiRequest): Promise<unknown> {
  switch (request.action) {
    case 'click':
      await page
        .locator(request.selector)
        .first()
        .click({
          button: request.button ?? 'left',
          clickCount: request.count ?? 1,
          timeout: PATIENCE,
        });
      return null;
    case 'hover':
      await page.locator(request.selector).first().hover({ timeout: PATIENCE });
      return null;
    case 'press':
      await page.keyboard.press(request.keys);
      return null;
    case 'type':
      await page.keyboard.type(request.text, { delay: 10 });
      return null;
    case 'waitFor': {
      const filter = request.text === undefined ? {} : { hasText: request.text };
      const state = request.gone ? 'hidden' : 'visible';
      await page
        .locator(request.selector)
        .filter(filter)
        .first()
        .waitFor({ state, timeout: PATIENCE });
      return null;
    }
    case 'texts':
      return page.locator(request.selector).allInnerTexts();
    case 'screenshot': {
      mkdirSync(directory, { recursive: true });
      const file = join(directory, `${request.name.replace(/[^\w.-]+/g, '-')}.png`);
      await page.screenshot({ path: file });
      return file;
    }
  }
}

export interface UiDriver {
  /** http://127.0.0.1:port */
  readonly address: string;
  /** From now on requests act on this page. */
  attach(page: Page): void;
  close(): void;
}

/** Starts listening on a free port of 127.0.0.1; screenshots go to `directory`. */
export async function startDriver(directory: string): Promise<UiDriver> {
  let page: Page | undefined;
  const server: Server = createServer((incoming, response) => {
    const parts: Buffer[] = [];
    incoming.on('data', (part: Buffer) => parts.push(part));
    incoming.on('end', () => {
      const answer = (value: UiAnswer) => response.end(JSON.stringify(value));
      if (page === undefined) {
        answer({ ok: false, error: 'The page is not open yet.' });
        return;
      }
      const request = JSON.parse(Buffer.concat(parts).toString()) as UiRequest;
      perform(page, directory, request).then(
        (value) => answer({ ok: true, value }),
        (error: unknown) => answer({ ok: false, error: String(error) }),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    address: `http://127.0.0.1:${String(port)}`,
    attach: (opened) => (page = opened),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
