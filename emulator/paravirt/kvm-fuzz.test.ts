/**
 * A hostile guest against KVM's interface: random hypercalls, registers and leaves from either ring, with
 * addresses that are no RAM, unaligned, at its end, wrapping or on top of each other, while the host's own
 * events come in between. After every round: what was answered is what the rows and the headers allow,
 * no byte of RAM has changed but those of structures that the guest has registered or named, and the
 * state can be taken and put back.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CR0, CR4 } from '../cpu/state.ts';
import * as L from '../cpu/layout.ts';
import type { Wide } from '../hypervisor/guest-interface.ts';
import { TestVcpu } from '../hypervisor/test-vcpu.ts';
import type { SavedState } from './abi.ts';
import { KVM_ERRORS } from './kvm-abi.ts';
import { KVM_HYPERCALLS } from './kvm-hypercalls.ts';
import { KVM_MSRS } from './kvm-msrs.ts';
import { KvmInterface } from './kvm.ts';

const ROUNDS = 4000;

/** Marsaglia's xorshift with 32 bits. */
function randomNumbers(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>>= 0);
  };
}

/** Places on top of each other, at the end of RAM (0x4000), beyond it, and at the top of 32 bits. */
const PLACES = [0, 4, 0x1000, 0x1004, 0x1040, 0x10c0, 0x3fc0, 0x3fe0, 0x3ffc, 0x3fff, 0x4000, 0x3fffffff, 0x80000000, 0xfee00000, 0xffffffc0, 0xffffffff]; // prettier-ignore
const CALLS = [...KVM_HYPERCALLS.map(({ number }) => number), 0, 13, 0x7fffffff, 0xffffffff];
const INDEXES = [...KVM_MSRS.map(({ index }) => index), 0x4b564d09, 0x4b564dff, 0x4b564e00, 0x10, 0xffffffff]; // prettier-ignore
const LEAVES = [0x40000000, 0x40000001, 0x40000002, 0x400000ff, 0x4fffffff, 0, 0xffffffff];
/** Bytes from the address in each register that it may make the host write. */
const STRUCTURES = { wallClock: 12, systemTime: 32, stealTime: 64, pvEoi: 4, asyncPf: 8 } as const;

interface Extent {
  readonly from: number;
  readonly bytes: number;
}

class Attack {
  readonly next: () => number;
  readonly vcpu = new TestVcpu();
  readonly kvm: KvmInterface;
  now = 0;
  #before = new Uint8Array(0);

  constructor(seed: number) {
    this.next = randomNumbers(seed);
    const { vcpu } = this;
    this.kvm = new KvmInterface({
      memory: vcpu,
      now: () => this.now,
      timestamp: () => ({ low: this.now >>> 0, high: 0 }),
      timestampHz: 1_000_000_000,
      startDate: 1_170_614_694,
      localApic: {
        sendIpi: (apicId, vector) => {
          assert.ok(apicId >= 0 && apicId <= 254 && vector >= 0 && vector <= 255);
          return apicId < 2;
        },
        tryAutoEoi: () => void this.kvm.autoEoi.withdraw(),
      },
      apicId: 0,
      features: seed % 2 === 0 ? { MMU_OP: true } : {},
      oldProfile: false,
      kick: () => {
        this.kvm.kick();
      },
      yieldTo: () => undefined,
      flushTlb: () => undefined,
    });
    for (let at = 0; at < vcpu.ram.length; at++) vcpu.ram[at] = this.next();
  }

  pick<T>(from: readonly T[]): T {
    return from[this.next() % from.length];
  }
  address(): number {
    return this.next() % 8 === 0 ? this.next() : this.pick(PLACES);
  }
  wide(): Wide {
    const low = (this.address() | this.pick([0, 1, 1, 1, 9, 11, this.next() & 63])) >>> 0;
    return { low, high: this.next() % 6 === 0 ? this.address() : 0 };
  }

  /** One thing that the guest or the host does; returns where the host may write for it, beyond structures. */
  round(): readonly Extent[] {
    const { kvm, vcpu } = this;
    this.now += this.next() & 0xffff;
    this.#before = vcpu.ram.slice();
    switch (this.next() % 10) {
      case 0:
      case 1:
      case 2:
        return this.#writeRegister();
      case 3:
      case 4:
        return this.#call();
      case 5:
        return this.#look();
      case 6:
        kvm.preempted();
        return [];
      case 7:
        kvm.scheduled(this.next() & 0xffff);
        return [];
      case 8:
        if (this.next() % 2 === 0) kvm.autoEoi.offer();
        else kvm.autoEoi.withdraw();
        kvm.timestampChanged();
        return [];
      default:
        vcpu.state.setCr(0, this.next() % 4 === 0 ? 0 : CR0.PG);
        vcpu.state.set(L.CPL, this.pick([0, 3]));
        assert.match(kvm.pageNotPresent(vcpu, this.next() % 80), /^(told|halt|wait)$/);
        kvm.pagePresent(this.next() % 80);
        return [];
    }
  }

