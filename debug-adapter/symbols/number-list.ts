/** Lists of unsigned 32-bit numbers that grow, for tables with a kernel's hundreds of thousands of rows. */

export class NumberList {
  length = 0;
  private numbers = new Uint32Array(1024);

  push(number: number): number {
    if (this.length === this.numbers.length) {
      const larger = new Uint32Array(2 * this.length);
      larger.set(this.numbers);
      this.numbers = larger;
    }
    this.numbers[this.length] = number;
    return this.length++;
  }

  /** 0 behind the end. */
  at(index: number): number {
    return this.numbers[index] ?? 0;
  }

  set(index: number, number: number): void {
    this.numbers[index] = number;
  }

  /** A copy without room to grow. */
  finished(): Uint32Array {
    return this.numbers.slice(0, this.length);
  }
}

/** Values by group, each group's together in the order in which they came. */
export interface Grouped {
  /** Where the values of a group begin; one more for the end of the last. */
  readonly first: Uint32Array;
  readonly values: Uint32Array;
}

/** @param groups the group, below `count`, of each value */
export function grouped(count: number, groups: NumberList, values: NumberList): Grouped {
  const first = new Uint32Array(count + 1);
  for (let index = 0; index < groups.length; index++) {
    const next = groups.at(index) + 1;
    first[next] = (first[next] ?? 0) + 1;
  }
  for (let group = 0; group < count; group++)
    first[group + 1] = (first[group + 1] ?? 0) + (first[group] ?? 0);
  const free = first.slice();
  const placed = new Uint32Array(values.length);
  for (let index = 0; index < groups.length; index++) {
    const at = free[groups.at(index)] ?? 0;
    free[groups.at(index)] = at + 1;
    placed[at] = values.at(index);
  }
  return { first, values: placed };
}
