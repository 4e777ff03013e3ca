/**
 * Local APIC in xAPIC mode (SDM vol. 3, chapter 11; version 14h with six LVT entries), at FEE00000h.
 *
 *   020 ID          0D0 LDR   0E0 DFR          280 ESR               350 LVT LINT0
 *   030 version     0F0 SVR                    300 ICR 31-0          360 LVT LINT1
 *   080 TPR         100-170 ISR                310 ICR 63-32         370 LVT error
 *   090 APR (0)     180-1F0 TMR                320 LVT timer         380 initial count
 *   0A0 PPR         200-270 IRR                330 LVT thermal       390 current count
 *   0B0 EOI         0C0 RRD (0)                340 LVT performance   3E0 divide configuration
 *
 * Registers are 32 bits wide every 16 bytes; narrower reads take their bytes, narrower writes are dropped
 * (the SDM leaves both undefined). setVirtualWire() gives the state that PC firmware hands over (MP
 * specification 1.4, 3.6.2.2). Not emulated: x2APIC, moving the window, thermal and performance sources.
 */
import { DELIVERY_MODE, BROADCAST } from './apic-bus.ts';
import type { ApicAgent, ApicBus, ApicMessage } from './apic-bus.ts';
import type { Clock, DeviceState, Line, MemoryDevice } from './device.ts';
import { readState, takeState } from './device-state.ts';
import { LocalApicTimer, timerPowerOn } from './local-apic-timer.ts';
import { addVector, emptyVectors, hasVector, highestVector, removeVector } from './vector-set.ts';

const STATE_VERSION = 1;
export const LOCAL_APIC_ADDRESS = 0xfee00000;
export const LOCAL_APIC_BYTES = 0x1000;

const VERSION = 0x00050014;
const FIRST_LEGAL_VECTOR = 16;
const SVR_ENABLE = 0x100;
/** Vector, software enable, focus checking. */
const SVR_WRITABLE = 0x3ff;

const ESR_SEND_ILLEGAL_VECTOR = 0x20;
const ESR_RECEIVE_ILLEGAL_VECTOR = 0x40;
const ESR_ILLEGAL_REGISTER = 0x80;

const LVT_MASKED = 0x10000;
const LVT_LEVEL = 0x8000;
const LVT_REMOTE_IRR = 0x4000;

const ICR_LOGICAL = 0x800;
const ICR_ASSERT = 0x4000;
const ICR_LEVEL = 0x8000;
const ICR_WRITABLE = 0xccfff;

/** IA32_APIC_BASE (MSR 1Bh). */
const BASE_BSP = 0x100;
const BASE_ENABLE = 0x800;

// Indexes of the LVT.
const TIMER = 0;
const LINT0 = 3;
const LINT1 = 4;
const ERROR = 5;
/** Writable bits of each entry, from 320h up (SDM figure 11-8). */
const LVT_WRITABLE = [0x700ff, 0x107ff, 0x107ff, 0x1a7ff, 0x1a7ff, 0x100ff] as const;

/** Lets a paravirtual guest end an interrupt by a bit in its memory instead of a write to EOI. */
export interface AutoEoi {
  /** Offers it for the vector just put in service; false when it cannot be offered. */
  offer(): boolean;
  /** Takes the offer back; true when the guest had used it: the interrupt has ended. */
  withdraw(): boolean;
}

/** What answers an INTA cycle. */
export interface InterruptSource {
  /** The vector that acknowledge() would return now, without effect. */
  readonly pendingVector: number;
  /** The INTA cycle: its vector. */
  acknowledge(): number;
}

export interface LocalApicWiring {
  readonly clock: Clock;
  readonly bus: ApicBus;
  readonly id: number;
  /** IA32_APIC_BASE.BSP; true without it. */
  readonly bootstrap?: boolean;
  /** INTR to the processor's core. */
  readonly interrupt: Line;
  /** The 8259A behind LINT0. */
  readonly external: InterruptSource;
  readonly nmi?: () => void;
  readonly smi?: () => void;
  readonly init?: () => void;
  readonly startUp?: (vector: number) => void;
  /** nextDeadline() has changed by something else than a memory access. */
  readonly deadlineMoved?: () => void;
}

