/**
 * Executes a record of the form vectors on our processor: as a user program at CPL 3 under paging, with
 * the descriptor tables of descriptors.ts, in a translated block and in a single step. What came out is
 * written into a record as execute.c does it.
 */
import { decode } from '../../../emulator/cpu/decode/decoder.ts';
import * as L from '../../../emulator/cpu/layout.ts';
import type { SegmentIndex } from '../../../emulator/cpu/layout.ts';
import { fullRegisters, setTags } from '../../../emulator/cpu/fpu/register-stack.ts';
import { VECTOR } from '../../../emulator/cpu/processor.ts';
import { RIGHTS } from '../../../emulator/cpu/state.ts';
import { BareCpu } from '../../../emulator/cpu/testing/bare-cpu.ts';
import type { Hotness } from '../../../emulator/cpu/translate/compiled-tier.ts';
import { AT, CODE, DATA, DATA_SIZE, FX, STACK, STACK_SIZE } from './record.ts';
import { GDT_ENTRIES, LDT, segmentOf, writeTables } from './descriptors.ts';

/** What a user program can see of memory: as much as execute.c maps. */
const [LOW, HIGH]: readonly [number, number] = [0x7000, 0xd000];
const [DIRECTORY, TABLE, TABLES, TASK] = [0x20000, 0x21000, 0x22000, 0x23000] as const;
const LOCAL_TABLE = TABLES + 0x100;
const RAM = 0x40000;
/** Page-table flags of a plain, a read-only and an absent page. */
const PAGE_FLAGS: readonly number[] = [7, 5, 0];
/** PE MP NE WP AM PG ET. */
const CR0 = 0x80050033;
/** OSFXSR OSXMMEXCPT. */
const CR4 = 0x600;
const RIGHTS_LDT = 0x82;
const RIGHTS_TSS = 0x8b;
const INT3 = 0xcc;
/** An outcome that execute.c does not know: run() said something else. */
const OTHER_END = 0xfe00;
/** Marked like the signal of a case that does not end. */
export const TIMEOUT = 255;
const BLOCK = 1000;

export type How = 'block' | 'step';

export class Replay {
  readonly bare: BareCpu;
  #pages = '';

  constructor(model: string, hotness?: Hotness) {
    const bare = (this.bare = new BareCpu(RAM, model, hotness));
    bare.leaves = ({ kind }) => kind === 'exception' || kind === 'hlt';
    bare.ram32[DIRECTORY >> 2] = TABLE | 7;
    this.#page(DIRECTORY, 3);
    for (let page = TABLES; page < TASK + 0x1000; page += 0x1000) this.#page(page, 3);
    for (let page = LOW; page < HIGH; page += 0x1000) this.#page(page, 7);
    writeTables(bare.ram32, TABLES >> 2, LOCAL_TABLE >> 2);
    const { state } = bare.cpu;
    state.set(L.GDTR, TABLES);
    state.set(L.GDTR + 8, GDT_ENTRIES * 8 - 1);
    state.set(L.IDTR, 0);
    state.set(L.IDTR + 8, 0);
    state.setSegment(L.SEGMENT.LDTR, { selector: 0x18, rights: RIGHTS_LDT, base: LOCAL_TABLE, limit: LDT.length * 8 - 1 }); // prettier-ignore
    state.setSegment(L.SEGMENT.TR, { selector: 0x10, rights: RIGHTS_TSS, base: TASK, limit: 0x67 });
    bare.ram32[(TASK + 0x64) >> 2] = 0x680000;
    state.setCr(3, DIRECTORY);
    state.setCr(0, CR0);
    state.setCr(4, CR4);
  }

