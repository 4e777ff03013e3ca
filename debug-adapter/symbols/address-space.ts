/**
 * An address space of the guest that files of symbols belong to: those of a user program, beside which
 * other programs run at the same linear addresses. launch.json tells by an expression whether the guest is
 * in it; address-spaces.ts finds out at each stop. A file of every address space has none of these.
 */
export class AddressSpace {
  /** "when" of launch.json. */
  readonly when: string;
  /** The attribute that it stands in: `symbols[1].when`. */
  readonly attribute: string;
  /** The guest is in it, as far as it is known: false while it runs. */
  isCurrent = false;

  constructor(when: string, attribute: string) {
    this.when = when;
    this.attribute = attribute;
  }
}

/** Where code is: a linear address, and the address space that alone is meant, null for all. */
export interface CodePlace {
  readonly address: number;
  readonly space: AddressSpace | null;
}
