/**
 * The fuzzer's worlds under QEMU, by hand: `npx tsx test/fuzz/qemu/main.ts STREAMS [FIRST-SEED]`; needs
 * qemu-system-i386. Both processors have the same memory and registers and go one instruction, or one
 * exception, at a time; registers are compared after each, and memory where ours has written. Prints the
 * first difference of each start that qemu-differences.ts does not explain, and counts those that it does.
 */
import { decode } from '../../../emulator/cpu/decode/decoder.ts';
import { disassemble } from '../../../emulator/cpu/decode/disassembler.ts';
import type { Instruction } from '../../../emulator/cpu/decode/instruction.ts';
import * as L from '../../../emulator/cpu/layout.ts';
import { ACTIVITY, FLAG, RIGHTS } from '../../../emulator/cpu/state.ts';
import { BareCpu, SIX_SEGMENTS } from '../../../emulator/cpu/testing/bare-cpu.ts';
import { Random } from '../../vectors/forms/random.ts';
import { fillWorld, PLACES, RAM } from '../world.ts';
import { type Difference, differences, GPRS, text } from './compare.ts';
import { GDB, GdbClient, type GdbRegisters } from './gdb-client.ts';
import { QEMU_DIFFERENCES, type Step } from './qemu-differences.ts';
import { startOurs, startQemu } from './same-start.ts';

/** The same features on both sides. */
const MODEL = 'pentium-m';
const QEMU_MODEL = 'pentium3,+sse2,+clflush,+nx,-pse36,-apic,apic-id=0';
const STARTS = 6;
const STEPS = 200;
/** Steps that QEMU may take for one repeated string instruction. */
const ELEMENTS = 4096;
const PAGE = 4096;
const AROUND = 4;

const bare = new BareCpu(RAM, MODEL);
const shadow = new Uint8Array(RAM);
let vectors: number[] = [];
bare.offersAll = true;
bare.leaves = (event): boolean => {
  if (event.kind === 'exception') {
    vectors.push(event.vector);
    // stops before the first instruction of the handler
    bare.cpu.requestLeave();
  }
  return false;
};

/** The instruction that comes next, as QEMU sees memory; null: it cannot be fetched or decoded. */
async function next(qemu: GdbClient): Promise<{ instruction: Instruction | null; shown: string }> {
  const { state } = bare.cpu;
  const bytes = await qemu.readMemory(state.segmentBase(L.SEGMENT.CS) + state.eip, 15);
  const code32 = (state.segment(L.SEGMENT.CS).rights & RIGHTS.DB) !== 0;
  const instruction = decode(bytes, state.eip, { defaultSize: code32 ? 4 : 2 });
  const hex = (length: number): string => Buffer.from(bytes.subarray(0, length)).toString('hex');
  return typeof instruction === 'string'
    ? { instruction: null, shown: `${hex(15)} (${instruction})` }
    : { instruction, shown: `${hex(instruction.length)} (${disassemble(instruction)})` };
}

/** Bytes that ours has written since it was last asked and that are others in QEMU. */
async function memoryDifferences(qemu: GdbClient): Promise<Difference[]> {
  const found: Difference[] = [];
  for (let page = 0; page < RAM; page += PAGE) {
    const [now, before] = [
      bare.ram.subarray(page, page + PAGE),
      shadow.subarray(page, page + PAGE),
    ];
    if (Buffer.compare(now, before) === 0) continue;
    // and a little around it, which QEMU may have written
    const first = Math.max(0, now.findIndex((byte, i) => byte !== before[i]) - AROUND);
    const last = Math.min(PAGE - 1, now.findLastIndex((byte, i) => byte !== before[i]) + AROUND);
    before.set(now);
    const theirs = await physical(qemu, page + first, last + 1 - first);
    for (let i = 0; i < theirs.length; i++) {
      const ours = now[first + i] ?? 0;
      if (ours !== theirs[i]) found.push({ register: `[${(page + first + i).toString(16)}]`, ours: ours.toString(16), theirs: (theirs[i] ?? 0).toString(16) }); // prettier-ignore
    }
  }
  return found;
}

/** QEMU's memory by physical address. */
async function physical(qemu: GdbClient, at: number, length: number): Promise<Uint8Array> {
  await qemu.command('Qqemu.PhyMemMode:1');
  const bytes = await qemu.readMemory(at, length);
  await qemu.command('Qqemu.PhyMemMode:0');
  return bytes;
}

