/**
 * Real time for an idle guest. The machine's clock counts instructions, so a guest that waits in HLT for
 * its next timer tick could be taken there at once; a person at its console expects it to wait. The
 * pacer says how long, and holds the average over many short waits, since a host's timers come late.
 */

/** A guest that lags more than this behind is not hurried: it starts anew from now. */
const LARGEST_LAG_MS = 50;

export class Pacer {
  /** Host time (ms) at which the guest's virtual time was `virtual` (ns); null before the first wait. */
  private anchor: { readonly host: number; readonly virtual: number } | null = null;

  /**
   * Milliseconds to wait, from host time `now` (ms), until virtual time `wakeAt` (ns) may be reached by
   * a guest that fell idle at virtual time `time` (ns).
   */
  delay(now: number, time: number, wakeAt: number): number {
    const lag = this.anchor === null ? Infinity : now - this.due(this.anchor, time);
    if (this.anchor === null || lag > LARGEST_LAG_MS || lag < -LARGEST_LAG_MS)
      this.anchor = { host: now, virtual: time };
    return Math.max(0, this.due(this.anchor, wakeAt) - now);
  }

  private due(anchor: { readonly host: number; readonly virtual: number }, time: number): number {
    return anchor.host + (time - anchor.virtual) / 1e6;
  }
}
