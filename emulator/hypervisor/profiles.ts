/**
 * The profiles: named sets of execution controls, one file of profiles/ each. Bare is the profile
 * without exits.
 */
import { didYouMean } from '../nearest-name.ts';
import type { ExecutionControls } from './execution-controls.ts';
import { applyExitSwitches } from './exit-switches.ts';
import type { ExitSetting } from './setting-kinds.ts';
import type { ControlsProblem } from './control-checks.ts';
import { BARE } from './profiles/bare.ts';
import { KVM_2_6_20_SVM } from './profiles/kvm-2.6.20-svm.ts';
import { KVM_2_6_20_VMX } from './profiles/kvm-2.6.20-vmx.ts';
import { KVM_EPT } from './profiles/kvm-ept.ts';
import { KVM_NPT } from './profiles/kvm-npt.ts';
import type { Profile } from './profiles/profile.ts';
import { missingForShadow } from './shadow/required-exits.ts';
import { setIntercepts } from './svm-controls.ts';
import { SVM_EXIT } from './svm-exit-codes.ts';

const UNDEFINED_OPCODE = SVM_EXIT['EXCP#'] + 6;

export const PROFILES: readonly Profile[] = [
  BARE,
  KVM_EPT,
  KVM_NPT,
  KVM_2_6_20_VMX,
  KVM_2_6_20_SVM,
];

/** The profile of a name or synonym, or null. */
export function findProfile(name: string): Profile | null {
  return (
    PROFILES.find((profile) => profile.name === name || profile.synonyms.includes(name)) ?? null
  );
}

/** The profile that goes with an interface when launch.json names none. */
export function defaultProfile(guestInterface: string): string {
  return guestInterface === 'bare' ? BARE.name : KVM_EPT.name;
}

/** The controls of a launch configuration's hypervisor section, or what is wrong with it. */
export function controlsFor(hypervisor: {
  readonly interface: string;
  readonly profile: string;
  readonly exits: { readonly [name: string]: ExitSetting };
}):
  | { readonly profile: Profile; readonly controls: ExecutionControls }
  | { readonly problem: ControlsProblem } {
  const problem = (message: string) => ({ problem: { attribute: 'hypervisor.profile', message } });
  const name = hypervisor.profile;
  const profile = findProfile(name);
  if (profile === null) {
    const shown = name.length > 40 ? `${name.slice(0, 40)}…` : name;
    const known = PROFILES.map((row) => row.name);
    const guess = didYouMean(name, known);
    const remedy = guess === '' ? ` Known are ${known.join(', ')}.` : guess;
    return problem(`There is no hypervisor profile '${shown}'.${remedy}`);
  }
  if (!profile.interfaces.includes(hypervisor.interface)) {
    return problem(
      `Profile '${name}' has no exits, so a guest cannot reach the interface '${hypervisor.interface}'. ` +
        `Use profile '${defaultProfile(hypervisor.interface)}' or interface 'bare'.`,
    );
  }
  const controls = profile.controls();
  // VMCALL is undefined on AMD-V: whoever offers hypercalls there looks at #UD
  if (hypervisor.interface !== 'bare') setIntercepts(controls.svm, true, UNDEFINED_OPCODE);
  const wrong =
    applyExitSwitches(controls, hypervisor.exits) ??
    (profile.paging === 'shadow' ? missingForShadow(profile.name, controls) : null);
  if (wrong !== null) return { problem: wrong };
  const counterpart = profile.counterpart === undefined ? null : findProfile(profile.counterpart);
  if (counterpart !== null) {
    controls.elsewhere = counterpart.controls();
    applyExitSwitches(controls.elsewhere, hypervisor.exits);
  }
  return { profile, controls };
}
