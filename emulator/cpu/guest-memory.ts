/**
 * Guest memory as TypeScript reaches it: linear addresses through the TLBs and the page walk, physical
 * addresses to RAM, translated code or devices. Accesses here complete: devices are really read and
 * written, translated code that is overwritten is dropped. Interpreted code comes here only when its
 * own way through the TLB does not serve.
 */
import {
  type GuestPhys,
  guestPhys,
  type Linear,
  linear as linearAddress,
} from '../memory/address.ts';
import {
  PAGE_FLAG,
  TLB_ENTRIES,
  TLB_USER,
  TLB_WRITE,
  type MemoryMap,
} from '../memory/memory-map.ts';
import type { GuestEvent } from './exit-hook.ts';
import * as L from './layout.ts';
import { ACCESS, WALK_MODE } from './paging.ts';
import type { Platform } from './platform.ts';
import { SecondStageAccess } from './second-stage-access.ts';
import { type LinearMemory, VECTOR } from './processor.ts';
import type { CpuState } from './state.ts';
import type { CodeCache } from './translate/code-cache.ts';

/** What memory asks of the processor around it. */
export interface MemoryOwner {
  readonly state: CpuState;
  readonly platform: Platform;
  fault(vector: number, errorCode?: number | null, qualification?: number): never;
  offer(event: GuestEvent, length: number): void;
  /** Data were accessed while breakpoints on data are enabled or a debugger watches. */
  accessed(linear: number, size: number, write: boolean): void;
  /** Translated code of a page was written to. */
  codeWritten(pageNumber: number): void;
  /** Bytes within a page whose page table a hypervisor shadows are about to be written. */
  tableWritten(physical: number, bytes: number): void;
  walk(linear: number, access: number): number;
}

const A20 = 1 << 20;

/** The event of an access outside RAM: the second stage does not map it. */
export function deviceAccess(
  physical: number,
  linear: number,
  access: 'read' | 'write' | 'fetch',
  size: number,
  value = 0,
): GuestEvent {
  return {
    kind: 'second-stage',
    guestPhysical: physical,
    linear,
    final: true,
    access,
    size,
    value,
  };
}

/**
 * What #AC asks of an access of `size` bytes: its size. 16 bytes may lie anywhere, as on a Xeon; where
 * they must be aligned the instruction raises #GP(0), and of MOVUPS the manual leaves it open.
 */
export function alignmentOf(size: number): number {
  return size > 8 ? 1 : size;
}

export class GuestMemory implements LinearMemory {
  readonly #owner: MemoryOwner;
  readonly #map: MemoryMap;
  readonly #code: CodeCache;
  readonly #i32: Int32Array;
  readonly #u8: Uint8Array;
  readonly #view: DataView;
  readonly #ramSize: number;
  readonly secondStage: SecondStageAccess;
  /** The view that codePage() gave last, and its address. */
  #codePage: Uint8Array = new Uint8Array(0);
  #codePageAt = -1;

  constructor(buffer: ArrayBufferLike, map: MemoryMap, code: CodeCache, owner: MemoryOwner) {
    this.#owner = owner;
    this.#map = map;
    this.#code = code;
    this.#i32 = new Int32Array(buffer);
    this.#u8 = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
    this.#ramSize = map.ramSize;
    this.secondStage = new SecondStageAccess(buffer, map, owner);
  }

  // ---- translation

