/**
 * Many lists over one set of numbered slots, each slot in at most one of them: for a page which entries
 * lead to it. Adding and removing cost the same whatever a guest does, and memory is what it was made
 * with.
 */
const NONE = -1;

export class SlotLists {
  readonly #first: Int32Array;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;

  /** @param lists and @param slots how many of each */
  constructor(lists: number, slots: number) {
    this.#first = new Int32Array(lists).fill(NONE);
    this.#next = new Int32Array(slots);
    this.#previous = new Int32Array(slots);
  }

  /** A slot of the list, the one added last, or -1. */
  first(list: number): number {
    return this.#first[list];
  }
  add(list: number, slot: number): void {
    const next = this.#first[list];
    this.#next[slot] = next;
    this.#previous[slot] = NONE;
    if (next !== NONE) this.#previous[next] = slot;
    this.#first[list] = slot;
  }
  /** The slot is in the list. */
  remove(list: number, slot: number): void {
    const next = this.#next[slot];
    const previous = this.#previous[slot];
    if (next !== NONE) this.#previous[next] = previous;
    if (previous === NONE) this.#first[list] = next;
    else this.#next[previous] = next;
  }
  /** The slots of a list, the one added last first. */
  slots(list: number): readonly number[] {
    const slots: number[] = [];
    for (let slot = this.#first[list]; slot !== NONE; slot = this.#next[slot]) slots.push(slot);
    return slots;
  }
  clear(): void {
    this.#first.fill(NONE);
  }
}
