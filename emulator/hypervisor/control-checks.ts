/**
 * Checks on VM-execution controls at VM entry (SDM vol. 3, 27.2.1): combinations that a processor would
 * refuse with VMfailValid, error 7. A launch configuration that asks for one is refused with a sentence
 * that names the setting. Controls that are not emulated are not looked at.
 */
import { PIN, PRIMARY, SECONDARY, secondaryControls, VM_EXIT } from './execution-controls.ts';
import type { ExecutionControls } from './execution-controls.ts';

/** A mistake in the launch configuration, one sentence with cause and remedy. */
export interface ControlsProblem {
  /** Path in launch.json, "hypervisor.exits.cpuid". */
  readonly attribute: string;
  readonly message: string;
}

interface ControlRule {
  /** The setting that is to be changed. */
  readonly setting: string;
  readonly manual: string;
  readonly broken: (controls: ExecutionControls) => boolean;
  readonly message: string;
}

const pin = ({ pinBased }: ExecutionControls, bit: number): boolean => (pinBased & bit) !== 0;
const primary = (controls: ExecutionControls, bit: number): boolean =>
  (controls.primary & bit) !== 0;
const secondary = (controls: ExecutionControls, bit: number): boolean =>
  (secondaryControls(controls) & bit) !== 0;
const hasSecondStage = (controls: ExecutionControls): boolean =>
  controls.hardware === 'svm'
    ? controls.svm.nestedPaging
    : secondary(controls, SECONDARY.ENABLE_EPT);
const vmExit = (controls: ExecutionControls, bit: number): boolean => (controls.vmExit & bit) !== 0;

// prettier-ignore
const RULES: readonly ControlRule[] = [
  { setting: 'nmi', manual: '27.2.1.1', message: 'Virtual NMIs need NMI exiting: set "nmi" to true',
    broken: (c) => pin(c, PIN.VIRTUAL_NMIS) && !pin(c, PIN.NMI_EXITING) },
  { setting: 'nmiWindow', manual: '27.2.1.1', message: 'NMI-window exiting needs virtual NMIs: set "nmi" to true as well',
    broken: (c) => primary(c, PRIMARY.NMI_WINDOW_EXITING) && !pin(c, PIN.VIRTUAL_NMIS) },
  { setting: 'unrestrictedGuest', manual: '27.2.1.1', message: 'An unrestricted guest needs EPT: set "eptViolation" to true as well',
    broken: (c) => secondary(c, SECONDARY.UNRESTRICTED_GUEST) && !secondary(c, SECONDARY.ENABLE_EPT) },
  { setting: 'eptMisconfiguration', manual: '29.3.3.1', message: 'Without EPT nothing can be misconfigured: set "eptViolation" to true as well',
    broken: (c) => c.eptMarksDevices && !secondary(c, SECONDARY.ENABLE_EPT) },
  { setting: 'eptRights', manual: '29.3.3.2', message: 'Without EPT no rights can be taken: set "eptViolation" to true as well',
    broken: (c) => c.eptRights.length > 0 && !hasSecondStage(c) },
  { setting: 'eptAccessedDirty', manual: '29.3.5', message: 'Without EPT there are no flags of it: set "eptViolation" to true as well',
    broken: (c) => c.eptAccessedDirty && !secondary(c, SECONDARY.ENABLE_EPT) },
  { setting: 'savePreemptionTimer', manual: '27.2.1.2', message: 'There is no preemption timer to save: give "preemptionTimer" as well',
    broken: (c) => vmExit(c, VM_EXIT.SAVE_VMX_PREEMPTION_TIMER_VALUE) && !pin(c, PIN.VMX_PREEMPTION_TIMER) },
  // not a processor's rule: without the exit there is nothing that could acknowledge
  { setting: 'acknowledgeInterrupt', manual: '25.7.1', message: 'Only an exit can acknowledge an interrupt: set "externalInterrupt" to true as well',
    broken: (c) => vmExit(c, VM_EXIT.ACKNOWLEDGE_INTERRUPT_ON_EXIT) && !pin(c, PIN.EXTERNAL_INTERRUPT_EXITING) },
];

/** The first rule that the controls break, or null. */
export function checkControls(controls: ExecutionControls): ControlsProblem | null {
  const rule = RULES.find(({ broken }) => broken(controls));
  if (rule === undefined) return null;
  return {
    attribute: `hypervisor.exits.${rule.setting}`,
    message: `${rule.message} (SDM vol. 3, ${rule.manual}).`,
  };
}
