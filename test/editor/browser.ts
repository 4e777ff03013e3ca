/**
 * The headless Chromium that shows the workbench. On Linux x64 its binary comes in an npm package (so
 * that a closed machine needs no other download); elsewhere GUESTSCOPE_CHROMIUM names one.
 */
import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { chromium, type Browser } from 'playwright-core';
import { ensureTool } from '../../extension/build/tools.ts';

/** Version of @sparticuz/chromium; a later major needs a later Node. */
const CHROMIUM = '147.0.0';

// No network but this computer, and nothing that needs a GPU or a profile.
const FLAGS = [
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-gpu',
  '--disable-quic',
  '--disable-sync',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
  '--no-first-run',
  '--no-sandbox',
];

/** Path of the Chromium binary, unpacked on first use. Throws an Error with cause and remedy. */
export function chromiumExecutable(): string {
  const named = process.env['GUESTSCOPE_CHROMIUM'];
  if (named) return named;
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error('Set GUESTSCOPE_CHROMIUM to the path of a Chromium or Chrome executable.');
  }
  const folder = ensureTool({
    folder: `chromium-${CHROMIUM}`,
    title: `headless Chromium ${CHROMIUM}`,
    packages: [`@sparticuz/chromium@${CHROMIUM}`],
    nested: [],
  });
  const binary = join(folder, 'chromium');
  if (!existsSync(binary)) {
    const packed = join(folder, 'node_modules/@sparticuz/chromium/bin/chromium.br');
    writeFileSync(`${binary}.partial`, brotliDecompressSync(readFileSync(packed)));
    chmodSync(`${binary}.partial`, 0o755);
    renameSync(`${binary}.partial`, binary);
  }
  return binary;
}

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumExecutable(), headless: true, args: FLAGS });
}
