/**
 * The same start for our processor and QEMU's. A start of the fuzzer (../start.ts) is made such as could
 * have been loaded: the segments get descriptors in the GDT; TF, RF, debug registers, the odd limits of
 * real mode and the x87 contents are left out. QEMU gets there by real instructions for what GDB cannot
 * set (GDTR, IDTR, LDTR, TR, MSRs, segments of real mode), then by GDB's writes of registers.
 */
import * as L from '../../../emulator/cpu/layout.ts';
import { type BareCpu, SIX_SEGMENTS } from '../../../emulator/cpu/testing/bare-cpu.ts';
import { CR0, CR4, FLAG, RIGHTS } from '../../../emulator/cpu/state.ts';
import { Random } from '../../vectors/forms/random.ts';
import { start } from '../start.ts';
import { LIMITS, PLACES, RAM, SYSTEM } from '../world.ts';
import { GDB, type GdbClient } from './gdb-client.ts';

/** Where the instructions stand that bring QEMU to a start, beyond all tables. */
const BOOT = 0x1f000;
const DATA = 0x100;
/** Registers of the x87 stack that are not empty. */
const FULL = 4;
const { CS, SS, DS, ES, FS, GS } = L.SEGMENT;
/** Segment registers in GDB's order. */
export const GDB_SEGMENTS = [CS, SS, DS, ES, FS, GS] as const;
const SYSENTER = [[0x174, L.SYSENTER_CS], [0x175, L.SYSENTER_ESP], [0x176, L.SYSENTER_EIP]] as const; // prettier-ignore

const WORLDS = ['world as it is', 'flat', 'flat with handlers'];
/** Selectors of code and data at DPL 0 that are flat, for gates and stacks that work. */
const FLAT = { CODE: 0x40, DATA: 0x48 } as const;

/**
 * The world as it is (0), with flat segments (1), or with an IDT and inner stacks that work as well (2):
 * otherwise most runs end at the first exception, or where QEMU does not look at limits.
 */
function tame(bare: BareCpu, random: Random): number {
  const kind = random.pick([0, 1, 2, 2, 2]);
  const { state } = bare.cpu;
  if (kind === 0 || !state.protectedMode || state.v86) return kind;
  for (const index of SIX_SEGMENTS) {
    const segment = state.segment(index);
    const big = segment.rights & RIGHTS.DB;
    const rights = index === CS ? 0xb : 3;
    const dpl = index === CS || index === SS ? state.cpl : 3;
    state.setSegment(index, { selector: segment.selector, rights: 0x8090 | rights | big | (dpl << 5), base: segment.base, limit: 0xffffffff }); // prettier-ignore
  }
  return kind;
}

function tameTables({ ram32, cpu: { state } }: BareCpu, random: Random): void {
  if (!state.protectedMode) return;
  ram32.set([0xffff, 0x00cf9b00], (PLACES.GDT + FLAT.CODE) >> 2);
  ram32.set([0xffff, 0x00cf9300], (PLACES.GDT + FLAT.DATA) >> 2);
  ram32.set([0x8000 + random.below(0x4000), FLAT.DATA], (PLACES.TSS >> 2) + 1);
  for (let vector = 0; vector < 256; vector++) {
    if (random.once(12)) continue;
    const offset = PLACES.CODE + random.below(0xd000);
    const type = random.pick([0x8e00, 0xee00, 0xef00, 0x8f00, 0xe600]);
    ram32.set([(FLAT.CODE << 16) | offset, type], (PLACES.IDT >> 2) + 2 * vector);
  }
}

/** Starts our processor; the name of the way, or null: QEMU cannot be brought there. */
export function startOurs(bare: BareCpu, seed: number): string | null {
  const name = start(bare, seed);
  const { cpu, ram, ram32 } = bare;
  const { state } = cpu;
  if (name.startsWith('big real')) return null;
  const real = !state.protectedMode;
  const random = new Random(~seed);
  const kind = tame(bare, random);
  if (kind === 2) tameTables(bare, random);
  state.eflags = state.eflags & ~(FLAG.TF | FLAG.RF | FLAG.VIP | FLAG.VIF);
  state.setCr(4, state.cr(4) | CR4.OSFXSR | CR4.OSXMMEXCPT);
  for (let n = 0; n < 4; n++) state.setDr(n, 0);
  state.setDr(7, 0x400);
  state.view.setUint16(L.FPU_CONTROL, 0x37f, true);
  state.view.setUint16(L.FPU_STATUS, (8 - FULL) << 11, true);
  state.view.setUint16(L.FPU_TAGS, 0xffff >> (2 * FULL), true);
  if (!real && !state.v86) for (const index of SIX_SEGMENTS) describeSegment(bare, index);
  // LTR makes it busy
  ram32[(PLACES.GDT + SYSTEM.TSS + 4) >> 2] = (ram32[(PLACES.GDT + SYSTEM.TSS + 4) >> 2] ?? 0) & ~0x200; // prettier-ignore
  ram.set(bootCode(bare, real), BOOT);
  const data = new DataView(new ArrayBuffer(16));
  data.setUint16(0, state.get(L.GDTR + 8), true);
  data.setUint32(2, state.get(L.GDTR), true);
  data.setUint16(8, state.get(L.IDTR + 8), true);
  data.setUint32(10, state.get(L.IDTR), true);
  ram.set(new Uint8Array(data.buffer), BOOT + DATA);
  cpu.memoryWritten(0, RAM);
  cpu.modeChanged();
  cpu.flushTlb(true);
  return `${name}, ${WORLDS[kind] ?? ''}`;
}

