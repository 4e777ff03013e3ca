/**
 * Where a fuzzed processor starts: in real mode (with the limits of real mode or others, as after a visit
 * to protected mode), in 16- or 32-bit protected mode at each privilege level, or in virtual-8086 mode;
 * with paging off or of each kind; with segments, flags, control and debug registers that are odd.
 */
import * as L from '../../emulator/cpu/layout.ts';
import type { SegmentIndex } from '../../emulator/cpu/layout.ts';
import { CR0, CR4, FLAG } from '../../emulator/cpu/state.ts';
import { resetMsrs } from '../../emulator/cpu/msrs.ts';
import { type BareCpu, SIX_SEGMENTS } from '../../emulator/cpu/testing/bare-cpu.ts';
import { Random } from '../vectors/forms/random.ts';
import { anySelector, LIMITS, PAGING, PLACES, SYSTEM, WORLD } from './world.ts';

const MODES = ['real', 'big real', 'protected 16', 'protected 32', 'protected 32', 'v86'] as const;
const PAGINGS = ['off', 'off', '32-bit', 'PSE', 'PAE'] as const;
const UNUSABLE = 0x10000;
/** Virtual time at a start. */
const EPOCH = 1_000_000;
const TRAP = FLAG.TF | FLAG.RF;

/** Sets every register. The same seed gives the same state. */
export function start(bare: BareCpu, seed: number): string {
  const random = new Random(seed);
  const { cpu } = bare;
  const { state } = cpu;
  const mode = random.pick(MODES);
  const real = mode === 'real' || mode === 'big real';
  const paging = real ? 'off' : random.pick(PAGINGS);
  const cpl = real ? 0 : mode === 'v86' ? 3 : random.pick([0, 0, 1, 2, 3, 3]);
  state.u8.fill(0, 0, 0x80);
  state.u8.fill(0, L.GDTR, L.PAT + 8);
  state.u8.fill(0, L.FPU_REGISTERS, L.PDPTE + 32);
  resetMsrs(state);
  state.set(L.NMI, 0);
  state.set(L.ACTIVITY, 0);
  state.set(L.CPL, cpl);
  for (let n = 0; n < 8; n++)
    state.setGpr(n, 4, random.once(2) ? random.below(WORLD) : random.value());
  state.setGpr(4, 4, random.once(8) ? random.value() : random.below(WORLD));
  state.eip = PLACES.CODE + random.below(WORLD - PLACES.CODE);
  state.eflags = flags(random) | (mode === 'v86' ? FLAG.VM : 0);
  controlRegisters(bare, random, real, paging);
  tables(bare, real);
  for (const index of SIX_SEGMENTS) segment(bare, random, index, mode, cpl);
  floatingPoint(bare, random);
  if (random.once(12)) debugRegisters(bare, random);
  cpu.unimplementedInstruction = null;
  cpu.vectoring = null;
  // the time-stamp counter begins alike, whatever ran before
  bare.time = EPOCH - cpu.retired;
  bare.interrupt = -1;
  bare.devices.length = 0;
  cpu.modeChanged();
  cpu.flushTlb(true);
  return `${mode}, CPL ${String(cpl)}, paging ${paging}`;
}

function flags(random: Random): number {
  const ordinary = random.next() & (0xcd5 | FLAG.IF | FLAG.IOPL);
  const odd = random.once(6) ? random.next() & (TRAP | FLAG.NT | FLAG.AC | FLAG.VIF | FLAG.VIP | FLAG.ID) : 0; // prettier-ignore
  return ordinary | odd | 2;
}

function controlRegisters(
  { cpu, ram32 }: BareCpu,
  random: Random,
  real: boolean,
  paging: string,
): void {
  const { state } = cpu;
  const odd = random.next() & (CR0.MP | CR0.NE | CR0.WP | CR0.AM | (random.once(8) ? CR0.TS | CR0.EM : 0)); // prettier-ignore
  const on = paging === 'off' ? 0 : CR0.PG;
  state.setCr(0, (odd | CR0.ET | on | (real ? 0 : CR0.PE)) >>> 0);
  state.setCr(2, random.next());
  const directory =
    paging === 'PAE' ? PAGING.POINTERS : paging === 'PSE' ? PAGING.LARGE : PAGING.DIRECTORY;
  state.setCr(3, directory);
  const extra = random.next() & (CR4.VME | CR4.PVI | CR4.TSD | CR4.DE | CR4.PGE | CR4.PCE);
  state.setCr(4, extra | (paging === 'PAE' ? CR4.PAE : paging === 'PSE' ? CR4.PSE : 0));
  for (let n = 0; n < 8; n++) state.set(L.PDPTE + 4 * n, paging === 'PAE' ? (ram32[(directory >> 2) + n] ?? 0) : 0); // prettier-ignore
  state.set(L.SYSENTER_CS, random.once(2) ? 0 : anySelector(random));
  state.set(L.SYSENTER_ESP, random.below(WORLD));
  state.set(L.SYSENTER_EIP, PLACES.CODE + random.below(0x1000));
}

