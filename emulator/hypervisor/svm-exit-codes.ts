/**
 * Exit codes of AMD's SVM (APM vol. 2, appendix C) with the VMX reason of the same event, and the numbers
 * of the exits that KVM hands to its user-space half (linux/kvm.h). Which of the codes decides whether
 * an event leaves, and what else the VMCB then says, is in svm-controls.ts and svm-information.ts.
 *
 * Nested SVM is not emulated; nor are encrypted guests, whose codes are named only.
 */

export interface SvmExitCode {
  /** EXITCODE of the VMCB, low 32 bits; the first of `count` codes. */
  readonly code: number;
  readonly name: string;
  /** Codes in a row that share the name with a running number ("DR3_READ"); else 1. */
  readonly count: number;
  /** VMX basic exit reason of the same event, or null where VMX has none. */
  readonly vmx: number | null;
}

// prettier-ignore
export const SVM_EXIT_CODES = [
  { code: 0x000, name: 'CR#_READ',          count: 16, vmx: 28 },
  { code: 0x010, name: 'CR#_WRITE',         count: 16, vmx: 28 },
  { code: 0x020, name: 'DR#_READ',          count: 16, vmx: 29 },
  { code: 0x030, name: 'DR#_WRITE',         count: 16, vmx: 29 },
  { code: 0x040, name: 'EXCP#',             count: 32, vmx: 0 },
  { code: 0x060, name: 'INTR',              count: 1,  vmx: 1 },
  { code: 0x061, name: 'NMI',               count: 1,  vmx: 0 },
  { code: 0x062, name: 'SMI',               count: 1,  vmx: 6 },
  { code: 0x063, name: 'INIT',              count: 1,  vmx: 3 },
  { code: 0x064, name: 'VINTR',             count: 1,  vmx: 7 },
  { code: 0x065, name: 'CR0_SEL_WRITE',     count: 1,  vmx: 28 },
  { code: 0x066, name: 'IDTR_READ',         count: 1,  vmx: 46 },
  { code: 0x067, name: 'GDTR_READ',         count: 1,  vmx: 46 },
  { code: 0x068, name: 'LDTR_READ',         count: 1,  vmx: 47 },
  { code: 0x069, name: 'TR_READ',           count: 1,  vmx: 47 },
  { code: 0x06a, name: 'IDTR_WRITE',        count: 1,  vmx: 46 },
  { code: 0x06b, name: 'GDTR_WRITE',        count: 1,  vmx: 46 },
  { code: 0x06c, name: 'LDTR_WRITE',        count: 1,  vmx: 47 },
  { code: 0x06d, name: 'TR_WRITE',          count: 1,  vmx: 47 },
  { code: 0x06e, name: 'RDTSC',             count: 1,  vmx: 16 },
  { code: 0x06f, name: 'RDPMC',             count: 1,  vmx: 15 },
  { code: 0x070, name: 'PUSHF',             count: 1,  vmx: null },
  { code: 0x071, name: 'POPF',              count: 1,  vmx: null },
  { code: 0x072, name: 'CPUID',             count: 1,  vmx: 10 },
  { code: 0x073, name: 'RSM',               count: 1,  vmx: 17 },
  { code: 0x074, name: 'IRET',              count: 1,  vmx: null },
  { code: 0x075, name: 'SWINT',             count: 1,  vmx: null },
  { code: 0x076, name: 'INVD',              count: 1,  vmx: 13 },
  { code: 0x077, name: 'PAUSE',             count: 1,  vmx: 40 },
  { code: 0x078, name: 'HLT',               count: 1,  vmx: 12 },
  { code: 0x079, name: 'INVLPG',            count: 1,  vmx: 14 },
  { code: 0x07a, name: 'INVLPGA',           count: 1,  vmx: null },
  { code: 0x07b, name: 'IOIO',              count: 1,  vmx: 30 },
  { code: 0x07c, name: 'MSR',               count: 1,  vmx: 31 },
  { code: 0x07d, name: 'TASK_SWITCH',       count: 1,  vmx: 9 },
  { code: 0x07e, name: 'FERR_FREEZE',       count: 1,  vmx: null },
  { code: 0x07f, name: 'SHUTDOWN',          count: 1,  vmx: 2 },
  { code: 0x080, name: 'VMRUN',             count: 1,  vmx: null },
  { code: 0x081, name: 'VMMCALL',           count: 1,  vmx: 18 },
  { code: 0x082, name: 'VMLOAD',            count: 1,  vmx: null },
  { code: 0x083, name: 'VMSAVE',            count: 1,  vmx: null },
  { code: 0x084, name: 'STGI',              count: 1,  vmx: null },
  { code: 0x085, name: 'CLGI',              count: 1,  vmx: null },
  { code: 0x086, name: 'SKINIT',            count: 1,  vmx: null },
  { code: 0x087, name: 'RDTSCP',            count: 1,  vmx: 51 },
  { code: 0x088, name: 'ICEBP',             count: 1,  vmx: 0 },
  { code: 0x089, name: 'WBINVD',            count: 1,  vmx: 54 },
  { code: 0x08a, name: 'MONITOR',           count: 1,  vmx: 39 },
  { code: 0x08b, name: 'MWAIT',             count: 1,  vmx: 36 },
  { code: 0x08c, name: 'MWAIT_CONDITIONAL', count: 1,  vmx: 36 },
  { code: 0x08d, name: 'XSETBV',            count: 1,  vmx: 55 },
  { code: 0x08e, name: 'RDPRU',             count: 1,  vmx: null },
  { code: 0x08f, name: 'EFER_WRITE_TRAP',   count: 1,  vmx: null },
  { code: 0x090, name: 'CR#_WRITE_TRAP',    count: 16, vmx: null },
  { code: 0x0a0, name: 'INVLPGB',           count: 1,  vmx: null },
  { code: 0x0a1, name: 'INVLPGB_ILLEGAL',   count: 1,  vmx: null },
  { code: 0x0a2, name: 'INVPCID',           count: 1,  vmx: 58 },
  { code: 0x0a3, name: 'MCOMMIT',           count: 1,  vmx: null },
  { code: 0x0a4, name: 'TLBSYNC',           count: 1,  vmx: null },
  { code: 0x0a5, name: 'BUSLOCK',           count: 1,  vmx: 74 },
  { code: 0x0a6, name: 'IDLE_HLT',          count: 1,  vmx: 12 },
  { code: 0x400, name: 'NPF',               count: 1,  vmx: 48 },
  { code: 0x401, name: 'AVIC_INCOMPLETE_IPI', count: 1, vmx: null },
  { code: 0x402, name: 'AVIC_NOACCEL',      count: 1,  vmx: null },
  { code: 0x403, name: 'VMGEXIT',           count: 1,  vmx: null },
  { code: 0x80000001, name: 'MMIO_READ',     count: 1, vmx: null },
  { code: 0x80000002, name: 'MMIO_WRITE',    count: 1, vmx: null },
  { code: 0x80000004, name: 'AP_HLT_LOOP',   count: 1, vmx: null },
  { code: 0x80000005, name: 'AP_JUMP_TABLE', count: 1, vmx: null },
  { code: 0x8000ffff, name: 'UNSUPPORTED_EVENT', count: 1, vmx: null },
  { code: 0xffffffff, name: 'INVALID',       count: 1, vmx: 33 },
] as const satisfies readonly SvmExitCode[];

