/**
 * The one place that says where a vCPU's state lies in the machine's WebAssembly memory. TypeScript
 * views (state.ts) and the emitters (translate/) both take their offsets from here. All offsets are in
 * bytes from the start of the vCPU's block; register slots are eight bytes so that 64-bit mode needs
 * no new layout. Guest RAM and the translation caches follow the block (memory-map.ts).
 */

/** General registers in encoding order, AX CX DX BX SP BP SI DI (R8-R15 reserved), 8 bytes each. */
export const GPR = 0x000;
/** Instruction pointer of the next instruction, exact whenever TypeScript runs. */
export const RIP = 0x080;
/** EFLAGS without the six arithmetic flags, which live in FLAGS_RESULT and FLAGS_AUX. */
export const EFLAGS_SYSTEM = 0x088;
/**
 * Arithmetic flags, evaluated when read: RESULT is the last result sign-extended to 32 bits.
 *   ZF = RESULT == 0                      CF = AUX bit 31
 *   SF = RESULT bit 31 ^ AUX bit 0        OF = AUX bit 31 ^ AUX bit 30
 *   PF = even parity of (RESULT ^ AUX>>8) & 0xff     AF = AUX bit 3
 */
export const FLAGS_RESULT = 0x08c;
export const FLAGS_AUX = 0x090;
/** Eight bytes that are always zero: the "no base" and "no index" register of effective addresses. */
export const ZERO = 0x098;

/** Run control between the interpreter tier and TypeScript. */
/** Instructions left until the interpreter must return, counted down at block ends. */
export const FUEL = 0x0a0;
/** Why the interpreter returned: an ExitCode of translate/exit-code.ts. */
export const EXIT = 0x0a4;
/** Address of the record at which the interpreter returned or called out. */
export const RECORD = 0x0a8;
/** Nonzero after a slow memory access that must not complete here: a SlowOutcome. */
export const SLOW = 0x0ac;
/** Address of a link field that the next translated block is to be stored to, or 0. */
export const LINK = 0x0b0;
/** Current generation of the jump cache; entries of older generations are dead. */
export const JUMP_GENERATION = 0x0b4;
/** Nonzero: STI, POPF and IRET that set IF return to TypeScript, an interrupt waits. */
export const EVENT_PENDING = 0x0b8;
/** Value of FUEL at the boundary where interrupts are inhibited by STI or MOV SS; else a value below 0. */
export const SHADOW_FUEL = 0x0bc;
/** Byte offset, in wasm memory, of the data TLB of the current privilege (user or supervisor). */
export const TLB = 0x0c0;
/** 0, 1, 2 or 3. */
export const CPL = 0x0c4;
/** Result words of the page walk in wasm. */
export const WALK_PHYS = 0x0c8;
export const WALK_ERROR = 0x0cc;
/** Page walk's view of the control registers: see paging.ts. */
export const WALK_MODE = 0x0d0;
/** Bytes of guest RAM reachable by the inline page walk. */
export const RAM_SIZE = 0x0d4;
/** Number of entries in the lists of filled TLB slots. */
export const TLB_FILLED = 0x0d8;
export const TLB_FILLED_GLOBAL = 0x0dc;
/** 64-bit result slot for emitted helpers. */
export const RESULT64 = 0x0e0;

/**
 * Segment register caches, 32 bytes each, in the order of SEGMENT:
 * +0 selector u16, +4 access rights u32 (VMX format, SDM vol. 3, 25.4.1), +8 base u64, +16 limit u32
 * (in bytes, G applied), +20 lowest valid offset u32, +24 highest valid offset u32, +28 ability u32
 * (bit 0 readable, 1 writable, 2 executable; 0 when unusable).
 */
export const SEGMENTS = 0x100;
export const SEGMENT_SIZE = 32;
export const SEG_SELECTOR = 0;
export const SEG_RIGHTS = 4;
export const SEG_BASE = 8;
export const SEG_LIMIT = 16;
export const SEG_LOW = 20;
export const SEG_HIGH = 24;
export const SEG_ABILITY = 28;
/** Segment registers by their encoding (SDM vol. 2, 3.1.1.3 "Sreg"), then LDTR and TR. */
export const SEGMENT = { ES: 0, CS: 1, SS: 2, DS: 3, FS: 4, GS: 5, LDTR: 6, TR: 7 } as const;
export type SegmentIndex = (typeof SEGMENT)[keyof typeof SEGMENT];

