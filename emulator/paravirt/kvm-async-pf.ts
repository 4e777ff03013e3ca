/**
 * Asynchronous page faults (msr.rst, MSR_KVM_ASYNC_PF_EN, _INT and _ACK). The host's memory is short and
 * it has paged out a page of the guest (hypervisor/host-paging.ts); the vCPU that touches it would have to
 * wait. If the guest wishes, it is told instead, in three steps:
 *
 *   1  #PF with error code 0, CR2 a token, and `flags` of the registered structure KVM_PV_REASON_PAGE_NOT_PRESENT:
 *      the guest puts the task that touched the page to sleep and does something else;
 *   2  the page has come in: `token` of the structure is the token, and the interrupt of MSR_KVM_ASYNC_PF_INT
 *      comes: the guest wakes the task, takes the token away and writes MSR_KVM_ASYNC_PF_ACK;
 *   3  which lets the next page be told of.
 *
 * A fault that cannot be told of (the guest is in ring 0 and has not set KVM_ASYNC_PF_SEND_ALWAYS, or is
 * told of this page already) halts the vCPU until the page comes or an interrupt does; where interrupts
 * are off, the vCPU waits for the page and nothing else happens. Not emulated: delivery as an exit of a
 * nested guest.
 */
import { CR0 } from '../cpu/state.ts';
import type { PageWait, Wide } from '../hypervisor/guest-interface.ts';
import type { GuestVcpu } from '../hypervisor/vcpu.ts';
import type { ParavirtServices, SavedValue } from './abi.ts';
import { addressOf, readU32, writeWords } from './guest-structures.ts';
import { KVM_MSR_ENABLED } from './kvm-abi.ts';

const SEND_ALWAYS = 1 << 1;
const DELIVERY_AS_PF_VMEXIT = 1 << 2;
export const DELIVERY_AS_INT = 1 << 3;
/** Bits 4 and 5; bit 2 needs a feature that is not offered. */
const RESERVED = 0x30 | DELIVERY_AS_PF_VMEXIT;
const FLAG_BITS = 0x3f;

/** Offset of `token` in kvm_vcpu_pv_apf_data {flags, token, pad[56]}. */
const TOKEN = 4;
const PAGE_NOT_PRESENT = 1;
/** ASYNC_PF_PER_VCPU: pages that one vCPU may be told of at a time. */
const MOST_PAGES = 64;
/** The token that wakes all who sleep, after the guest has registered anew. */
const WAKE_ALL = 0xffffffff;
const PAGE_FAULT = 14;
const FIXED = 0;

/** A page that the vCPU waits for. */
interface Awaited {
  readonly page: number;
  readonly token: number;
  /** Step 1 has been made. */
  readonly told: boolean;
}

export interface AsyncPfRegisters {
  readonly asyncPf: Wide;
  readonly asyncPfInt: Wide;
}

export class KvmAsyncPf {
  readonly #services: ParavirtServices;
  readonly #registers: () => AsyncPfRegisters;
  #awaited: readonly Awaited[] = [];
  /** Tokens of step 2, first the one whose turn is next. */
  #ready: readonly number[] = [];
  /** Step 2 has been made and step 3 not yet. */
  #unacknowledged = false;
  #tokens = 0;

  constructor(services: ParavirtServices, registers: () => AsyncPfRegisters) {
    this.#services = services;
    this.#registers = registers;
  }

  /** Whether MSR_KVM_ASYNC_PF_EN may hold this value. */
  accepts(value: Wide): boolean {
    if ((value.low & RESERVED) !== 0) return false;
    if (!isEnabled(value)) return true;
    return this.#services.memory.readPhysical(addressOf(value, FLAG_BITS), 8) !== null;
  }

