/**
 * The grammars colour what they should: a line each by hand, and real files token by token, as the
 * snapshots beside this file have them (UPDATE_GOLDEN=1 writes them; a difference is to be read).
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import oniguruma from 'vscode-oniguruma';
import textmate from 'vscode-textmate';
import { projectRoot } from '../../extension/build/tools.ts';

const wasm = readFileSync(
  createRequire(import.meta.url).resolve('vscode-oniguruma/release/onig.wasm'),
);
await oniguruma.loadWASM(wasm);

interface Contribution {
  readonly scopeName: string;
  readonly path: string;
}
const manifest = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as {
  readonly contributes: { readonly grammars: readonly Contribution[] };
};

const registry = new textmate.Registry({
  onigLib: Promise.resolve({
    createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
    createOnigString: (text) => new oniguruma.OnigString(text),
  }),
  loadGrammar: (scopeName) => {
    const found = manifest.contributes.grammars.find((row) => row.scopeName === scopeName);
    if (found === undefined) return Promise.resolve(null);
    const text = readFileSync(join(projectRoot, found.path), 'utf8');
    return Promise.resolve(textmate.parseRawGrammar(text, found.path));
  },
});

/** Innermost scope (without its last word, the language) of the token that begins with each text. */
async function scopes(scopeName: string, line: string): Promise<Record<string, string>> {
  const grammar = await registry.loadGrammar(scopeName);
  assert.ok(grammar);
  const { tokens } = grammar.tokenizeLine(line, textmate.INITIAL);
  const found = tokens.map(({ startIndex, endIndex, scopes: all }) => [
    line.slice(startIndex, endIndex).trim(),
    (all.at(-1) ?? '').split('.').slice(0, -1).join('.'),
  ]);
  return Object.fromEntries(found.filter(([text]) => text !== '')) as Record<string, string>;
}

test('GNU assembler: label, prefix, mnemonic, register, number, comment', async () => {
  const found = await scopes('source.asm.gas', '1:  rep movsb    # copy');
  assert.equal(found['1'], 'entity.name.function.label');
  assert.equal(found['rep'], 'storage.modifier.prefix');
  assert.equal(found['movsb'], 'keyword.mnemonic');
  assert.equal(found['# copy'], 'comment.line.number-sign');
  const att = await scopes('source.asm.gas', '        movl $0x3f8, %edx');
  assert.equal(att['movl'], 'keyword.mnemonic');
  assert.equal(att['$0x3f8'], 'constant.numeric');
  assert.equal(att['%edx'], 'variable.language.register');
  const directive = await scopes('source.asm.gas', '        .globl start');
  assert.equal(directive['.globl'], 'keyword.other.directive');
});

test('NASM: directive, register, hexadecimal number, comment', async () => {
  const found = await scopes('source.asm.nasm', 'start: mov dx, 3f8h ; COM1');
  assert.equal(found['start'], 'entity.name.function.label');
  assert.equal(found['mov'], 'keyword.mnemonic');
  assert.equal(found['dx'], 'variable.language.register');
  assert.equal(found['; COM1'], 'comment.line.semicolon');
  const directive = await scopes('source.asm.nasm', 'bits 16');
  assert.equal(directive['bits'], 'keyword.other.directive');
});

test('linker script: command, section, symbol, number', async () => {
  const found = await scopes('source.linker-script', 'ENTRY(start) .text 0x7c00 : { stack = 1M; }');
  assert.equal(found['ENTRY'], 'keyword.control.command');
  assert.equal(found['.text'], 'entity.name.section');
  assert.equal(found['0x7c00'], 'constant.numeric');
  assert.equal(found['stack'], 'variable.other.assignment');
});

test('exit log: ordinal, position, reason, address, symbol, outcome', async () => {
  const line =
    '693 @8967  VM exit 10 CPUID at 0x000086f3 <find_hypervisor+0x2>: leaf 0x0 => returned eax 0x2';
  const found = await scopes('text.vm-exit-log', line);
  assert.equal(found['693'], 'constant.numeric.ordinal');
  assert.equal(found['8967'], 'constant.numeric.position');
  assert.equal(found['CPUID'], 'entity.name.type.reason');
  assert.equal(found['0x000086f3'], 'constant.numeric.address');
  assert.equal(found['find_hypervisor+0x2'], 'entity.name.function.symbol');
  assert.equal(found['returned'], 'keyword.control.outcome');
});

/** Files of this repository, and some that were written (and assembled) to have all of a language. */
const FILES = {
  'source.asm.gas': [
    'extension/sample/story/paging.s',
    'test/guests/bad/protected.inc.s',
    'test/syntaxes/files/trap-entry.S',
  ],
  'source.asm.nasm': ['test/syntaxes/files/boot-sector.asm'],
  'source.linker-script': ['extension/sample/story/story.ld', 'test/guests/moved/moved.ld'],
  'text.vm-exit-log': ['test/syntaxes/files/story.exitlog'],
} as const;

/** A file with, below each line, its tokens and their scopes but the language's own. */
async function coloured(scopeName: string, text: string): Promise<string> {
  const grammar = await registry.loadGrammar(scopeName);
  assert.ok(grammar);
  const written: string[] = [];
  let state = textmate.INITIAL;
  for (const line of text.trimEnd().split('\n')) {
    const { tokens, ruleStack } = grammar.tokenizeLine(line, state);
    state = ruleStack;
    written.push(`>${line}`);
    for (const { startIndex, endIndex, scopes: all } of tokens) {
      const token = line.slice(startIndex, endIndex).trim();
      if (token !== '') written.push(` ${token}  ${all.slice(1).join(' ') || '-'}`);
    }
  }
  return `${written.join('\n')}\n`;
}

for (const [scopeName, files] of Object.entries(FILES)) {
  for (const file of files) {
    test(`${file} is coloured as before`, async () => {
      const text = readFileSync(join(projectRoot, file), 'utf8');
      const found = await coloured(scopeName, text);
      const snapshot = join(projectRoot, 'test/syntaxes/snapshots', `${basename(file)}.snap`);
      if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(snapshot, found);
      assert.equal(found, readFileSync(snapshot, 'utf8'));
    });
  }
}