function powerOn(id: number, bootstrap: boolean) {
  return {
    base: (LOCAL_APIC_ADDRESS | (bootstrap ? BASE_BSP : 0) | BASE_ENABLE) >>> 0,
    id,
    tpr: 0,
    ldr: 0,
    dfr: 0xffffffff,
    svr: 0xff,
    isr: emptyVectors(),
    tmr: emptyVectors(),
    irr: emptyVectors(),
    esr: 0,
    errors: 0,
    icrLow: 0,
    icrHigh: 0,
    lvt: LVT_WRITABLE.map((): number => LVT_MASKED),
    timer: timerPowerOn(),
    lint0: false,
    lint1: false,
    autoEoiOffered: false,
    interrupt: false,
  };
}

export class LocalApic implements MemoryDevice, ApicAgent {
  /** Set by a paravirtual interface; null without one. */
  autoEoi: AutoEoi | null = null;
  readonly #wiring: LocalApicWiring;
  readonly #timer = new LocalApicTimer();
  #r: ReturnType<typeof powerOn>;

  constructor(wiring: LocalApicWiring) {
    this.#wiring = wiring;
    this.#r = this.#powerOn();
    wiring.bus.attach(this);
  }

  // What the processor sees

  /** IA32_APIC_BASE, bits 31-0. */
  get baseMsr(): number {
    return this.#r.base >>> 0;
  }

  /** False (#GP) for reserved bits and x2APIC; the window stays at FEE00000h wherever it is moved. */
  writeBaseMsr(low: number, high: number): boolean {
    if (high !== 0 || low & 0x6ff) return false;
    const wasEnabled = this.isEnabled;
    this.#r.base = ((low & ~BASE_BSP) | (this.#isBootstrap ? BASE_BSP : 0)) >>> 0;
    // Off and on again is a reset of the rest (SDM 11.4.3).
    if (wasEnabled && !this.isEnabled) this.#clear();
    this.#update();
    return true;
  }