  #writeRegister(): readonly Extent[] {
    const { kvm } = this;
    const index = this.pick(INDEXES);
    const value = this.wide();
    // the host may also settle or write what the register held before
    const old = this.structures();
    const before = kvm.readMsr(index);
    const outcome = kvm.writeMsr(index, value);
    const row = KVM_MSRS.find((each) => each.index === index);
    const isOffered = row !== undefined && kvm.offered.has(row.feature);
    if (!isOffered) {
      const own = index >= 0x4b564d00 && index <= 0x4b564dff;
      assert.equal(outcome, row !== undefined || own ? 'fault' : null);
      assert.equal(before, outcome);
    } else if (outcome === 'fault') {
      assert.deepEqual(kvm.readMsr(index), before, `${row.name} keeps its value`);
    } else {
      assert.equal(outcome, 'done');
      assert.deepEqual(kvm.readMsr(index), row.register === null ? { low: 0, high: 0 } : value);
    }
    return old;
  }

  #call(): readonly Extent[] {
    const { kvm, vcpu } = this;
    const [nr, a0, a1, a2, a3] = [this.pick(CALLS), this.address(), this.pick([0, 0, 1, this.address()]), this.pick([0, this.next() & 0xff, this.next()]), this.next() & 0xcffff]; // prettier-ignore
    const cpl = this.pick([0, 0, 0, 3]);
    vcpu.setRegisters(nr, a1, a2, a0, a3);
    vcpu.state.set(L.CPL, cpl);
    vcpu.state.setCr(4, this.pick([0, CR4.PAE]));
    const list = vcpu.readPhysical(a2 * 2 ** 32 + a1, Math.min(a0, 512));
    kvm.hypercall(vcpu);
    const result = vcpu.state.gpr(0, 4) | 0;
    assert.deepEqual([3, 1, 2, 6].map((gpr) => vcpu.state.gpr(gpr, 4)), [a0, a1, a2, a3]); // prettier-ignore
    const row = KVM_HYPERCALLS.find(({ number }) => number === nr);
    const feature = row?.feature ?? null;
    const isThere = row !== undefined && typeof row.handle !== 'string' && (feature === null || kvm.offered.has(feature)); // prettier-ignore
    if (cpl === 3) assert.equal(result, -1);
    else if (!isThere) assert.equal(result, -1000);
    else if (result < 0)
      assert.ok(KVM_ERRORS.some(({ number }) => number === -result), `${row.name}: ${result}`); // prettier-ignore
    else assert.ok(result <= 512);
    if (result <= 0) return nr === 9 && result === 0 ? [{ from: a0, bytes: 64 }] : [];
    return nr === 2 && list !== null ? entriesOf(list) : [];
  }

  #look(): readonly Extent[] {
    const { kvm } = this;
    const leaf = this.pick(LEAVES);
    assert.equal(kvm.cpuid(leaf) !== null, leaf === 0x40000000 || leaf === 0x40000001);
    const saved = JSON.parse(JSON.stringify(kvm.state())) as SavedState;
    kvm.restore(saved);
    assert.deepEqual(kvm.state(), saved);
    kvm.mayHalt();
    return [];
  }

  /** What is registered now. */
  structures(): readonly Extent[] {
    const names = Object.keys(STRUCTURES) as (keyof typeof STRUCTURES)[];
    return names.map((name) => {
      const { low, high } = this.kvm.registered(name);
      const flags =
        name === 'wallClock' ? 0 : name === 'systemTime' ? 1 : name === 'pvEoi' ? 3 : 0x3f;
      return { from: high * 2 ** 32 + ((low & ~flags) >>> 0), bytes: STRUCTURES[name] };
    });
  }

  /** No byte outside these has changed in this round. */
  check(allowed: readonly Extent[]): void {
    const { ram } = this.vcpu;
    for (let at = 0; at < ram.length; at++) {
      if (ram[at] === this.#before[at]) continue;
      const isAllowed = allowed.some(({ from, bytes }) => at >= from && at < from + bytes);
      assert.ok(isAllowed, `byte 0x${at.toString(16)} has changed`);
    }
  }
}

/** Entries that the KVM_MMU_OP_WRITE_PTEs of a list may store. */
function entriesOf(list: Uint8Array): readonly Extent[] {
  const view = new DataView(list.buffer, list.byteOffset, list.length);
  const sizes: { readonly [operation: number]: number } = { 1: 24, 2: 8, 3: 16 };
  const found: Extent[] = [];
  for (let at = 0; at + 8 <= list.length;) {
    const operation = view.getUint32(at, true);
    const size = sizes[operation] ?? Infinity;
    if (at + size > list.length) break;
    if (operation === 1) {
      const from = view.getUint32(at + 12, true) * 2 ** 32 + view.getUint32(at + 8, true);
      found.push({ from, bytes: 8 });
    }
    at += size;
  }
  return found;
}

describe("a hostile guest and KVM's interface", () => {
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    test(`${ROUNDS} rounds from seed ${seed}`, () => {
      const attack = new Attack(seed);
      for (let round = 0; round < ROUNDS; round++) {
        // now and then a list of operations for KVM_HC_MMU_OP lies where an argument points
        if (seed % 2 === 0 && round % 64 === 0) {
          const words = [1, 0, attack.address(), 0, 7, 0, 2, 0, attack.next() % 5, 0];
          new Uint32Array(attack.vcpu.ram.buffer).set(words, attack.pick([0, 1, 0x400]));
        }
        const named = attack.round();
        attack.check([...named, ...attack.structures()]);
      }
    });
  }
});