/** Writes the descriptor of a segment into the GDT and gives the register its selector. */
function describeSegment({ cpu: { state }, ram32 }: BareCpu, index: L.SegmentIndex): void {
  const segment = state.segment(index);
  if ((segment.rights & RIGHTS.UNUSABLE) !== 0) {
    // as QEMU has it, base and limit of a null segment are zero
    state.setSegment(index, { selector: 0, rights: RIGHTS.UNUSABLE, base: 0, limit: 0 });
    return;
  }
  const pages = segment.limit > 0xfffff;
  const limit = pages ? segment.limit >>> 12 : segment.limit;
  const rights = (segment.rights & ~RIGHTS.G) | (pages ? RIGHTS.G : 0);
  const rpl = index === CS || index === SS ? state.cpl : segment.selector & 3;
  const selector = (8 * (index + 1)) | rpl;
  const { base } = segment;
  ram32[(PLACES.GDT >> 2) + 2 * (index + 1)] = (limit & 0xffff) | (base << 16);
  ram32[(PLACES.GDT >> 2) + 2 * (index + 1) + 1] = ((base >>> 16) & 0xff) | ((rights & 0xff) << 8) | (limit & 0xf0000) | ((rights & 0xf000) << 8) | (base & 0xff000000); // prettier-ignore
  state.setSegment(index, { selector, rights, base, limit: pages ? ((limit << 12) | 0xfff) >>> 0 : limit }); // prettier-ignore
}

/** Instructions from reset to just before the first instruction; CS is BOOT >> 4. */
function bootCode({ cpu: { state } }: BareCpu, real: boolean): number[] {
  const word = (value: number): number[] => [value & 0xff, (value >> 8) & 0xff];
  const long = (value: number): number[] => [...word(value), ...word(value >>> 16)];
  const wrmsr = SYSENTER.flatMap(([msr, at]) => [0x66, 0xb9, ...long(msr), 0x66, 0xb8, ...long(state.get(at)), 0x66, 0x31, 0xd2, 0x0f, 0x30]); // prettier-ignore
  const ax = (value: number): number[] => [0xb8, ...word(value)];
  const toReal = [0x0f, 0x20, 0xc0, 0x24, 0xfe, 0x0f, 0x22, 0xc0];
  const loads = [SS, DS, ES, FS, GS].flatMap((index) => [...ax(state.selector(index)), 0x8e, 0xc0 | (index << 3)]); // prettier-ignore
  return [
    ...[0x2e, 0x66, 0x0f, 0x01, 0x16, ...word(DATA)], // lgdt cs:[DATA]
    ...[0x2e, 0x66, 0x0f, 0x01, 0x1e, ...word(DATA + 8)], // lidt cs:[DATA + 8]
    ...wrmsr,
    ...[0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0], // cr0.pe = 1
    ...[...ax(SYSTEM.LDT), 0x0f, 0x00, 0xd0], // lldt
    ...[...ax(SYSTEM.TSS), 0x0f, 0x00, 0xd8], // ltr
    ...Array.from({ length: FULL }, () => [0xd9, 0xee]).flat(), // fldz
    ...(real ? [...toReal, ...loads] : []),
    0x90,
  ];
}

/** Brings QEMU to where our processor is, with the same memory. */
export async function startQemu(qemu: GdbClient, bare: BareCpu): Promise<void> {
  const { cpu, ram, ram32 } = bare;
  const { state } = cpu;
  // only to who has asked for its description does QEMU let single registers be written
  await qemu.command('qXfer:features:read:target.xml:0,ffb');
  await qemu.writeMemory(0, ram);
  await qemu.setRegister(GDB.CS, BOOT >> 4);
  await qemu.setRegister(GDB.EIP, 0);
  const end = bootCode(bare, !state.protectedMode).length;
  for (let steps = 0; (await qemu.registers()).word(GDB.EIP) !== end; steps++) {
    if (steps > 60 || (await qemu.step()) !== 'stopped') throw new Error('QEMU does not reach a start'); // prettier-ignore
  }
  ram32[(PLACES.GDT + SYSTEM.TSS + 4) >> 2] = (ram32[(PLACES.GDT + SYSTEM.TSS + 4) >> 2] ?? 0) | 0x200; // prettier-ignore
  await qemu.setRegister(GDB.EFLAGS, state.eflags);
  if (state.protectedMode) {
    for (const [n, index] of GDB_SEGMENTS.entries()) {
      const selector = state.selector(index);
      // a selector that is there already would not be loaded; any one that has a descriptor, in between
      await qemu.setRegister(GDB.CS + n, selector === 8 ? 16 : 8);
      await qemu.setRegister(GDB.CS + n, selector);
    }
  } else await qemu.setRegister(GDB.CS, state.selector(CS));
  for (let n = 0; n < 8; n++) {
    await qemu.setRegister(GDB.GPR + n, state.gpr(n, 4));
    const st = L.FPU_REGISTERS + 16 * n;
    await qemu.setBytes(GDB.ST + n, Buffer.from(state.u8.slice(st, st + 10)).toString('hex'));
    const at = L.XMM + 16 * n;
    await qemu.setBytes(GDB.XMM + n, Buffer.from(state.u8.slice(at, at + 16)).toString('hex'));
  }
  await qemu.setRegister(GDB.MXCSR, state.get(L.MXCSR));
  await qemu.setRegister(GDB.EIP, state.eip);
  await qemu.setRegister(GDB.CR4, state.cr(4));
  await qemu.setRegister(GDB.CR3, state.cr(3));
  await qemu.setRegister(GDB.CR2, state.cr(2));
  await qemu.setRegister(GDB.CR0, state.cr(0) & ~CR0.PG);
  if ((state.cr(0) & CR0.PG) !== 0) await qemu.setRegister(GDB.CR0, state.cr(0));
  if (state.get(L.GDTR + 8) !== LIMITS.GDT) throw new Error('a start has another GDT');
}
