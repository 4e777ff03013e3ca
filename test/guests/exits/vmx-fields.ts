/**
 * Every field of every exit under VMX, as rows beside the cases that make the exits: the bytes of the
 * instruction at RIP, and each field of SDM vol. 3, 28.2 "Recording VM-exit information" and 25.4.2 "Guest
 * non-register state" that is not 0. What the manual leaves undefined for a reason is 0 on this machine. Values
 * follow from the guest's source by the tables that `manual` names; reasons that have no guest are not here
 * (exit-reasons.ts says why).
 */
import { REASON } from '../../../emulator/hypervisor/exit-reasons.ts';
import type { RecordedExit } from '../../../emulator/hypervisor/vm-exit.ts';

/** The fields that are compared, each absent one with 0. */
export const VMX_FIELDS = [
  'qualification', 'instructionLength', 'instructionInformation', 'guestLinear', 'guestPhysical',
  'interruptionInformation', 'interruptionErrorCode', 'idtVectoringInformation', 'idtVectoringErrorCode',
  'interruptibility', 'activity', 'pendingDebug',
] as const satisfies readonly (keyof RecordedExit)[]; // prettier-ignore
type Field = (typeof VMX_FIELDS)[number];
export type VmxFields = { readonly [name in Field]?: number };

/** Reasons that no instruction asks for: their length is 0 unless the row has one (28.2.5). */
export const EVENT_REASONS: readonly number[] = [
  REASON.EXCEPTION_NMI, REASON.EXTERNAL_INTERRUPT, REASON.TRIPLE_FAULT, REASON.INIT, REASON.SIPI,
  REASON.INTERRUPT_WINDOW, REASON.NMI_WINDOW, REASON.VMENTRY_FAILURE_GUEST_STATE, REASON.MONITOR_TRAP_FLAG,
  REASON.EPT_VIOLATION, REASON.EPT_MISCONFIGURATION, REASON.VMX_PREEMPTION_TIMER_EXPIRED,
]; // prettier-ignore

export interface ProvenExit {
  /** What lies at CS:RIP, up to the end of that instruction. Empty: no memory of the guest's image. */
  readonly bytes: string;
  readonly fields: VmxFields;
  /** It is between instructions, where the guest without exits has taken the event already. */
  readonly isBetween?: boolean;
}
export interface ProvenCase {
  /** Name of the case whose exits these are, all of them. */
  readonly of: string;
  readonly manual: string;
  readonly exits: readonly ProvenExit[];
  /** Which of them save RFLAGS with RF set (28.3.3): faults, and EPT's exits but for the delivery of other events. */
  readonly resuming?: readonly number[];
  /** Why the guest without exits is not at the same place after as many instructions; absent: it is. */
  readonly moves?: string;
}

const exit = (bytes: string, fields: VmxFields = {}): ProvenExit => ({ bytes, fields });
const between = (proven: ProvenExit): ProvenExit => ({ ...proven, isBetween: true });
const all = (...bytes: readonly string[]): readonly ProvenExit[] => bytes.map((each) => exit(each));

/** Exit qualification of control-register accesses, table 28-3: 5:4 access type, 11:8 general register. */
const FROM_CR = 1 << 4;
const CLTS = 2 << 4;
const LMSW = 3 << 4;
const LMSW_MEMORY = 1 << 6;
const gpr = (number: number): number => number << 8;
const source = (value: number): number => value << 16;
/** Of debug-register accesses, table 28-4. */
const FROM_DR = 1 << 4;
/** Of I/O instructions, table 28-5: 2:0 size - 1, 3 IN, 4 string, 5 REP, 6 immediate, 31:16 port. */
const IN = 1 << 3;
const STRING = 1 << 4;
const REP = 1 << 5;
const IMMEDIATE = 1 << 6;
const port = (number: number, bits: number): number => ((number << 16) | bits) >>> 0;
/** Of EPT violations, table 28-7: the linear address valid (7), the access to its translation (8), NMI unblocking (12). */
const READ = 1 | (1 << 7) | (1 << 8);
const WRITE = 2 | (1 << 7) | (1 << 8);
const UNBLOCKED = 1 << 12;
/** Of #DB, table 28-1. */
const BS = 1 << 14;

