/**
 * The kernel's log buffer, as `dmesg` prints it. Three generations, told by their symbols and types:
 *
 *   prb                    since 5.10  descriptors, infos and text in three rings (printk_ringbuffer.h)
 *   log_first_idx          3.5 to 5.9  records in a ring, each with its text behind it (struct printk_log)
 *   log_end, logged_chars  before      characters in a ring, "<6>[    0.000000] text" in each line
 *
 * A guest that is stopped in the middle of writing leaves a record out, never a wrong one.
 */
import { KernelError, type KernelMemory } from './kernel-memory.ts';
import type { KernelLook } from './kernel-look.ts';
import { KernelObject } from './kernel-object.ts';
import { type Found } from './lists.ts';
import { decodeText, recordRows } from './log-text.ts';
import { sizeOf } from '../typed/types.ts';

export interface LogRecord {
  /** Since the boot, ns; null where the kernel does not note it. */
  readonly time: bigint | null;
  /** KERN_ level: 0 is an emergency, 7 for debugging. */
  readonly level: number;
  /** What said it (syslog's facility): 0 is the kernel. */
  readonly facility: number;
  /** Without the line feed at its end; may have several lines. */
  readonly text: string;
}

/** Records at most, and bytes of a buffer at most (CONFIG_LOG_BUF_SHIFT is 25 at most). */
const MOST_RECORDS = 1 << 20;
const MOST_BYTES = 1 << 25;

/** From the oldest record on. Throws KernelError where there is no log to be found. */
export async function kernelLog(look: KernelLook): Promise<Found<LogRecord>> {
  if (look.has('prb')) return ringbuffer(look);
  if (look.has('log_first_idx')) return records(look);
  if (look.has('log_end')) return characters(look);
  throw new KernelError('The kernel has no log buffer that is known: no prb, log_first_idx or log_end.');
} // prettier-ignore

/** Why the rest of a log is left out. */
const DAMAGED = 'The log is damaged; the rest is left out.';

// ------------------------------------------------------------------------------- since 5.10: printk_ringbuffer

/** desc_state_flags: the state is in the two highest bits of state_var, the identity in the others. */
const STATE_SHIFT = 30;
const ID_MASK = (1 << STATE_SHIFT) - 1;
/** enum desc_state: its record can be read. */
const COMMITTED = 1;
const FINALIZED = 2;
/** A logical position with this bit belongs to no data: to none at all, or to data that found no room. */
const NO_DATA = 1;
const NO_LPOS = 3;
const MOST_COUNT_BITS = 24;

async function ringbuffer(look: KernelLook): Promise<Found<LogRecord>> {
  const ring = look.object('struct printk_ringbuffer', await look.word('prb'));
  const bits = await ring.number('desc_ring.count_bits');
  if (bits > MOST_COUNT_BITS) throw new KernelError('The kernel’s log is not set up yet.');
  const count = 1 << bits;
  const descriptors = await tableOf(ring, 'desc_ring.descs', count);
  const infos = await tableOf(ring, 'desc_ring.infos', count);
  const text = await textRing(ring);
  const head = await ring.number('desc_ring.head_id');
  const rows: LogRecord[] = [];
  for (let id = (await ring.number('desc_ring.tail_id')) & ID_MASK, seen = 0; seen < count; seen++) {
    const descriptor = descriptors(id & (count - 1));
    const state = await descriptor.number('state_var');
    const kind = state >>> STATE_SHIFT;
    if ((state & ID_MASK) === id && (kind === COMMITTED || kind === FINALIZED)) {
      const info = infos(id & (count - 1));
      const bytes = text(
        await descriptor.number('text_blk_lpos.begin'),
        await descriptor.number('text_blk_lpos.next'),
        await info.number('text_len'),
      );
      if (bytes !== null) rows.push(await recordOf(info, bytes));
    }
    if (id === (head & ID_MASK)) break;
    id = (id + 1) & ID_MASK;
  }
  return { rows, problem: null };
} // prettier-ignore

/** The elements that a pointer points to, read at once. */
async function tableOf(
  ring: KernelObject,
  path: string,
  count: number,
): Promise<(index: number) => KernelObject> {
  const first = await ring.target(path);
  if (first === null) throw new KernelError('The kernel’s log is not set up yet.');
  const { size, address, layout, memory } = first;
  const whole = await memory.copy(address, size * count);
  return (index) => new KernelObject(whole, layout, address + index * size);
}

