/**
 * Where QEMU's processor (TCG, version 7.2) is known to differ from ours: data for the comparison, which
 * counts such a difference and goes on or, where the two have parted, ends. Each row says what QEMU
 * does and what the Intel SDM says; flags that the SDM leaves undefined have a table of their own.
 */
import { CR4, FLAG } from '../../../emulator/cpu/state.ts';
import { PLACES, RAM, WORLD } from '../world.ts';
import type { Difference } from './compare.ts';

const { CF, PF, AF, ZF, SF, OF } = FLAG;
const ALL = CF | PF | AF | ZF | SF | OF;

/** One step on both sides. */
export interface Step {
  /** Mnemonic, empty if the instruction cannot be fetched or decoded. */
  readonly mnemonic: string;
  /** Its bytes in hexadecimal, or the fifteen there. */
  readonly code: string;
  /** Vectors of the exceptions here, each raised by the delivery of the one before. */
  readonly vectors: readonly number[];
  /** Whether before it all segments could be read or executed and written throughout 4 GiB and CS is not written. */
  readonly flat: boolean;
  /** Whether it accesses memory across 4 GiB, or 16 bytes that are not aligned. */
  readonly wraps: boolean;
  readonly misaligned: boolean;
  /** Whether QEMU is at an offset beyond the limit of its code segment. */
  readonly beyondLimit: boolean;
  /** Whether ours did not move: it waits for an interrupt. */
  readonly waits: boolean;
  /** CR0 and CR4 before it. */
  readonly cr0: number;
  readonly cr4: number;
  /** Linear address of the top of the stack after it: of an exception's frame. */
  readonly frame: number;
  /** Whether it left the x87 unit with ES, an exception that is not masked. */
  readonly unmasked: boolean;
  /** Whether it left the x87 unit with IE and SF. */
  readonly stackFault: boolean;
}

export interface QemuDifference {
  readonly name: string;
  /** Section of the SDM that decides, or leaves it open. */
  readonly manual: string;
  readonly qemu: string;
  readonly here: string;
  /** Whether it explains what differs in one register or byte of memory. */
  readonly explains: (difference: Difference, step: Step) => boolean;
}

/** Flags that are undefined after an instruction (SDM vol. 1, appendix A; vol. 2). */
// prettier-ignore
const UNDEFINED_FLAGS: Readonly<Record<string, number>> = {
  and: AF, or: AF, xor: AF, test: AF,
  mul: SF | ZF | AF | PF, imul: SF | ZF | AF | PF, div: ALL, idiv: ALL,
  shl: AF | OF | CF, sal: AF | OF | CF, shr: AF | OF | CF, sar: AF | OF,
  shld: ALL, shrd: ALL, rol: OF, ror: OF, rcl: OF, rcr: OF,
  bsf: CF | OF | SF | AF | PF, bsr: CF | OF | SF | AF | PF,
  bt: OF | SF | AF | PF, bts: OF | SF | AF | PF, btr: OF | SF | AF | PF, btc: OF | SF | AF | PF,
  aaa: OF | SF | ZF | PF, aas: OF | SF | ZF | PF, aad: OF | AF | CF, aam: OF | AF | CF, daa: OF, das: OF,
};

const C1 = 0x200;
/** Of the x87 status word and of MXCSR. */
const DE = 2;
const TRANSCENDENTAL: ReadonlySet<string> = new Set(['f2xm1', 'fyl2x', 'fyl2xp1', 'fptan', 'fpatan', 'fsin', 'fcos', 'fsincos']); // prettier-ignore
/** Which bits differ. */
const bits = ({ ours, theirs }: Difference): number => parseInt(ours, 16) ^ parseInt(theirs, 16);
/** Distance above the stack pointer within a page, or -1. */
const above = (difference: Difference, frame: number): number => (address(difference) < 0 ? -1 : (address(difference) - frame) & 0xfff); // prettier-ignore
/** Address of a byte of memory, or -1. */
const address = ({ register }: Difference): number => (register.startsWith('[') ? parseInt(register.slice(1), 16) : -1); // prettier-ignore
const between = (at: number, from: number, to: number): boolean => at >= from && at < to;

