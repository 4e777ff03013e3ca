/**
 * The VMX face of an exit: the VM-exit information fields of the VMCS (SDM vol. 3, 25.9) and the guest's
 * non-register state that is saved with them (25.4.2), by the manual's names and encodings (appendix B).
 *
 * Not there: I/O RCX, RSI, RDI and RIP (6402h to 6408h), which only SMIs write, and fields of 64-bit guests.
 */
import { VECTOR } from '../../cpu/processor.ts';
import { FLAG } from '../../cpu/state.ts';
import { vectorName } from '../exit-decoders.ts';
import { exitReason, REASON, SVM_ONLY } from '../exit-reasons.ts';
import type { RecordedExit } from '../vm-exit.ts';
import { bitNames, hex } from './face.ts';
import type { Face, FaceField } from './face.ts';

/** Types of interruption and IDT-vectoring information, bits 10:8. */
const TYPES = ['external interrupt', 'reserved', 'NMI', 'hardware exception', 'software interrupt', 'privileged software exception', 'software exception', 'other event'] as const; // prettier-ignore

const HARDWARE_EXCEPTION = 3;
/** Qualification of #DB, table 28-1: general detect. */
const BD = 1 << 13;

function informationText(information: number): string {
  if (information >>> 31 === 0) return 'not valid';
  const type = (information >>> 8) & 7;
  const vector = information & 0xff;
  // below 32 only interrupts are not exceptions
  const name = type === 0 || type === 4 ? `vector ${hex(vector, 2)}` : vectorName(vector);
  const code = ((information >>> 11) & 1) === 1 ? ', error code' : '';
  const unblocked = ((information >>> 12) & 1) === 1 ? ', NMI unblocking due to IRET' : '';
  return `${TYPES[type]} ${name}${code}${unblocked}`;
}

const ACTIVITIES = ['active', 'HLT', 'shutdown', 'wait-for-SIPI'];

/** Table 25-3. */
const INTERRUPTIBILITY = [[0, 'blocking by STI'], [1, 'blocking by MOV SS'], [2, 'blocking by SMI'], [3, 'blocking by NMI']] as const; // prettier-ignore
/** Table 25-4. */
const PENDING_DEBUG = [[0, 'B0'], [1, 'B1'], [2, 'B2'], [3, 'B3'], [12, 'enabled breakpoint'], [14, 'BS']] as const; // prettier-ignore

/** Bits 15:0 the basic reason; 31 of a VM entry that failed (25.9.1). */
export function reasonField(reason: number): number {
  const failed = exitReason(reason)?.group === 'VM-entry failures';
  return failed ? reason + 0x80000000 : reason;
}

/** 17.3.1.1: the flags that a fault pushes have RF set, those of a trap, an abort or an instruction breakpoint do not. */
function setsResumeFlag(information: number, generalDetect: boolean): boolean {
  const vector = information & 0xff;
  if (((information >>> 8) & 7) !== HARDWARE_EXCEPTION) return false;
  if (vector === VECTOR.DB) return generalDetect;
  return vector !== VECTOR.DF && vector !== VECTOR.MC;
}

/** RFLAGS as an exit saves it (28.3.3): RF is that of the image of an event, 1 for EPT's, 0 for instructions. */
export function savedFlags(exit: RecordedExit): number {
  const { reason, eflags, interruptionInformation, idtVectoringInformation } = exit;
  const withResume = (eflags | FLAG.RF) >>> 0;
  switch (reason) {
    case REASON.EXCEPTION_NMI: {
      const generalDetect = (exit.qualification & BD) !== 0;
      return setsResumeFlag(interruptionInformation, generalDetect) ? withResume : eflags;
    }
    case REASON.EPT_VIOLATION:
    case REASON.EPT_MISCONFIGURATION: {
      const alone = idtVectoringInformation === 0;
      return alone || setsResumeFlag(idtVectoringInformation, false) ? withResume : eflags;
    }
    case REASON.TASK_SWITCH:
      return eflags;
    default:
      return exit.instructionLength > 0 ? (eflags & ~FLAG.RF) >>> 0 : eflags;
  }
}

interface Row {
  readonly name: string;
  readonly encoding: string;
  readonly value: (exit: RecordedExit) => number;
  readonly digits?: number;
  readonly meaning?: (exit: RecordedExit) => string;
}

// prettier-ignore
const ROWS: readonly Row[] = [
  { name: 'Exit reason',                          encoding: '4402h', value: (exit) => reasonField(exit.reason),     meaning: ({ reason }) => exitReason(reason)?.name ?? 'reserved' },
  { name: 'Exit qualification',                   encoding: '6400h', value: (exit) => exit.qualification,           meaning: (exit) => exitReason(exit.reason)?.decode.detail(exit) ?? '' },
  { name: 'Guest-linear address',                 encoding: '640Ah', value: (exit) => exit.guestLinear },
  { name: 'Guest-physical address',               encoding: '2400h', value: (exit) => exit.guestPhysical,           digits: 9 },
  { name: 'VM-exit interruption information',     encoding: '4404h', value: (exit) => exit.interruptionInformation, meaning: (exit) => informationText(exit.interruptionInformation) },
  { name: 'VM-exit interruption error code',      encoding: '4406h', value: (exit) => exit.interruptionErrorCode },
  { name: 'IDT-vectoring information',            encoding: '4408h', value: (exit) => exit.idtVectoringInformation, meaning: (exit) => informationText(exit.idtVectoringInformation) },
  { name: 'IDT-vectoring error code',             encoding: '440Ah', value: (exit) => exit.idtVectoringErrorCode },
  { name: 'VM-exit instruction length',           encoding: '440Ch', value: (exit) => exit.instructionLength,       digits: 1 },
  { name: 'VM-exit instruction information',      encoding: '440Eh', value: (exit) => exit.instructionInformation },
  { name: 'Guest RIP',                            encoding: '681Eh', value: (exit) => exit.rip },
  { name: 'Guest RFLAGS',                         encoding: '6820h', value: savedFlags },
  { name: 'Guest CS base',                        encoding: '6808h', value: (exit) => exit.csBase },
  { name: 'Guest interruptibility state',         encoding: '4824h', value: (exit) => exit.interruptibility,        meaning: (exit) => bitNames(exit.interruptibility, INTERRUPTIBILITY) },
  { name: 'Guest activity state',                 encoding: '4826h', value: (exit) => exit.activity,                digits: 1, meaning: (exit) => ACTIVITIES[exit.activity] },
  { name: 'Guest pending debug exceptions',       encoding: '6822h', value: (exit) => exit.pendingDebug,            meaning: (exit) => bitNames(exit.pendingDebug, PENDING_DEBUG) },
];

function fieldOf({ name, encoding, value, digits, meaning }: Row, exit: RecordedExit): FaceField {
  return {
    name,
    place: encoding,
    value: hex(value(exit), digits ?? 8),
    meaning: meaning?.(exit) ?? '',
  };
}

/** What a VMCS records of the event. */
export function vmxFace(exit: RecordedExit): Face {
  if (exit.reason >= SVM_ONLY) return { title: 'no exit reason of VMX', fields: [] };
  const name = exitReason(exit.reason)?.name ?? 'reserved';
  return {
    title: `${name} (${String(exit.reason)})`,
    fields: ROWS.map((row) => fieldOf(row, exit)),
  };
}
