import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CONSOLE_LIMIT, LOG_LIMIT, NOTICE_LIMIT, OutputQueue } from './output-queue.ts';

const NO_LOGS = { lines: [], dropped: 0 };

describe('output on its way', () => {
  it('joins what came and is empty afterwards', () => {
    const queue = new OutputQueue();
    queue.addOutput(Uint8Array.of(1, 2), NO_LOGS);
    queue.addOutput(Uint8Array.of(3), NO_LOGS);
    queue.addNotices(['note']);
    const batch = queue.take([], 0, 7);
    assert.deepEqual(batch.console, Uint8Array.of(1, 2, 3));
    assert.deepEqual([batch.consoleDropped, batch.notices, batch.exitsTotal], [0, ['note'], 7]);
    assert.ok(queue.empty);
    assert.equal(queue.take([], 0, 7).console.length, 0);
  });

  it('says of each log where in the output of the console it stands', () => {
    const queue = new OutputQueue();
    const line = (after: number) => ({ lines: [{ parts: ['log'], after }], dropped: 0 });
    queue.addOutput(Uint8Array.of(1, 2, 3), line(2));
    queue.addOutput(Uint8Array.of(4, 5), line(1));
    const { logs } = queue.take([], 0, 0);
    assert.deepEqual(
      logs.map(({ after }) => after),
      [2, 4],
    );
    queue.addOutput(Uint8Array.of(6), line(0));
    assert.equal(queue.take([], 0, 0).logs[0]?.after, 0);
  });

  it('keeps everything where the guest waits for the client', () => {
    const queue = new OutputQueue();
    queue.bounded = false;
    const lines = Array.from({ length: 3 * LOG_LIMIT }, () => ({ parts: ['log'], after: 0 }));
    queue.addOutput(new Uint8Array(2 * CONSOLE_LIMIT), { lines, dropped: 0 });
    assert.ok(queue.isLarge);
    const batch = queue.take([], 0, 0);
    assert.deepEqual([batch.console.length, batch.logs.length], [2 * CONSOLE_LIMIT, 3 * LOG_LIMIT]);
    assert.deepEqual([batch.consoleDropped, batch.logsDropped], [0, 0]);
    assert.ok(!queue.isLarge);
  });

  it('drops the oldest bytes beyond its limit and counts every one', () => {
    const queue = new OutputQueue();
    let sent = 0;
    for (let chunk = 0; chunk < 300; chunk++) {
      const bytes = new Uint8Array(1500 + chunk).fill(chunk & 0xff);
      sent += bytes.length;
      queue.addOutput(bytes, NO_LOGS);
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
    queue.addOutput(bytes, NO_LOGS);
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
