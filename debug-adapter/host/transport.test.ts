import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import { connectStreams, FrameReader } from './transport.ts';

function reader(): {
  readonly frames: FrameReader;
  readonly taken: unknown[];
  readonly problems: string[];
} {
  const taken: unknown[] = [];
  const problems: string[] = [];
  const frames = new FrameReader(
    (message) => taken.push(message),
    (problem) => problems.push(problem),
  );
  return { frames, taken, problems };
}

function frame(message: unknown): Buffer {
  const body = Buffer.from(JSON.stringify(message));
  return Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\n\r\n`), body]);
}

describe('frames', () => {
  it('come out whole however they are cut', () => {
    const messages = [{ seq: 1, text: 'ä€𝄞' }, { seq: 2 }, {}];
    const bytes = Buffer.concat(messages.map(frame));
    for (const size of [1, 2, 7, 64, bytes.length]) {
      const { frames, taken, problems } = reader();
      for (let at = 0; at < bytes.length; at += size) frames.push(bytes.subarray(at, at + size));
      assert.deepEqual(taken, messages);
      assert.deepEqual(problems, []);
    }
  });

  it('take other header fields and any case', () => {
    const { frames, taken } = reader();
    frames.push(Buffer.from('Content-Type: x\r\ncontent-length:2\r\n\r\n{}'));
    assert.deepEqual(taken, [{}]);
  });

  it('are skipped when they are broken, and the next one counts', () => {
    const { frames, taken, problems } = reader();
    frames.push(Buffer.from('Content-Length: 3\r\n\r\n{x}'));
    frames.push(Buffer.from('Content-Length: 99999999999\r\n\r\n'));
    frames.push(Buffer.from('Nothing: 1\r\n\r\n'));
    frames.push(frame({ seq: 4 }));
    assert.deepEqual(taken, [{ seq: 4 }]);
    assert.equal(problems.length, 3);
  });

  it('do not pile up without a header', () => {
    const { frames, problems } = reader();
    for (let count = 0; count < 100; count++) frames.push(Buffer.alloc(1000, 'x'));
    assert.ok(problems.length >= 10);
  });
});

describe('streams', () => {
  it('carry messages both ways and tell once that the client has gone', async () => {
    const [input, output] = [new PassThrough(), new PassThrough()];
    const taken: unknown[] = [];
    let gone = 0;
    const transport = connectStreams(
      input,
      output,
      (message) => taken.push(message),
      () => gone++,
    );
    const closed = once(input, 'close');
    transport.send({ hello: 'ö' });
    const sent = output.read() as Buffer;
    assert.equal(sent.toString(), 'Content-Length: 14\r\n\r\n{"hello":"ö"}');
    input.write(frame({ seq: 1 }));
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(taken, [{ seq: 1 }]);
    input.end();
    await closed;
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(gone, 1);
    transport.send({ late: true });
    assert.equal(output.read(), null);
  });

  it('are ready again when the client has read', async () => {
    const [input, output] = [new PassThrough(), new PassThrough({ highWaterMark: 16 })];
    const transport = connectStreams(input, output, () => undefined, () => undefined); // prettier-ignore
    await transport.ready();
    transport.send({ text: 'longer than the high-water mark' });
    let ready = false;
    const waiting = transport.ready().then(() => (ready = true));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(ready, false);
    output.resume();
    await waiting;
  });
});