/** Instruction information, tables 28-8 to 28-14. */
const A32 = 1 << 7;
const REGISTER = 1 << 10;
const O32 = 1 << 11;
const NO_INDEX = 1 << 22;
const NO_BASE = 1 << 27;
const ABSOLUTE = NO_INDEX | NO_BASE;
const [ES, SS, DS] = [0 << 15, 2 << 15, 3 << 15];
const [EAX, ECX, EDX, EBX, EBP, ESI, EDI] = [0, 1, 2, 3, 5, 6, 7];
const scaled = (index: number, scale: number): number => (index << 18) | scale;
const base = (number: number): number => number << 23;
/** Bits 29:28 of tables 28-10 and 28-11, and the second register of 28-9 and 28-14. */
const last = (number: number): number => number << 28;
const [SGDT, SIDT, LGDT, LIDT] = [last(0), last(1), last(2), last(3)];
const [SLDT, STR, LLDT, LTR] = [SGDT, SIDT, LGDT, LIDT];
const reg1 = (number: number): number => REGISTER | (number << 3);
const table = (bytes: string, qualification: number, information: number): ProvenExit =>
  exit(bytes, { qualification, instructionInformation: information >>> 0 });
/** An instruction of VMX with the operand [6000h] and, where it has one, EAX. */
const absolute = (bytes: string): ProvenExit => table(bytes, 0x6000, A32 | DS | ABSOLUTE);

/** Interruption information, 25.9.2: 10:8 type, 11 error code valid, 31 valid. */
const VALID = 0x80000000;
const ERROR_CODE = 1 << 11;
const NMI = VALID + (2 << 8) + 2;
const hard = (vector: number): number => VALID + (3 << 8) + vector;
const soft = (vector: number): number => VALID + (6 << 8) + vector;
const exception = (bytes: string, interruptionInformation: number, fields: VmxFields = {}) =>
  exit(bytes, { interruptionInformation, ...fields });
const pageFault = (bytes: string, qualification: number, interruptionErrorCode: number) =>
  exception(bytes, hard(14) + ERROR_CODE, { qualification, interruptionErrorCode });

const outside = (bytes: string, qualification: number, address: number, fields: VmxFields = {}) =>
  exit(bytes, { qualification, guestLinear: address, guestPhysical: address, ...fields });
const NOWHERE = 0xe0001000;
/** The first push of a delivery to NOWHERE. */
const pushes = (bytes: string, idtVectoringInformation: number, instructionLength = 0, fields: VmxFields = {}) =>
  outside(bytes, WRITE, NOWHERE - 4, { idtVectoringInformation, instructionLength, ...fields }); // prettier-ignore

/** Activity states, 25.4.2. */
const HLT = 1;
const WAIT_FOR_SIPI = 3;

