/**
 * Model-specific registers for a debugger: by the manual's name in any case ("IA32_SYSENTER_CS"), as
 * "msr.efer" or "msr.ia32_efer", and by number ("msr_4b564d01"). A write is WRMSR's: what would be #GP is
 * refused.
 */
import type { Cpu } from '../cpu/cpu.ts';
import { knownMsrs, MSR_ROWS, msrIndexes, msrName, readMsr, writeMsr } from '../cpu/msrs.ts';
import type { RegisterValue } from '../debug-port.ts';

const MSR_PREFIX = 'msr.';
const NUMBERED = /^msr_([0-9a-f]{1,8})$/;

/** Names that people say instead of the manual's. */
const SHORT: ReadonlyMap<string, string> = new Map([['tsc', 'ia32_time_stamp_counter']]);

/** Every name that some model has, in lower case. */
const KNOWN: ReadonlySet<string> = new Set(
  knownMsrs().map((index) => (msrName(index) ?? '').toLowerCase()),
);

export const msrNames = {
  /** @param name in lower case. */
  has: (name: string): boolean =>
    KNOWN.has(name) ||
    NUMBERED.test(name) ||
    (name.startsWith(MSR_PREFIX) && name.length > MSR_PREFIX.length),
  list: (): Iterable<string> => knownMsrs().map((index) => msrName(index) ?? ''),
};

/** The number of the register that a name in lower case stands for; null where this model has none. */
export function msrNamed(cpu: Cpu, name: string): number | null {
  const [, digits] = NUMBERED.exec(name) ?? [];
  const wanted = name.startsWith(MSR_PREFIX) ? name.slice(MSR_PREFIX.length) : name;
  const index = msrIndexes(cpu).find((each) => {
    const known = msrName(each)?.toLowerCase();
    return (
      known === (SHORT.get(wanted) ?? wanted) ||
      known === `ia32_${wanted}` ||
      each === parseInt(digits ?? '', 16)
    );
  });
  return index ?? null;
}

export function readMsrWhole(cpu: Cpu, index: number): bigint | null {
  const value = readMsr(cpu, index);
  if (value === null) return null;
  return (BigInt(value.high >>> 0) << 32n) | BigInt(value.low >>> 0);
}

/** Throws RangeError with a sentence where WRMSR would be #GP. */
export function writeMsrWhole(cpu: Cpu, index: number, value: bigint): void {
  const name = msrName(index) ?? `msr_${index.toString(16)}`;
  const whole = BigInt.asUintN(64, value);
  if (value >= 1n << 64n || value < -(1n << 63n)) {
    throw new RangeError(`${name} has 64 bits; ${String(value)} does not fit.`);
  }
  const halves = { low: Number(whole & 0xffffffffn), high: Number(whole >> 32n) };
  if (!writeMsr(cpu, index, halves)) {
    throw new RangeError(
      `The processor refuses 0x${whole.toString(16)} for ${name}: WRMSR would be #GP.`,
    );
  }
}

/** The model's registers with their values. */
export function msrRegisters(cpu: Cpu): RegisterValue[] {
  return msrIndexes(cpu).flatMap((index) => {
    const value = readMsrWhole(cpu, index);
    if (value === null) return [];
    return [
      {
        name: msrName(index) ?? `msr_${index.toString(16)}`,
        value: Number(value & 0xffffffffn),
        bits: 64,
        text: `0x${value.toString(16).padStart(16, '0')}`,
        writable: MSR_ROWS.get(index)?.writable !== null,
      },
    ];
  });
}
