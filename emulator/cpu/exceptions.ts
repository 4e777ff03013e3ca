/**
 * Which event is delivered when one arises while another is: double and triple faults (SDM vol. 3,
 * 6.15 "Interrupt 8", table 6-5), and what an exception leaves behind in CR2, DR6 and the pushed
 * EFLAGS. The way through the IDT is in interrupts.ts.
 *
 * Every exception is offered to the hypervisor before it changes anything; a second one arising on the
 * way is offered itself, then as #DF, then as a triple fault (26.2).
 */
import { DR6_BD, DR6_FIXED, DR6_WRITABLE, DR7_GD } from './control-registers.ts';
import { enterHandler } from './interrupts.ts';
import * as L from './layout.ts';
import { GuestFault, VECTOR } from './processor.ts';
import type { Processor, VectoredEvent } from './processor.ts';
import { FLAG } from './state.ts';

type FaultClass = 'benign' | 'contributory' | 'page-fault' | 'double-fault';

const CONTRIBUTORY: readonly number[] = [VECTOR.DE, VECTOR.TS, VECTOR.NP, VECTOR.SS, VECTOR.GP];
/** Reported after the instruction, or at no instruction at all. */
const NOT_FAULTS: readonly number[] = [VECTOR.NMI, VECTOR.BP, VECTOR.OF, VECTOR.DF, VECTOR.MC];
/** Longest chain kept; the architecture ends one after five. */
const CHAIN_LIMIT = 8;
/**
 * Exceptions in one chain after which it is taken to be endless: #AC can arise from the delivery of #AC,
 * and processors then never get out of it again. Here it ends like a triple fault.
 */
const ENDLESS = 64;
/** DR6 bits that hold only for the latest #DB. */
const DR6_BREAKPOINTS = 0xf;
const DR6_SINGLE_STEP_OR_TASK = 0xc000;

/** Table 6-4. */
function classOf(vector: number): FaultClass {
  if (vector === VECTOR.DF) return 'double-fault';
  if (vector === VECTOR.PF) return 'page-fault';
  return CONTRIBUTORY.includes(vector) ? 'contributory' : 'benign';
}

/** Table 6-5: the second exception makes a double fault (or, after one, a triple fault). */
function escalates(first: FaultClass, second: FaultClass): boolean {
  if (first === 'benign' || second === 'benign') return false;
  return first !== 'contributory' || second !== 'page-fault';
}

/** What GuestFault says, kept: the processor has only one such object. */
interface RaisedFault {
  readonly vector: number;
  readonly errorCode: number | null;
  readonly qualification: number;
}

/**
 * Delivers an exception that an instruction raised; state.eip is what is pushed: the instruction for a
 * fault, the one after it for a trap.
 * @param interrupted event during whose delivery the exception arose, if a VM exit came between.
 */
export function deliverException(
  cpu: Processor,
  { vector, errorCode, qualification }: GuestFault,
  interrupted: VectoredEvent | null = null,
): void {
  cpu.faultChain.length = interrupted === null ? 0 : cpu.vectoringLinks;
  cpu.vectoring = interrupted;
  const first = interrupted === null ? 'benign' : classOfEvent(interrupted);
  deliverChain(cpu, { vector, errorCode, qualification }, first);
}

/**
 * Delivers an interrupt. INT3 and INTO are 'software-exception', INT1 'privileged-software'.
 * @param nextEip offset that the handler returns to.
 */
export function deliverInterrupt(
  cpu: Processor,
  vector: number,
  type: Exclude<VectoredEvent['type'], 'exception'>,
  nextEip: number,
): void {
  cpu.faultChain.length = 0;
  cpu.vectoringLinks = 0;
  cpu.vectoring = null;
  const ofInstruction = type !== 'external' && type !== 'nmi';
  const length = ofInstruction ? (nextEip - cpu.state.eip) >>> 0 : 0;
  const event: VectoredEvent = { vector, type, errorCode: null, length };
  const exitType = EXCEPTION_TYPE[type];
  if (exitType !== null) {
    const exception = { vector, errorCode: null, type: exitType, qualification: 0 } as const;
    cpu.offer({ kind: 'exception', ...exception }, length);
  }
  deliverEvent(cpu, event, nextEip);
}

/** How an interrupt's type is offered as an exception; null: it is not one. */
const EXCEPTION_TYPE = {
  external: null,
  nmi: 'nmi',
  software: null,
  'software-exception': 'software',
  'privileged-software': 'privileged',
} as const;

/**
 * Delivers an event without offering it: for the first time, or again after an exit interrupted its
 * delivery. state.eip is the instruction at which it arose.
 */