  /** MSR_KVM_ASYNC_PF_EN has a new value: what was under way is forgotten, and who sleeps shall wake. */
  registered(): void {
    if (this.#isEnabled) {
      if (this.#ready.length === 0) this.#ready = [WAKE_ALL];
      this.#tell();
    } else {
      this.#awaited = [];
      this.#ready = [];
    }
  }

  /** The vCPU, which can take interrupts, has touched a page that is paged out. */
  notPresent(vcpu: GuestVcpu, page: number): PageWait {
    if (!this.#isEnabled || this.#awaited.some((each) => each.page === page)) return 'halt';
    if (this.#awaited.length >= MOST_PAGES) return 'wait';
    const token = ((this.#tokens++ << 12) | vcpu.index) >>> 0;
    const told = this.#canTell(vcpu) && this.#write(0, PAGE_NOT_PRESENT);
    this.#awaited = [...this.#awaited, { page, token, told }];
    if (!told) return 'halt';
    vcpu.injectException({
      vector: PAGE_FAULT, errorCode: 0, type: 'fault', qualification: token, length: 0,
    }); // prettier-ignore
    return 'told';
  }

  /** A page has come in; of one that nobody here waits for nothing is told. */
  present(page: number): void {
    const found = this.#awaited.find((each) => each.page === page);
    if (found === undefined) return;
    this.#awaited = this.#awaited.filter((each) => each !== found);
    if (!found.told) return;
    this.#ready = [...this.#ready, found.token];
    this.#tell();
  }

  /** MSR_KVM_ASYNC_PF_ACK. */
  acknowledge(): void {
    this.#unacknowledged = false;
    this.#tell();
  }

  reset(): void {
    this.#awaited = [];
    this.#ready = [];
    this.#unacknowledged = false;
    this.#tokens = 0;
  }

  state(): SavedValue {
    return {
      awaited: this.#awaited.map(({ page, token, told }) => ({ page, token, told })),
      ready: this.#ready,
      unacknowledged: this.#unacknowledged,
      tokens: this.#tokens,
    };
  }

  /** Throws RangeError for what state() did not give. */
  restore(saved: SavedValue | undefined): void {
    if (!isSavedAsyncPf(saved)) throw new RangeError("State of kvm lacks 'asyncPf'");
    this.#awaited = saved.awaited;
    this.#ready = saved.ready;
    this.#unacknowledged = saved.unacknowledged;
    this.#tokens = saved.tokens;
  }

  get #isEnabled(): boolean {
    return isEnabled(this.#registers().asyncPf);
  }

  /** Without paging the guest would have no use for a #PF. */
  #canTell({ processor: { state } }: GuestVcpu): boolean {
    const always = (this.#registers().asyncPf.low & SEND_ALWAYS) !== 0;
    return (always || state.cpl !== 0) && (state.cr(0) & CR0.PG) !== 0;
  }

  /** Step 2 for the first that is ready, if the guest has taken the one before. */
  #tell(): void {
    const { memory, localApic, apicId } = this.#services;
    const [token] = this.#ready;
    if (token === undefined || this.#unacknowledged || !this.#isEnabled) return;
    if (readU32(memory, this.#address + TOKEN) !== 0) return;
    const vector = this.#registers().asyncPfInt.low & 0xff;
    if (localApic?.sendIpi(apicId, vector, FIXED) !== true) return;
    this.#write(TOKEN, token);
    this.#ready = this.#ready.slice(1);
    this.#unacknowledged = true;
  }

  #write(offset: number, word: number): boolean {
    return writeWords(
      this.#services.memory,
      this.#address + offset,
      [word],
      'KVM (async page fault)',
    );
  }
  get #address(): number {
    return addressOf(this.#registers().asyncPf, FLAG_BITS);
  }
}

function isEnabled({ low }: Wide): boolean {
  const wanted = KVM_MSR_ENABLED | DELIVERY_AS_INT;
  return (low & wanted) === wanted;
}

interface SavedAsyncPf {
  readonly awaited: readonly Awaited[];
  readonly ready: readonly number[];
  readonly unacknowledged: boolean;
  readonly tokens: number;
}

function isSavedAsyncPf(saved: unknown): saved is SavedAsyncPf {
  if (typeof saved !== 'object' || saved === null) return false;
  const { awaited, ready, unacknowledged, tokens } = saved as Partial<
    Record<keyof SavedAsyncPf, unknown>
  >;
  const isAwaited = (each: unknown): boolean => {
    const { page, token, told } = (each ?? {}) as Partial<Awaited>;
    return typeof page === 'number' && typeof token === 'number' && typeof told === 'boolean';
  };
  return (
    Array.isArray(awaited) && awaited.every(isAwaited) &&
    Array.isArray(ready) && ready.every((token) => typeof token === 'number') &&
    typeof unacknowledged === 'boolean' && typeof tokens === 'number'
  ); // prettier-ignore
}
