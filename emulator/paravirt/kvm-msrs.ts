/**
 * KVM's model-specific registers (msr.rst): by most of them the guest registers a structure of its memory.
 * A register is there only with its CPUID feature; otherwise, like any other of KVM's range, it is #GP.
 */
import type { Wide } from '../hypervisor/guest-interface.ts';
import type { ParavirtServices } from './abi.ts';
import { addressOf } from './guest-structures.ts';
import { KVM_MSR_ENABLED } from './kvm-abi.ts';
import { DELIVERY_AS_INT } from './kvm-async-pf.ts';
import type { KvmAsyncPf } from './kvm-async-pf.ts';
import { writeSystemTime, writeWallClock } from './kvm-clock.ts';
import type { KvmFeature } from './kvm-features.ts';
import { validPvEoi } from './kvm-pv-eoi.ts';
import { STEAL_TIME_RESERVED } from './kvm-steal-time.ts';

/** Values that the registers hold; the old and the new number of a clock are one register. */
export interface KvmRegisters {
  wallClock: Wide;
  systemTime: Wide;
  asyncPf: Wide;
  stealTime: Wide;
  pvEoi: Wide;
  pollControl: Wide;
  asyncPfInt: Wide;
}

export const REGISTER_NAMES = [
  'wallClock',
  'systemTime',
  'asyncPf',
  'stealTime',
  'pvEoi',
  'pollControl',
  'asyncPfInt',
] as const satisfies readonly (keyof KvmRegisters)[];

const ZERO: Wide = { low: 0, high: 0 };

/** As after a reset; host polling is on until the guest says otherwise. */
export function initialRegisters(): KvmRegisters {
  return {
    wallClock: ZERO,
    systemTime: ZERO,
    asyncPf: ZERO,
    stealTime: ZERO,
    pvEoi: ZERO,
    pollControl: { low: 1, high: 0 },
    asyncPfInt: ZERO,
  };
}

/** What the registers act on. */
export interface KvmMsrContext {
  readonly services: ParavirtServices;
  readonly asyncPf: KvmAsyncPf;
  readonly offered: ReadonlySet<KvmFeature>;
  /** Brings the structure of steal time up to date. */
  updateStealTime(): void;
}

export interface KvmMsr {
  readonly index: number;
  readonly name: string;
  readonly feature: KvmFeature;
  /** null: it reads as 0. */
  readonly register: keyof KvmRegisters | null;
  /** False: #GP(0), and the register keeps its old value. */
  readonly accepts: (context: KvmMsrContext, value: Wide) => boolean;
  /** Acts on the value that the register has got; null: that is all. */
  readonly written: ((context: KvmMsrContext, value: Wide) => void) | null;
  /** What a value says. */
  readonly text: (value: Wide) => string;
  readonly meaning: string;
}

const any = (): boolean => true;
const low = (mask: number) => (_: KvmMsrContext, value: Wide): boolean =>
  (value.low & ~mask) === 0 && value.high === 0; // prettier-ignore

const at = (value: Wide, flags: number): string => `at 0x${addressOf(value, flags).toString(16)}`;
/** "on, at 0x1000", of a register whose bit 0 enables. */
const structure = (flags: number) => (value: Wide): string =>
  (value.low & KVM_MSR_ENABLED) === 0 ? 'off' : `on, ${at(value, flags)}`; // prettier-ignore

const ASYNC_PF_FLAGS = ['on', 'in ring 0 too', 'as exit of a nested guest', 'ready by interrupt'];
function asyncPfText(value: Wide): string {
  const flags = ASYNC_PF_FLAGS.filter((_, bit) => ((value.low >>> bit) & 1) === 1);
  return flags.length === 0 ? 'off' : `${flags.join(', ')}, ${at(value, 0x3f)}`;
}

function asyncPfAccepts({ asyncPf, offered }: KvmMsrContext, value: Wide): boolean {
  if ((value.low & DELIVERY_AS_INT) !== 0 && !offered.has('ASYNC_PF_INT')) return false;
  return asyncPf.accepts(value);
}

/** An offer at the old place is settled before there is a new one. */
function pvEoiAccepts({ services }: KvmMsrContext, value: Wide): boolean {
  if (!validPvEoi(services.memory, value)) return false;
  services.localApic?.tryAutoEoi();
  return true;
}

