/**
 * KVM's interface as the guest has set it up: the features that it is offered, and each structure that it
 * has registered, read from its memory now and decoded with the names of the headers
 * (arch/x86/include/asm/pvclock-abi.h, arch/x86/include/uapi/asm/kvm_para.h).
 */
import type { Wide } from '../../hypervisor/guest-interface.ts';
import type { Machine } from '../../machine.ts';
import { addressOf } from '../../paravirt/guest-structures.ts';
import { KVM_MSR_ENABLED } from '../../paravirt/kvm-abi.ts';
import { KVM_FEATURES, type KvmFeatureRow } from '../../paravirt/kvm-features.ts';
import type { KvmRegisters } from '../../paravirt/kvm-msrs.ts';
import type { KvmInterface } from '../../paravirt/kvm.ts';
import { type Detail, hex } from './detail.ts';

/** A member of a structure, and what its value says. */
interface Member {
  readonly name: string;
  readonly offset: number;
  readonly bytes: 1 | 4 | 8;
  readonly text?: (value: bigint) => string;
}

interface Structure {
  readonly register: keyof KvmRegisters;
  /** Bits of the register that are no address. */
  readonly flags: number;
  /** The register has no bit 0 that enables: any address but 0 counts. */
  readonly once?: true;
  readonly name: string;
  readonly members: readonly Member[];
}

const decimal = (value: bigint): string => value.toString();
const duration = (value: bigint): string => `${value.toString()} ns`;
const signedByte = (value: bigint): string => BigInt.asIntN(8, value).toString();
const version = (value: bigint): string => `${value.toString()}${value % 2n === 0n ? '' : '  being written'}`; // prettier-ignore

/** Names of the bits that are set. */
const bits = (names: readonly string[]) => (value: bigint): string =>
  `${hex(Number(value), 2)}  ${names.filter((_, bit) => ((value >> BigInt(bit)) & 1n) === 1n).join(' ')}`.trimEnd(); // prettier-ignore

// prettier-ignore
const STRUCTURES: readonly Structure[] = [
  { register: 'systemTime', flags: 1, name: 'pvclock_vcpu_time_info', members: [
    { name: 'version',           offset: 0,  bytes: 4, text: version },
    { name: 'tsc_timestamp',     offset: 8,  bytes: 8, text: decimal },
    { name: 'system_time',       offset: 16, bytes: 8, text: duration },
    { name: 'tsc_to_system_mul', offset: 24, bytes: 4 },
    { name: 'tsc_shift',         offset: 28, bytes: 1, text: signedByte },
    { name: 'flags',             offset: 29, bytes: 1, text: bits(['TSC_STABLE', 'GUEST_STOPPED']) } ] },
  { register: 'wallClock', flags: 0, once: true, name: 'pvclock_wall_clock', members: [
    { name: 'version', offset: 0, bytes: 4, text: version },
    { name: 'sec',     offset: 4, bytes: 4, text: (value) => `${value.toString()}  ${new Date(Number(value) * 1000).toISOString()}` },
    { name: 'nsec',    offset: 8, bytes: 4, text: decimal } ] },
  { register: 'stealTime', flags: 0x3f, name: 'kvm_steal_time', members: [
    { name: 'steal',     offset: 0,  bytes: 8, text: duration },
    { name: 'version',   offset: 8,  bytes: 4, text: version },
    { name: 'flags',     offset: 12, bytes: 4 },
    { name: 'preempted', offset: 16, bytes: 1, text: bits(['KVM_VCPU_PREEMPTED', 'KVM_VCPU_FLUSH_TLB']) } ] },
  { register: 'pvEoi', flags: 3, name: 'EOI word', members: [
    { name: 'pending', offset: 0, bytes: 1, text: (value) => (value & 1n) === 1n ? '1  the next EOI needs no exit' : '0' } ] },
  { register: 'asyncPf', flags: 0x3f, name: 'kvm_vcpu_pv_apf_data', members: [
    { name: 'flags', offset: 0, bytes: 4, text: (value) => value === 1n ? '1  KVM_PV_REASON_PAGE_NOT_PRESENT' : decimal(value) },
    { name: 'token', offset: 4, bytes: 4 } ] },
];

function memberRow(machine: Machine, base: number, { name, offset, bytes, text }: Member): Detail {
  const address = base + offset;
  const found = machine.looked.guest.readPhysical(address, bytes);
  if (found === null) return { name, value: 'no RAM' };
  const value = found.reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n);
  const shown = text === undefined ? hex(Number(value)) : text(value);
  return { name, value: shown, place: { space: 'physical', address }, bytes };
}

function structureRow(machine: Machine, kvm: KvmInterface, row: Structure): Detail {
  const { register, flags, once, name, members } = row;
  const value: Wide = kvm.registered(register);
  const address = addressOf(value, flags);
  const isOn = once === true ? address !== 0 : (value.low & KVM_MSR_ENABLED) !== 0;
  if (!isOn) return { name, value: 'not registered' };
  const children = members.map((member) => memberRow(machine, address, member));
  const said = children.map((child) => `${child.name} ${child.value}`).join(', ');
  return { name, value: said, place: { space: 'physical', address }, children };
}

function featureRows(kvm: KvmInterface): Detail {
  const rows: readonly KvmFeatureRow[] = KVM_FEATURES;
  const isOffered = ({ name }: KvmFeatureRow): boolean =>
    [...kvm.offered].some((offered) => offered === name);
  const said = (row: KvmFeatureRow): string => {
    if (isOffered(row)) return `1  ${row.meaning}`;
    return typeof row.offered === 'string'
      ? `0  ${row.meaning}`
      : `0  Never: ${row.offered.never}.`;
  };
  return {
    name: 'features',
    value: rows.filter(isOffered).map(({ name }) => name).join(' '),
    children: rows.map((row) => ({ name: row.name, value: said(row) })),
  }; // prettier-ignore
}

/** Nothing on a machine without the interface. */
export function kvmStructures(machine: Machine): readonly Detail[] {
  const { kvm } = machine.looked;
  if (kvm === null) return [];
  return [featureRows(kvm), ...STRUCTURES.map((row) => structureRow(machine, kvm, row))];
}