/** Without limits, and of a type that allows what QEMU does not check. */
function isFlat(index: L.SegmentIndex): boolean {
  const { limit, rights } = bare.cpu.state.segment(index);
  const writable = (rights & 0xa) === 2 || index === L.SEGMENT.CS;
  return limit === 0xffffffff && writable && (rights & RIGHTS.UNUSABLE) === 0;
}

/** What of the state before an instruction the table asks for. */
function circumstances(
  instruction: Instruction | null,
): Pick<Step, 'flat' | 'wraps' | 'misaligned' | 'cr0' | 'cr4'> {
  // prettier-ignore
  const { cpu } = bare;
  const { state } = cpu;
  const stack = state.gpr(4, 4);
  const ends = (at: number): boolean => at >>> 0 >= 0xfffffe00;
  const places = (instruction?.operands ?? []).flatMap((operand) => (operand.kind === 'memory' ? [{ at: cpu.effectiveAddress(operand), size: operand.size, segment: operand.segment }] : [])); // prettier-ignore
  return {
    flat: SIX_SEGMENTS.every((index) => isFlat(index)) && places.every(({ segment }) => segment !== L.SEGMENT.CS), // prettier-ignore
    wraps: places.some(({ at }) => ends(at)) || [6, 7].some((n) => ends(state.gpr(n, 4))) || ends(stack) || stack < 0x200, // prettier-ignore
    misaligned: places.some(({ at, size, segment }) => size === 16 && ((at + state.segmentBase(segment)) & 15) !== 0), // prettier-ignore
    cr0: state.cr(0),
    cr4: state.cr(4),
  };
}

/** Whether QEMU's EIP is beyond the limit of the descriptor of its CS. */
function isBeyondLimit(theirs: GdbRegisters): boolean {
  const selector = theirs.word(GDB.CS);
  if (!bare.cpu.state.protectedMode || (theirs.word(GDB.EFLAGS) & FLAG.VM) !== 0) return false;
  const table = (selector & 4) === 0 ? PLACES.GDT : PLACES.LDT;
  const [low = 0, high = 0] = bare.ram32.subarray((table + (selector & 0xf8)) >> 2);
  const limit = (low & 0xffff) | (high & 0xf0000);
  return theirs.word(GDB.EIP) > ((high & 0x800000) === 0 ? limit : ((limit << 12) | 0xfff) >>> 0);
}

/** Registers that GDB can set without more ado, and the number of the first. */
const ADOPTED = [[/^cr2$/, GDB.CR2], [/^fcw$/, GDB.FCTRL], [/^eflags$/, GDB.EFLAGS], [/^fsw$/, GDB.FSTAT], [/^mxcsr$/, GDB.MXCSR], [/^r[0-7]$/, GDB.ST], [/^xmm[0-7]$/, GDB.XMM]] as const; // prettier-ignore

interface Totals {
  instructions: number;
  readonly classes: Map<string, number>;
  readonly ends: Map<string, number>;
}
const totals: Totals = { instructions: 0, classes: new Map(), ends: new Map() };
const count = (map: Map<string, number>, name: string): void => {
  map.set(name, (map.get(name) ?? 0) + 1);
};

