/**
 * kvmclock (msr.rst, MSR_KVM_SYSTEM_TIME_NEW and MSR_KVM_WALL_CLOCK_NEW): a page from which the guest
 * computes time as system_time + ((tsc - tsc_timestamp) << tsc_shift) * tsc_to_system_mul >> 32, and one
 * with the date of power-on. An odd version says that an update is under way, as another processor would
 * see it. Both clocks are the machine's virtual time, so the page is right for ever (the TSC-stable flag)
 * unless the guest moves its TSC. There is no migration and no pause that a guest could notice.
 */
import type { Wide } from '../hypervisor/guest-interface.ts';
import type { ParavirtServices } from './abi.ts';
import { addressOf, readU32, words64, writeWords } from './guest-structures.ts';
import { KVM_MSR_ENABLED } from './kvm-abi.ts';

const NSEC_PER_SEC = 1_000_000_000;
const PVCLOCK_TSC_STABLE_BIT = 1 << 0;

export interface TimeScale {
  /** tsc_shift, signed. */
  readonly shift: number;
  /** tsc_to_system_mul, a binary fraction of 32 bits. */
  readonly mul: number;
}

const CLOCK = 'KVM (kvmclock)';
const WALL = 'KVM (wall clock)';

/** 2^32 * dividend / divisor, rounded down, for dividend < divisor < 2^32. */
function fraction(dividend: number, divisor: number): number {
  const digit = (value: number): number => (value - (value % divisor)) / divisor;
  const high = dividend * 0x10000;
  const low = (high % divisor) * 0x10000;
  return digit(high) * 0x10000 + digit(low);
}

/** KVM's scale from TSC ticks to nanoseconds (kvm_get_time_scale()); `hz` is a positive integer. */
export function timeScale(hz: number): TimeScale {
  let ticks = hz;
  let shift = 0;
  while (ticks > NSEC_PER_SEC * 2) {
    ticks = Math.floor(ticks / 2);
    shift--;
  }
  while (ticks <= NSEC_PER_SEC) {
    ticks *= 2;
    shift++;
  }
  return { shift, mul: fraction(NSEC_PER_SEC, ticks) };
}

/**
 * Writes pvclock_vcpu_time_info: version, pad, tsc_timestamp (64), system_time (64), tsc_to_system_mul,
 * tsc_shift (8), flags (8), pad (16). An address that is no RAM has no effect, as in KVM.
 */
export function writeSystemTime(services: ParavirtServices, register: Wide): void {
  if ((register.low & KVM_MSR_ENABLED) === 0) return;
  const address = addressOf(register, KVM_MSR_ENABLED);
  const old = readU32(services.memory, address);
  if (old === null) return;
  const updating = ((old + 1) | 1) >>> 0;
  const { low, high } = services.timestamp();
  const { shift, mul } = timeScale(services.timestampHz);
  const scale = (shift & 0xff) | (PVCLOCK_TSC_STABLE_BIT << 8);
  const body = [0, low, high, ...words64(services.now()), mul, scale];
  if (!writeWords(services.memory, address, [updating, ...body], CLOCK)) return;
  writeWords(services.memory, address, [(updating + 1) >>> 0], CLOCK);
}

/**
 * Writes pvclock_wall_clock {version, sec, nsec}: the date at which system time was 0. The version goes
 * up by two from what the guest left there.
 */
export function writeWallClock(services: ParavirtServices, register: Wide): void {
  const address = addressOf(register, 0);
  // the guest's way to say that it wants none
  if (address === 0) return;
  const old = readU32(services.memory, address);
  if (old === null) return;
  const updating = ((old + 1) | 1) >>> 0;
  const seconds = Math.floor(services.startDate);
  const nanoseconds = Math.floor((services.startDate - seconds) * NSEC_PER_SEC);
  if (!writeWords(services.memory, address, [updating, seconds >>> 0, nanoseconds], WALL)) return;
  writeWords(services.memory, address, [(updating + 1) >>> 0], WALL);
}
