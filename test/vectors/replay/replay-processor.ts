/**
 * The processor that replays a case, set up like the process that made it, and in two ways that this
 * process was not: at CPL 0, and with segments that begin elsewhere. In all of them the same bytes lie
 * at the same offsets of every segment.
 */
import { decode } from '../../../emulator/cpu/decode/decoder.ts';
import { disassemble } from '../../../emulator/cpu/decode/disassembler.ts';
import * as L from '../../../emulator/cpu/layout.ts';
import { VECTOR } from '../../../emulator/cpu/processor.ts';
import type { BareCpu } from '../../../emulator/cpu/testing/bare-cpu.ts';
import { RIGHTS32, SIX_SEGMENTS } from '../../../emulator/cpu/testing/bare-cpu.ts';

export interface Setting {
  readonly name: string;
  readonly cpl: 0 | 3;
  /** Segments begin at different addresses, which paging maps to the same memory. */
  readonly based: boolean;
}
export const SETTINGS = [
  { name: 'flat segments, CPL 3', cpl: 3, based: false },
  { name: 'flat segments, CPL 0', cpl: 0, based: false },
  { name: 'based segments, CPL 3', cpl: 3, based: true },
] as const satisfies readonly Setting[];

/** Where the code of a case lies; around it are landing places. */
export const CODE = 0x9000;

const HLT = 0xf4;
/** ES CS SS DS where based; the first 64 KiB of each are the first 64 KiB of memory. */
const BASES: readonly number[] = [0x100000, 0x110000, 0x120000, 0x130000];
const PAGE_DIRECTORY = 0x20000;
const PAGE_TABLE = 0x21000;
/** Flags of a page (present, writable, user), and by its kind: 0 plain, 1 read-only, 2 not present. */
const PAGE = 7;
const PAGES: readonly number[] = [PAGE, 5, 0];
const ERROR_USER = 4;

/** A page fault as a file of vectors has it, made at CPL 3. */
interface ExpectedFault {
  readonly error: number;
  /** Low 16 bits. */
  readonly cr2: number;
}

export class ReplayProcessor {
  readonly bare: BareCpu;
  private setting = '';

  /** @param cr0 with paging, which this sets up */
  constructor(bare: BareCpu, cr0: number, cr4 = 0) {
    this.bare = bare;
    for (let page = 0; page < 1024; page++) {
      const alias = BASES.some((base) => page >= base >> 12 && page < (base >> 12) + 16);
      bare.ram32[(PAGE_TABLE >> 2) + page] = ((alias ? page & 15 : page) << 12) | PAGE;
    }
    bare.ram32[PAGE_DIRECTORY >> 2] = PAGE_TABLE | PAGE;
    bare.cpu.state.setCr(3, PAGE_DIRECTORY);
    bare.cpu.state.setCr(0, cr0);
    bare.cpu.state.setCr(4, cr4);
    bare.ram.fill(HLT, CODE - 128, CODE + 256);
  }

  /**
   * @param pages kinds by address: 0 plain, 1 read-only, 2 not present
   * @param small 16-bit segments where true
   */
  enter(
    setting: Setting,
    pages: ReadonlyMap<number, number>,
    small: { readonly code?: boolean; readonly stack?: boolean } = {},
  ): void {
    const { code = false, stack = false } = small;
    const name = JSON.stringify([setting.name, [...pages], code, stack]);
    if (name === this.setting) return;
    this.setting = name;
    const { bare } = this;
    for (const [address, kind] of pages)
      for (const base of [0, ...BASES])
        bare.ram32[(PAGE_TABLE >> 2) + ((base + address) >> 12)] = address | (PAGES[kind] ?? 0);
    bare.cpu.flushTlb(true);
    for (const index of SIX_SEGMENTS) {
      let rights = (index === L.SEGMENT.CS ? RIGHTS32.CODE : RIGHTS32.DATA) | (setting.cpl << 5);
      if ((index === L.SEGMENT.CS && code) || (index === L.SEGMENT.SS && stack)) rights &= ~0x4000;
      // FS is null, as in the process that made the vectors
      if (index === L.SEGMENT.FS) rights |= 0x10000;
      const limit = index === L.SEGMENT.CS && code ? 0xffff : 0xffffffff;
      bare.segment(index, { rights, limit, base: setting.based ? (BASES[index] ?? 0) : 0 });
    }
    bare.cpu.state.set(L.CPL, setting.cpl);
    bare.cpu.modeChanged();
  }

  /**
   * Executes a case in each way: as a block first, whose translation empties the TLB; then in steps, which
   * find it filled; then as that block again.
   * @param start puts registers and memory where the case begins
   * @param compare what differs at its end, or null
   */
  execute<Found>(
    code: Uint8Array,
    start: () => void,
    compare: () => Found | null,
  ): { readonly how: string; readonly found: Found | string }[] {
    const { bare } = this;
    bare.load(CODE, code);
    const differences: { how: string; found: Found | string }[] = [];
    for (const [how, slice] of [['block', 1000], ['step', 1], ['block again', 1000]] as const) { // prettier-ignore
      start();
      const outcome = bare.runToExit(slice, 10);
      const found = outcome === 'exit' ? compare() : `run() said ${outcome}`;
      if (found !== null) differences.push({ how, found });
    }
    bare.ram.fill(HLT, CODE, CODE + code.length);
    return differences;
  }

  /**
   * The exception that ended the case, -1 when it came to a landing place: HLT, which is #GP at CPL 3.
   */
  raised(): number {
    const { event, ram, cpu } = this.bare;
    if (event?.kind !== 'exception') return -1;
    return event.vector === VECTOR.GP && ram[cpu.state.eip] === HLT ? -1 : event.vector;
  }

  /** How the page fault that was raised differs from the one expected; [] if it does not. */
  compareFault(expected: ExpectedFault, { cpl }: Setting): string[] {
    const { event } = this.bare;
    if (event?.kind !== 'exception' || event.vector !== VECTOR.PF) return [];
    const error = (expected.error & ~ERROR_USER) | (cpl === 3 ? ERROR_USER : 0);
    // the segments begin at multiples of 64 KiB
    const cr2 = event.qualification & 0xffff;
    return [
      ...(event.errorCode === error ? [] : [`error ${String(event.errorCode)} not ${String(error)}`]),
      ...(cr2 === expected.cr2 ? [] : [`cr2 ${hex(cr2)} not ${hex(expected.cr2)}`]),
    ];
  }
}

export function hex(value: number): string {
  return value.toString(16);
}

/** "01 d8 (add eax, ebx)" */
export function codeText(code: Uint8Array, size: 2 | 4 = 4): string {
  const decoded = decode(code, CODE, { defaultSize: size });
  const text = typeof decoded === 'string' ? decoded : disassemble(decoded);
  const bytes = Array.from(code, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return `${bytes} (${text})`;
}