const { ENABLED, STEAL, PV_EOI } = { ENABLED: 1, STEAL: 0x3f, PV_EOI: 3 };

// prettier-ignore
export const KVM_MSRS = [
  { index: 0x11,       name: 'MSR_KVM_WALL_CLOCK',        feature: 'CLOCKSOURCE',       register: 'wallClock',   accepts: any, written: ({ services }, value) => { writeWallClock(services, value); },  text: (value) => at(value, 0), meaning: 'Writes the date of power-on to a structure, once.' },
  { index: 0x12,       name: 'MSR_KVM_SYSTEM_TIME',       feature: 'CLOCKSOURCE',       register: 'systemTime',  accepts: any, written: ({ services }, value) => { writeSystemTime(services, value); }, text: structure(ENABLED),      meaning: 'The vCPU\'s clock page.' },
  { index: 0x4b564d00, name: 'MSR_KVM_WALL_CLOCK_NEW',    feature: 'CLOCKSOURCE2',      register: 'wallClock',   accepts: any, written: ({ services }, value) => { writeWallClock(services, value); },  text: (value) => at(value, 0), meaning: 'Writes the date of power-on to a structure, once.' },
  { index: 0x4b564d01, name: 'MSR_KVM_SYSTEM_TIME_NEW',   feature: 'CLOCKSOURCE2',      register: 'systemTime',  accepts: any, written: ({ services }, value) => { writeSystemTime(services, value); }, text: structure(ENABLED),      meaning: 'The vCPU\'s clock page.' },
  { index: 0x4b564d02, name: 'MSR_KVM_ASYNC_PF_EN',       feature: 'ASYNC_PF',          register: 'asyncPf',     accepts: asyncPfAccepts, written: ({ asyncPf }) => { asyncPf.registered(); }, text: asyncPfText, meaning: 'The structure by which pages are told of that the host has paged out.' },
  { index: 0x4b564d03, name: 'MSR_KVM_STEAL_TIME',        feature: 'STEAL_TIME',        register: 'stealTime',   accepts: (_, value) => (value.low & STEAL_TIME_RESERVED) === 0, written: (context) => { context.updateStealTime(); }, text: structure(STEAL), meaning: 'The structure that says how long the vCPU could have run and did not.' },
  { index: 0x4b564d04, name: 'MSR_KVM_PV_EOI_EN',         feature: 'PV_EOI',            register: 'pvEoi',       accepts: pvEoiAccepts, written: null, text: structure(PV_EOI), meaning: 'The word by which an interrupt is ended without an exit.' },
  { index: 0x4b564d05, name: 'MSR_KVM_POLL_CONTROL',      feature: 'POLL_CONTROL',      register: 'pollControl', accepts: low(1), written: null, text: (value) => (value.low & 1) === 1 ? 'the host may poll' : 'the host shall not poll', meaning: 'Whether the host polls before a halted vCPU sleeps; here waking takes no time either way.' },
  { index: 0x4b564d06, name: 'MSR_KVM_ASYNC_PF_INT',      feature: 'ASYNC_PF_INT',      register: 'asyncPfInt',  accepts: low(0xff), written: null, text: ({ low: vector }) => `vector 0x${vector.toString(16)}`, meaning: 'The vector by which the guest hears that a page has come in.' },
  { index: 0x4b564d07, name: 'MSR_KVM_ASYNC_PF_ACK',      feature: 'ASYNC_PF_INT',      register: null,          accepts: any, written: ({ asyncPf }, value) => { if ((value.low & 1) === 1) asyncPf.acknowledge(); }, text: ({ low: value }) => (value & 1) === 1 ? 'the next may be told of' : 'nothing', meaning: 'The guest has taken the token of a page that has come in.' },
  { index: 0x4b564d08, name: 'MSR_KVM_MIGRATION_CONTROL', feature: 'MIGRATION_CONTROL', register: null,          accepts: any, written: null, text: (value) => (value.low & 1) === 1 ? 'migration allowed' : 'no migration', meaning: 'Whether the guest may be migrated; it is never offered.' },
] as const satisfies readonly KvmMsr[];