/** The bytes of a record's text; null where they are gone. */
async function textRing(
  ring: KernelObject,
): Promise<(begin: number, next: number, length: number) => Uint8Array | null> {
  const bits = await ring.number('text_data_ring.size_bits');
  if (bits > 25) throw new KernelError('The kernel’s log is not set up yet.');
  const size = 2 ** bits;
  const data = await ring.memory.bytes(await ring.number('text_data_ring.data'), size);
  const idBytes = 4;
  return (begin, next, length) => {
    if (begin === NO_LPOS && next === NO_LPOS) return new Uint8Array(0);
    const laps = (next >>> bits) - (begin >>> bits);
    if ((begin & NO_DATA) !== 0 || laps < 0 || laps > 1) return null;
    // a block that does not fit before the end lies at the beginning
    const start = laps === 1 ? 0 : begin % size;
    const end = next % size;
    if (end < start + idBytes) return null;
    return data.subarray(start + idBytes, Math.min(start + idBytes + length, end));
  };
}

/** A printk_info or a printk_log: their members have the same names. */
async function recordOf(info: KernelObject, bytes: Uint8Array): Promise<LogRecord> {
  return {
    time: await info.integer('ts_nsec'),
    level: await info.number('level'),
    facility: await info.number('facility'),
    text: decodeText(bytes),
  };
}

// -------------------------------------------------------------------------------- 3.5 to 5.9: struct printk_log

/** enum log_flags: the text goes on where the record before has ended. */
const LOG_NEWLINE = 2;
const LOG_CONT = 8;

async function records(look: KernelLook): Promise<Found<LogRecord>> {
  const layout = look.names.layout('struct printk_log') ?? look.layout('struct log');
  const header = sizeOf(layout.type) ?? 0;
  const size = await look.word('log_buf_len');
  const memory = await logBuffer(look, size);
  const buffer = memory.address;
  const last = await look.word('log_next_idx');
  const rows: LogRecord[] = [];
  let isOpen = false;
  for (let at = await look.word('log_first_idx'), seen = 0; at !== last; seen++) {
    if (seen > MOST_RECORDS || at + header > size) return { rows, problem: DAMAGED };
    const info = new KernelObject(memory.copy, layout, buffer + at);
    const length = await info.number('len');
    if (length === 0) {
      // the next record did not fit before the end
      if (at === 0) return { rows, problem: DAMAGED };
      at = 0;
      continue;
    }
    const textLength = await info.number('text_len');
    if (length < header + textLength || at + length > size) return { rows, problem: DAMAGED };
    const bytes = await memory.copy.bytes(buffer + at + header, textLength);
    const record = await recordOf(info, bytes);
    const flags = await info.number('flags');
    const before = rows.at(-1);
    if (isOpen && (flags & LOG_CONT) !== 0 && before !== undefined)
      rows.splice(-1, 1, { ...before, text: before.text + record.text });
    else rows.push(record);
    isOpen = (flags & LOG_NEWLINE) === 0;
    at += length;
  }
  return { rows, problem: null };
}

// ------------------------------------------------------------------------------------- before 3.5: characters

async function characters(look: KernelLook): Promise<Found<LogRecord>> {
  const size = await look.word('log_buf_len');
  const { copy, address } = await logBuffer(look, size);
  const end = await look.word('log_end');
  const count = Math.min(look.has('logged_chars') ? await look.word('logged_chars') : end, size);
  const start = ((end - count) >>> 0) % size;
  const first = await copy.bytes(address + start, Math.min(count, size - start));
  const second = await copy.bytes(address, count - first.length);
  return { rows: recordRows(decodeText(first) + decodeText(second)), problem: null };
}

/** A copy of what log_buf points to. */
async function logBuffer(
  look: KernelLook,
  size: number,
): Promise<{ readonly copy: KernelMemory; readonly address: number }> {
  if (size === 0 || size > MOST_BYTES || (size & (size - 1)) !== 0)
    throw new KernelError('The kernel’s log is not set up yet.');
  const address = await look.word('log_buf');
  return { copy: await look.memory.copy(address, size), address };
}
