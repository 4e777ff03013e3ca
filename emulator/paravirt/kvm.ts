/**
 * KVM's paravirtual interface as a guest meets it, in its order: the signature in CPUID leaf 0x40000000,
 * the feature bits in 0x40000001, the registers by which it registers its clock, steal-time and EOI
 * pages (kvm-msrs.ts), and hypercalls by VMCALL or VMMCALL (kvm-hypercalls.ts), all of it for each vCPU
 * on its own. Offered is what works:
 * no asynchronous page faults, no paravirtual TLB flush, no memory encryption, no migration.
 */
import type { CpuidResult } from '../cpu/cpu-model.ts';
import type {
  HypercallDescription,
  HypercallRegisters,
  Wide,
} from '../hypervisor/guest-interface.ts';
import type { GuestVcpu } from '../hypervisor/vcpu.ts';
import type { ParavirtInterface, ParavirtServices, SavedState, SavedValue } from './abi.ts';
import { KVM_CPUID_FEATURES, KVM_CPUID_SIGNATURE, KVM_FEATURE, KVM_MSR_FIRST, KVM_MSR_LAST, KVM_SIGNATURE } from './kvm-abi.ts'; // prettier-ignore
import type { KvmFeature } from './kvm-abi.ts';
import { writeSystemTime } from './kvm-clock.ts';
import { describeKvmHypercall, kvmHypercall } from './kvm-hypercalls.ts';
import { initialRegisters, KVM_MSR_GAPS, KVM_MSRS, REGISTER_NAMES } from './kvm-msrs.ts';
import type { KvmMsr, KvmRegisters } from './kvm-msrs.ts';
import { KvmPvEoi } from './kvm-pv-eoi.ts';

/** Offered on every board, and where there is a local APIC. */
const FEATURES: readonly KvmFeature[] = [
  KVM_FEATURE.CLOCKSOURCE,
  KVM_FEATURE.NOP_IO_DELAY,
  KVM_FEATURE.CLOCKSOURCE2,
  KVM_FEATURE.STEAL_TIME,
  KVM_FEATURE.PV_UNHALT,
  KVM_FEATURE.POLL_CONTROL,
  KVM_FEATURE.PV_SCHED_YIELD,
  KVM_FEATURE.CLOCKSOURCE_STABLE_BIT,
];
const APIC_FEATURES: readonly KvmFeature[] = [KVM_FEATURE.PV_EOI, KVM_FEATURE.PV_SEND_IPI];

const MSRS: readonly KvmMsr[] = KVM_MSRS;

/** One register of a saved state. */
function savedWide(saved: SavedValue, name: string): Wide {
  const value =
    typeof saved === 'object' && saved !== null && !isList(saved) ? saved[name] : undefined;
  if (isList(value)) {
    const [low, high] = value;
    if (typeof low === 'number' && typeof high === 'number') return { low, high };
  }
  throw new RangeError(`State of kvm lacks '${name}'`);
}
const isList = (value: SavedValue | undefined): value is readonly SavedValue[] =>
  Array.isArray(value);

export class KvmInterface implements ParavirtInterface {
  readonly name = 'kvm';
  readonly autoEoi: KvmPvEoi;
  private readonly services: ParavirtServices;
  private registers: KvmRegisters = initialRegisters();
  /** KVM_HC_KICK_CPU came while the vCPU ran: its next HLT does not block. */
  private kicked = false;

  constructor(services: ParavirtServices) {
    this.services = services;
    this.autoEoi = new KvmPvEoi(services.memory, () => this.registers.pvEoi);
  }

  /** Bits of leaf 0x40000001, EAX. */
  get features(): number {
    const offered =
      this.services.localApic === undefined ? FEATURES : [...FEATURES, ...APIC_FEATURES];
    return offered.reduce<number>((bits, feature) => bits | (1 << feature), 0) >>> 0;
  }

  cpuid(leaf: number): CpuidResult | null {
    if (leaf === KVM_CPUID_SIGNATURE) return { eax: KVM_CPUID_FEATURES, ...KVM_SIGNATURE };
    // EDX bit 0, KVM_HINTS_REALTIME, promises a vCPU of its own: not ours to promise
    if (leaf === KVM_CPUID_FEATURES) return { eax: this.features, ebx: 0, ecx: 0, edx: 0 };
    return null;
  }

  readMsr(index: number): Wide | 'fault' | null {
    const row = this.row(index);
    if (row !== null) return this.registers[row.register];
    return index >= KVM_MSR_FIRST && index <= KVM_MSR_LAST ? 'fault' : null;
  }

  writeMsr(index: number, value: Wide): 'done' | 'fault' | null {
    const row = this.row(index);
    if (row === null) return index >= KVM_MSR_FIRST && index <= KVM_MSR_LAST ? 'fault' : null;
    if (!row.write(this.services, value)) return 'fault';
    this.registers[row.register] = value;
    return 'done';
  }

  msrName(index: number): string | null {
    return MSRS.find((row) => row.index === index)?.name ?? KVM_MSR_GAPS.get(index) ?? null;
  }

  hypercall({ processor }: GuestVcpu): void {
    const { state } = processor;
    const call = {
      eax: state.gpr(0, 4),
      ecx: state.gpr(1, 4),
      edx: state.gpr(2, 4),
      ebx: state.gpr(3, 4),
      esi: state.gpr(6, 4),
    };
    const context = { services: this.services };
    state.setGpr(0, 4, kvmHypercall(context, call, state.cpl) >>> 0);
  }

  describeHypercall(registers: HypercallRegisters): HypercallDescription {
    return describeKvmHypercall(registers);
  }

  mayHalt(): boolean {
    const blocks = !this.kicked;
    this.kicked = false;
    return blocks;
  }

  /** Another vCPU has kicked this one, which is running or about to halt: its next HLT does not block. */
  kick(): void {
    this.kicked = true;
  }

  timestampChanged(): void {
    writeSystemTime(this.services, this.registers.systemTime);
  }

  reset(): void {
    this.registers = initialRegisters();
    this.kicked = false;
  }

  state(): SavedState {
    const registers = REGISTER_NAMES.map((name) => {
      const { low, high } = this.registers[name];
      return [name, [low, high]] as const;
    });
    return { version: 1, kicked: this.kicked, registers: Object.fromEntries(registers) };
  }

  restore({ version, kicked, registers: saved }: SavedState): void {
    if (version !== 1 || typeof kicked !== 'boolean') throw new RangeError('Foreign state of kvm');
    const registers = initialRegisters();
    for (const name of REGISTER_NAMES) registers[name] = savedWide(saved, name);
    this.registers = registers;
    this.kicked = kicked;
  }

  /** The register of this index, if its feature is offered. */
  private row(index: number): KvmMsr | null {
    const row = MSRS.find((each) => each.index === index);
    if (row === undefined) return null;
    return ((this.features >>> row.feature) & 1) === 1 ? row : null;
  }
}
