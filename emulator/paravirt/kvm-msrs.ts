/**
 * KVM's model-specific registers (msr.rst): by each the guest registers a structure of its memory. A
 * register is there only with its CPUID feature; otherwise, like any other of KVM's range, it is #GP.
 * The async-page-fault and migration registers are such: nothing is paged out and nobody migrates.
 */
import type { Wide } from '../hypervisor/guest-interface.ts';
import type { ParavirtServices } from './abi.ts';
import { KVM_FEATURE } from './kvm-abi.ts';
import type { KvmFeature } from './kvm-abi.ts';
import { writeSystemTime, writeWallClock } from './kvm-clock.ts';
import { validPvEoi } from './kvm-pv-eoi.ts';
import { STEAL_TIME_RESERVED, writeStealTime } from './kvm-steal-time.ts';

/** Values that the registers hold; the old and the new number of a clock are one register. */
export interface KvmRegisters {
  wallClock: Wide;
  systemTime: Wide;
  stealTime: Wide;
  pvEoi: Wide;
  pollControl: Wide;
}

export const REGISTER_NAMES = [
  'wallClock',
  'systemTime',
  'stealTime',
  'pvEoi',
  'pollControl',
] as const satisfies readonly (keyof KvmRegisters)[];

const ZERO: Wide = { low: 0, high: 0 };

/** As after a reset; host polling is on until the guest says otherwise. */
export function initialRegisters(): KvmRegisters {
  return {
    wallClock: ZERO,
    systemTime: ZERO,
    stealTime: ZERO,
    pvEoi: ZERO,
    pollControl: { low: 1, high: 0 },
  };
}

export interface KvmMsr {
  readonly index: number;
  readonly name: string;
  readonly feature: KvmFeature;
  readonly register: keyof KvmRegisters;
  /** Acts on a written value; false: #GP(0), and the register keeps its old one. */
  readonly write: (services: ParavirtServices, value: Wide) => boolean;
}

function wallClock(services: ParavirtServices, value: Wide): boolean {
  writeWallClock(services, value);
  return true;
}

function systemTime(services: ParavirtServices, value: Wide): boolean {
  writeSystemTime(services, value);
  return true;
}

function stealTime(services: ParavirtServices, value: Wide): boolean {
  if ((value.low & STEAL_TIME_RESERVED) !== 0) return false;
  writeStealTime(services.memory, value);
  return true;
}

function pvEoi(services: ParavirtServices, value: Wide): boolean {
  if (!validPvEoi(services.memory, value)) return false;
  services.localApic?.tryAutoEoi();
  return true;
}

/** Bit 0 alone; host polling is without effect here, HLT takes no time to wake from. */
const pollControl = (_: ParavirtServices, value: Wide): boolean =>
  value.low <= 1 && value.high === 0;

// prettier-ignore
export const KVM_MSRS = [
  { index: 0x11,       name: 'MSR_KVM_WALL_CLOCK',      feature: KVM_FEATURE.CLOCKSOURCE,  register: 'wallClock',   write: wallClock },
  { index: 0x12,       name: 'MSR_KVM_SYSTEM_TIME',     feature: KVM_FEATURE.CLOCKSOURCE,  register: 'systemTime',  write: systemTime },
  { index: 0x4b564d00, name: 'MSR_KVM_WALL_CLOCK_NEW',  feature: KVM_FEATURE.CLOCKSOURCE2, register: 'wallClock',   write: wallClock },
  { index: 0x4b564d01, name: 'MSR_KVM_SYSTEM_TIME_NEW', feature: KVM_FEATURE.CLOCKSOURCE2, register: 'systemTime',  write: systemTime },
  { index: 0x4b564d03, name: 'MSR_KVM_STEAL_TIME',      feature: KVM_FEATURE.STEAL_TIME,   register: 'stealTime',   write: stealTime },
  { index: 0x4b564d04, name: 'MSR_KVM_PV_EOI_EN',       feature: KVM_FEATURE.PV_EOI,       register: 'pvEoi',       write: pvEoi },
  { index: 0x4b564d05, name: 'MSR_KVM_POLL_CONTROL',    feature: KVM_FEATURE.POLL_CONTROL, register: 'pollControl', write: pollControl },
] as const satisfies readonly KvmMsr[];

/** Names of the registers of KVM's range that are never there, for the log. */
// prettier-ignore
export const KVM_MSR_GAPS: ReadonlyMap<number, string> = new Map([
  [0x4b564d02, 'MSR_KVM_ASYNC_PF_EN'], [0x4b564d06, 'MSR_KVM_ASYNC_PF_INT'], [0x4b564d07, 'MSR_KVM_ASYNC_PF_ACK'],
  [0x4b564d08, 'MSR_KVM_MIGRATION_CONTROL'],
]);
