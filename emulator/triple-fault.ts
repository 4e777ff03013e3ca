/** What led to a triple fault, as the end of a sentence "Triple fault: …", without its full stop. */
import type { Cpu } from './cpu/cpu.ts';
import { VECTOR } from './cpu/processor.ts';

const NAMES = new Map(
  Object.entries(VECTOR).map(([name, vector]) => [vector as number, `#${name}`]),
);
const hex = (value: number): string => `0x${value.toString(16)}`;

export function describeTripleFault(cpu: Cpu): string {
  const chain = cpu.faultChain.map(({ vector, errorCode, eip, cr2 }) => {
    const name = NAMES.get(vector) ?? `vector ${String(vector)}`;
    const error = errorCode === null ? '' : `(${hex(errorCode)})`;
    const address = vector === VECTOR.PF ? ` for address ${hex(cr2)}` : '';
    return `${name}${error} at ${hex(eip)}${address}`;
  });
  if (chain.length === 0) return 'the processor has shut down';
  return `${chain.join(', then ')}; the handler of none could be entered`;
}
