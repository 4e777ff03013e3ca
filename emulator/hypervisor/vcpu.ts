/**
 * The vCPU as the hypervisor sees it between a VM exit and the next VM entry: what a handler in exits/
 * may do to the guest. Implemented over the CPU by the machine. Everything here takes effect at once;
 * there is no VM-entry event-injection field that is read later (SDM vol. 3, 25.8.3), since exit and
 * entry are the same host thread.
 */
import type { Outsider } from '../memory/outsider.ts';
import type { Processor } from '../cpu/processor.ts';
import type { HostPaging } from './host-paging.ts';
import type { ExitWitness } from './exit-witness.ts';

/** An event that the hypervisor puts into the guest, SDM vol. 3, 25.8.3 "VM-entry controls for event injection". */
export interface InjectedException {
  readonly vector: number;
  /** null: the exception pushes none. */
  readonly errorCode: number | null;
  /** As in GuestEvent: 'software' and 'privileged' push the address after the instruction. */
  readonly type: 'fault' | 'trap' | 'software' | 'privileged' | 'nmi';
  /** Linear address for #PF (becomes CR2), DR6 bits for #DB, else 0. */
  readonly qualification: number;
  /** Bytes of INT3, INTO or INT1, else 0. */
  readonly length: number;
}

/** Guest RAM by guest-physical address, for structures whose address a guest chose. */
export interface GuestMemory {
  /** A copy of `length` bytes, or null unless all of them are RAM. Any number is a valid question. */
  readPhysical(address: number, length: number): Uint8Array | null;
  /** All of the bytes or, when not all of them would be RAM, none: false. */
  writePhysical(address: number, bytes: Uint8Array, by: Outsider): boolean;
}

/** As much of the processor as the hypervisor touches. */
export type GuestProcessor = Pick<
  Processor,
  'state' | 'platform' | 'model' | 'vectoring' | 'faultChain' | 'halt' | 'shutdown'
>;

/** None of the methods throws; a triple fault on the way is offered to the hook, which then holds it. */
export interface GuestVcpu extends GuestMemory {
  readonly processor: GuestProcessor;
  /** Its number, from 0. */
  readonly index: number;
  /** Instructions that all vCPUs have retired since power-on. */
  readonly retired: number;
  /** Notes whatever of the following is done to it. */
  readonly witness: ExitWitness;

  /**
   * Executes the instruction at CS:EIP (one iteration, if it repeats) natively, as if the exit hook had
   * declined everything but a triple fault. Counts as retired. A fault of it is delivered to the guest.
   */
  emulateInstruction(): void;
  /**
   * Ends the instruction at CS:EIP as if it had done nothing: EIP moves over `length` bytes, the interrupt
   * shadow ends, RF clears, one instruction retires, and with TF set the single-step #DB follows.
   */
  skipInstruction(length: number): void;
  /**
   * Delivers the event natively, the exit hook declining it, and combines it with an event whose
   * delivery the exit had interrupted (processor.vectoring) as SDM vol. 3, table 6-5 says.
   */
  injectException(event: InjectedException): void;
  /** Bytes at CS:EIP, at most `length`; fewer where the guest maps no more memory. */
  instructionBytes(length: number): Uint8Array;
  /** Delivers again, natively, the event whose delivery the exit had interrupted. */
  redeliver(): void;
  /** Delivers an external interrupt; wakes a halted processor. Only when interruptible(). */
  injectInterrupt(vector: number): void;
  /** What blocks events at CS:EIP, as bits of the guest's interruptibility state (table 25-3). */
  interruptibility(): number;
  /** Debug exceptions that MOV SS holds back at CS:EIP, as bits of table 25-4, else 0. */
  pendingDebug(): number;
  /** The instruction at CS:EIP is an IRET that has been begun and has ended the blocking of NMIs. */
  nmiUnblocked(): boolean;
  /**
   * A debugger has stopped before an event on the way of what was just done: nothing of that is committed,
   * and it must be done anew.
   */
  readonly held: boolean;
  /** A debugger stops before the interrupt that is acknowledged next. */
  watchesInterrupt(): boolean;
  /** RFLAGS.IF is 1 and neither STI nor MOV SS blocks (SDM vol. 3, 25.4.2). */
  interruptible(): boolean;
  /** Which guest pages the host has paged out; null: none ever. */
  readonly hostPaging: HostPaging | null;
  /** Lets time pass until the page around a guest-physical address, which is under way, has come in. */
  awaitPage(address: number): void;
  /** STI or MOV SS blocks at this boundary. */
  inShadow(): boolean;
  /** INIT: the state of SDM vol. 3, table 10-1, and the wait for a start-up interrupt where it is due. */
  initialize(): void;
  /** Start-up interrupt with this vector, for one that waits for it. */
  startUp(vector: number): void;
}