export function deliverEvent(
  cpu: Processor,
  event: VectoredEvent,
  returnEip: number = returnAddress(cpu, event),
): void {
  cpu.vectoring = event;
  cpu.faultChain.length = cpu.vectoringLinks;
  const { state } = cpu;
  if (event.type === 'nmi') state.set(L.NMI, state.get(L.NMI) | L.NMI_STATE.BLOCKED);
  try {
    enter(cpu, event, returnEip);
  } catch (error) {
    if (!(error instanceof GuestFault)) throw error;
    const { vector, errorCode, qualification } = error;
    deliverChain(cpu, { vector, errorCode, qualification }, classOfEvent(event));
  }
  cpu.vectoring = null;
}

/** Software events return after their instruction. */
const returnAddress = ({ state }: Processor, { length }: VectoredEvent): number =>
  (state.eip + length) >>> 0;

const classOfEvent = ({ type, vector }: VectoredEvent): FaultClass =>
  type === 'exception' ? classOf(vector) : 'benign';

/** Delivers `fault`, which arose on the way to an event of class `previous`, and what follows. */
function deliverChain(cpu: Processor, fault: RaisedFault, previous: FaultClass): void {
  let current = fault;
  let before = previous;
  for (let links = 0; ; links++) {
    announce(cpu, current);
    const endless = links === ENDLESS;
    if (endless || escalates(before, classOf(current.vector))) {
      // no exit counts as one during delivery that a double or triple fault makes directly (vol. 3, 28.2.4)
      cpu.vectoring = null;
      if (endless || before === 'double-fault') {
        cpu.offer({ kind: 'triple-fault' }, 0);
        cpu.shutdown();
        return;
      }
      current = { vector: VECTOR.DF, errorCode: 0, qualification: 0 };
      announce(cpu, current);
    }
    const { vector, errorCode } = current;
    const event: VectoredEvent = { vector, type: 'exception', errorCode, length: 0 };
    cpu.vectoring = event;
    cpu.vectoringLinks = cpu.faultChain.length;
    try {
      enter(cpu, event, cpu.state.eip, (current.qualification & DR6_BD) !== 0);
      cpu.vectoring = null;
      return;
    } catch (error) {
      if (!(error instanceof GuestFault)) throw error;
      before = classOf(vector);
      current = {
        vector: error.vector,
        errorCode: error.errorCode,
        qualification: error.qualification,
      };
    }
  }
}

/** Offers an exception; unless it leaves the guest, records it and sets CR2, DR6 and DR7. */
function announce(cpu: Processor, { vector, errorCode, qualification }: RaisedFault): void {
  const { state } = cpu;
  const pushed = state.protectedMode ? errorCode : null;
  const type = isFault(cpu, vector, qualification) ? 'fault' : 'trap';
  // only BOUND raises #BR, and SVM saves where it ends (APM vol. 2, 15.7.1)
  const length = vector === VECTOR.BR ? (cpu.nextEip - state.eip) >>> 0 : 0;
  cpu.offer({ kind: 'exception', vector, errorCode: pushed, type, qualification }, length);
  if (vector === VECTOR.PF) state.setCr(2, qualification >>> 0);
  if (vector === VECTOR.DB) {
    const kept = state.dr(6) & ~DR6_BREAKPOINTS;
    const dr6 = kept | (qualification & DR6_WRITABLE) | DR6_FIXED;
    state.setDr(6, dr6 >>> 0);
    state.setDr(7, (state.dr(7) & ~DR7_GD) >>> 0);
  }
  if (cpu.faultChain.length < CHAIN_LIMIT) {
    cpu.faultChain.push({ vector, errorCode: pushed, eip: state.eip, cr2: state.cr(2) });
  }
}

/** #DB is a fault for an instruction breakpoint and general detect, a trap otherwise (table 17-2). */
function isFault({ state }: Processor, vector: number, dr6: number): boolean {
  if (NOT_FAULTS.includes(vector)) return false;
  if (vector !== VECTOR.DB) return true;
  if ((dr6 & DR6_SINGLE_STEP_OR_TASK) !== 0) return false;
  for (let i = 0; i < 4; i++) {
    const condition = (state.dr(7) >>> (16 + i * 4)) & 3;
    if ((dr6 & (1 << i)) !== 0 && condition !== 0) return false;
  }
  return true;
}

/** Events whose faults on the way have EXT clear: the program asked for them (6.13). */
const PROGRAMMED: readonly VectoredEvent['type'][] = ['software', 'software-exception'];

/** @param generalDetect the event is #DB because of DR7.GD, if it is #DB. */
function enter(
  cpu: Processor,
  event: VectoredEvent,
  returnEip: number,
  generalDetect = false,
): void {
  const { vector, type } = event;
  const programmed = PROGRAMMED.includes(type);
  // RF is set in the pushed image for faults, but not for #DB of an instruction breakpoint (17.3.1.1)
  const resumes =
    type === 'exception' && (vector === VECTOR.DB ? generalDetect : !NOT_FAULTS.includes(vector));
  const flags = cpu.state.eflags | (resumes ? FLAG.RF : 0);
  enterHandler(cpu, {
    vector,
    errorCode: event.errorCode,
    ext: programmed ? 0 : 1,
    checkDpl: programmed,
    returnEip,
    flags,
  });
}
