/**
 * An 80-bit register as text for people (SDM vol. 1, 4.2.2 "Double extended-precision"): the nearest
 * double, which shows 15 to 17 digits; exact arithmetic is cpu/fpu's affair.
 */

/** Ten bytes at `at`: 64 bits of significand, 15 of exponent, sign. */
export function float80Text(view: DataView, at: number): string {
  const low = view.getUint32(at, true);
  const high = view.getUint32(at + 4, true);
  const top = view.getUint16(at + 8, true);
  const negative = (top & 0x8000) !== 0;
  const exponent = top & 0x7fff;
  const sign = negative ? '-' : '';
  if (exponent === 0x7fff) return high << 1 === 0 && low === 0 ? `${sign}infinity` : 'NaN';
  if (high === 0 && low === 0) return `${sign}0`;
  const significand = (high * 2 ** 32 + low) / 2 ** 63;
  const scale = exponent - 16383;
  // in two steps, since the range is larger than a double's
  const value = significand * 2 ** Math.trunc(scale / 2) * 2 ** (scale - Math.trunc(scale / 2));
  if (!Number.isFinite(value) || value === 0)
    return `${sign}${String(significand)} * 2^${String(scale)}`;
  return `${sign}${String(value)}`;
}