  /** Guest-physical address of a linear one, 2^32 and up where it has more than 32 bits. */
  translate(linear: number, access: number): number {
    const outcome = this.#owner.walk(linear, access);
    return this.#found(outcome === 2 ? this.secondStage.walk(linear, access) : outcome, linear);
  }
  /** The same where nothing may leave the guest yet: null where the second stage must be asked about the walk. */
  translateAhead(linear: number, access: number): number | null {
    const outcome = this.#owner.walk(linear, access);
    return outcome === 2 ? null : this.#found(outcome, linear);
  }
  #found(outcome: number, linear: number): number {
    if (outcome !== 0) {
      this.#owner.fault(VECTOR.PF, this.#owner.state.get(L.WALK_ERROR), linear);
    }
    return this.#physicalOfWalk(linear);
  }
  /** The same for an access of `size` bytes that is about to be made, which the second stage must allow. */
  reach(linear: number, access: number, size: number): number {
    const physical = this.translate(linear, access);
    this.secondStage.require(physical, linear, access, size);
    return physical;
  }
  /** The same for a debugger: no flags set, null where it is not mapped. */
  peek(address: Linear): GuestPhys | null {
    if (this.#owner.walk(address, ACCESS.PEEK) !== 0) return null;
    return guestPhys(this.#physicalOfWalk(address));
  }
  #physicalOfWalk(linear: number): number {
    const { state } = this.#owner;
    const low = (state.get(L.WALK_PHYS) | (linear & 0xfff)) >>> 0;
    const masked = (state.get(L.WALK_MODE) & WALK_MODE.A20_MASKED) !== 0 ? (low & ~A20) >>> 0 : low;
    return masked + state.get(L.WALK_PHYS_HIGH) * 0x100000000;
  }

  /** Address in the WebAssembly memory, or -1 where the TLB has no entry for it. */
  #host(linear: number, size: number, table: number): number {
    const slot = (this.#map.tlb + table + ((linear >>> 9) & ((TLB_ENTRIES - 1) << 3))) >> 2;
    if (this.#i32[slot] !== ((linear + size - 1) & ~0xfff)) return -1;
    return (this.#i32[slot + 1] + linear) >>> 0;
  }
  #table(user: boolean, write: boolean): number {
    return (user ? TLB_USER : 0) + (write ? TLB_WRITE : 0);
  }
  #isUser(): boolean {
    return this.#owner.state.get(L.CPL) === 3;
  }

  // ---- physical memory

  /** Whether `size` bytes from a physical address are RAM that the guest sees as such. */
  isRam(physical: number, size: number): boolean {
    if (physical + size > this.#ramSize) return false;
    return (this.#u8[this.#map.pageFlags + (physical >>> 12)] & PAGE_FLAG.DEVICE) === 0;
  }
  /** Whether memory, RAM or ROM, takes an access of `size` bytes: nothing of it can be observed. */
  isMemory(physical: number, size: number, write: boolean): boolean {
    if (!this.isRam(physical, size)) return !write && this.#romPage(physical) !== null;
    if (!write) return true;
    return (this.#u8[this.#map.pageFlags + (physical >>> 12)] & PAGE_FLAG.READ_ONLY) === 0;
  }
  /** Whether the host has paged out the page of RAM around a physical address. */
  isAbsent(physical: number): boolean {
    if (physical >= this.#ramSize) return false;
    return (this.#u8[this.#map.pageFlags + (physical >>> 12)] & PAGE_FLAG.ABSENT) !== 0;
  }
  /** An access to a page that is paged out leaves the guest, or waits for it where it may not. */
  requirePresent(
    physical: number,
    linear: number,
    access: 'read' | 'write' | 'fetch',
    size: number,
  ): void {
    if (!this.isAbsent(physical)) return;
    this.#owner.offer(deviceAccess(physical, linear, access, size), 0);
    this.#owner.platform.awaitPage?.(physical);
  }
  #romPage(physical: number): Uint8Array | null {
    return this.#owner.platform.romPage?.(physical) ?? null;
  }
  /** A copy of ROM, within one page, or null. */
  readRom(physical: number, length: number): Uint8Array | null {
    const start = physical & 0xfff;
    return this.#romPage(physical)?.slice(start, start + length) ?? null;
  }
  /** Unsigned value; within one page. */
  readPhysical(physical: number, size: number, linear = 0): number {
    if (this.isRam(physical, size)) {
      this.requirePresent(physical, linear, 'read', size);
      const at = this.#map.ram + physical;
      if (size === 4) return this.#view.getUint32(at, true);
      return size === 2 ? this.#view.getUint16(at, true) : this.#u8[at];
    }
    const rom = this.readRom(physical, size);
    if (rom !== null) return rom.reduceRight((value, byte) => value * 256 + byte, 0);
    this.#offerDevice(physical, linear, 'read', size, 0);
    return this.#owner.platform.readDevice(physical, size) >>> 0;
  }
  writePhysical(physical: number, size: number, value: number, linear = 0): void {
    if (this.isMemory(physical, size, true)) {
      this.requirePresent(physical, linear, 'write', size);
      this.#storeRam(physical, size, value);
      return;
    }
    this.#offerDevice(physical, linear, 'write', size, value >>> 0);
    this.#owner.platform.writeDevice(physical, size, value >>> 0);
  }
  #storeRam(physical: number, size: number, value: number): void {
    const flags = this.#u8[this.#map.pageFlags + (physical >>> 12)];
    if ((flags & PAGE_FLAG.SHADOWED) !== 0) this.#owner.tableWritten(physical, size);
    if ((flags & PAGE_FLAG.CODE) !== 0) {
      // code may patch itself with what is there already, again and again
      const changes =
        this.readPhysical(physical, size) !== (value & (-1 >>> (32 - 8 * size))) >>> 0;
      if (changes) this.#code.patched.changed(physical);
      if (changes && this.#code.overlaps(physical, size)) {
        this.#code.patched.note(physical, size);
        this.#owner.codeWritten(physical >>> 12);
      }
    }
    const at = this.#map.ram + physical;
    if (size === 4) this.#view.setUint32(at, value, true);
    else if (size === 2) this.#view.setUint16(at, value, true);
    else this.#u8[at] = value;
  }
  #offerDevice(
    physical: number,
    linear: number,
    access: 'read' | 'write',
    size: number,
    value: number,
  ): void {
    this.#owner.offer(deviceAccess(physical, linear, access, size, value), 0);
  }
  /** A copy of RAM, or null unless all of it is RAM; any number is a valid address. */
  readRam(address: number, length: number): Uint8Array | null {
    if (!this.#isRamRange(address, length)) return null;
    return this.#u8.slice(this.#map.ram + address, this.#map.ram + address + length);
  }
  /** All of the bytes or none; translated code in them is dropped. */
  writeRam(address: number, bytes: Uint8Array): boolean {
    if (!this.#isRamRange(address, bytes.length)) return false;
    this.#u8.set(bytes, this.#map.ram + address);
    for (let page = address >>> 12; page <= (address + bytes.length - 1) >>> 12; page++) {
      const flags = this.#u8[this.#map.pageFlags + page];
      if ((flags & PAGE_FLAG.CODE) !== 0) this.#owner.codeWritten(page);
      if ((flags & PAGE_FLAG.SHADOWED) !== 0) {
        const from = Math.max(address, page * 4096);
        const end = Math.min(address + bytes.length, (page + 1) * 4096);
        this.#owner.tableWritten(from, end - from);
      }
    }
    return true;
  }
  #isRamRange(address: number, length: number): boolean {
    if (!Number.isInteger(address) || address < 0 || address + length > this.#ramSize) return false;
    for (let page = address - (address & 0xfff); page < address + length; page += 4096) {
      if (!this.isRam(page, 1)) return false;
    }
    return true;
  }
  /** Bytes of RAM or ROM for the fetch of instructions, or null where there is neither. */
  codePage(physical: number): Uint8Array | null {
    const page = physical - (physical & 0xfff);
    if (!this.isRam(page, 4096)) return this.#romPage(page);
    if (page !== this.#codePageAt) {
      this.#codePage = this.#u8.subarray(this.#map.ram + page, this.#map.ram + page + 4096);
      this.#codePageAt = page;
    }
    return this.#codePage;
  }

  // ---- linear memory

  #read(linear: number, size: number, user: boolean): number {
    const host = this.#host(linear, size, this.#table(user, false));
    if (host >= 0) {
      if (size === 4) return this.#view.getUint32(host, true);
      return size === 2 ? this.#view.getUint16(host, true) : this.#u8[host];
    }
    return this.readSlow(linear >>> 0, size, user ? ACCESS.USER : 0);
  }
  #write(linear: number, size: number, value: number, user: boolean): void {
    const host = this.#host(linear, size, this.#table(user, true));
    if (host >= 0) {
      if (size === 4) this.#view.setUint32(host, value, true);
      else if (size === 2) this.#view.setUint16(host, value, true);
      else this.#u8[host] = value;
      return;
    }
    this.writeSlow(linear >>> 0, size, value, user ? ACCESS.USER : 0);
  }

  /** Without the TLB; `access` is USER or 0, with WRITE where a write follows. */
  readSlow(linear: number, size: number, access: number): number {
    this.checkAlignment(linear, size, access);
    if ((linear & 0xfff) + size <= 4096) {
      const physical = this.reach(linear, access, size);
      this.checkBreakpoints(linear, size, false);
      return this.readPhysical(physical, size, linear);
    }
    const [first, second, split] = this.#split(linear, size, access);
    this.checkBreakpoints(linear, size, false);
    let value = 0;
    for (let byte = 0; byte < size; byte++) {
      const at = byte < split ? first + byte : second + byte - split;
      value += this.readPhysical(at, 1, (linear + byte) >>> 0) * 2 ** (8 * byte);
    }
    return value;
  }
  writeSlow(linear: number, size: number, value: number, access: number): void {
    this.checkAlignment(linear, size, access);
    if ((linear & 0xfff) + size <= 4096) {
      const physical = this.reach(linear, access | ACCESS.WRITE, size);
      this.checkBreakpoints(linear, size, true);
      this.writePhysical(physical, size, value, linear);
      return;
    }
    const [first, second, split] = this.#split(linear, size, access | ACCESS.WRITE);
    this.checkBreakpoints(linear, size, true);
    for (let byte = 0; byte < size; byte++) {
      const at = byte < split ? first + byte : second + byte - split;
      this.writePhysical(at, 1, (value >>> (8 * byte)) & 0xff, (linear + byte) >>> 0);
    }
  }
  /**
   * #AC(0) for a program's access that is not aligned (SDM vol. 3, 6.15 "Interrupt 17"); it comes before a
   * page fault, as on processors. The TLBs have no entry where it applies.
   */
  checkAlignment(linear: number, alignment: number, access: number): void {
    if ((linear & (alignment - 1)) === 0 || (access & ACCESS.USER) === 0) return;
    const { state } = this.#owner;
    if ((state.get(L.WALK_MODE) & WALK_MODE.ALIGNED) !== 0) this.#owner.fault(VECTOR.AC, 0);
  }
  /** Breakpoints on data, after translation. The TLBs have no entry where there are any. */
  checkBreakpoints(linear: number, size: number, write: boolean): void {
    const { state } = this.#owner;
    if (state.get(L.DATA_BREAKPOINTS) === 0 && state.get(L.WATCHING) === 0) return;
    this.#owner.accessed(linear, size, write);
  }
  /** Both halves of an access that crosses a page, translated before either is touched. */
  #split(linear: number, size: number, access: number): [number, number, number] {
    const split = 4096 - (linear & 0xfff);
    const first = this.translate(linear, access);
    const second = this.translate((linear + split) >>> 0, access);
    this.secondStage.require(first, linear, access, split);
    this.secondStage.require(second, (linear + split) >>> 0, access, size - split);
    if (split >= size) throw new RangeError('the access does not cross a page');
    return [first, second, split];
  }

  read8(linear: number): number {
    return this.#read(linear, 1, this.#isUser());
  }
  read16(linear: number): number {
    return this.#read(linear, 2, this.#isUser());
  }
  read32(linear: number): number {
    return this.#read(linear, 4, this.#isUser());
  }
  write8(linear: number, value: number): void {
    this.#write(linear, 1, value, this.#isUser());
  }
  write16(linear: number, value: number): void {
    this.#write(linear, 2, value, this.#isUser());
  }
  write32(linear: number, value: number): void {
    this.#write(linear, 4, value, this.#isUser());
  }
  /** As the supervisor whatever CPL is, and whatever EFLAGS.AC says to SMAP. */
  #readSystem(linear: number, size: number): number {
    if (this.#suspendsSmap()) return this.readSlow(linear >>> 0, size, ACCESS.SYSTEM);
    return this.#read(linear, size, false);
  }
  #writeSystem(linear: number, size: number, value: number): void {
    if (this.#suspendsSmap()) this.writeSlow(linear >>> 0, size, value, ACCESS.SYSTEM);
    else this.#write(linear, size, value, false);
  }
  #suspendsSmap(): boolean {
    return (this.#owner.state.get(L.WALK_MODE) & WALK_MODE.SMAP_SUSPENDED) !== 0;
  }
  readSystem8(linear: number): number {
    return this.#readSystem(linear, 1);
  }
  readSystem16(linear: number): number {
    return this.#readSystem(linear, 2);
  }
  readSystem32(linear: number): number {
    return this.#readSystem(linear, 4);
  }
  writeSystem8(linear: number, value: number): void {
    this.#writeSystem(linear, 1, value);
  }
  writeSystem16(linear: number, value: number): void {
    this.#writeSystem(linear, 2, value);
  }
  writeSystem32(linear: number, value: number): void {
    this.#writeSystem(linear, 4, value);
  }

  readVector(linear: number, size: number): void {
    const user = this.#isUser();
    const host = this.#host(linear, size, this.#table(user, false));
    const operand = this.#owner.state.base + L.VECTOR_OPERAND;
    if (host >= 0) this.#u8.copyWithin(operand, host, host + size);
    else this.readVectorSlow(linear >>> 0, size, user ? ACCESS.USER : 0);
  }
  writeVector(linear: number, size: number): void {
    const user = this.#isUser();
    const host = this.#host(linear, size, this.#table(user, true));
    const operand = this.#owner.state.base + L.VECTOR_OPERAND;
    if (host >= 0) this.#u8.copyWithin(host, operand, operand + size);
    else this.writeVectorSlow(linear >>> 0, size, user ? ACCESS.USER : 0);
  }
  /** Without the TLB, as readSlow; a device sees doublewords. */
  readVectorSlow(linear: number, size: number, access: number): void {
    this.checkAlignment(linear, alignmentOf(size), access);
    const operand = this.#owner.state.base + L.VECTOR_OPERAND;
    if ((linear & 0xfff) + size <= 4096) {
      const physical = this.reach(linear, access, size);
      this.checkBreakpoints(linear, size, false);
      for (let at = 0; at < size; at += 4) {
        this.#view.setUint32(operand + at, this.readPhysical(physical + at, 4, linear + at), true);
      }
      return;
    }
    const [first, second, split] = this.#split(linear, size, access);
    this.checkBreakpoints(linear, size, false);
    for (let byte = 0; byte < size; byte++) {
      const at = byte < split ? first + byte : second + byte - split;
      this.#u8[operand + byte] = this.readPhysical(at, 1, (linear + byte) >>> 0);
    }
  }
  writeVectorSlow(linear: number, size: number, access: number): void {
    this.checkAlignment(linear, alignmentOf(size), access);
    const operand = this.#owner.state.base + L.VECTOR_OPERAND;
    if ((linear & 0xfff) + size <= 4096) {
      const physical = this.reach(linear, access | ACCESS.WRITE, size);
      this.checkBreakpoints(linear, size, true);
      for (let at = 0; at < size; at += 4) {
        this.writePhysical(physical + at, 4, this.#view.getUint32(operand + at, true), linear + at);
      }
      return;
    }
    const [first, second, split] = this.#split(linear, size, access | ACCESS.WRITE);
    this.checkBreakpoints(linear, size, true);
    for (let byte = 0; byte < size; byte++) {
      const at = byte < split ? first + byte : second + byte - split;
      this.writePhysical(at, 1, this.#u8[operand + byte], (linear + byte) >>> 0);
    }
  }

  readBytes(linear: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at++) bytes[at] = this.read8((linear + at) >>> 0);
    return bytes;
  }
  /** For a look at code: no flags set; bytes that are not mapped or no memory are missing at the end. */
  readBytesPeek(linear: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at++) {
      const physical = this.peek(linearAddress(linear + at));
      if (physical === null || !this.isMemory(physical, 1, false)) return bytes.subarray(0, at);
      [bytes[at]] = this.readRam(physical, 1) ?? this.readRom(physical, 1) ?? [0];
    }
    return bytes;
  }
  writeBytes(linear: number, bytes: Uint8Array): void {
    this.probeWrite(linear, bytes.length);
    bytes.forEach((byte, at) => {
      this.write8((linear + at) >>> 0, byte);
    });
  }
  requireAligned(linear: number, alignment: number): void {
    this.checkAlignment(linear, alignment, this.#isUser() ? ACCESS.USER : 0);
  }
  probeRead(linear: number, length: number): void {
    this.#probe(linear, length, 0);
  }
  probeWrite(linear: number, length: number): void {
    this.#probe(linear, length, ACCESS.WRITE);
  }
  #probe(linear: number, length: number, right: number): void {
    if (length <= 0) return;
    const access = right | (this.#isUser() ? ACCESS.USER : 0);
    if (length === 2 || length === 4) this.checkAlignment(linear, length, access);
    const last = linear + length - 1;
    for (let page = linear - (linear & 0xfff); page <= last; page += 4096) {
      const from = Math.max(page, linear);
      this.reach(from >>> 0, access, Math.min(page + 4095, last) - from + 1);
    }
  }
}
