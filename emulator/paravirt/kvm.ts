/**
 * KVM's paravirtual interface as a guest meets it, in its order: the signature in CPUID leaf 0x40000000,
 * the feature bits in 0x40000001 (kvm-features.ts), the registers by which it registers its clock,
 * steal-time, EOI and page-fault structures (kvm-msrs.ts), and hypercalls by VMCALL or VMMCALL
 * (kvm-hypercalls.ts), all of it for each vCPU on its own. Between two calls the host acts on its own:
 * when the vCPU's turn begins and ends (kvm-steal-time.ts), when it puts an interrupt in service
 * (kvm-pv-eoi.ts), when it touches a page that is paged out and when that comes in (kvm-async-pf.ts).
 */
import type { CpuidResult } from '../cpu/cpu-model.ts';
import type { HypercallDescription, HypercallRegisters, MsrDescription, PageWait, Wide } from '../hypervisor/guest-interface.ts'; // prettier-ignore
import type { GuestVcpu } from '../hypervisor/vcpu.ts';
import type { ParavirtInterface, ParavirtServices, SavedState, SavedValue } from './abi.ts';
import { KVM_CPUID_FEATURES, KVM_CPUID_SIGNATURE, KVM_LEAVES, KVM_MSR_FIRST, KVM_MSR_LAST, KVM_SIGNATURE } from './kvm-abi.ts'; // prettier-ignore
import { KvmAsyncPf } from './kvm-async-pf.ts';
import { writeSystemTime } from './kvm-clock.ts';
import { featureBits, offeredFeatures } from './kvm-features.ts';
import type { KvmFeature } from './kvm-features.ts';
import { describeKvmHypercall, describeKvmResult, kvmHypercall } from './kvm-hypercalls.ts';
import { initialRegisters, KVM_MSRS, REGISTER_NAMES } from './kvm-msrs.ts';
import type { KvmMsr, KvmMsrContext, KvmRegisters } from './kvm-msrs.ts';
import { KvmPvEoi } from './kvm-pv-eoi.ts';
import { markPreempted, updateStealTime } from './kvm-steal-time.ts';

const STATE_VERSION = 2;
const MSRS: readonly KvmMsr[] = KVM_MSRS;
const NOTHING: Wide = { low: 0, high: 0 };

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
  /** What leaf 0x40000001 says. */
  readonly offered: ReadonlySet<KvmFeature>;
  private readonly services: ParavirtServices;
  private readonly asyncPf: KvmAsyncPf;
  private readonly msrContext: KvmMsrContext;
  private registers: KvmRegisters = initialRegisters();
  /** KVM_HC_KICK_CPU came while the vCPU ran: its next HLT does not block. */
  private kicked = false;
  /** Stolen time, ns, that the guest's structure does not say yet. */
  private stolen = 0;

  constructor(services: ParavirtServices) {
    this.services = services;
    this.offered = offeredFeatures({
      switches: services.features,
      old: services.oldProfile,
      hasLocalApic: services.localApic !== undefined,
    });
    this.autoEoi = new KvmPvEoi(services.memory, () => this.registers.pvEoi);
    this.asyncPf = new KvmAsyncPf(services, () => this.registers);
    this.msrContext = {
      services,
      asyncPf: this.asyncPf,
      offered: this.offered,
      updateStealTime: () => {
        this.updateStealTime();
      },
    };
  }

  // ---- what the guest asks

  cpuid(leaf: number): CpuidResult | null {
    if (leaf === KVM_CPUID_SIGNATURE) return { eax: KVM_CPUID_FEATURES, ...KVM_SIGNATURE };
    if (leaf !== KVM_CPUID_FEATURES) return null;
    const { offered } = this;
    return { eax: featureBits(offered, 'eax'), ebx: 0, ecx: 0, edx: featureBits(offered, 'edx') };
  }

  readMsr(index: number): Wide | 'fault' | null {
    const row = this.row(index);
    if (row === null) return isKvmMsr(index) ? 'fault' : null;
    return row.register === null ? NOTHING : this.registers[row.register];
  }

  writeMsr(index: number, value: Wide): 'done' | 'fault' | null {
    const row = this.row(index);
    if (row === null) return isKvmMsr(index) ? 'fault' : null;
    if (!row.accepts(this.msrContext, value)) return 'fault';
    if (row.register !== null) this.registers[row.register] = value;
    row.written?.(this.msrContext, value);
    return 'done';
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
    const { services, offered } = this;
    const context = { services, offered, cr4: state.cr(4), cpl: state.cpl };
    state.setGpr(0, 4, kvmHypercall(context, call) >>> 0);
  }

  // ---- what the host does

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

  pageNotPresent(vcpu: GuestVcpu, page: number): PageWait {
    return this.asyncPf.notPresent(vcpu, page);
  }

  pagePresent(page: number): void {
    this.asyncPf.present(page);
  }

  /** The vCPU's turn is over, though it could run on. */
  preempted(): void {
    markPreempted(this.services.memory, this.registers.stealTime);
  }

  /** The vCPU's turn begins. @param stolen ns for which it has waited for it */
  scheduled(stolen: number): void {
    this.stolen += stolen;
    this.updateStealTime();
  }

  private updateStealTime(): void {
    const { memory } = this.services;
    const { told, flush } = updateStealTime(memory, this.registers.stealTime, this.stolen);
    if (told) this.stolen = 0;
    if (flush && this.offered.has('PV_TLB_FLUSH')) this.services.flushTlb(true);
  }

  // ---- what people see

  describeResult(eax: number): string {
    return describeKvmResult(eax);
  }
  describeHypercall(registers: HypercallRegisters): HypercallDescription {
    return describeKvmHypercall(registers);
  }

  describeMsr(index: number, value: Wide | null): MsrDescription | null {
    const row = MSRS.find((each) => each.index === index);
    if (row === undefined) return null;
    const { name, meaning } = row;
    return { name, meaning, text: value === null ? null : row.text(value) };
  }

  leafName(leaf: number): string | null {
    return KVM_LEAVES.find((row) => row.leaf === leaf)?.name ?? null;
  }

  /** The value of a register by its own name, whether or not its number is offered. */
  registered(name: keyof KvmRegisters): Wide {
    return this.registers[name];
  }

  // ---- snapshots

  reset(): void {
    this.registers = initialRegisters();
    this.kicked = false;
    this.stolen = 0;
    this.asyncPf.reset();
  }

  state(): SavedState {
    const registers = REGISTER_NAMES.map((name) => {
      const { low, high } = this.registers[name];
      return [name, [low, high]] as const;
    });
    return {
      version: STATE_VERSION,
      kicked: this.kicked,
      stolen: this.stolen,
      asyncPf: this.asyncPf.state(),
      registers: Object.fromEntries(registers),
    };
  }

  restore({ version, kicked, stolen, asyncPf, registers: saved }: SavedState): void {
    const isOurs = version === STATE_VERSION && typeof kicked === 'boolean';
    if (!isOurs || typeof stolen !== 'number') throw new RangeError('Foreign state of kvm');
    const registers = initialRegisters();
    for (const name of REGISTER_NAMES) registers[name] = savedWide(saved, name);
    this.asyncPf.restore(asyncPf);
    this.registers = registers;
    this.kicked = kicked;
    this.stolen = stolen;
  }

  /** The register of this index, if its feature is offered. */
  private row(index: number): KvmMsr | null {
    const row = MSRS.find((each) => each.index === index);
    return row !== undefined && this.offered.has(row.feature) ? row : null;
  }
}

const isKvmMsr = (index: number): boolean => index >= KVM_MSR_FIRST && index <= KVM_MSR_LAST;
