/**
 * The guests of a server: each has a number and a name from its launch to its end, belongs to one session
 * at most, and waits here while it belongs to none. When the server ends, so do they.
 */
import { failure } from '../errors.ts';
import type { Fate, GuestKnowledge, TakenGuest } from './parked-guest.ts';
import { ParkedGuest } from './parked-guest.ts';
import type { ReleasedWorker } from './machine-client.ts';
import type { Scheduler } from '../host/scheduler.ts';

/** Guests at once, waiting or not: each may hold some gigabytes. */
export const MOST_GUESTS = 16;

/** A guest's place at the server, in the hands of the session that it belongs to. */
export interface GuestPlace {
  /** The session leaves the guest behind. */
  park(worker: ReleasedWorker, knowledge: GuestKnowledge, fate: Fate): void;
  /** The guest has ended. */
  leave(): void;
}

interface Row {
  readonly id: number;
  readonly name: string;
  /** Null while a session has it. */
  parked: ParkedGuest | null;
}

export class GuestLot {
  /** Whether guests whose clients vanish without a word wait here too; else they end. */
  readonly keepsAbandoned: boolean;
  private readonly scheduler: Scheduler;
  private readonly rows = new Map<number, Row>();
  private nextId = 1;
  private closed = false;

  constructor(scheduler: Scheduler, keepsAbandoned = false) {
    this.scheduler = scheduler;
    this.keepsAbandoned = keepsAbandoned;
  }

  /** How many guests wait for a client. */
  get waiting(): number {
    return this.all((row) => row.parked !== null).length;
  }

  /** A guest is launched; throws the numbered error when there are too many. */
  enter(name: string): GuestPlace {
    if (this.rows.size >= MOST_GUESTS)
      throw failure('tooManyGuests', { limit: String(MOST_GUESTS), guests: this.listed() });
    const row: Row = { id: this.nextId++, name, parked: null };
    this.rows.set(row.id, row);
    return this.placeOf(row);
  }

  /**
   * Takes over a guest that waits: by its number, by its name, or the only one. It is at rest then.
   * Throws the numbered error when there is none, more than one, or when it is another client's.
   */
  async claim(
    wanted: string | number | undefined,
  ): Promise<TakenGuest & { readonly place: GuestPlace }> {
    const row = this.find(wanted);
    const { parked } = row;
    if (parked === null) throw failure('guestInUse', { guest: titleOf(row) });
    row.parked = null;
    const taken = await parked.take();
    if (typeof taken === 'string')
      throw failure('guestEnded', { guest: titleOf(row), problem: taken });
    return { ...taken, place: this.placeOf(row) };
  }

  /** Ends all guests that wait, and from now on whoever would begin to. */
  close(): void {
    this.closed = true;
    for (const { parked } of this.rows.values()) parked?.dispose();
    this.rows.clear();
  }

  private find(wanted: string | number | undefined): Row {
    const meant = (row: Row): boolean =>
      wanted === undefined || row.id === Number(wanted) || row.name === wanted;
    const waiting = this.all((row) => meant(row) && row.parked !== null);
    if (waiting.length > 1) throw failure('guestAmbiguous', { guests: this.listed(meant) });
    // one that is in use is only meant if it is named
    const [row = wanted === undefined ? undefined : this.all(meant)[0]] = waiting;
    if (row !== undefined) return row;
    const others = this.rows.size === 0 ? '' : `, only ${this.listed()}`;
    if (wanted === undefined || this.rows.size === 0) throw failure('noGuestWaits', { others });
    const guest = typeof wanted === 'number' ? String(wanted) : `"${wanted}"`;
    throw failure('guestUnknown', { guest, others: this.listed() });
  }

  private placeOf(row: Row): GuestPlace {
    const leave = (): void => void this.rows.delete(row.id);
    return {
      leave,
      park: (worker, knowledge, fate) => {
        const parked = new ParkedGuest(worker, knowledge, fate, this.scheduler, leave);
        if (this.closed) parked.dispose();
        else row.parked = parked;
      },
    };
  }

  private all(which: (row: Row) => boolean = () => true): readonly Row[] {
    return [...this.rows.values()].filter(which);
  }

  /** `1 "Boot Linux" (waits), 2 "Story" (in use)`. */
  private listed(which?: (row: Row) => boolean): string {
    return this.all(which)
      .map((row) => `${titleOf(row)} (${row.parked === null ? 'in use' : 'waits'})`)
      .join(', ');
  }
}

function titleOf({ id, name }: Row): string {
  return `${id} "${name}"`;
}
