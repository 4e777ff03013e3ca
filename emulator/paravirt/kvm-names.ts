/**
 * Every number of KVM's interface that a person may name, from the rows of its tables: in conditions
 * (`exit.nr == KVM_HC_KICK_CPU`, `exit.msr == MSR_KVM_STEAL_TIME`), in completion and in hovers.
 */
import type { AbiName } from './abi.ts';
import { KVM_ERRORS, KVM_LEAVES } from './kvm-abi.ts';
import { headerName, KVM_FEATURES } from './kvm-features.ts';
import { KVM_HYPERCALLS } from './kvm-hypercalls.ts';
import { KVM_MSRS } from './kvm-msrs.ts';

/** Feature bits by their number, as in the header. */
export const KVM_NAMES: readonly AbiName[] = [
  ...KVM_HYPERCALLS.map(({ name, number, meaning }) => ({ name, value: number, meaning })),
  ...KVM_MSRS.map(({ name, index, meaning }) => ({ name, value: index, meaning })),
  ...KVM_LEAVES.map(({ name, leaf, meaning }) => ({ name, value: leaf, meaning })),
  ...KVM_FEATURES.map((row) => ({ name: headerName(row), value: row.bit, meaning: row.meaning })),
  ...KVM_ERRORS.map(({ name, number, meaning }) => ({ name, value: number, meaning })),
];
