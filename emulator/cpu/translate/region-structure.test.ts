/** Control flow as sequences and loops; expected structures follow from the graphs by hand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Item, loopHeaders, structure } from './region-structure.ts';

/** "0 (1 2)" is block 0, then a loop of blocks 1 and 2. */
function text(items: readonly Item[]): string {
  return items
    .map((item) => (item.kind === 'block' ? String(item.nodes[0]) : `(${text(item.items)})`))
    .join(' ');
}

test('blocks without a loop come in the order of their jumps', () => {
  assert.equal(text(structure([[2], [], [1]], new Set([0]))), '0 2 1');
});

test('a loop in a loop has a header of its own', () => {
  // 0 → 1 → 2 ⇄ 3, 3 → 1, 1 → 4
  const items = structure([[1], [2, 4], [3], [2, 1], []], new Set([0]));
  assert.equal(text(items), '0 (1 (2 3)) 4');
  assert.deepEqual(loopHeaders(items), [1, 2]);
});

test('a loop that is entered in the middle has two headers', () => {
  const items = structure([[1, 2], [2], [1]], new Set([0]));
  assert.deepEqual([...loopHeaders(items)].sort(), [1, 2]);
  assert.deepEqual(loopHeaders(structure([[1], [0]], new Set([1]))), [1]);
});

test('a block that jumps to itself is a loop', () => {
  assert.equal(text(structure([[0, 1], []], new Set([0]))), '(0) 1');
});