  #page(page: number, flags: number): void {
    this.bare.ram32[(TABLE + (page >> 10)) >> 2] = flags === 0 ? 0 : page | flags;
  }

  /** Executes a copy of the record; returns it as it is afterwards. */
  run(record: DataView, how: How): DataView {
    const out = new DataView(record.buffer.slice(record.byteOffset, record.byteOffset + AT.SIZE));
    this.#begin(out);
    const outcome = this.bare.runToExit(how === 'block' ? BLOCK : 1, how === 'block' ? 3 : 64);
    this.#end(out, outcome);
    return out;
  }

  #begin(record: DataView): void {
    const { cpu, ram } = this.bare;
    const { state } = cpu;
    const bytes = new Uint8Array(record.buffer, record.byteOffset, AT.SIZE);
    const pages = `${String(bytes[AT.PAGES])} ${String(bytes[AT.PAGES + 1])}`;
    if (pages !== this.#pages) {
      this.#pages = pages;
      this.#page(DATA + DATA_SIZE / 2, PAGE_FLAGS[bytes[AT.PAGES] ?? 0] ?? 0);
      this.#page(STACK + STACK_SIZE / 2, PAGE_FLAGS[bytes[AT.PAGES + 1] ?? 0] ?? 0);
    }
    // from the state of a process that has just been switched to
    cpu.flushTlb(true);
    ram.fill(0, LOW, HIGH);
    ram.fill(INT3, CODE & ~0xfff, (CODE & ~0xfff) + 0x1000);
    ram.set(bytes.subarray(AT.CODE, AT.CODE + (bytes[AT.LENGTH] ?? 0)), CODE);
    cpu.memoryWritten(LOW, HIGH - LOW);
    ram.set(bytes.subarray(AT.DATA, AT.DATA + DATA_SIZE), DATA);
    ram.set(bytes.subarray(AT.STACK, AT.STACK + STACK_SIZE), STACK);
    for (let i = 0; i < 8; i++) state.setGpr(i, 4, record.getUint32(AT.GPR + 4 * i, true));
    state.eflags = record.getUint32(AT.EFLAGS, true);
    state.eip = record.getUint32(AT.EIP, true);
    state.set(L.ACTIVITY, 0);
    state.set(L.CPL, 3);
    for (let i = 0; i < 6; i++) {
      state.setSegment(i as SegmentIndex, segmentOf(record.getUint16(AT.SELECTORS + 2 * i, true)));
    }
    this.#loadFx(bytes.subarray(AT.FX, AT.FX + 512));
    cpu.unimplementedInstruction = null;
    cpu.vectoring = null;
    cpu.modeChanged();
    this.bare.event = null;
  }

  /** As FXRSTOR does it (SDM vol. 1, 10.5.1): full tags follow from the numbers. */
  #loadFx(image: Uint8Array): void {
    const { state } = this.bare.cpu;
    const view = new DataView(image.buffer, image.byteOffset, 512);
    const status = view.getUint16(FX.FSW, true);
    state.view.setUint16(L.FPU_CONTROL, view.getUint16(FX.FCW, true), true);
    state.view.setUint16(L.FPU_STATUS, status, true);
    state.view.setUint16(L.FPU_OPCODE, view.getUint16(FX.FOP, true), true);
    state.set(L.FPU_IP, view.getUint32(FX.FIP, true));
    state.set(L.FPU_DP, view.getUint32(FX.FDP, true));
    state.view.setUint16(L.FPU_CS, 0, true);
    state.view.setUint16(L.FPU_DS, 0, true);
    for (let i = 0; i < 8; i++) {
      const from = FX.ST + 16 * i;
      state.u8.set(image.subarray(from, from + 10), L.FPU_REGISTERS + 16 * (((status >> 11) + i) & 7));
    }
    setTags(state, view.getUint8(FX.FTW));
    state.set(L.MXCSR, view.getUint32(FX.MXCSR, true));
    state.u8.set(image.subarray(FX.XMM, FX.END), L.XMM);
  }

  #end(out: DataView, outcome: string): void {
    const { cpu, ram, event } = this.bare;
    const { state } = cpu;
    const bytes = new Uint8Array(out.buffer, out.byteOffset, AT.SIZE);
    let [vector, error, trap, address] = [OTHER_END, 0, 0, 0];
    if (outcome === 'exit' && event?.kind === 'exception') {
      ({ vector } = event);
      error = event.errorCode ?? 0;
      // what is pushed for INT3, INTO and INT1 is the instruction after them
      if (event.type === 'software' || event.type === 'privileged') trap = this.#lengthAt(state.eip);
      address = vector === VECTOR.PF ? event.qualification : 0;
    } else if (outcome === 'limit') {
      vector = TIMEOUT;
    }
    out.setUint32(AT.VECTOR, vector, true);
    out.setUint32(AT.ERROR, error, true);
    out.setUint32(AT.CR2, address, true);
    out.setUint32(AT.EIP, (state.eip + trap) >>> 0, true);
    out.setUint32(AT.EFLAGS, state.eflags, true);
    for (let i = 0; i < 8; i++) out.setUint32(AT.GPR + 4 * i, state.gpr(i, 4), true);
    for (let i = 0; i < 6; i++) {
      out.setUint16(AT.SELECTORS + 2 * i, state.selector(i as SegmentIndex), true);
    }
    this.#storeFx(bytes.subarray(AT.FX, AT.FX + 512));
    bytes.set(ram.subarray(DATA, DATA + DATA_SIZE), AT.DATA);
    bytes.set(ram.subarray(STACK, STACK + STACK_SIZE), AT.STACK);
  }
  #lengthAt(eip: number): number {
    const { ram, cpu } = this.bare;
    const big = (cpu.state.segment(L.SEGMENT.CS).rights & RIGHTS.DB) !== 0;
    const found = decode(ram, eip, { defaultSize: big ? 4 : 2 }, eip, eip + 15);
    return typeof found === 'string' ? 1 : found.length;
  }

  #storeFx(image: Uint8Array): void {
    const { state } = this.bare.cpu;
    const view = new DataView(image.buffer, image.byteOffset, 512);
    const status = state.view.getUint16(L.FPU_STATUS, true);
    view.setUint16(FX.FCW, state.view.getUint16(L.FPU_CONTROL, true), true);
    view.setUint16(FX.FSW, status, true);
    view.setUint16(FX.FOP, state.view.getUint16(L.FPU_OPCODE, true), true);
    view.setUint32(FX.FIP, state.get(L.FPU_IP), true);
    view.setUint32(FX.FDP, state.get(L.FPU_DP), true);
    for (let i = 0; i < 8; i++) {
      const from = L.FPU_REGISTERS + 16 * (((status >> 11) + i) & 7);
      image.set(state.u8.subarray(from, from + 10), FX.ST + 16 * i);
    }
    view.setUint8(FX.FTW, fullRegisters(state));
    view.setUint32(FX.MXCSR, state.get(L.MXCSR), true);
    image.set(state.u8.subarray(L.XMM, L.XMM + 128), FX.XMM);
  }
}
