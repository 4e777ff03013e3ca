/**
 * The log of exits: the last 65,536 of them as they were recorded, and how many there were of each
 * reason since power-on. Adding one is a few stores: rows are numbers in two arrays, since objects that
 * live this long would cost the collector more than the exit itself. Names and texts are made when a row
 * is looked at.
 */
import { exitReason } from './exit-reasons.ts';
import type { RecordedExit } from './vm-exit.ts';

/** Exits that the ring keeps; a power of two. */
export const LOG_CAPACITY = 65536;

/** Words of a row: fields of 32 bits. */
const WORDS = 28;
/** Wider ones: guest-physical address, position and EXITINFO2. */
const WIDE = 3;

export class ExitLog {
  readonly #words = new Uint32Array(LOG_CAPACITY * WORDS);
  readonly #wide = new Float64Array(LOG_CAPACITY * WIDE);
  /** By reason. */
  readonly #counts = new Map<number, number>();
  #next = 0;
  /** First ordinal since the last restart. */
  #start = 0;

  /** Ordinal of the next exit = number of exits since power-on. */
  get total(): number {
    return this.#next;
  }

  /** Exits must come with their ordinals in order. */
  add(exit: RecordedExit): void {
    const slot = exit.ordinal & (LOG_CAPACITY - 1);
    this.#write(exit, slot);
    this.#next = exit.ordinal + 1;
    this.#counts.set(exit.reason, (this.#counts.get(exit.reason) ?? 0) + 1);
  }

  /** Kept exits with ordinal >= `from`, oldest first, at most `limit`. */
  read(from: number, limit: number): readonly RecordedExit[] {
    const rows: RecordedExit[] = [];
    const first = Math.max(from, this.#oldest);
    const last = Math.min(this.#next, first + Math.max(0, limit));
    for (let ordinal = first; ordinal < last; ordinal++) rows.push(this.#read(ordinal));
    return rows;
  }

  /** Exits since power-on by reason name, in the order of the reasons' numbers. */
  countsByName(): { readonly [name: string]: number } {
    const rows = [...this.#counts].sort(([a], [b]) => a - b);
    return Object.fromEntries(
      rows.map(([number, count]) => [exitReason(number)?.name ?? number.toString(), count]),
    );
  }

  /** Counts by reason number, for a snapshot. The ring is not part of the machine's state. */
  savedCounts(): readonly (readonly [number, number])[] {
    return [...this.#counts].sort(([a], [b]) => a - b);
  }

  /** Goes on at `total` with these counts and an empty ring. */
  restart(total: number, counts: readonly (readonly [number, number])[]): void {
    this.#start = total;
    this.#next = total;
    this.#counts.clear();
    for (const [reason, count] of counts) this.#counts.set(reason, count);
  }

  get #oldest(): number {
    return Math.max(this.#start, this.#next - LOG_CAPACITY);
  }

  // prettier-ignore
  #write(exit: RecordedExit, slot: number): void {
    const words = this.#words;
    const at = slot * WORDS;
    words[at]      = exit.reason;
    words[at + 1]  = exit.qualification;
    words[at + 2]  = exit.instructionLength;
    words[at + 3]  = exit.instructionInformation;
    words[at + 4]  = exit.guestLinear;
    words[at + 5]  = exit.interruptionInformation;
    words[at + 6]  = exit.interruptionErrorCode;
    words[at + 7]  = exit.idtVectoringInformation;
    words[at + 8]  = exit.idtVectoringErrorCode;
    words[at + 9]  = exit.operand;
    words[at + 10] = exit.rip;
    words[at + 11] = exit.csBase;
    words[at + 12] = exit.cpl;
    words[at + 13] = exit.eax;
    words[at + 14] = exit.ebx;
    words[at + 15] = exit.ecx;
    words[at + 16] = exit.edx;
    words[at + 17] = exit.esi;
    words[at + 18] = exit.vcpu;
    words[at + 19] = exit.accessSize;
    words[at + 20] = exit.interruptibility;
    words[at + 21] = exit.activity;
    words[at + 22] = exit.pendingDebug;
    words[at + 23] = exit.eflags;
    words[at + 24] = exit.exitCode;
    words[at + 25] = exit.exitInfo1;
    words[at + 26] = exit.exitInfo1High;
    words[at + 27] = exit.nextRip;
    this.#wide[slot * WIDE]     = exit.guestPhysical;
    this.#wide[slot * WIDE + 1] = exit.position;
    this.#wide[slot * WIDE + 2] = exit.exitInfo2;
  }
  // prettier-ignore
  #read(ordinal: number): RecordedExit {
    const slot = ordinal & (LOG_CAPACITY - 1);
    const words = this.#words;
    const at = slot * WORDS;
    return {
      reason:                  words[at],
      qualification:           words[at + 1],
      instructionLength:       words[at + 2],
      instructionInformation:  words[at + 3],
      guestLinear:             words[at + 4],
      interruptionInformation: words[at + 5],
      interruptionErrorCode:   words[at + 6],
      idtVectoringInformation: words[at + 7],
      idtVectoringErrorCode:   words[at + 8],
      operand:                 words[at + 9],
      rip:                     words[at + 10],
      csBase:                  words[at + 11],
      cpl:                     words[at + 12],
      eax:                     words[at + 13],
      ebx:                     words[at + 14],
      ecx:                     words[at + 15],
      edx:                     words[at + 16],
      esi:                     words[at + 17],
      vcpu:                    words[at + 18],
      accessSize:              words[at + 19],
      interruptibility:        words[at + 20],
      activity:                words[at + 21],
      pendingDebug:            words[at + 22],
      eflags:                  words[at + 23],
      exitCode:                words[at + 24],
      exitInfo1:               words[at + 25],
      exitInfo1High:           words[at + 26],
      nextRip:                 words[at + 27],
      guestPhysical:           this.#wide[slot * WIDE],
      position:                this.#wide[slot * WIDE + 1],
      exitInfo2:               this.#wide[slot * WIDE + 2],
      ordinal,
    };
  }
}
