/**
 * How a chip's registers become a snapshot and come back. Each chip keeps what a guest can change in one
 * plain object; taking the state copies that object, putting it back checks a foreign one field by field
 * against the chip's power-on registers. JSON has no Infinity, which is how chips write "never": it is
 * null in a snapshot.
 */
import type { DeviceState, JsonValue } from './device.ts';

/** Copy of `registers` (plain numbers, booleans, arrays, objects) with its format's version. */
export function takeState(version: number, registers: object): DeviceState {
  const state: { [name: string]: JsonValue } = {};
  for (const [name, value] of Object.entries(registers)) state[name] = encode(name, value);
  return { ...state, version };
}

/**
 * Registers out of a snapshot. `like` gives the shape: same fields, same types, integers where it has
 * numbers, arrays of the same length (any length where `like` has an empty array, which then holds bytes).
 * Throws RangeError that names the chip and the field.
 */
export function readState<R extends object>(
  chip: string,
  version: number,
  state: DeviceState,
  like: R,
): R {
  if (state.version !== version) {
    throw new RangeError(`${chip}: snapshot version ${state.version}, expected ${version}`);
  }
  const { version: _, ...fields } = state;
  return decode(chip, fields, like) as R;
}

function encode(name: string, value: unknown): JsonValue {
  if (value === Infinity) return null;
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string') {
    return value;
  }
  if (Array.isArray(value)) return value.map((item) => encode(name, item));
  if (typeof value === 'object' && value !== null) {
    const copy: { [name: string]: JsonValue } = {};
    for (const [field, item] of Object.entries(value)) copy[field] = encode(field, item);
    return copy;
  }
  throw new TypeError(`register ${name} is not plain data`);
}

function decode(where: string, value: JsonValue | undefined, like: unknown): unknown {
  const foreign = (): never => {
    throw new RangeError(`${where}: not in the shape of this snapshot version`);
  };
  if (typeof like === 'number') {
    if (value === null) return Infinity;
    return Number.isSafeInteger(value) ? value : foreign();
  }
  if (typeof like === 'boolean') return typeof value === 'boolean' ? value : foreign();
  if (typeof like === 'string') return typeof value === 'string' ? value : foreign();
  if (Array.isArray(like)) return decodeArray(where, value, like);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return foreign();
  const fields = value as { readonly [name: string]: JsonValue };
  const shape = like as { readonly [name: string]: unknown };
  if (Object.keys(fields).length !== Object.keys(shape).length) return foreign();
  const registers: { [name: string]: unknown } = {};
  for (const name of Object.keys(shape)) {
    registers[name] = decode(`${where}.${name}`, fields[name], shape[name]);
  }
  return registers;
}

function decodeArray(
  where: string,
  value: JsonValue | undefined,
  like: readonly unknown[],
): unknown[] {
  if (!Array.isArray(value)) throw new RangeError(`${where}: not a list`);
  const items = value as readonly JsonValue[];
  if (like.length === 0) {
    const isByte = (item: JsonValue): boolean =>
      typeof item === 'number' && Number.isInteger(item) && item >= 0 && item <= 255;
    if (!items.every(isByte)) throw new RangeError(`${where}: not a list of bytes`);
    return [...items];
  }
  if (items.length !== like.length) {
    throw new RangeError(`${where}: ${items.length} entries, expected ${like.length}`);
  }
  return like.map((item, index) => decode(`${where}[${index}]`, items[index], item));
}
