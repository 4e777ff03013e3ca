/** Values of expressions as text: "0x42", "-1", "1.5", a string in quotes. */
import type { Value } from './evaluator.ts';

export function valueText(value: Value, hex: boolean): string {
  // prettier-ignore
  switch (value.kind) {
    case 'real': return String(value.value);
    case 'string': return JSON.stringify(value.text);
    case 'integer': return hex ? hexadecimal(value.value, value.type.bits) : String(value.value);
  }
}

/** In two's complement. */
function hexadecimal(value: bigint, bits: number): string {
  return `0x${BigInt.asUintN(bits, value).toString(16)}`;
}
