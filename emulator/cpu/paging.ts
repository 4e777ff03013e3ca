/**
 * Address translation as emitted WebAssembly: the page walk of 32-bit paging (4 KiB and 4 MiB pages,
 * PSE-36) and PAE paging with execute-disable (SDM vol. 3, 4.3 and 4.4), SMEP and SMAP. There is one walk
 * for guest accesses, instruction fetch and the debugger; the data TLBs are filled from it (tlb-refill.ts).
 * Paging structures outside guest RAM read as not present. 64-bit paging is not emulated.
 *
 * Where a hypervisor shadows the guest's tables (hypervisor/shadow/) the processor walks the shadow, which
 * is not in guest RAM, whatever the guest's own tables say and even while its paging is off.
 */
import { PAGE_FLAG, type MemoryMap } from '../memory/memory-map.ts';
import { FunctionBody, type Local } from '../wasm/assembler.ts';
import * as L from './layout.ts';

/** Bits of layout WALK_MODE, derived from CR0, CR4 and EFER by cpu.ts. */
export const WALK_MODE = {
  PAGING: 1,
  PAE: 2,
  PSE: 4,
  WP: 8,
  NXE: 16,
  PGE: 32,
  A20_MASKED: 64,
  /** Accesses are checked for alignment, each in TypeScript: nothing is entered in the TLBs. */
  ALIGNED: 128,
  PSE36: 256,
  SMEP: 512,
  SMAP: 1024,
  /** EFLAGS.AC: the supervisor's own accesses may reach the user's pages. */
  SMAP_SUSPENDED: 2048,
  /** The shadow of the guest's tables is walked, always with write protection (as CR0.WP). */
  SHADOW: 4096,
  /** The hypervisor acts for the guest: the guest's tables are walked, nothing is entered in the TLBs. */
  EMULATED: 8192,
  /** Pages with paging structures may be PAGE_FLAG.PROTECTED. */
  PROTECTED: 16384,
} as const;
/**
 * Bits of the walk's `access` argument. PEEK changes no accessed or dirty flag. SYSTEM is an access that
 * the processor makes itself, to descriptor tables and the like (4.6.1 "implicit supervisor-mode").
 * ALLOWED: the second stage has been asked about the paging structures.
 */
export const ACCESS = { WRITE: 1, USER: 2, FETCH: 4, PEEK: 8, SYSTEM: 16, ALLOWED: 32 } as const;
/** Bits of layout WALK_FLAGS. */
export const WALK_FLAG = { GLOBAL: 1, LARGE: 2 } as const;

// bits of paging-structure entries
const P = 1;
const RW = 2;
const US = 4;
const A = 0x20;
const D = 0x40;
const PS = 0x80;
const G = 0x100;
const ERROR_RESERVED = 8;
/** Address line 20, which the gate holds low for every access of the processor (vol. 3, 8.7.13.4). */
const A20 = 1 << 20;

class WalkEmitter {
  readonly body = new FunctionBody(2);
  readonly #map: MemoryMap;
  readonly #linear = this.body.parameter(0);
  readonly #access = this.body.parameter(1);
  readonly #mode = this.body.local();
  readonly #at = this.body.local();
  readonly #entry = this.body.local();
  readonly #high = this.body.local();
  readonly #directoryAt = this.body.local();
  readonly #directoryEntry = this.body.local();
  /** RW and US of all levels so far, ANDed; execute-disable of all levels, ORed into bit 31. */
  readonly #rights = this.body.local();
  readonly #disabled = this.body.local();
  /** Bits of entries that must be zero were not. */
  readonly #physical = this.body.local();
  readonly #physicalHigh = this.body.local();

  constructor(map: MemoryMap) {
    this.#map = map;
  }

  #state(offset: number): void {
    this.body.i32(0).load(this.#map.vcpu + offset);
  }
  #setState(offset: number, value: Local): void {
    this.body
      .i32(0)
      .get(value)
      .store(this.#map.vcpu + offset);
  }
  #modeHas(bit: number): void {
    this.body.get(this.#mode).i32(bit).op('and');
  }
  #accessHas(bit: number): void {
    this.body.get(this.#access).i32(bit).op('and');
  }