type SvmExitRow = (typeof SVM_EXIT_CODES)[number];

/** SVM_EXIT.CPUID is 0x72, SVM_EXIT['CR#_WRITE'] + 3 that of CR3_WRITE, and so on for every row. */
export const SVM_EXIT = Object.fromEntries(SVM_EXIT_CODES.map((row) => [row.name, row.code])) as {
  readonly [Row in SvmExitRow as Row['name']]: Row['code'];
};

/** Of an event that SVM does not know: no code of the manual. */
export const NO_EXITCODE = 0xfffffffe;

/** The code of a name, "CR3_WRITE", or null. */
export function svmExitCode(name: string): number | null {
  const rows: readonly SvmExitCode[] = SVM_EXIT_CODES;
  for (const { code, count, name: pattern } of rows) {
    for (let n = 0; n < count; n++) {
      if (pattern.replace('#', n.toString()) === name) return code + n;
    }
  }
  return null;
}

/** The name of an SVM exit code, "CR3_WRITE", or null for a reserved one. */
export function svmExitName(code: number): string | null {
  const rows: readonly SvmExitCode[] = SVM_EXIT_CODES;
  const row = rows.find(({ code: first, count }) => code >= first && code < first + count);
  return row === undefined ? null : row.name.replace('#', (code - row.code).toString());
}

/** KVM_EXIT_* by number. */
// prettier-ignore
export const KVM_EXITS = {
  UNKNOWN: 0, EXCEPTION: 1, IO: 2, HYPERCALL: 3, DEBUG: 4, HLT: 5, MMIO: 6, IRQ_WINDOW_OPEN: 7, SHUTDOWN: 8,
  FAIL_ENTRY: 9, INTR: 10, SET_TPR: 11, TPR_ACCESS: 12, NMI: 16, INTERNAL_ERROR: 17, SYSTEM_EVENT: 24,
  IOAPIC_EOI: 26, HYPERV: 27, X86_RDMSR: 29, X86_WRMSR: 30, DIRTY_RING_FULL: 31, AP_RESET_HOLD: 32,
  X86_BUS_LOCK: 33, XEN: 34, NOTIFY: 37, MEMORY_FAULT: 39,
} as const satisfies { readonly [name: string]: number };
