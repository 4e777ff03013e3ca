/** The views of the machine by name: what a debugger may ask to see beside registers and memory. */
import type { Machine } from '../../machine.ts';
import { hypervisorControls, pendingExit } from './controls.ts';
import { descriptorTable, interruptTable, taskState } from './descriptors.ts';
import type { Detail } from './detail.ts';
import { kvmStructures } from './kvm.ts';
import { pageWalk } from './page-walk.ts';
import { shadowPaging } from './shadow.ts';
import { vmcbControls } from './vmcb.ts';

export interface MachineView {
  readonly title: string;
  readonly help: string;
  /** The view is of a linear address. */
  readonly ofAddress?: true;
  /** Its rows are the entries of a table, not parts with names of their own. */
  readonly isTable?: true;
  read(machine: Machine, address: number): readonly Detail[];
}

// prettier-ignore
export const VIEWS = {
  walk: { title: 'Page walk',                    help: 'walks the page tables for a linear address',             read: pageWalk, ofAddress: true },
  gdt:  { title: 'Global descriptor table',      help: 'shows the global descriptor table',                      read: ({ cpu }) => descriptorTable(cpu, 'gdt'), isTable: true },
  ldt:  { title: 'Local descriptor table',       help: 'shows the local descriptor table',                       read: ({ cpu }) => descriptorTable(cpu, 'ldt'), isTable: true },
  idt:  { title: 'Interrupt descriptor table',   help: 'shows the interrupt descriptor table, or real mode\'s vectors', read: ({ cpu }) => interruptTable(cpu), isTable: true },
  tss:  { title: 'Task-state segment',           help: 'shows the task-state segment in memory',                 read: ({ cpu }) => taskState(cpu) },
  vmcs: { title: 'Hypervisor controls (VMCS)',   help: 'shows the hypervisor\'s controls as a VMCS has them, bit by bit', read: hypervisorControls },
  vmcb: { title: 'Hypervisor controls (VMCB)',   help: 'shows the hypervisor\'s controls as a VMCB has them, bit by bit', read: vmcbControls },
  shadow: { title: 'Shadow paging',              help: 'shows what the hypervisor has counted of page faults and of its shadow of the page tables',     read: shadowPaging },
  kvm:  { title: 'KVM\'s interface',              help: 'shows what the guest has set up with KVM: features, clock, steal time, EOI, page faults', read: kvmStructures },
  exit: { title: 'VM exit',                      help: 'shows the VM exit that the guest is stopped at, as VMX, SVM and KVM\'s user space see it',         read: pendingExit },
} as const satisfies { readonly [name: string]: MachineView };

export type ViewName = keyof typeof VIEWS;

export function viewNames(): readonly ViewName[] {
  return Object.keys(VIEWS) as ViewName[];
}

export function readView(machine: Machine, name: ViewName, address: number): readonly Detail[] {
  const view: MachineView = VIEWS[name];
  return view.read(machine, address);
}