function tables({ cpu: { state } }: BareCpu, real: boolean): void {
  state.set(L.GDTR, PLACES.GDT);
  state.set(L.GDTR + 8, LIMITS.GDT);
  state.set(L.IDTR, real ? 0 : PLACES.IDT);
  state.set(L.IDTR + 8, real ? 0x3ff : LIMITS.IDT);
  state.setSegment(L.SEGMENT.LDTR, { selector: SYSTEM.LDT, rights: 0x82, base: PLACES.LDT, limit: LIMITS.LDT }); // prettier-ignore
  state.setSegment(L.SEGMENT.TR, { selector: SYSTEM.TSS, rights: 0x8b, base: PLACES.TSS, limit: LIMITS.TSS }); // prettier-ignore
}

/** What could have been loaded: types that the register takes, SS and CS of the current privilege. */
function segment(
  { cpu: { state } }: BareCpu,
  random: Random,
  index: SegmentIndex,
  mode: (typeof MODES)[number],
  cpl: number,
): void {
  // prettier-ignore
  if (mode === 'real' || mode === 'v86') {
    const selector = random.below(0x400);
    const rights = mode === 'v86' ? 0xf3 : index === L.SEGMENT.CS ? 0x9b : 0x93;
    const base = index === L.SEGMENT.CS ? 0 : selector * 16;
    state.setSegment(index, { selector: base >> 4, rights, base, limit: 0xffff });
    return;
  }
  const isCode = index === L.SEGMENT.CS;
  const isStack = index === L.SEGMENT.SS;
  const big = (isCode && mode === 'protected 32') || (!isCode && random.once(2)) ? 0x4000 : 0;
  const types = isCode ? [0xb, 0xb, 0x9, 0xf] : isStack ? [3, 3, 7] : [3, 3, 3, 1, 7, 0xb];
  const type = random.pick(types);
  const dpl = isCode || isStack ? cpl : 3;
  const flat = random.once(2);
  const limit = flat ? 0xffffffff : random.below(WORLD) | (isCode ? 0xe000 : 0);
  const selector = mode === 'big real' ? random.below(0x400) : (anySelector(random) & ~3) | (isCode || isStack ? cpl : random.below(4)); // prettier-ignore
  const nullified = !isCode && !isStack && mode !== 'big real' && random.once(8);
  const rights = nullified ? UNUSABLE : 0x90 | type | (dpl << 5) | big | (flat ? 0x8000 : 0);
  const base = isCode || random.once(2) ? 0 : random.below(0x2000);
  const down = (type & 0xc) === 4;
  state.setSegment(index, { selector: nullified ? 0 : selector, rights, base, limit: down ? random.below(0x2000) : limit >>> 0 }); // prettier-ignore
}

function floatingPoint({ cpu: { state } }: BareCpu, random: Random): void {
  const at = new DataView(new ArrayBuffer(16));
  for (let n = 0; n < 8; n++) {
    random.float80(at, 0);
    state.u8.set(new Uint8Array(at.buffer, 0, 10), L.FPU_REGISTERS + 16 * n);
    random.block(at, 0);
    state.u8.set(new Uint8Array(at.buffer), L.XMM + 16 * n);
  }
  state.view.setUint16(
    L.FPU_CONTROL,
    random.once(2) ? 0x37f : 0x40 | (random.next() & 0xf3f),
    true,
  );
  state.view.setUint16(L.FPU_STATUS, random.next() & 0x7f00, true);
  state.view.setUint16(L.FPU_TAGS, random.next() & 0xffff, true);
  state.set(L.MXCSR, random.once(2) ? 0x1f80 : random.next() & 0xffff);
}

function debugRegisters({ cpu: { state } }: BareCpu, random: Random): void {
  for (let n = 0; n < 4; n++) state.setDr(n, random.below(WORLD));
  state.setDr(6, 0xffff0ff0);
  state.setDr(7, ((random.next() & 0xffff03ff) | 0x400) >>> 0);
}
