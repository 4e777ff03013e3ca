/**
 * Names of C's integer types (ISO 9899:2018, 6.7.2 "Type specifiers"): whoever asks may write "unsigned
 * long", and compilers write one of the several spellings: gcc "long unsigned int", clang "unsigned long".
 */

const WORDS: ReadonlySet<string> = new Set(['signed', 'unsigned', 'short', 'long', 'int', 'char']);

/** The name itself, then how compilers may spell it. */
export function spellings(name: string): readonly string[] {
  const words = name.trim().split(/\s+/);
  const plain = words.join(' ');
  if (!words.every((word) => WORDS.has(word))) return [plain];
  const has = (word: string): boolean => words.includes(word);
  const length = has('short') ? 'short' : 'long '.repeat(words.filter((word) => word === 'long').length).trim(); // prettier-ignore
  const sign = has('unsigned') ? 'unsigned' : '';
  if (has('char')) return [plain, join([sign === '' && has('signed') ? 'signed' : sign, 'char'])];
  const gcc = join([length, sign, 'int']);
  const clang = join([sign, length, length === '' ? 'int' : '']);
  return [...new Set([plain, gcc, clang])];
}

const join = (words: readonly string[]): string => words.filter((word) => word !== '').join(' ');
