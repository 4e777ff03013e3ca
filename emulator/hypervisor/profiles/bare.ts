/** The profile without exits: a processor outside VMX operation, on which nothing leaves the guest. */
import { noControls } from '../execution-controls.ts';
import type { Profile } from './profile.ts';

export const BARE = {
  name: 'bare',
  synonyms: [],
  description: 'No hypervisor: nothing leaves the guest.',
  source: 'SDM volume 3, 24.2: outside VMX operation',
  paging: 'guest',
  mostVcpus: Infinity,
  interfaces: ['bare'],
  controls: noControls,
} as const satisfies Profile;