/** One start; how it ended. */
async function compareStart(qemu: GdbClient, name: string): Promise<string> {
  const { cpu } = bare;
  shadow.set(bare.ram);
  const atStart = differences(bare, await qemu.registers());
  if (atStart.length > 0) throw new Error(`${name} is not the same start: ${text(atStart)}`);
  for (let n = 0; n < STEPS; n++) {
    const { instruction, shown } = await next(qemu);
    const { eip } = cpu.state;
    const before = circumstances(instruction);
    const repeated = instruction?.repeat !== undefined && instruction.repeat !== 0;
    bare.devices.length = 0;
    vectors = [];
    const outcome = cpu.run(1);
    if (outcome !== 'limit' && outcome !== 'leave') return outcome;
    if (bare.devices.length > 0) return 'access outside memory';
    let theirs = await qemu.step();
    for (let i = 0; repeated && vectors.length === 0 && theirs === 'stopped'; i++) {
      if ((await qemu.registers()).word(GDB.EIP) !== eip || i > ELEMENTS) break;
      theirs = await qemu.step();
    }
    totals.instructions++;
    const down = theirs === 'gone' ? 'shutdown' : 'running';
    const ourDown = cpu.state.get(L.ACTIVITY) === ACTIVITY.SHUTDOWN ? 'shutdown' : 'running';
    if (down === 'shutdown' && ourDown === 'shutdown') return 'shutdown';
    const found = theirs !== 'stopped' || ourDown !== down ? [{ register: 'processor', ours: ourDown, theirs }, ...(theirs === 'stopped' ? differences(bare, await qemu.registers()) : [])] : [...differences(bare, await qemu.registers()), ...(await memoryDifferences(qemu))]; // prettier-ignore
    const beyondLimit = theirs === 'stopped' && isBeyondLimit(await qemu.registers());
    const status = cpu.state.view.getUint16(L.FPU_STATUS, true);
    const step: Step = {
      code: shown,
      mnemonic: instruction?.row.mnemonic ?? '',
      vectors,
      ...before,
      beyondLimit,
      waits: cpu.state.eip === eip && vectors.length === 0 && !repeated,
      frame: cpu.state.segmentBase(L.SEGMENT.SS) + cpu.state.gpr(4, 4),
      unmasked: (status & 0x80) !== 0,
      stackFault: (status & 0x41) === 0x41,
    };
    const classes = found.map((each) => QEMU_DIFFERENCES.find((row) => row.explains(each, step))?.name); // prettier-ignore
    if (classes.includes(undefined)) {
      process.stdout.write(`${name}, step ${String(n)}: ${eip.toString(16)}: ${shown}${vectors.length === 0 ? '' : ` exception ${vectors.join(' in ')}`}: ${text(found)}\n`); // prettier-ignore
      return 'difference';
    }
    for (const each of new Set(classes)) count(totals.classes, each ?? '');
    for (const each of found) if (!(await adopt(qemu, each))) return 'known difference';
    if ((cpu.state.eflags & FLAG.TF) !== 0) return 'TF';
  }
  return 'limit';
}

/** Gives QEMU our value; false: that cannot be done. */
async function adopt(qemu: GdbClient, { register, ours }: Difference): Promise<boolean> {
  if (register.startsWith('[')) {
    await qemu.command('Qqemu.PhyMemMode:1');
    await qemu.writeMemory(parseInt(register.slice(1), 16), Uint8Array.of(parseInt(ours, 16)));
    await qemu.command('Qqemu.PhyMemMode:0');
    return true;
  }
  const general = GPRS.indexOf(register);
  if (general >= 0) {
    await qemu.setRegister(GDB.GPR + general, parseInt(ours, 16));
    return true;
  }
  const place = ADOPTED.find(([pattern]) => pattern.test(register));
  if (place === undefined) return false;
  const [, first] = place;
  if (register === 'fsw' || register === 'top')
    await qemu.setRegister(GDB.FSTAT, bare.cpu.state.view.getUint16(L.FPU_STATUS, true)); // prettier-ignore
  else if (register === 'eflags') await qemu.setRegister(first, parseInt(ours, 16));
  else if (register === 'mxcsr' || register === 'cr2' || register === 'fcw')
    await qemu.setRegister(first, parseInt(ours, 16));
  else await qemu.setBytes(first + Number(register.slice(-1)), ours);
  return true;
}

const [streams = '10', first = '1'] = process.argv.slice(2);
for (let seed = Number(first); seed < Number(first) + Number(streams); seed++) {
  const random = new Random(seed);
  for (let n = 0; n < STARTS; n++) {
    fillWorld(bare, new Random(seed ^ 0x55555555));
    const mode = startOurs(bare, random.next());
    if (mode === null) continue;
    const name = `seed ${String(seed)}, start ${String(n)} (${mode})`;
    const qemu = new GdbClient(QEMU_MODEL, RAM / 1024);
    try {
      await startQemu(qemu, bare);
      count(totals.ends, await compareStart(qemu, name));
    } finally {
      qemu.dispose();
    }
  }
}
for (const [title, map] of [
  ['known differences', totals.classes],
  ['ends', totals.ends],
] as const) {
  process.stdout.write(`${title}:\n`);
  for (const [name, times] of [...map].sort())
    process.stdout.write(`  ${name}: ${String(times)}\n`);
}
process.stdout.write(`${String(totals.instructions)} instructions compared\n`);
process.exitCode = totals.ends.has('difference') ? 1 : 0;