/** Descriptor-table registers: base u64, limit u32 at +8. */
export const GDTR = 0x200;
export const IDTR = 0x210;
/** Control registers CR0-CR4, CR8, 8 bytes each, at CR + 8 * number. */
export const CR = 0x220;
/** Debug registers DR0-DR7, 8 bytes each. */
export const DR = 0x270;
export const EFER = 0x2b0;
export const SYSENTER_CS = 0x2b8;
export const SYSENTER_ESP = 0x2c0;
export const SYSENTER_EIP = 0x2c8;
/** Added to the machine's ticks to give the guest's TSC (signed 64-bit). */
export const TSC_OFFSET = 0x2d0;
export const APIC_BASE = 0x2d8;
export const PAT = 0x2e0;
/** 0 running, 1 halted (HLT), 2 shut down (triple fault), 3 waiting for a start-up interrupt. */
export const ACTIVITY = 0x2e8;
/** NATIVE_INSTRUCTION bits: emitted code executes them without asking, since they cannot leave the guest. */
export const NATIVE = 0x2ec;
export const NATIVE_INSTRUCTION = { RDTSC: 1, PAUSE: 2 } as const;
/** What the TSC will show when FUEL reaches zero, 64 bits; kept while RDTSC is native. */
export const TSC_BASE = 0x2f0;
/** DR6 bits of the enabled breakpoints on data; not 0: their pages stay out of the TLB. */
export const DATA_BREAKPOINTS = 0x2f8;
/** Non-maskable interrupts: NMI_STATE bits. */
export const NMI = 0x2fc;
/** BLOCKED from the delivery of one to the next IRET (SDM vol. 3, 6.7.1). */
export const NMI_STATE = { PENDING: 1, BLOCKED: 2 } as const;

/** x87: eight physical registers of 16 bytes (10 used), then the control words (SDM vol. 1, 8.1). */
export const FPU_REGISTERS = 0x300;
export const FPU_CONTROL = 0x380; // u16
export const FPU_STATUS = 0x382; // u16, TOP included
export const FPU_TAGS = 0x384; // u16, two bits each: 3 is empty, anything else is not
export const FPU_OPCODE = 0x386; // u16
export const FPU_IP = 0x388; // u32
export const FPU_CS = 0x38c; // u16
export const FPU_DP = 0x390; // u32
export const FPU_DS = 0x394; // u16
export const MXCSR = 0x398;
export const XMM = 0x400; // 16 × 16 bytes

/** PAE page-directory-pointer entries, 4 × u64, loaded with CR3 (SDM vol. 3, 4.4.1). */
export const PDPTE = 0x500;
/** Physical address bits 32 and up of the last page walk; not 0: outside guest RAM. */
export const WALK_PHYS_HIGH = 0x520;
/** What the last successful walk allows, for the TLB: see paging.ts. */
export const WALK_FLAGS = 0x524;
/** Vector of an exception raised in emitted code with EXIT = exception, and its error code or -1. */
export const RAISED_VECTOR = 0x528;
export const RAISED_ERROR = 0x52c;
/** Nonzero: MONITOR has been executed, with neither MWAIT nor a VM exit since. */
export const MONITOR_ARMED = 0x5ec;
/** What SVM asks of instructions, INTERCEPTED_INSTRUCTION bits: to be offered, CHECKS_FIRST in its order. */
export const INTERCEPTED = 0x5f0;
export const INTERCEPTED_INSTRUCTION = { PUSHF: 1, POPF: 2, IRET: 4, INT: 8, SMSW: 16, CHECKS_FIRST: 32 } as const; // prettier-ignore
/** Nonzero: a debugger watches accesses to data (watchpoints.ts). */
export const WATCHING = 0x5f4;
/** A memory operand of 8 or 16 bytes on its way (LinearMemory.readVector and writeVector). */
export const VECTOR_OPERAND = 0x530;
/** The lanes of a SIMD instruction's result before it is known whether it may be written, 16 bytes. */
export const VECTOR_RESULT = 0x540;
/** Nonzero: the MMX instruction that waits for an error of the x87 unit need not wait any longer. */
export const ERROR_AWAITED = 0x550;
/** Accesses for which code of the compiled tier found nothing in the TLB, modulo 2^32. */
export const COMPILED_MISSES = 0x554;
/** Where a hypervisor's shadow of the guest's tables begins: 4 words as PAE's pointer entries (paging.ts). */
export const SHADOW_ROOTS = 0x5c0;
/** Nonzero: INIT# was asserted while the processor ran; it takes effect at the next boundary. */
export const INIT = 0x5f8;

/** Model-specific registers that are only stored, 8 bytes each, in the order of msrs.ts. */
export const MSRS = 0x600;

/** IA32_TSC_AUX, which RDTSCP gives, and IA32_TSC_ADJUST (64 bits each). */
export const TSC_AUX = 0x7e0;
export const TSC_ADJUST = 0x7e8;

/** State of the random numbers of RDRAND and RDSEED. */
export const RANDOM = 0x7f0;
/** MWAIT is waiting: MONITOR_WAITS, 0: it is not. While it does, ACTIVITY is that of HLT. */
export const MONITOR_WAIT = 0x7f4;
export const MONITOR_WAITS = { UNMASKED: 1, ALSO_MASKED: 2 } as const;
/** Linear address of the line that MONITOR saw, and its 64 bytes then. */
export const MONITOR_LINE = 0x7f8;
export const MONITOR_BYTES = 0x800;

/** Bytes reserved for one vCPU's block. */
export const VCPU_BLOCK = 0x1000;
