/**
 * Exits over time: how many there were of each reason in each stretch of retired instructions since
 * power-on. The number of stretches is bounded; when they are used up, each two become one of double
 * length. So a run of any length is seen as a whole.
 */
import { REASON_SLOTS } from './reason-slots.ts';

/** Stretches kept. */
export const RATE_BUCKETS = 256;
/** Instructions of a stretch at power-on. */
export const FIRST_WIDTH = 65_536;

/** Plain values: one row of [slot of the reason, count] for each stretch up to the last one with exits. */
export interface ExitRateState {
  readonly width: number;
  readonly buckets: readonly (readonly (readonly [reason: number, count: number])[])[];
}

export class ExitRate {
  readonly #counts = new Float64Array(RATE_BUCKETS * REASON_SLOTS);
  /** Instructions of a stretch. */
  #width = FIRST_WIDTH;
  /** Stretches up to the last one with exits. */
  #used = 0;

  /** @param position retired instructions. @param reason its slot */
  add(position: number, reason: number): void {
    let bucket = Math.floor(position / this.#width);
    while (bucket >= RATE_BUCKETS) {
      this.#merge();
      bucket = Math.floor(position / this.#width);
    }
    this.#counts[bucket * REASON_SLOTS + reason]++;
    if (bucket >= this.#used) this.#used = bucket + 1;
  }

  state(): ExitRateState {
    const buckets = Array.from({ length: this.#used }, (_, bucket) => {
      const row = this.#counts.subarray(bucket * REASON_SLOTS, (bucket + 1) * REASON_SLOTS);
      return Array.from(row, (count, reason) => [reason, count] as const).filter(
        ([, count]) => count > 0,
      );
    });
    return { width: this.#width, buckets };
  }
  restore({ width, buckets }: ExitRateState): void {
    this.#counts.fill(0);
    this.#width = width;
    this.#used = buckets.length;
    for (const [bucket, row] of buckets.entries()) {
      for (const [reason, count] of row) this.#counts[bucket * REASON_SLOTS + reason] = count;
    }
  }

  #merge(): void {
    const counts = this.#counts;
    for (let bucket = 0; bucket < RATE_BUCKETS; bucket++) {
      for (let reason = 0; reason < REASON_SLOTS; reason++) {
        const from = bucket * REASON_SLOTS + reason;
        const count = counts[from];
        counts[from] = 0;
        counts[(bucket >> 1) * REASON_SLOTS + reason] += count;
      }
    }
    this.#width *= 2;
    this.#used = (this.#used + 1) >> 1;
  }
}
