/**
 * Which handlers of the interpreter tier a run of cases reached: those for which a record was made.
 */
import { listHandlers } from '../../emulator/cpu/translate/handlers.ts';
import { R_HANDLER, RECORD_SIZE } from '../../emulator/cpu/translate/record.ts';
import type { Shape } from '../../emulator/cpu/translate/shape.ts';
import type { BareCpu } from '../../emulator/cpu/testing/bare-cpu.ts';

/** Keys of the handlers of the wanted shapes that no record names. */
export function handlersUsed(
  { map, memory }: BareCpu,
  wanted: (shape: Shape) => boolean,
): { readonly missing: readonly string[] } {
  const records = new Uint16Array(memory.buffer, map.records, (map.recordsEnd - map.records) >> 1);
  const used = new Set<number>();
  for (let at = R_HANDLER >> 1; at < records.length; at += RECORD_SIZE >> 1) {
    used.add(records[at] ?? 0);
  }
  const missing = listHandlers().handlers.filter(
    ({ shape }, index) => wanted(shape) && !used.has(index),
  );
  return { missing: missing.map(({ key }) => key) };
}