// prettier-ignore
export const QEMU_DIFFERENCES: readonly QemuDifference[] = [
  { name: 'undefined flags', manual: 'vol. 1, appendix A', qemu: 'has values of its own', here: 'those of the processor that made the vectors',
    explains: (difference, { mnemonic, vectors }) => difference.register === 'eflags' && vectors.length === 0 && (bits(difference) & ~(UNDEFINED_FLAGS[mnemonic] ?? 0)) === 0 },
  { name: 'segment limits and types', manual: 'vol. 3, 5.3 and 5.4', qemu: 'does not check limit, type and null of a segment when memory is accessed', here: '#GP or #SS',
    explains: (_, { vectors: [first], flat }) => !flat && (first === 12 || first === 13) },
  { name: 'RF in frames', manual: 'vol. 3, 18.3.1.1', qemu: 'pushes EFLAGS of a fault with RF clear', here: 'set',
    explains: (difference, { vectors, frame }) => vectors.length > 0 && [10, 14].includes(above(difference, frame)) && bits(difference) === 1 },
  { name: 'accessed bit of CS', manual: 'vol. 3, 3.4.5.1', qemu: 'does not set it when an exception or interrupt loads CS, and so does not write to the page', here: 'set',
    explains: (difference, { vectors }) => vectors.length > 0 && ((between(address(difference), PLACES.GDT, PLACES.TSS) && bits(difference) === 1) || (between(address(difference), WORLD, RAM) && bits(difference) === 0x40)) },
  { name: 'exponent of MMX registers', manual: 'vol. 1, 9.6.2', qemu: 'keeps bits 64 to 79 of the x87 register that an MMX instruction writes', here: 'all ones',
    explains: ({ register, ours, theirs }) => /^r\d$/.test(register) && ours.endsWith('ffff') && ours.slice(0, 16) === theirs.slice(0, 16) },
  { name: 'x87 stack faults', manual: 'vol. 1, 8.5.1.1', qemu: 'does not look at tags: neither IE and SF nor the indefinite', here: 'both',
    explains: (_, { stackFault, mnemonic }) => stackFault && mnemonic.startsWith('f') },
  { name: 'C1 of x87 results', manual: 'vol. 1, 8.1.3.3', qemu: 'leaves it clear', here: 'set when the last rounding was upwards',
    explains: (difference) => difference.register === 'fsw' && bits(difference) === C1 },
  { name: 'denormal-operand exception', manual: 'vol. 1, 8.5.2 and 11.5.2.2', qemu: 'does not set DE (some operands)', here: 'set',
    explains: (difference) => (difference.register === 'mxcsr' || difference.register === 'fsw') && (bits(difference) & ~(DE | C1)) === 0 },
  { name: 'transcendental functions', manual: 'vol. 1, 8.3.10', qemu: 'computes with the 53 bits of a double, without the flags of the result', here: 'correctly rounded',
    explains: ({ register }, { mnemonic }) => /^(r\d|fsw)$/.test(register) && TRANSCENDENTAL.has(mnemonic) },
  { name: 'reserved forms of groups 1A and 11', manual: 'vol. 2, appendix A.4', qemu: 'executes 8F, C6 and C7 with a reg field other than 0 as POP and MOV', here: '#UD',
    explains: (_, { code, vectors: [first] }) => first === 6 && /^(26|2e|36|3e|64|65|66|67|f2|f3)*(8f|c6|c7)/.test(code) },
  { name: 'ENTER looks at its last stack pointer', manual: 'vol. 2, ENTER', qemu: 'does not touch the page', here: 'as if to write: #PF, or its accessed and dirty flags',
    explains: (difference, { mnemonic, vectors: [first] }) => mnemonic === 'enter' && (first === 14 || between(address(difference), WORLD, RAM)) },
  { name: '#AC', manual: 'vol. 3, 6.15', qemu: 'does not raise it', here: 'raised at CPL 3',
    explains: (_, { vectors: [first] }) => first === 17 },
  { name: '#XM', manual: 'vol. 1, 11.5.1', qemu: 'does not raise it', here: 'raised for exceptions that MXCSR does not mask',
    explains: (_, { vectors: [first] }) => first === 19 },
  { name: 'LOCK', manual: 'vol. 2, LOCK', qemu: 'ignores it before some instructions that cannot be locked', here: '#UD',
    explains: (_, { vectors: [first], code }) => first === 6 && /^(26|2e|36|3e|64|65|66|67|f2|f3)*f0/.test(code) },
  { name: 'accesses across 4 GiB', manual: 'vol. 3, 5.3', qemu: 'wrap round', here: '#GP(0) or #SS(0)',
    explains: (_, { vectors: [first], wraps }) => wraps && (first === 12 || first === 13) },
  { name: 'alignment of 16 bytes', manual: 'vol. 1, 10.4.1.1', qemu: 'does not look at it', here: '#GP(0)',
    explains: (_, { vectors: [first], misaligned }) => misaligned && first === 13 },
  { name: 'W of a page fault', manual: 'vol. 3, 4.7', qemu: 'reads before it writes what it modifies: the error code says a read', here: 'a write',
    explains: (difference, { vectors: [first], frame }) => first === 14 && ((above(difference, frame) === 0 && bits(difference) === 2) || (between(address(difference), WORLD, RAM) && bits(difference) === 0x20)) },
  { name: 'accessed bit of a page that is not writable', manual: 'vol. 3, 4.8', qemu: 'set by the read before the write that faults (seen later)', here: 'clear',
    explains: (difference) => between(address(difference), WORLD, RAM) && bits(difference) === 0x20 && (parseInt(difference.ours, 16) & 2) === 0 },
  { name: 'CR2 of ten bytes', manual: 'vol. 3, 4.7', qemu: 'accesses the upper two bytes first', here: 'the lower',
    explains: ({ register }, { vectors: [first], mnemonic }) => first === 14 && register === 'cr2' && ['fld', 'fbld', 'fstp', 'fbstp'].includes(mnemonic) },
  { name: 'reserved bits of FCW', manual: 'vol. 1, 8.1.5', qemu: 'keeps bits 13 to 15', here: 'zero',
    explains: (difference) => difference.register === 'fcw' && (bits(difference) & ~0xe0c0) === 0 },
  { name: 'ES and B of a loaded FSW', manual: 'vol. 1, 8.1.3.3', qemu: 'are as loaded', here: 'follow from the flags and masks',
    explains: (difference, { mnemonic }) => difference.register === 'fsw' && (bits(difference) & ~0x8080) === 0 && ['fldenv', 'frstor', 'fxrstor', 'fldcw'].includes(mnemonic) },
  { name: 'OF, SF, AF of FCOMI', manual: 'vol. 2, FCOMI', qemu: 'are kept', here: 'cleared',
    explains: (difference, { mnemonic }) => difference.register === 'eflags' && (bits(difference) & ~(OF | SF | AF)) === 0 && /^fu?comip?$/.test(mnemonic) },
  { name: 'ARPL that changes nothing', manual: 'vol. 2, ARPL', qemu: 'writes all the same: the page is dirty, or faults', here: 'does not write',
    explains: (difference, { mnemonic, vectors }) => mnemonic === 'arpl' && vectors.length === 0 && (address(difference) < 0 || (between(address(difference), WORLD, RAM) && bits(difference) === 0x40)) },
  { name: 'BSWAP of 16 bits', manual: 'vol. 2, BSWAP', qemu: 'swaps 32 (undefined)', here: 'zero, as processors',
    explains: ({ ours }, { mnemonic }) => mnemonic === 'bswap' && (parseInt(ours, 16) & 0xffff) === 0 },
  { name: 'FISTTP without SSE3', manual: 'vol. 2, FISTTP', qemu: 'executes it', here: '#UD',
    explains: (_, { vectors: [first], mnemonic }) => first === 6 && mnemonic === 'fisttp' },
  { name: 'EM and TS together', manual: 'vol. 3, 13.1 and table 12-1', qemu: '#NM for MMX and SSE instructions; executes EMMS with EM', here: '#UD',
    explains: (_, { vectors: [first], cr0, mnemonic }) => first === 6 && ((cr0 & 0xc) === 0xc || ((cr0 & 4) !== 0 && mnemonic === 'emms')) },
  { name: 'INT1', manual: 'vol. 2, INT1', qemu: 'stops for GDB instead of raising #DB', here: '#DB',
    explains: (_, { mnemonic }) => mnemonic === 'int1' },
  { name: 'ports', manual: 'outside the processor', qemu: 'where nothing is, reads zero', here: 'all ones',
    explains: (_, { mnemonic }) => /^(in|ins[bwd])$/.test(mnemonic) },
  { name: 'VME and PVI', manual: 'vol. 3, 21.3', qemu: 'has no virtual interrupt flag for STI, CLI, PUSHF, POPF, INT n', here: 'VIF, VIP and the redirection bitmap',
    explains: (_, { mnemonic, cr4 }) => (cr4 & (CR4.VME | CR4.PVI)) !== 0 && ['sti', 'cli', 'pushf', 'popf', 'pushfd', 'popfd', 'int', 'iret', 'iretd'].includes(mnemonic) },
  { name: 'RET imm16 above 7FFFh', manual: 'vol. 2, RET', qemu: 'extends the sign of the immediate', here: 'adds it unsigned',
    explains: ({ register }, { mnemonic }) => register === 'esp' && mnemonic === 'ret' },
  { name: 'PUSH of a segment register', manual: 'vol. 2, PUSH', qemu: 'writes 32 bits', here: 'writes 16 of the 32 bits, as processors of today',
    explains: ({ register, theirs }, { mnemonic, code }) => mnemonic === 'push' && theirs === '0' && register.startsWith('[') && /^(66|67|26|2e|36|3e|64|65|f2|f3)*(06|0e|16|1e|0fa0|0fa8)/.test(code) },
  { name: 'limit of CS at delivery', manual: 'vol. 3, 6.12.1; vol. 2, INT n', qemu: 'does not compare the offset of a gate with the limit of its segment', here: '#GP',
    explains: (_, { vectors, beyondLimit }) => vectors.length > 1 && beyondLimit },
  { name: 'prefixes of fences', manual: 'vol. 2, MFENCE, TPAUSE', qemu: 'executes 66 or F3 0F AE with a register as a fence', here: '#UD: it is TPAUSE or UMONITOR',
    explains: (_, { vectors: [first], code }) => first === 6 && /^(67|26|2e|36|3e|64|65)*(66|f2|f3)(67|26|2e|36|3e|64|65)*0fae/.test(code) },
  { name: 'reg field 1 of group 3', manual: 'vol. 2, appendix A.4', qemu: '#UD for F6 and F7 with a reg field of 1', here: 'TEST, as processors',
    explains: (_, { mnemonic, vectors }) => mnemonic === 'test' && vectors.length === 0 },
  { name: 'x87 images', manual: 'vol. 1, 8.1.8 and 8.1.10', qemu: 'has no FOP and FDP of its own kind and writes reserved halves as zero', here: 'pointers of the last instruction, reserved halves as ones',
    explains: (difference, { mnemonic, vectors }) => address(difference) >= 0 && vectors.length === 0 && ['fnsave', 'fnstenv', 'fxsave'].includes(mnemonic) },
  { name: '#MF', manual: 'vol. 1, 8.7', qemu: 'raises it for few of the waiting instructions', here: 'for all; with CR0.NE clear they wait for an interrupt',
    explains: (_, { vectors: [first], waits, unmasked }) => first === 16 || (waits && unmasked) },
  { name: 'CLFLUSH', manual: 'vol. 2, CLFLUSH', qemu: 'does nothing', here: 'faults as a load does',
    explains: (_, { mnemonic }) => mnemonic === 'clflush' },
  { name: 'x87 state of a faulting instruction', manual: 'vol. 3, 6.5', qemu: 'has changed flags or TOP before the access to memory faults', here: 'unchanged',
    explains: ({ register }, { vectors }) => vectors.length > 0 && (register === 'fsw' || register === 'top') },
  { name: 'stack that wraps at delivery', manual: 'vol. 3, 6.15 (#SS), 21.1.4', qemu: 'pushes through the end of the segment', here: '#SS, and with it shutdown',
    explains: (_, { vectors, wraps }) => wraps && vectors.slice(1).includes(12) },
  { name: 'TOP after EMMS', manual: 'vol. 3, table 13-2', qemu: 'unchanged', here: 'zero',
    explains: ({ register }, { mnemonic }) => register === 'top' && mnemonic === 'emms' },
  { name: 'offset of 16-bit gates', manual: 'vol. 3, 6.11', qemu: 'has 32 bits', here: 'has 16; the upper bits are reserved',
    explains: ({ register, ours, theirs }, { vectors }) => register === 'eip' && vectors.length > 0 && parseInt(ours, 16) === (parseInt(theirs, 16) & 0xffff) },
  { name: 'results of unmasked x87 exceptions', manual: 'vol. 1, 8.5', qemu: 'written as if masked', here: 'operands stay as they are',
    explains: ({ register }, { mnemonic, unmasked }) => unmasked && mnemonic.startsWith('f') && /^(r\d|fsw|top)$/.test(register) },
  { name: 'EXT of an error code', manual: 'vol. 3, 6.13', qemu: 'clear for a fault in the delivery of an exception', here: 'set',
    explains: (difference, { vectors, frame }) => vectors.length > 1 && above(difference, frame) === 0 && bits(difference) === 1 },
  { name: '0F 18 with a register', manual: 'vol. 2, PREFETCHh and NOP', qemu: '#UD', here: 'NOP, as processors',
    explains: (_, { mnemonic, code, vectors }) => mnemonic === 'nop' && code.includes('0f18') && vectors.length === 0 },
  { name: 'approximations', manual: 'vol. 2, RCPPS, RSQRTPS', qemu: 'exact', here: 'those of the processor that made the vectors, within 1.5 × 2^-12',
    explains: ({ register }, { mnemonic }) => register.startsWith('xmm') && /^(rcp|rsqrt)[ps]s$/.test(mnemonic) },
  { name: 'IP beyond FFFFh', manual: 'vol. 3, 21.1.1', qemu: 'wraps round after the last instruction of 64 KiB', here: '#GP with the next',
    explains: ({ register, ours, theirs }) => register === 'eip' && parseInt(ours, 16) === parseInt(theirs, 16) + 0x10000 },
  { name: 'TOP after CVTPI2PS of memory', manual: 'vol. 2, CVTPI2PS', qemu: 'zero', here: 'unchanged, as processors',
    explains: ({ register }, { mnemonic }) => register === 'top' && mnemonic === 'cvtpi2ps' },
  { name: 'unknown MSRs', manual: 'vol. 2, RDMSR, WRMSR', qemu: 'read as zero', here: '#GP(0)',
    explains: (_, { vectors: [first], mnemonic }) => first === 13 && /^(rd|wr)msr$/.test(mnemonic) },
  { name: 'CPL of a fault in a task switch', manual: 'vol. 3, 7.3 (does not settle it)', qemu: 'delivers #TS with the CPL of the old task', here: 'with the RPL of the new CS',
    explains: (_, { vectors }) => vectors[1] === 10 && vectors[2] === 10 },
];
