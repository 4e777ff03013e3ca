/**
 * What a profile is: a named set of execution controls, as one hypervisor's release sets them, and what
 * else follows from the choice of that hypervisor. Each profile is one file of this folder, its source
 * the function of that release that sets the controls; ../profiles.ts lists them.
 */
import type { ExecutionControls } from '../execution-controls.ts';

export interface Profile {
  /** As in launch.json's hypervisor.profile. */
  readonly name: string;
  /** Other names that are taken for it. */
  readonly synonyms: readonly string[];
  /** The profile of the same hypervisor on the other vendor's processors. */
  readonly counterpart?: string;
  readonly description: string;
  /** Release, file and function that the controls are from. */
  readonly source: string;
  /** Whose tables the processor walks: the guest's alone, those and a second stage's, or a shadow's. */
  readonly paging: 'guest' | 'nested' | 'shadow';
  /** Virtual processors that a machine may have; Infinity: as many as there may be at all. */
  readonly mostVcpus: number;
  /** Values of hypervisor.interface that go with it. */
  readonly interfaces: readonly string[];
  /** KVM's interface offers KVM_FEATURE_MMU_OP, which is of use under shadow paging. */
  readonly offersMmuOp?: true;
  /** A fresh set of controls. */
  readonly controls: () => ExecutionControls;
}