// prettier-ignore
export const VMX_PROOFS: readonly ProvenCase[] = [
  { of: 'CPUID', manual: '28.2.5', exits: all('0fa2', '0fa2') },
  { of: 'HLT', manual: '28.2.5; 25.4.2: active, as HLT has not been executed', exits: all('f4') },
  { of: 'INVD', manual: '28.2.5', exits: all('0f08') },
  { of: 'WBINVD', manual: '28.2.5', exits: all('0f09', '3e0f09') },
  { of: 'INVLPG', manual: '28.2.1: the linear address', exits: [exit('0f013d78563412', { qualification: 0x12345678 }), exit('0f017b10', { qualification: 0xfffff010 })] },
  { of: 'RDPMC', manual: '28.2.5', exits: all('0f33', '0f33') },
  { of: 'RDTSC', manual: '28.2.5', exits: all('0f31', '3e0f31') },
  { of: 'RDTSCP', manual: '28.2.5', moves: 'EAX has the time, which exits take', exits: all('0f31', '3e0f31', '0f01f9') },
  { of: 'PAUSE', manual: '28.2.5', exits: all('f390', 'f390', '2ef390') },
  { of: 'PAUSE-loop exiting', manual: '28.2.5', exits: all('f390', 'f390') },
  { of: 'VMCALL', manual: '28.2.5', exits: all('0f01c1', '0f01d9') },
  { of: 'VMX instructions', manual: '28.2.1: the displacement; tables 28-9, 28-13, 28-14',
    exits: [
      absolute('660fc73500600000'), exit('0f01c2'), absolute('0fc73500600000'), absolute('0fc73d00600000'), absolute('0f780500600000'),
      exit('0f01c3'), absolute('0f790500600000'), exit('0f01c4'), absolute('f30fc73500600000'), absolute('660f38800500600000'), absolute('660f38810500600000'),
    ] },
  { of: 'CR3-load and CR3-store exiting', manual: 'table 28-3',
    exits: [
      ...['0f22d8', '0f22d8', '0f22d8'].map((bytes) => exit(bytes, { qualification: 3 | gpr(EAX) })),
      exit('0f22df', { qualification: 3 | gpr(EDI) }), exit('0f20db', { qualification: 3 | FROM_CR | gpr(EBX) }),
    ] },
  { of: 'Every bit of CR0 and CR4', manual: 'table 28-3; 28.2.1 for the linear address of LMSW',
    exits: [
      exit('0f22c0'), exit('0f22c0'), exit('0f06', { qualification: CLTS }), exit('0f01f0', { qualification: LMSW | source(0x1b) }),
      exit('0f013500600000', { qualification: LMSW | LMSW_MEMORY | source(1), guestLinear: 0x6000 }),
      exit('0f22e0', { qualification: 4 }), exit('0f22c0'), exit('0f22e0', { qualification: 4 }),
    ] },
  { of: 'MOV-DR exiting', manual: 'table 28-4',
    exits: [
      exit('0f23c0'), exit('0f21c3', { qualification: 0 | FROM_DR | gpr(EBX) }), exit('0f21f1', { qualification: 6 | FROM_DR | gpr(ECX) }),
      exit('0f21fa', { qualification: 7 | FROM_DR | gpr(EDX) }), exit('0f23fa', { qualification: 7 | gpr(EDX) }),
    ] },
  { of: 'Unconditional I/O exiting', manual: 'tables 28-5 and 28-8; 28.2.1 for the linear address',
    exits: [
      exit('e480', { qualification: port(0x80, IN | IMMEDIATE) }), exit('66e580', { qualification: port(0x80, 1 | IN | IMMEDIATE) }),
      exit('e580', { qualification: port(0x80, 3 | IN | IMMEDIATE) }), exit('e680', { qualification: port(0x80, IMMEDIATE) }),
      exit('ec', { qualification: port(0x2f8, IN) }),
      exit('6c', { qualification: port(0x2f8, IN | STRING), instructionInformation: A32, guestLinear: 0x6000 }),
      exit('f36d', { qualification: port(0x2f8, 3 | IN | STRING | REP), instructionInformation: A32, guestLinear: 0x6001 }),
      exit('666f', { qualification: port(0x2f8, 1 | STRING), instructionInformation: A32 | DS, guestLinear: 0x6000 }),
      exit('26f36e', { qualification: port(0x2f8, STRING | REP), instructionInformation: A32 | ES, guestLinear: 0x6002 }),
      exit('ed', { qualification: port(0xffff, 3 | IN) }), exit('ec', { qualification: port(0xffff, IN) }),
    ] },
  { of: 'RDMSR', manual: '28.2.5', exits: all('0f32', '0f32', '0f32', '0f32', '0f30') },
  { of: 'WRMSR', manual: '28.2.5', exits: all('0f30', '0f32', '0f30') },
  { of: 'Descriptor-table exiting', manual: '28.2.1: the displacement; tables 28-10 and 28-11',
    exits: [
      table('0f0116307c', 0x7c30, DS | ABSOLUTE | LGDT), table('0f011d6f7c0000', 0x7c6f, A32 | O32 | DS | ABSOLUTE | LIDT),
      table('0f010500600000', 0x6000, A32 | O32 | DS | ABSOLUTE | SGDT), table('0f011500600000', 0x6000, A32 | O32 | DS | ABSOLUTE | LGDT),
      table('0f010d08600000', 0x6008, A32 | O32 | DS | ABSOLUTE | SIDT), table('0f011d08600000', 0x6008, A32 | O32 | DS | ABSOLUTE | LIDT),
      table('660f00c0', 0, reg1(EAX) | SLDT), table('0f00d0', 0, reg1(EAX) | LLDT), table('660f00cb', 0, reg1(EBX) | STR), table('0f00d9', 0, reg1(ECX) | LTR),
    ] },
  { of: 'Operands in instruction information and qualification', manual: '28.2.1: the displacement; tables 28-9 to 28-14',
    exits: [
      table('0f0116307c', 0x7c30, DS | ABSOLUTE | LGDT), table('0f011d6f7c0000', 0x7c6f, A32 | O32 | DS | ABSOLUTE | LIDT),
      table('0f0144b310', 0x10, A32 | O32 | DS | scaled(ESI, 2) | base(EBX) | SGDT), table('0f010500600000', 0x6000, A32 | O32 | DS | ABSOLUTE | SGDT),
      table('260f010b', 0, A32 | O32 | ES | NO_INDEX | base(EBX) | SIDT), table('670f014010', 0x10, O32 | DS | scaled(ESI, 0) | base(EBX) | SGDT),
      table('660f010500600000', 0x6000, A32 | DS | ABSOLUTE | SGDT), table('0f004bfc', 0xfffffffc, A32 | DS | NO_INDEX | base(EBX) | STR),
      table('0f00c1', 0, reg1(ECX) | SLDT), table('0f78bc7300010000', 0x100, A32 | DS | scaled(ESI, 1) | base(EBX) | last(EDI)),
      table('0f79c8', 0, reg1(EAX) | last(ECX)), table('0fc77508', 8, A32 | SS | NO_INDEX | base(EBP)),
      table('660f388033', 0, A32 | DS | NO_INDEX | base(EBX) | last(ESI)),
    ] },
  { of: 'RDRAND exiting', manual: 'table 28-12: 6:3 the register, 12:11 its size', exits: [exit('0fc7f3', { instructionInformation: EBX << 3 | 1 << 11 }), exit('660fc7f1', { instructionInformation: ECX << 3 })] },
  { of: 'RDSEED exiting', manual: 'table 28-12', exits: [exit('0fc7fa', { instructionInformation: EDX << 3 | 1 << 11 })] },
  { of: 'MONITOR exiting, before the check of its hints', manual: '28.2.5', exits: all('0f01c8', '0f01c8') },
  { of: 'MWAIT exiting', manual: '28.2.1: whether an address range is monitored', exits: [exit('0f01c9', { qualification: 1 }), exit('0f01c9')] },
  { of: 'Exceptions', manual: '28.2.2, table 25-18; table 28-1; 28.2.5 for INT3, INT1 and INTO',
    resuming: [0, 1, 5, 7], exits: [
      exception('f7f1', hard(0)), exception('0f0b', hard(6)), exception('cc', soft(3), { instructionLength: 1 }),
      exception('f1', VALID + (5 << 8) + 1, { instructionLength: 1 }), exception('ce', soft(4), { instructionLength: 1 }),
      exception('8ee1', hard(13) + ERROR_CODE, { interruptionErrorCode: 0x28 }),
      between(exception('0f20c0', hard(1), { qualification: BS })), exception('d9d0', hard(7)),
    ] },
  { of: 'All page faults by the exception bitmap', manual: '28.2.1: the linear address; 28.2.2',
    resuming: [0, 1, 2], exits: [pageFault('a100004000', 0x400000, 0), pageFault('a304004000', 0x400004, 2), pageFault('a308008000', 0x800008, 3)] },
  { of: 'NMI exiting', manual: '28.2.2', exits: [exception('90', NMI), between(exception('90', NMI))] },
  { of: 'Virtual NMIs: the second leaves although the guest handles the first, and waits for its window', manual: '28.2.2; table 25-3: bit 3 is the virtual blocking',
    exits: [exception('90', NMI), exception('90', NMI, { interruptibility: 8 }), between(exit('90'))] },
  { of: 'Faults in the delivery of events', manual: '28.2.4, 28.2.5',
    resuming: [0, 1, 2], exits: [
      exception('cd41', hard(13) + ERROR_CODE, { interruptionErrorCode: 0x41 << 3 | 2, idtVectoringInformation: VALID + (4 << 8) + 0x41, instructionLength: 2 }),
      exception('0f0b', hard(13) + ERROR_CODE, { interruptionErrorCode: 6 << 3 | 3, idtVectoringInformation: hard(6) }),
      exception('8ee1', hard(13) + ERROR_CODE, { interruptionErrorCode: 0x28 }),
    ] },
  { of: 'A double fault, which is no exit during delivery', manual: '28.2.4', exits: [exception('8ee1', hard(8) + ERROR_CODE)] },
  { of: 'External-interrupt exiting and interrupt window', manual: '28.2.2: not acknowledged, not valid', exits: [exit('90'), between(exit('90'))] },
  { of: 'Acknowledge interrupt on exit', manual: '28.2.2', exits: [exception('90', VALID + 0x40), between(exit('90'))] },
  { of: 'Task switches', manual: 'table 28-2: 15:0 selector, 31:30 source; 28.2.5',
    exits: [exit('9a000000002000', { qualification: 0x20 }), exit('cf', { qualification: (1 << 30) | 0x18 })] },
  { of: 'Triple fault', manual: '28.2.4: no exit during delivery; 28.2.5', exits: all('0f0b') },
  { of: 'EPT violations of devices and holes', manual: 'table 28-7: 5:3 clear, nothing is mapped; 28.2.1',
    resuming: [0, 1, 2, 3], exits: [
      outside('a10000c0fe', READ, 0xfec00000), outside('c7050000c0fe01000000', WRITE, 0xfec00000),
      outside('8b1d1000c0fe', READ, 0xfec00010), outside('8a0d000000e0', READ, 0xe0000000),
    ] },
  { of: 'EPT misconfiguration: device pages are marked when they have been touched', manual: '28.2.1: a guest-physical address alone',
    resuming: [0, 1, 2, 3], exits: [
      outside('a10000c0fe', READ, 0xfec00000), exit('c7050000c0fe01000000', { guestPhysical: 0xfec00000 }),
      exit('8b1d1000c0fe', { guestPhysical: 0xfec00010 }), outside('8a0d000000e0', READ, 0xe0000000),
    ] },
  { of: 'Delivery that an EPT violation interrupts', manual: '28.2.4, table 25-19; 28.2.5; 28.2.1 "NMI unblocking due to IRET"',
    resuming: [3, 4, 5, 6, 8, 9, 11, 12], exits: [
      pushes('cd40', VALID + (4 << 8) + 0x40, 2), pushes('cc', soft(3), 1), pushes('f1', VALID + (5 << 8) + 1, 1), pushes('0f0b', hard(6)),
      pushes('8ee1', hard(13) + ERROR_CODE, 0, { idtVectoringErrorCode: 0x28 }),
      outside('c7051003e0fe00000000', WRITE, 0xfee00310), outside('c7050003e0fe41400400', WRITE, 0xfee00300), between(pushes('90', VALID + 0x41)),
      outside('c705b000e0fe00000000', WRITE, 0xfee000b0), outside('c7050003e0fe00040000', WRITE, 0xfee00300), between(pushes('90', NMI, 0, { interruptibility: 8 })),
      outside('cf', READ | UNBLOCKED, NOWHERE), outside('cf', READ, NOWHERE),
    ] },
  { of: 'Interruptibility and pending debug exceptions', manual: 'tables 25-3 and 25-4; 28.3.4',
    exits: [
      exit('0fa2'), exit('0fa2', { interruptibility: 1 }), exit('0fa2', { interruptibility: 2 }),
      exit('0fa2', { interruptibility: 2, pendingDebug: 1 | 1 << 12 }),
    ] },
  { of: 'VMX-preemption timer', manual: '28.2', exits: all('b87c7c0000', 'b87c7c0000') },
  { of: 'Monitor trap flag: after every instruction and delivery', manual: '26.5.2; 25.4.2: after HLT its activity',
    exits: [...all('40', 'c7068000127c', '8c0e8200', 'cd20', 'cf', 'fa', 'f4'), between(exit('cf', { activity: HLT }))] },
  { of: 'INIT, where the processor does not wait for a start-up, and SIPI, where it does', manual: '28.2.1: the vector; 25.4.2',
    moves: 'they are another processor\'s',
    exits: [exit('', { qualification: 8, activity: WAIT_FOR_SIPI }), exit('ebfc'), exit('', { qualification: 8, activity: WAIT_FOR_SIPI })] },
  { of: 'VM entry of a guest that must be restricted and has no paging', manual: '27.8: none but the reason and the qualification', exits: all('fa') },
];