  /** Returns 1 with the error code; `bits` are P and RSVD as they apply. */
  #fault(bits: number): void {
    const { body } = this;
    body.i32(0).i32(bits);
    body
      .get(this.#access)
      .i32(ACCESS.WRITE | ACCESS.USER)
      .op('and')
      .i32(1)
      .op('shl')
      .op('or');
    // I/D is reported only where execute-disable or SMEP is in use (SDM vol. 3, 4.7)
    this.#accessHas(ACCESS.FETCH);
    body.i32(0).op('ne');
    this.#modeHas(WALK_MODE.NXE);
    body.i32(0).op('ne');
    this.#modeHas(WALK_MODE.PAE);
    body.i32(0).op('ne').op('and');
    this.#modeHas(WALK_MODE.SMEP);
    body.op('or').i32(0).op('ne').op('and');
    body.i32(4).op('shl').op('or');
    body
      .store(this.#map.vcpu + L.WALK_ERROR)
      .i32(1)
      .op('return');
  }

  /** Loads the entry at physical address `at`; one that is outside RAM is not present. */
  #loadEntry(wide: boolean): void {
    const { body } = this;
    this.#modeHas(WALK_MODE.A20_MASKED);
    body.if();
    body.get(this.#at).i32(~A20).op('and').set(this.#at);
    body.end();
    body.get(this.#at);
    this.#state(L.RAM_SIZE);
    body.op('ltU');
    body.if();
    this.#askSecondStage();
    body.get(this.#at).load(this.#map.ram).set(this.#entry);
    if (wide)
      body
        .get(this.#at)
        .load(this.#map.ram + 4)
        .set(this.#high);
    body.else();
    body.i32(0).tee(this.#entry).set(this.#high);
    body.end();
    body.get(this.#entry).i32(P).op('and').op('eqz');
    body.if();
    this.#fault(0);
    body.end();
  }

  /** Returns 2 where the second stage must be asked about the page of the entry at `at`. */
  #askSecondStage(): void {
    const { body } = this;
    this.#modeHas(WALK_MODE.PROTECTED);
    body.if();
    this.#accessHas(ACCESS.PEEK | ACCESS.ALLOWED);
    body.op('eqz');
    body.get(this.#at).i32(12).op('shrU').load8U(this.#map.pageFlags);
    body.i32(PAGE_FLAG.PROTECTED).op('and').i32(0).op('ne').op('and');
    body.if();
    body.i32(2).op('return');
    body.end();
    body.end();
  }

  /** PAE: bits 36 to 62 are reserved, bit 63 too unless execute-disable is on. */
  #checkReservedHigh(): void {
    const { body } = this;
    body.get(this.#high).i32(0x7ffffff0).op('and');
    body
      .get(this.#high)
      .i32(0x80000000 | 0)
      .op('and');
    body.i32(0);
    this.#modeHas(WALK_MODE.NXE);
    body.op('eqz').op('select').op('or');
    body.if();
    this.#fault(P | ERROR_RESERVED);
    body.end();
    body.get(this.#disabled).get(this.#high).op('or').set(this.#disabled);
  }
  #checkReservedLow(mask: number): void {
    const { body } = this;
    body.get(this.#entry).i32(mask).op('and');
    body.if();
    this.#fault(P | ERROR_RESERVED);
    body.end();
  }
  /** Bits 13 to 16 hold address bits 32 to 35 with PSE-36; bits up to 21 are reserved (table 4-4). */
  #checkReservedOf4MiB(): void {
    const { body } = this;
    body.get(this.#entry).i32(0x3e0000).i32(0x3fe000);
    this.#modeHas(WALK_MODE.PSE36);
    body.op('select').op('and');
    body.if();
    this.#fault(P | ERROR_RESERVED);
    body.end();
  }
  #combineRights(): void {
    this.body.get(this.#rights).get(this.#entry).op('and').set(this.#rights);
  }
  /** Sets flags in the entry `entry` at `at`, unless the walk only looks. */
  #mark(at: Local, entry: Local, pushBits: () => void): void {
    const { body } = this;
    const marked = body.local();
    body.get(entry);
    pushBits();
    body.op('or').tee(marked).get(entry).op('ne');
    this.#accessHas(ACCESS.PEEK);
    body.op('eqz').op('and');
    body.if();
    body.get(at).get(marked).store(this.#map.ram);
    body.end();
  }
  /** The entry leads to a table; it is marked as accessed when the whole translation succeeds (4.8). */
  #keepDirectoryEntry(): void {
    this.body.get(this.#at).set(this.#directoryAt).get(this.#entry).set(this.#directoryEntry);
  }

  /**
   * The leaf is in `entry` and `high`, its page frame in `physical`: rights, flags, result.
   * @param leaf 'shadow': accessed and dirty flags are the hypervisor's affair
   */
  #finish(leaf: 'page' | 'large' | 'shadow'): void {
    const { body } = this;
    const flag = leaf === 'large' ? WALK_FLAG.LARGE : 0;
    // user access to a supervisor page
    this.#accessHas(ACCESS.USER);
    body.i32(0).op('ne').get(this.#rights).i32(US).op('and').op('eqz').op('and');
    // write to a read-only page, as a user or with CR0.WP
    this.#accessHas(ACCESS.WRITE);
    body.i32(0).op('ne').get(this.#rights).i32(RW).op('and').op('eqz').op('and');
    this.#accessHas(ACCESS.USER);
    this.#modeHas(WALK_MODE.WP);
    body.op('or').i32(0).op('ne').op('and').op('or');
    // fetch from an execute-disabled page
    this.#accessHas(ACCESS.FETCH);
    body.i32(0).op('ne').get(this.#disabled).i32(31).op('shrU').op('and').op('or');
    this.#supervisorKeptOut();
    body.op('or');
    body.if();
    this.#fault(P);
    body.end();
    if (leaf === 'page') this.#mark(this.#directoryAt, this.#directoryEntry, () => body.i32(A));
    if (leaf !== 'shadow') {
      this.#mark(this.#at, this.#entry, () => {
        body.i32(A | D).i32(A);
        this.#accessHas(ACCESS.WRITE);
        body.op('select');
      });
    }
    this.#setState(L.WALK_PHYS, this.#physical);
    this.#setState(L.WALK_PHYS_HIGH, this.#physicalHigh);
    body.i32(0).get(this.#entry).i32(G).op('and').i32(0).op('ne');
    this.#modeHas(WALK_MODE.PGE);
    body
      .i32(0)
      .op('ne')
      .op('and')
      .i32(flag)
      .op('or')
      .store(this.#map.vcpu + L.WALK_FLAGS);
    body.i32(0).op('return');
  }

  /** Pushes 1 where SMEP or SMAP keeps the supervisor from a page of the user's (4.6.1). */
  #supervisorKeptOut(): void {
    const { body } = this;
    const kept = body.local();
    body.i32(0).set(kept);
    this.#modeHas(WALK_MODE.SMEP | WALK_MODE.SMAP);
    body.if();
    this.#accessHas(ACCESS.FETCH);
    body.if();
    this.#modeHas(WALK_MODE.SMEP);
    body.set(kept);
    body.else();
    this.#modeHas(WALK_MODE.SMAP);
    // suspended, unless the processor itself asks
    this.#modeHas(WALK_MODE.SMAP_SUSPENDED);
    body.op('eqz');
    this.#accessHas(ACCESS.SYSTEM);
    body.op('or').i32(0).op('ne');
    body.i32(Math.log2(WALK_MODE.SMAP)).op('shl').op('and').set(kept);
    body.end();
    body.end();
    body.get(kept).i32(0).op('ne');
    this.#accessHas(ACCESS.USER | ACCESS.PEEK);
    body.op('eqz').op('and');
    body.get(this.#rights).i32(US).op('and').i32(0).op('ne').op('and');
  }

  emit(): FunctionBody {
    const { body } = this;
    this.#state(L.WALK_MODE);
    body.set(this.#mode);
    body.i32(RW | US).set(this.#rights);
    // who only looks is shown the guest's own tables
    this.#accessHas(ACCESS.PEEK);
    body.op('eqz');
    this.#modeHas(WALK_MODE.SHADOW);
    body.i32(0).op('ne').op('and');
    body.if();
    this.#emitShadow();
    body.end();
    this.#modeHas(WALK_MODE.PAGING);
    body.op('eqz');
    body.if();
    body
      .i32(0)
      .get(this.#linear)
      .i32(-4096)
      .op('and')
      .store(this.#map.vcpu + L.WALK_PHYS);
    body
      .i32(0)
      .i32(0)
      .store(this.#map.vcpu + L.WALK_PHYS_HIGH);
    body
      .i32(0)
      .i32(0)
      .store(this.#map.vcpu + L.WALK_FLAGS);
    body.i32(0).op('return');
    body.end();
    this.#modeHas(WALK_MODE.PAE);
    body.if();
    this.#emitPae();
    body.else();
    this.#emit32();
    body.end();
    body.op('unreachable');
    return body;
  }

  /**
   * Two levels in PAE's format below the four roots of layout SHADOW_ROOTS. Addresses of tables are
   * offsets in the hypervisor's pool, those of pages guest-physical. Only the last level has rights.
   */
  #emitShadow(): void {
    const { body } = this;
    const load = (offset: number): FunctionBody => {
      body.get(this.#at).load(this.#map.shadowTables + offset);
      return body;
    };
    const requirePresent = (): void => {
      body.get(this.#entry).i32(P).op('and').op('eqz');
      body.if();
      this.#fault(0);
      body.end();
    };
    const descend = (shift: number): void => {
      body.get(this.#entry).i32(-4096).op('and');
      body.get(this.#linear).i32(shift).op('shrU').i32(0xff8).op('and').op('or').set(this.#at);
      load(0).set(this.#entry);
      requirePresent();
    };
    body.get(this.#linear).i32(30).op('shrU').i32(2).op('shl');
    body.load(this.#map.vcpu + L.SHADOW_ROOTS).set(this.#entry);
    requirePresent();
    descend(18);
    descend(9);
    load(4).tee(this.#disabled).i32(0xf).op('and').set(this.#physicalHigh);
    this.#combineRights();
    body.get(this.#entry).i32(-4096).op('and').set(this.#physical);
    this.#finish('shadow');
  }

  #emit32(): void {
    const { body } = this;
    this.#state(L.CR + 3 * 8);
    body
      .i32(-4096)
      .op('and')
      .get(this.#linear)
      .i32(22)
      .op('shrU')
      .i32(2)
      .op('shl')
      .op('add')
      .set(this.#at);
    this.#loadEntry(false);
    this.#combineRights();
    body.get(this.#entry).i32(PS).op('and').i32(0).op('ne');
    this.#modeHas(WALK_MODE.PSE);
    body.i32(0).op('ne').op('and');
    body.if();
    this.#checkReservedOf4MiB();
    body
      .get(this.#entry)
      .i32(-0x400000)
      .op('and')
      .get(this.#linear)
      .i32(0x3ff000)
      .op('and')
      .op('or')
      .set(this.#physical);
    body.get(this.#entry).i32(13).op('shrU').i32(0xf).op('and').set(this.#physicalHigh);
    this.#finish('large');
    body.end();
    this.#keepDirectoryEntry();
    body.get(this.#entry).i32(-4096).op('and');
    body.get(this.#linear).i32(10).op('shrU').i32(0xffc).op('and').op('or').set(this.#at);
    this.#loadEntry(false);
    this.#combineRights();
    body.get(this.#entry).i32(-4096).op('and').set(this.#physical);
    this.#finish('page');
  }

  #emitPae(): void {
    const { body } = this;
    const pdpte = body.local();
    body.get(this.#linear).i32(30).op('shrU').i32(3).op('shl').tee(pdpte);
    body
      .load(this.#map.vcpu + L.PDPTE)
      .tee(this.#entry)
      .i32(P)
      .op('and')
      .op('eqz');
    body.if();
    this.#fault(0);
    body.end();
    const descend = (shift: number): void => {
      body.get(this.#entry).i32(-4096).op('and');
      body.get(this.#linear).i32(shift).op('shrU').i32(0xff8).op('and').op('or').set(this.#at);
      this.#loadEntry(true);
      this.#checkReservedHigh();
      this.#combineRights();
    };
    // a table above 4 GiB lies outside RAM
    body.get(pdpte).load(this.#map.vcpu + L.PDPTE + 4);
    body.if();
    this.#fault(0);
    body.end();
    descend(18);
    body.get(this.#high).i32(0xf).op('and').set(this.#physicalHigh);
    body.get(this.#entry).i32(PS).op('and');
    body.if();
    this.#checkReservedLow(0x1fe000);
    body
      .get(this.#entry)
      .i32(-0x200000)
      .op('and')
      .get(this.#linear)
      .i32(0x1ff000)
      .op('and')
      .op('or')
      .set(this.#physical);
    this.#finish('large');
    body.end();
    body.get(this.#physicalHigh);
    body.if();
    this.#fault(0);
    body.end();
    this.#keepDirectoryEntry();
    descend(9);
    body.get(this.#high).i32(0xf).op('and').set(this.#physicalHigh);
    body.get(this.#entry).i32(-4096).op('and').set(this.#physical);
    this.#finish('page');
  }
}

/**
 * walk(linear, access): 0 with WALK_PHYS, WALK_PHYS_HIGH and WALK_FLAGS, or 1 with the #PF error code in
 * WALK_ERROR, or 2 before anything is done where SecondStageAccess must look at the paging structures.
 */
export function emitWalk(map: MemoryMap): FunctionBody {
  return new WalkEmitter(map).emit();
}
