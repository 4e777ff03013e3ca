/**
 * DAP's framing over a pair of streams: "Content-Length: N", an empty line, N bytes of JSON. What does
 * not hold to it is skipped with a line on standard error, so that one broken message does not end a
 * session; the lengths are bounded.
 */
import type { Readable, Writable } from 'node:stream';

/** Largest message taken: a write of 64 MiB in base64, and room. */
const MOST_BYTES = 96 * 1024 * 1024;
/** Longest header. */
const MOST_HEADER = 8 * 1024;

export interface Transport {
  send(message: unknown): void;
  /** Fulfilled when the stream has room again. */
  ready(): Promise<void>;
}

/** Splits a stream of bytes into messages. */
export class FrameReader {
  private chunks: Buffer[] = [];
  private held = 0;
  /** Bytes of the message whose header was read, or -1. */
  private expected = -1;
  /** What a web page sends to a local port must not become requests. */
  private deaf = false;
  private readonly take: (message: unknown) => void;
  private readonly complain: (problem: string) => void;

  constructor(take: (message: unknown) => void, complain: (problem: string) => void) {
    this.take = take;
    this.complain = complain;
  }

  push(chunk: Buffer): void {
    if (this.deaf) return;
    this.chunks.push(chunk);
    this.held += chunk.length;
    while (this.expected >= 0 ? this.readBody() : this.readHeader());
  }

  /** True when something was read and there may be more. */
  private readHeader(): boolean {
    const data = this.joined();
    const end = data.indexOf('\r\n\r\n');
    if (end < 0) {
      if (this.held <= MOST_HEADER) return false;
      this.complain('there is no header in the first 8 KiB; they are skipped');
      this.drop(this.held);
      return false;
    }
    const header = data.toString('latin1', 0, end);
    this.drop(end + 4);
    if (/ HTTP\/\d/.test(header)) {
      this.deaf = true;
      this.complain('a web browser speaks, which is no client of a debugger; it is not heard');
      return false;
    }
    const length = Number(/(?:^|\r\n)Content-Length: *(\d{1,10})\s*(?:\r\n|$)/i.exec(header)?.[1]);
    if (!(length <= MOST_BYTES)) this.complain('a header has no usable Content-Length');
    else this.expected = length;
    return true;
  }

  private readBody(): boolean {
    if (this.held < this.expected) return false;
    const text = this.joined().toString('utf8', 0, this.expected);
    this.drop(this.expected);
    this.expected = -1;
    let message: unknown;
    try {
      message = JSON.parse(text);
    } catch {
      this.complain('a message is no JSON');
      return true;
    }
    this.take(message);
    return true;
  }

  private joined(): Buffer {
    const data = this.chunks.length === 1 ? this.chunks[0] : Buffer.concat(this.chunks);
    if (data === undefined) return Buffer.alloc(0);
    this.chunks = [data];
    return data;
  }

  private drop(count: number): void {
    const rest = this.joined().subarray(count);
    this.chunks = [rest];
    this.held = rest.length;
  }
}

function complainHere(problem: string): void {
  process.stderr.write(`guestscope: ${problem}\n`);
}

/** Connects the streams; `take` gets each message, `gone` is called once when the client has left. */
export function connectStreams(
  input: Readable,
  output: Writable,
  take: (message: unknown) => void,
  gone: () => void,
  complain: (problem: string) => void = complainHere,
): Transport {
  const reader = new FrameReader(take, complain);
  let open = true;
  const close = (): void => {
    if (open) gone();
    open = false;
  };
  input.on('data', (chunk: Buffer) => reader.push(chunk));
  input.on('end', close);
  input.on('close', close);
  input.on('error', close);
  output.on('error', close);
  output.on('close', close);
  return {
    send(message) {
      if (!open) return;
      const body = Buffer.from(JSON.stringify(message), 'utf8');
      output.write(`Content-Length: ${body.length}\r\n\r\n`);
      output.write(body);
    },
    ready() {
      if (!open || !output.writableNeedDrain) return Promise.resolve();
      return new Promise((resolve) => {
        const done = (): void => {
          output.off('drain', done);
          output.off('close', done);
          resolve();
        };
        output.on('drain', done);
        output.on('close', done);
      });
    },
  };
}
