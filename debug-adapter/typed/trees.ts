/** Building the machine's trees: what can be computed is, so that a condition has little left to do. */
import {
  binary as compute,
  convert,
  type IntegerType,
  S32,
  U32,
  U64,
} from '../../emulator/expressions/integers.ts';
import type { Syntax } from '../../emulator/expressions/syntax.ts';

export function constant(value: number | bigint, type: IntegerType = S32, at = 0): Syntax {
  return { kind: 'integer', at, ...convert(BigInt(value), type) };
}

export function binary(operator: string, left: Syntax, right: Syntax): Syntax {
  if (left.kind === 'integer' && right.kind === 'integer') {
    const value = compute(operator, left, right);
    if (value !== null) return { kind: 'integer', at: left.at, ...value };
  }
  return { kind: 'binary', at: left.at, operator, left, right };
}

export function cast(operand: Syntax, integer: IntegerType): Syntax {
  const { at } = operand;
  if (operand.kind === 'integer') return constant(operand.value, integer, at);
  if (operand.kind === 'memory' && operand.type.bits === integer.bits && operand.type.signed === integer.signed)
    return operand; // prettier-ignore
  return { kind: 'cast', at, type: { integer, pointers: 0 }, operand };
}

/** An address so many bytes on, of 32 bits. */
export function advanced(address: Syntax, bytes: number): Syntax {
  if (bytes === 0) return address;
  if (address.kind === 'integer') return constant(address.value + BigInt(bytes), U32, address.at);
  if (address.kind === 'binary' && address.operator === '+' && address.right.kind === 'integer')
    return { ...address, right: constant(address.right.value + BigInt(bytes), U32) };
  return binary('+', address, constant(bytes, U32));
}

/** An integer in linear memory. */
export function memoryAt(address: Syntax, type: IntegerType): Syntax {
  return { kind: 'memory', at: address.at, space: 'linear', type, segment: null, address };
}

/** Bits `first` to `first + count - 1` of a value, extended to 64. */
export function field(value: Syntax, first: number, count: number, signed: boolean): Syntax {
  const wide = cast(value, U64);
  if (!signed) {
    const low = first === 0 ? wide : binary('>>', wide, constant(first));
    return binary('&', low, constant((1n << BigInt(count)) - 1n, U64));
  }
  const high = binary('<<', wide, constant(64 - first - count));
  return binary('>>', cast(high, { bits: 64, signed: true }), constant(64 - count));
}
