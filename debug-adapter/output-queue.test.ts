import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CONSOLE_LIMIT, NOTICE_LIMIT, OutputQueue } from './output-queue.ts';

describe('output on its way', () => {
  it('joins what came and is empty afterwards', () => {
    const queue = new OutputQueue();
    queue.addConsole(Uint8Array.of(1, 2));
    queue.addConsole(Uint8Array.of(3));
    queue.addNotices(['note']);
    const batch = queue.take([], 0, 7);
    assert.deepEqual(batch.console, Uint8Array.of(1, 2, 3));
    assert.deepEqual([batch.consoleDropped, batch.notices, batch.exitsTotal], [0, ['note'], 7]);
    assert.ok(queue.empty);
    assert.equal(queue.take([], 0, 7).console.length, 0);
  });

  it('drops the oldest bytes beyond its limit and counts every one', () => {
    const queue = new OutputQueue();
    let sent = 0;
    for (let chunk = 0; chunk < 300; chunk++) {
      const bytes = new Uint8Array(1500 + chunk).fill(chunk & 0xff);
      sent += bytes.length;
      queue.addConsole(bytes);
    }
    const { console, consoleDropped } = queue.take([], 0, 0);
    assert.equal(console.length, CONSOLE_LIMIT);
    assert.equal(console.length + consoleDropped, sent);
    assert.equal(console.at(-1), 299 & 0xff);
  });

  it('keeps the end of one chunk that is larger than all it may hold', () => {
    const queue = new OutputQueue();
    const bytes = new Uint8Array(CONSOLE_LIMIT + 5);
    bytes[bytes.length - 1] = 9;
    queue.addConsole(bytes);
    const batch = queue.take([], 0, 0);
    assert.deepEqual([batch.console.length, batch.consoleDropped], [CONSOLE_LIMIT, 5]);
    assert.equal(batch.console.at(-1), 9);
  });

  it('keeps the first notices and counts the rest', () => {
    const queue = new OutputQueue();
    queue.addNotices(Array.from({ length: NOTICE_LIMIT + 3 }, (_, index) => `n${index}`));
    const batch = queue.take([], 0, 0);
    assert.equal(batch.notices.length, NOTICE_LIMIT);
    assert.equal(batch.notices[0], 'n0');
    assert.equal(batch.noticesDropped, 3);
  });
});