  /** IA32_APIC_BASE.EN. */
  get isEnabled(): boolean {
    return (this.#r.base & BASE_ENABLE) !== 0;
  }

  /** Level of INTR to the core. */
  get interruptRequest(): boolean {
    return this.#r.interrupt;
  }

  /** The vector that acknowledge() would return now, without effect. */
  get pendingVector(): number {
    if (this.#externalRequest()) return this.#wiring.external.pendingVector;
    const vector = this.#deliverable();
    return vector < 0 ? this.#r.svr & 0xff : vector;
  }

  /** The INTA cycle: returns the vector and puts it in service. */
  acknowledge(): number {
    if (this.#externalRequest()) return this.#wiring.external.acknowledge();
    this.tryAutoEoi();
    const vector = this.#deliverable();
    if (vector < 0) return this.#r.svr & 0xff;
    removeVector(this.#r.irr, vector);
    addVector(this.#r.isr, vector);
    this.#offerAutoEoi(vector);
    this.#update();
    return vector;
  }

  /** Sees whether the guest has used an offer of automatic EOI, and takes the offer back. */
  tryAutoEoi(): void {
    if (!this.#r.autoEoiOffered) return;
    this.#r.autoEoiOffered = false;
    if (this.autoEoi?.withdraw()) this.#endOfInterrupt();
  }

  /** IA32_TSC_DEADLINE as virtual ns at which the TSC has the value; 0 disarms. */
  get tscDeadline(): number {
    this.advance(this.#wiring.clock.now());
    return this.#timer.deadline();
  }

  set tscDeadline(time: number) {
    this.advance(this.#wiring.clock.now());
    this.#timer.setDeadline(time);
    this.advance(this.#wiring.clock.now());
    this.#wiring.deadlineMoved?.();
  }

  /** Task priority class as CR8 has it, 0-15. */
  get taskPriority(): number {
    return this.#r.tpr >> 4;
  }

  set taskPriority(priority: number) {
    this.#r.tpr = (priority & 15) << 4;
    this.#update();
  }

  // Pins and bus

  /** LINT0: INT of the 8259A. */
  setLint0(level: boolean): void {
    if (level === this.#r.lint0) return;
    this.#r.lint0 = level;
    this.#localInterrupt(LINT0, level);
    this.#update();
  }

  /** LINT1: NMI. */
  setLint1(level: boolean): void {
    if (level === this.#r.lint1) return;
    this.#r.lint1 = level;
    if (this.isEnabled) this.#localInterrupt(LINT1, level);
    else if (level) this.#wiring.nmi?.();
    this.#update();
  }

  isDestination(destination: number, logical: boolean): boolean {
    if (!this.isEnabled) return false;
    if (destination === BROADCAST) return true;
    if (!logical) return destination === this.#r.id;
    const address = this.#r.ldr >>> 24;
    if (this.#r.dfr >>> 28 === 0xf) return (address & destination) !== 0;
    return address >> 4 === destination >> 4 && (address & destination & 15) !== 0;
  }

  priority(): number {
    return this.#isSoftwareEnabled() ? this.#processorPriority() : Infinity;
  }

  accept(message: ApicMessage): boolean {
    switch (message.deliveryMode) {
      case DELIVERY_MODE.fixed:
      case DELIVERY_MODE.lowestPriority:
        return this.#request(message.vector, message.level);
      case DELIVERY_MODE.smi:
        this.#wiring.smi?.();
        return true;
      case DELIVERY_MODE.nmi:
        this.#wiring.nmi?.();
        return true;
      case DELIVERY_MODE.init:
        this.#wiring.init?.();
        return true;
      case DELIVERY_MODE.startUp:
        this.#wiring.startUp?.(message.vector);
        return true;
      default:
        // ExtINT messages would need a second path to the 8259A; only LINT0 has one here.
        return false;
    }
  }

  /** Through LINT0 ExtINT and LINT1 NMI, software-enabled, spurious vector 0Fh as in the MP example. */
  setVirtualWire(): void {
    this.#r.svr = SVR_ENABLE | 0x0f;
    this.#r.lvt[LINT0] = DELIVERY_MODE.extInt << 8;
    this.#r.lvt[LINT1] = DELIVERY_MODE.nmi << 8;
    this.#update();
  }

  // Registers

  /** All ones while IA32_APIC_BASE.EN is clear: nobody answers. */
  readMemory(offset: number, size: number): number {
    if (!this.isEnabled) return size === 4 ? 0xffffffff : size === 2 ? 0xffff : 0xff;
    this.advance(this.#wiring.clock.now());
    const register = offset & 0xff0;
    const shift = (offset & 15) * 8;
    const value = shift >= 32 ? 0 : this.#read(register) >>> shift;
    return size === 4 ? value : value & (size === 2 ? 0xffff : 0xff);
  }

  writeMemory(offset: number, size: number, value: number): void {
    if (size !== 4 || (offset & 15) !== 0 || !this.isEnabled) return;
    this.advance(this.#wiring.clock.now());
    this.#write(offset & 0xff0, value >>> 0);
    this.#update();
  }

  nextDeadline(): number {
    return this.#lvt(TIMER) & LVT_MASKED ? Infinity : this.#timer.registers.expiresAt;
  }

  advance(now: number): void {
    if (!this.#timer.advance(now)) return;
    const entry = this.#lvt(TIMER);
    if ((entry & LVT_MASKED) === 0) this.#request(entry & 0xff, false);
  }

  /** INIT: everything but the base and the ID (SDM 11.4.7.3). */
  initialize(): void {
    const { id } = this.#r;
    this.#clear();
    this.#r.id = id;
    this.#update();
    this.#wiring.deadlineMoved?.();
  }

  reset(): void {
    const { lint0, lint1, interrupt } = this.#r;
    this.#r = { ...this.#powerOn(), lint0, lint1, interrupt };
    this.#update();
  }

  state(): DeviceState {
    return takeState(STATE_VERSION, this.#r);
  }

  restore(state: DeviceState): void {
    this.#r = readState('local APIC', STATE_VERSION, state, powerOn(0, true));
    this.#timer.registers = this.#r.timer;
  }

  #powerOn(): ReturnType<typeof powerOn> {
    const registers = powerOn(this.#wiring.id, this.#isBootstrap);
    this.#timer.registers = registers.timer;
    return registers;
  }

  /** Everything but the base and the pins to its power-on state. */
  #clear(): void {
    const { base, lint0, lint1, interrupt } = this.#r;
    this.#r = { ...this.#powerOn(), base, lint0, lint1, interrupt };
  }

  get #isBootstrap(): boolean {
    return this.#wiring.bootstrap ?? true;
  }

  #lvt(index: number): number {
    return this.#r.lvt[index] ?? LVT_MASKED;
  }

  #isSoftwareEnabled(): boolean {
    return this.isEnabled && (this.#r.svr & SVR_ENABLE) !== 0;
  }

  #read(register: number): number {
    const r = this.#r;
    const word = (register >> 4) & 7;
    switch (register) {
      case 0x020:
        return (r.id << 24) >>> 0;
      case 0x030:
        return VERSION;
      case 0x080:
        return r.tpr;
      case 0x090:
      case 0x0b0:
      case 0x0c0:
        return 0;
      case 0x0a0:
        this.tryAutoEoi();
        return this.#processorPriority();
      case 0x0d0:
        return r.ldr;
      case 0x0e0:
        return r.dfr;
      case 0x0f0:
        return r.svr;
      case 0x280:
        return r.esr;
      case 0x300:
        return r.icrLow;
      case 0x310:
        return r.icrHigh;
      case 0x380:
        return this.#timer.registers.initialCount;
      case 0x390:
        return this.#timer.currentCount(this.#wiring.clock.now());
      case 0x3e0:
        return this.#timer.registers.divide;
    }
    if (register >= 0x100 && register < 0x180) {
      this.tryAutoEoi();
      return r.isr[word] ?? 0;
    }
    if (register >= 0x180 && register < 0x200) return r.tmr[word] ?? 0;
    if (register >= 0x200 && register < 0x280) return r.irr[word] ?? 0;
    if (register >= 0x320 && register <= 0x370) return this.#lvt((register - 0x320) >> 4);
    this.#error(ESR_ILLEGAL_REGISTER);
    return 0;
  }

  #write(register: number, value: number): void {
    const r = this.#r;
    switch (register) {
      case 0x020:
        r.id = value >>> 24;
        return;
      case 0x080:
        r.tpr = value & 0xff;
        return;
      case 0x0b0:
        this.tryAutoEoi();
        return this.#endOfInterrupt();
      case 0x0d0:
        r.ldr = (value & 0xff000000) >>> 0;
        return;
      case 0x0e0:
        r.dfr = (value | 0x0fffffff) >>> 0;
        return;
      case 0x0f0:
        return this.#writeSpurious(value);
      case 0x280:
        r.esr = r.errors;
        r.errors = 0;
        return;
      case 0x300:
        r.icrLow = value & ICR_WRITABLE;
        return this.#sendInterrupt();
      case 0x310:
        r.icrHigh = (value & 0xff000000) >>> 0;
        return;
      case 0x380:
        return this.#timer.setInitialCount(value, this.#wiring.clock.now());
      case 0x3e0:
        return this.#timer.setDivide(value, this.#wiring.clock.now());
    }
    if (register >= 0x320 && register <= 0x370) this.#writeLvt((register - 0x320) >> 4, value);
    else if (!isReadOnly(register)) this.#error(ESR_ILLEGAL_REGISTER);
  }

  #writeSpurious(value: number): void {
    const r = this.#r;
    r.svr = value & SVR_WRITABLE;
    if ((r.svr & SVR_ENABLE) === 0) r.lvt = r.lvt.map((entry) => entry | LVT_MASKED);
  }

  #writeLvt(index: number, value: number): void {
    const r = this.#r;
    const writable = LVT_WRITABLE[index] ?? 0;
    const remoteIrr = value & LVT_LEVEL ? this.#lvt(index) & LVT_REMOTE_IRR : 0;
    const masked = this.#isSoftwareEnabled() ? 0 : LVT_MASKED;
    r.lvt[index] = (value & writable) | remoteIrr | masked;
    if (index === TIMER) this.#timer.setMode((value >> 17) & 3);
    if (index === LINT0 && r.lint0) this.#levelInterrupt(LINT0);
    if (index === LINT1 && r.lint1) this.#levelInterrupt(LINT1);
  }

  // Interrupts

  #request(vector: number, level: boolean): boolean {
    if (!this.#isSoftwareEnabled()) return false;
    if (vector < FIRST_LEGAL_VECTOR) {
      this.#error(ESR_RECEIVE_ILLEGAL_VECTOR);
      return true;
    }
    this.tryAutoEoi();
    addVector(this.#r.irr, vector);
    if (level) addVector(this.#r.tmr, vector);
    else removeVector(this.#r.tmr, vector);
    this.#update();
    return true;
  }

  /** Interrupt command register (SDM 11.6.1). */
  #sendInterrupt(): void {
    const { icrLow, icrHigh } = this.#r;
    const message: ApicMessage = {
      destination: icrHigh >>> 24,
      logical: (icrLow & ICR_LOGICAL) !== 0,
      deliveryMode: (icrLow >> 8) & 7,
      vector: icrLow & 0xff,
      level: false,
    };
    const { fixed, lowestPriority, init, startUp } = DELIVERY_MODE;
    const mode = message.deliveryMode;
    if ((mode === fixed || mode === lowestPriority) && message.vector < FIRST_LEGAL_VECTOR) {
      return this.#error(ESR_SEND_ILLEGAL_VECTOR);
    }
    // INIT level de-assert only synchronizes arbitration IDs.
    if (mode === init && icrLow & ICR_LEVEL && (icrLow & ICR_ASSERT) === 0) return;
    // Nobody can send them to himself by a shorthand (SDM table 11-3).
    const shorthand = (icrLow >> 18) & 3;
    if ((mode === init || mode === startUp) && (shorthand === 1 || shorthand === 2)) return;
    const everybody: ApicMessage = { ...message, destination: BROADCAST, logical: false };
    switch (shorthand) {
      case 0:
        this.#wiring.bus.send(message);
        break;
      case 1:
        this.accept(message);
        break;
      case 2:
        this.#wiring.bus.send(everybody);
        break;
      default:
        this.#wiring.bus.send(everybody, this);
    }
  }

  /** A change on LINT0 or LINT1. ExtINT is not stored: #externalRequest looks at the pin. */
  #localInterrupt(index: number, level: boolean): void {
    const entry = this.#lvt(index);
    if (!level || entry & LVT_MASKED) return;
    const deliveryMode = (entry >> 8) & 7;
    if (deliveryMode === DELIVERY_MODE.extInt) return;
    if (deliveryMode !== DELIVERY_MODE.fixed) {
      this.accept({ destination: 0, logical: false, deliveryMode, vector: 0, level: false });
    } else if (entry & LVT_LEVEL) this.#levelInterrupt(index);
    else this.#request(entry & 0xff, false);
  }

  /** Fixed, level-triggered local input that is high: one request at a time, until its EOI. */
  #levelInterrupt(index: number): void {
    const entry = this.#lvt(index);
    const fixed = ((entry >> 8) & 7) === DELIVERY_MODE.fixed;
    if (!fixed || entry & (LVT_MASKED | LVT_REMOTE_IRR) || (entry & LVT_LEVEL) === 0) return;
    this.#r.lvt[index] = entry | LVT_REMOTE_IRR;
    this.#request(entry & 0xff, true);
  }

  #endOfInterrupt(): void {
    const { isr, tmr, lvt, lint0, lint1 } = this.#r;
    const vector = highestVector(isr);
    if (vector < 0) return;
    removeVector(isr, vector);
    if (hasVector(tmr, vector)) {
      for (const index of [LINT0, LINT1]) {
        const entry = this.#lvt(index);
        if ((entry & 0xff) === vector) lvt[index] = entry & ~LVT_REMOTE_IRR;
      }
      this.#wiring.bus.broadcastEndOfInterrupt(vector);
      if (lint0) this.#levelInterrupt(LINT0);
      if (lint1) this.#levelInterrupt(LINT1);
    }
    this.#update();
  }

  /** Only where nothing waits behind and no I/O APIC has to hear of the end. */
  #offerAutoEoi(vector: number): void {
    if (!this.autoEoi || hasVector(this.#r.tmr, vector) || highestVector(this.#r.irr) >= 0) return;
    this.#r.autoEoiOffered = this.autoEoi.offer();
  }

  #error(bit: number): void {
    const { errors } = this.#r;
    this.#r.errors |= bit;
    const entry = this.#lvt(ERROR);
    const legal = (entry & 0xff) >= FIRST_LEGAL_VECTOR;
    if (errors & bit || entry & LVT_MASKED || !legal) return;
    this.#request(entry & 0xff, false);
  }

  /** PPR (SDM 11.8.3.1). */
  #processorPriority(): number {
    const { tpr, isr } = this.#r;
    const inService = Math.max(highestVector(isr), 0);
    return tpr >> 4 >= inService >> 4 ? tpr : inService & 0xf0;
  }

  /** The vector that would interrupt now, or -1. */
  #deliverable(): number {
    if (!this.isEnabled) return -1;
    const vector = highestVector(this.#r.irr);
    return vector >> 4 > this.#processorPriority() >> 4 ? vector : -1;
  }

  /** INT of the 8259A reaches the core: always with the APIC off, else through LINT0 as ExtINT. */
  #externalRequest(): boolean {
    if (!this.#r.lint0) return false;
    if (!this.isEnabled) return true;
    const entry = this.#lvt(LINT0);
    return (entry & LVT_MASKED) === 0 && ((entry >> 8) & 7) === DELIVERY_MODE.extInt;
  }

  #update(): void {
    const level = this.#externalRequest() || this.#deliverable() >= 0;
    if (level === this.#r.interrupt) return;
    this.#r.interrupt = level;
    this.#wiring.interrupt.set(level);
  }
}

function isReadOnly(register: number): boolean {
  const single = [0x030, 0x090, 0x0a0, 0x0c0, 0x390].includes(register);
  return single || (register >= 0x100 && register < 0x280);
}
