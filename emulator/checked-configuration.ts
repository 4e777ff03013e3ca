/** What of a launch configuration the machine cannot carry out: each with its attribute and the remedy. */
import { type CpuModel, cpuModel, CPU_MODEL_NAMES } from './cpu/cpu-model.ts';
import { type MachineConfiguration, MOST_VCPUS } from './debug-port.ts';
import type { ExecutionControls } from './hypervisor/execution-controls.ts';
import { type HostPagingOptions, LEAST_RESIDENT } from './hypervisor/host-paging.ts';
import { controlsFor, findProfile } from './hypervisor/profiles.ts';
import type { Profile } from './hypervisor/profiles/profile.ts';
import type { KvmChoice } from './machine-kvm.ts';
import { type ExitLogOptions, MOST_LOG_ROWS } from './hypervisor/exit-log.ts';
import { GuestImageError } from './loaders/loader.ts';
import type { MemoryMap } from './memory/memory-map.ts';
import { didYouMean } from './nearest-name.ts';
import { featureProblem } from './paravirt/kvm-features.ts';
import { wasm, type WasmMemory } from './wasm/host.ts';

const SMALLEST_MEMORY = 1 << 20;
const LARGEST_MEMORY = 3 * 2 ** 30;

/** A launch configuration that cannot be carried out. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  readonly attribute: string;

  constructor(attribute: string, message: string) {
    super(message);
    this.attribute = attribute;
  }
}

/** What `action` gives; a guest that cannot be loaded becomes a ConfigurationError. */
export function told<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof GuestImageError)) throw error;
    throw new ConfigurationError(error.attribute, error.message);
  }
}

export function checkedModel(name: string): CpuModel {
  const model = cpuModel(name);
  if (model !== null) return model;
  throw new ConfigurationError(
    'machine.cpu',
    `There is no processor model '${name}'.${didYouMean(name, CPU_MODEL_NAMES)}`,
  );
}

export function checkedControls(chosen: MachineConfiguration['hypervisor']): ExecutionControls {
  return chosenControls(chosen).controls;
}

function chosenControls(chosen: MachineConfiguration['hypervisor']): {
  readonly profile: Profile;
  readonly controls: ExecutionControls;
} {
  const found = controlsFor(chosen);
  if ('controls' in found) return found;
  throw new ConfigurationError(found.problem.attribute, found.problem.message);
}

/** A quarter of an hour, ns. */
const LONGEST_DELAY = 9e11;

function checkHostPaging(options: HostPagingOptions | undefined): void {
  if (options === undefined) return;
  const { every, delay, resident } = options;
  const refuse = (member: string, message: string): never => {
    throw new ConfigurationError(`hypervisor.kvm.asyncPageFaults.${member}`, message);
  };
  if (!Number.isInteger(every) || every < 0) {
    refuse('every', 'Each how-many-th page is paged out must be a whole number; 0 is none.');
  }
  if (!Number.isInteger(delay) || delay < 1 || delay > LONGEST_DELAY) {
    refuse('delay', `A page comes in after 1 to ${String(LONGEST_DELAY)} ns.`);
  }
  if (resident < LEAST_RESIDENT) {
    refuse('resident', 'The host must spare at least 1M for the guest.');
  }
}

/** What the interface is to be, or null where there is none. */
export function checkedKvm(chosen: MachineConfiguration['hypervisor']): KvmChoice | null {
  const { kvm } = chosen;
  if (chosen.interface !== 'kvm') {
    if (kvm === undefined) return null;
    throw new ConfigurationError(
      'hypervisor.kvm',
      'Features of KVM can be chosen only where the guest finds it: use "hypervisor.interface" "kvm".',
    );
  }
  const features = kvm?.features ?? {};
  const wrong = featureProblem(features);
  if (wrong !== null) {
    throw new ConfigurationError(`hypervisor.kvm.features.${wrong.name}`, wrong.message);
  }
  checkHostPaging(kvm?.asyncPageFaults);
  return { features, oldProfile: findProfile(chosen.profile)?.offersMmuOp === true };
}

export function checkedLog(log: Partial<ExitLogOptions>): Partial<ExitLogOptions> {
  const { capacity = 0 } = log;
  if (Number.isInteger(capacity) && capacity >= 0 && capacity <= MOST_LOG_ROWS) return log;
  throw new ConfigurationError(
    'hypervisor.log.capacity',
    `A log of ${String(capacity)} exits cannot be kept: choose between 0 and ${String(MOST_LOG_ROWS)}.`,
  );
}

/** The profile, for a machine with so many virtual processors. */
export function checkedProfile(chosen: MachineConfiguration['hypervisor'], vcpus: number): Profile {
  const { profile } = chosenControls(chosen);
  if (vcpus <= profile.mostVcpus) return profile;
  throw new ConfigurationError(
    'machine.vcpus',
    `Profile '${profile.name}' runs ${String(profile.mostVcpus)} virtual processor, as that release did, not ${String(vcpus)}: ` +
      `set "machine.vcpus" to ${String(profile.mostVcpus)} or choose another "hypervisor.profile".`,
  );
}

export function checkedMemory(bytes: number): number {
  if (bytes < SMALLEST_MEMORY || bytes > LARGEST_MEMORY || bytes % 4096 !== 0) {
    throw new ConfigurationError(
      'machine.memory',
      `A machine of ${String(bytes)} bytes cannot be built: choose between 1M and 3G in whole pages.`,
    );
  }
  return bytes;
}

export function checkedVcpus(count: number, { name, features }: CpuModel): number {
  if (!Number.isInteger(count) || count < 1 || count > MOST_VCPUS) {
    throw new ConfigurationError(
      'machine.vcpus',
      `A machine with ${String(count)} virtual processors cannot be built: choose between 1 and ${String(MOST_VCPUS)}.`,
    );
  }
  if (count > 1 && !features.has('apic')) {
    throw new ConfigurationError(
      'machine.vcpus',
      `A ${name} has no local APIC, without which there can be only 1 virtual processor: choose another "machine.cpu".`,
    );
  }
  return count;
}

export function allocate(map: MemoryMap, shared: boolean): WasmMemory {
  const { Memory } = wasm();
  try {
    return new Memory({ initial: map.wasmPages, maximum: map.wasmPages, shared });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ConfigurationError(
      'machine.memory',
      `The host cannot give ${String(map.ramSize >> 20)} MiB to the guest: choose less memory.`,
    );
  }
}
