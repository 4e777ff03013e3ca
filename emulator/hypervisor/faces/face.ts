/**
 * One event, three faces: the fields of the VMCS (vmx-face.ts) and of the VMCB (svm-face.ts) that record an
 * exit, and the exit that KVM hands to its user-space half (kvm-face.ts). Each is a list of named fields with
 * the place at which the manual or the header keeps them. Made from a recorded exit when somebody looks.
 */

export interface FaceField {
  /** The manual's or the header's name. */
  readonly name: string;
  /** Field encoding "4402h", offset in the VMCB "070h", or member of the structure "io.port". */
  readonly place: string;
  readonly value: string;
  /** What the value says, or "". */
  readonly meaning: string;
}

export interface Face {
  /** "IO_INSTRUCTION (30)", "VMEXIT_IOIO (7Bh)", "KVM_EXIT_IO (2)". */
  readonly title: string;
  /** Empty where the event has no such face. */
  readonly fields: readonly FaceField[];
}

export const hex = (value: number, digits = 8): string =>
  `0x${value.toString(16).padStart(digits, '0')}`;

/** "1 STI, 3 NMI" for the bits that are set. */
export function bitNames(value: number, names: readonly (readonly [number, string])[]): string {
  return names
    .filter(([bit]) => ((value >>> bit) & 1) === 1)
    .map(([bit, name]) => `${String(bit)} ${name}`)
    .join(', ');
}
