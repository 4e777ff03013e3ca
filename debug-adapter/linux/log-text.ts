/**
 * Lines of the kernel's log as text: as kernels before 3.5 keep them, "<6>[    1.500000] eth0: up", and as
 * `dmesg` prints those of any.
 */
import { Utf8Decoder } from '../host/encoding.ts';
import type { LogRecord } from './kernel-log.ts';

const LINE = /^<(\d{1,4})>(?:\[ *(\d{1,9})\.(\d{6})\] ?)?/;
/** Of a line without one: DEFAULT_MESSAGE_LOGLEVEL. */
const DEFAULT_LEVEL = 4;

/** Text in a record, without the line feed at its end. */
export const decodeText = (bytes: Uint8Array): string => new Utf8Decoder().decode(bytes);

/** The first line may have lost its beginning. */
export function recordRows(text: string): readonly LogRecord[] {
  return text
    .replace(/\n$/, '')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [prefix = '', priority, seconds, micros] = LINE.exec(line) ?? [];
      const number = priority === undefined ? DEFAULT_LEVEL : Number(priority);
      return {
        time: seconds === undefined ? null : BigInt(seconds) * 1_000_000_000n + BigInt(micros ?? 0) * 1000n, // prettier-ignore
        level: number & 7,
        facility: number >> 3,
        text: line.slice(prefix.length),
      };
    });
}

/** "[    1.500000] ": seconds since the boot. */
export function timeText(time: bigint): string {
  const micros = time / 1000n;
  const seconds = String(micros / 1_000_000n).padStart(5);
  return `[${seconds}.${String(micros % 1_000_000n).padStart(6, '0')}] `;
}

/** As `dmesg` prints it: the time before each line. */
export function recordText({ time, text }: LogRecord): string {
  const stamp = time === null ? '' : timeText(time);
  return text
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => stamp + line)
    .join('\n');
}
