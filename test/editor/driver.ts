/**
 * Lets the suites, which run inside the extension host, use the editor as a person would: they post
 * these requests to the process that holds the browser (ui.ts is the client). Selectors are
 * Playwright's.
 */
import { mkdirSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import type { Frame, Locator, Page } from 'playwright-core';

/** An element; `view` finds the page of a webview by an element that only it has. */
export interface UiTarget {
  readonly selector: string;
  readonly view?: string;
}

// prettier-ignore
export type UiRequest =
  | (UiTarget & { readonly action: 'click'; readonly button?: 'left' | 'right'; readonly count?: number })
  | (UiTarget & { readonly action: 'hover' })
  /** Keys in Playwright's words: "F5", "Control+Shift+P". */
  | { readonly action: 'press'; readonly keys: string }
  | { readonly action: 'type'; readonly text: string }
  /** Waits until an element is visible that matches (and contains `text`), or none is. */
  | (UiTarget & { readonly action: 'waitFor'; readonly text?: string; readonly gone?: boolean })
  /** Inner texts of all elements that match. */
  | (UiTarget & { readonly action: 'texts' })
  /** Stores a PNG; the answer is its path. */
  | { readonly action: 'screenshot'; readonly name: string };

export type UiAnswer =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: string };

const PATIENCE = 60_000;

/** The frame to look in: the workbench, or the webview that has this element. */
async function frameOf(page: Page, view: string | undefined): Promise<Frame> {
  if (view === undefined) return page.mainFrame();
  const deadline = Date.now() + PATIENCE;
  while (Date.now() < deadline) {
    for (const frame of page.frames()) {
      // frames come and go while the editor builds a webview
      const found = await frame
        .locator(view)
        .count()
        .catch(() => 0);
      if (found > 0) return frame;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`no webview has ${view}`);
}

async function perform(page: Page, directory: string, request: UiRequest): Promise<unknown> {
  switch (request.action) {
    case 'press':
      await page.keyboard.press(request.keys);
      return null;
    case 'type':
      await page.keyboard.type(request.text, { delay: 10 });
      return null;
    case 'screenshot': {
      mkdirSync(directory, { recursive: true });
      const file = join(directory, `${request.name.replace(/[^\w.-]+/g, '-')}.png`);
      await page.screenshot({ path: file });
      return file;
    }
    default: {
      const frame = await frameOf(page, request.view);
      return performOn(frame.locator(request.selector), request);
    }
  }
}

async function performOn(
  locator: Locator,
  request: Extract<UiRequest, UiTarget>,
): Promise<unknown> {
  switch (request.action) {
    case 'click':
      await locator.first().click({
        button: request.button ?? 'left',
        clickCount: request.count ?? 1,
        timeout: PATIENCE,
      });
      return null;
    case 'hover':
      await locator.first().hover({ timeout: PATIENCE });
      return null;
    case 'waitFor': {
      const wanted =
        request.text === undefined ? locator : locator.filter({ hasText: request.text });
      const state = request.gone ? 'hidden' : 'visible';
      await wanted.first().waitFor({ state, timeout: PATIENCE });
      return null;
    }
    case 'texts':
      return locator.allInnerTexts();
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
