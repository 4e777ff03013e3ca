/**
 * Which files of symbols count where the guest is stopped. Programs of different address spaces lie at the
 * same linear addresses; launch.json tells by an expression which file is in the current one. It is
 * evaluated once at each stop, without the names of any such file, and what has no value does not hold.
 * Everything that looks into a file asks GuestImage.isHere, which is decided here alone.
 */
import { isTrue } from '../../emulator/expressions/evaluator.ts';
import type { ParsedExpression } from '../../emulator/expressions/expression.ts';
import { AdapterError, failure } from '../errors.ts';
import type { Guest } from '../guest.ts';
import type { AddressSpace } from '../symbols/address-space.ts';
import type { GuestSymbols } from '../symbols/symbol-files.ts';
import type { SymbolModule } from '../symbols/symbol-module.ts';

/** What a look has found. */
interface SpaceChanges {
  /** Files that count now and did not at the last look, or the other way. */
  readonly changed: readonly SymbolModule[];
  /** A sentence for each expression that has no value, once. */
  readonly problems: readonly string[];
}

export class AddressSpaces {
  private readonly guest: Guest;
  /** Whose spaces are known; null while the guest runs. */
  private known: GuestSymbols | null = null;
  /** Spaces in which the guest was at the last look. */
  private last: ReadonlySet<AddressSpace> = new Set();
  /** Of which was said that their expression has no value. */
  private readonly told = new Set<AddressSpace>();

  constructor(guest: Guest) {
    this.guest = guest;
  }

  /** The guest runs, or its registers or memory were changed. */
  forget(): void {
    this.known = null;
    this.use(new Set());
  }

  /** Finds out in which spaces the guest is, unless that is known. */
  async look(): Promise<SpaceChanges> {
    const { files } = this.guest;
    if (this.known === files) return { changed: [], problems: [] };
    this.use(new Set());
    this.known = files;
    const current = new Set<AddressSpace>();
    const problems: string[] = [];
    for (const space of this.spaces) {
      const problem = await this.problemOf(space, current);
      if (problem === null || this.told.has(space)) continue;
      this.told.add(space);
      problems.push(problem);
    }
    const before = this.last;
    this.last = current;
    this.use(current);
    const changed = files.modules.filter(
      ({ image: { space } }) => space !== null && before.has(space) !== current.has(space),
    );
    return { changed, problems };
  }

  /** Adds a space in which the guest is; gives a sentence where that cannot be told. */
  private async problemOf(space: AddressSpace, current: Set<AddressSpace>): Promise<string | null> {
    try {
      if (isTrue(await this.guest.evaluateParsed(this.conditionOf(space)))) current.add(space);
      return null;
    } catch (cause) {
      if (!(cause instanceof AdapterError)) throw cause;
      return `Whether the guest is in the address space of ${space.attribute} cannot be told: ${cause.message}`;
    }
  }

  /** What a job makes of names as if the guest were in a space: for conditions that are met there. */
  within<Result>(space: AddressSpace, job: () => Result): Result {
    return this.assuming(({ when }) => when === space.when, job);
  }

  /** For the machine; throws the numbered error that names the attribute. */
  conditionOf({ when, attribute }: AddressSpace): ParsedExpression {
    try {
      return this.assuming(
        () => false,
        () => this.guest.parse(when),
      );
    } catch (cause) {
      if (!(cause instanceof AdapterError)) throw cause;
      throw failure('configurationRefused', { attribute, problem: cause.message });
    }
  }

  private assuming<Result>(isCurrent: (space: AddressSpace) => boolean, job: () => Result): Result {
    const before = new Set(this.spaces.filter((space) => space.isCurrent));
    this.use(new Set(this.spaces.filter(isCurrent)));
    try {
      return job();
    } finally {
      this.use(before);
    }
  }

  private get spaces(): readonly AddressSpace[] {
    return this.guest.files.modules.flatMap(({ image }) => image.space ?? []);
  }

  private use(current: ReadonlySet<AddressSpace>): void {
    for (const space of this.spaces) space.isCurrent = current.has(space);
  }
}
