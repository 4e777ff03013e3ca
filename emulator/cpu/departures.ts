/**
 * Where this processor knowingly differs from hardware: one row each, with the section of the SDM, what
 * processors do, what happens here, and why. OPCODES.md shows them. What the manual leaves undefined is
 * not here: flags and results are then those of the processor that made the vectors (test/vectors).
 */

export interface Departure {
  readonly subject: string;
  /** Section of the SDM. */
  readonly manual: string;
  readonly hardware: string;
  readonly here: string;
  readonly reason: string;
}

const NO_CACHES = 'memory is coherent and in order, so only time could tell';
const NOT_ARCHITECTURE = 'depends on the processor, not on the architecture';

// prettier-ignore
export const DEPARTURES = [
  { subject: 'Caches', manual: 'vol. 3, 12', hardware: 'CR0.CD and NW, page attributes, MTRRs and the PAT choose memory types; INVD, WBINVD and CLFLUSH write back or drop lines',
    here: 'all of them are checked and stored, and have no effect', reason: NO_CACHES },
  { subject: 'Prefetch', manual: 'vol. 3, 9.1.3', hardware: 'processors before the Pentium may execute an instruction that has just been overwritten; later ones fetch ahead, also across pages',
    here: 'a write to code is seen by the next instruction; a page is touched only when an instruction reaches into it', reason: NOT_ARCHITECTURE },
  { subject: 'Fences, serializing instructions', manual: 'vol. 3, 9.3', hardware: 'order memory accesses and drain what is in flight', here: 'nothing beyond their checks', reason: NO_CACHES },
  { subject: 'LOCK', manual: 'vol. 3, 9.1.2', hardware: 'locks the bus or a cache line', here: 'checked, then nothing', reason: 'instructions of one machine never overlap' },
  { subject: 'TLB', manual: 'vol. 3, 4.10', hardware: 'caches translations for as long as it likes, paging structures too', here: 'other entries are kept and dropped at other times; paging structures are not cached, but for the PDPTEs', reason: NOT_ARCHITECTURE },
  { subject: 'Accessed flags', manual: 'vol. 3, 4.8', hardware: 'processors of today may mark a directory entry although the translation then fails', here: 'entries are marked once the whole translation holds', reason: 'as on an 80386, which software compares itself with' },
  { subject: 'Paging structures outside RAM', manual: 'vol. 3, 4.3', hardware: 'are read from whatever is there', here: 'read as not present', reason: 'a device is not read by a page walk' },
  { subject: 'Time', manual: 'vol. 3, 18.17', hardware: 'instructions take cycles; the TSC counts them', here: 'every retired instruction takes one nanosecond; a repeated string instruction counts once for each run of elements', reason: 'a machine runs the same to the instruction each time' },
  { subject: 'Performance counters', manual: 'vol. 3, 20', hardware: 'count events', here: 'RDPMC reads zero from two counters; their MSRs raise #GP(0)', reason: 'nothing to count' },
  { subject: 'Branch trace, last-branch records', manual: 'vol. 3, 18.4', hardware: 'IA32_DEBUGCTL enables them', here: 'IA32_DEBUGCTL takes only zero', reason: 'the debugger has a history of its own' },
  { subject: 'MONITOR and MWAIT', manual: 'vol. 3, 9.10.5', hardware: 'any write to the line ends the wait', here: 'a write that changes nothing does not', reason: 'the line is compared, not watched' },
  { subject: 'RDRAND and RDSEED', manual: 'vol. 1, 7.3.17', hardware: 'numbers that nobody can foresee', here: 'the same numbers in every run', reason: 'a machine runs the same to the instruction each time' },
  { subject: 'DR7.LE and GE', manual: 'vol. 3, 18.2.4', hardware: 'make breakpoints on data exact on processors up to the 486', here: 'all breakpoints are exact', reason: 'as on processors since the P6' },
  { subject: 'DR6.B0 to B3', manual: 'vol. 3, 18.2.3', hardware: 'may be set for a condition that is met but not enabled in DR7', here: 'set for enabled breakpoints only', reason: NOT_ARCHITECTURE },
  { subject: 'IA32_MISC_ENABLE, EFER.SCE', manual: 'vol. 4, 2.1', hardware: 'switch features on and off', here: 'keep what is written and have no effect', reason: 'what they switch is not in an IA-32 processor, or always on' },
  { subject: 'System-management mode', manual: 'vol. 3, 32', hardware: 'SMI# enters it, RSM leaves it', here: 'there is no SMI; RSM raises #UD', reason: 'no board here has firmware that uses it' },
  { subject: 'Machine checks', manual: 'vol. 3, 16', hardware: 'hardware errors raise #MC', here: 'no banks (IA32_MCG_CAP is zero), no #MC', reason: 'nothing fails' },
  { subject: 'VMX and SVM', manual: 'vol. 3, 24', hardware: 'their instructions, where CPUID offers them', here: 'no model offers them; they leave the guest for the log and raise #UD', reason: 'hypervisors under the guest are not emulated' },
  { subject: '64-bit mode', manual: 'vol. 1, 3.1.1', hardware: 'IA-32e mode, where CPUID offers it', here: 'no model offers it', reason: 'this is an IA-32 machine' },
  { subject: 'Test registers', manual: 'vol. 3, 23.25 (486)', hardware: 'a 486 moves to and from TR3 to TR7', here: '#UD, as on processors since the Pentium', reason: 'they test caches and TLBs that are not there' },
  { subject: '3DNow!, VEX, EVEX', manual: 'vol. 2, 2', hardware: 'instructions of other or later processors', here: '#UD, without a row of their own', reason: 'in no model' },
  { subject: 'x87 pointers', manual: 'vol. 1, 8.1.8', hardware: 'since the Pentium 4 FOP, and later FDP, are updated by unmasked exceptions only; today FCS and FDS read as zero', here: 'each non-control instruction updates FOP, FIP and FCS, each memory operand FDP and FDS', reason: 'as on the processors that are modelled' },
  { subject: 'x87 transcendental functions', manual: 'vol. 1, 8.3.10', hardware: 'results within one ulp, other ones on each family', here: 'correctly rounded, arguments reduced by the 66-bit π of processors', reason: 'families differ; this is the value that all of them are near to' },
  { subject: 'x87 images across faults', manual: 'vol. 2, FSAVE, FSTENV, FLDENV, FRSTOR, FXSAVE', hardware: 'the first bad word faults; what came before it may be in memory already', here: 'the whole image is checked first and nothing is written by an instruction that faults', reason: NOT_ARCHITECTURE },
  { subject: 'Stores of ten bytes across pages', manual: 'vol. 2, FSTP, FBSTP', hardware: 'may have written eight bytes when the other two fault', here: 'nothing is written by an instruction that faults', reason: NOT_ARCHITECTURE },
  { subject: 'CALL beyond the limit of CS', manual: 'vol. 2, CALL', hardware: 'processors of today leave the return address below the stack pointer when they raise #GP(0)', here: 'nothing is written, as the manual has it', reason: NOT_ARCHITECTURE },
  { subject: 'Accesses across 4 GiB', manual: 'vol. 3, 5.3', hardware: 'in a segment with the limit FFFFFFFFh they may wrap round or fault', here: '#GP(0), or #SS(0)', reason: NOT_ARCHITECTURE },
  { subject: '#AC from the delivery of #AC', manual: 'vol. 3, 6.15', hardware: 'a program that handles #AC itself on a stack that is not aligned stops the processor for good', here: 'ends as a triple fault after 64 exceptions', reason: 'a guest must not stop the host' },
  { subject: 'REP that overwrites itself', manual: 'vol. 2, REP', hardware: 'is noticed some elements later', here: 'is noticed when (E)CX comes to a multiple of 16384', reason: NOT_ARCHITECTURE },
  { subject: 'OF after rotates by more than one', manual: 'vol. 2, ROL', hardware: 'undefined, other on each family', here: 'by CL as on a Xeon; by an immediate from the result, as on an 80386', reason: 'software compares itself with both' },
  { subject: 'CPUID brand string', manual: 'vol. 2, CPUID', hardware: 'leaves 80000002h to 80000004h came with the Pentium 4', here: 'every model has them', reason: 'guests show the name' },
  { subject: 'Local APIC', manual: 'vol. 3, 11', hardware: 'x2APIC mode; thermal, performance and CMCI interrupts; the window can be moved', here: 'xAPIC at FEE00000h, without those sources', reason: 'nothing here raises them' },
] as const satisfies readonly Departure[];
