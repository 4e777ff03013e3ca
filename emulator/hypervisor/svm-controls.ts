/**
 * The control area of a VMCB as far as it decides which events leave the guest (AMD APM vol. 2, 15.9 to
 * 15.13 and appendix B, "Layout of VMCB"), beside the fields of a VMCS in execution-controls.ts: a
 * hypervisor has one of the two by the processor that it runs on. The decision itself is in svm-intercepts.ts.
 *
 * The intercept vectors are kept as one run of bits, since the manual numbers them so: the bit of an
 * intercept is its EXITCODE. What has no effect here is left out: ASID and TLB control, LBR and VMSAVE
 * virtualization, AVIC, encrypted state.
 */
import { SVM_EXIT } from './svm-exit-codes.ts';

/** Bytes of the I/O permissions map (15.10.1): a bit per port, and three for accesses that pass the end. */
export const IOPM_BYTES = 0x3000;
/** Bytes of the MSR permissions map (15.11): two bits per register, reads below writes. */
export const MSRPM_BYTES = 0x2000;

export interface SvmControls {
  /** VMCB offsets 000h to 014h: CR reads and writes, DR reads and writes, exceptions, three words of others. */
  readonly intercepts: Uint32Array;
  readonly iopm: Uint8Array;
  readonly msrpm: Uint8Array;
  /** 03Eh and 03Ch: how many PAUSEs pass before one leaves, and the TSC ticks after which counting begins anew. */
  pauseFilterCount: number;
  pauseFilterThreshold: number;
  /** V_INTR_MASKING (060h bit 24): the guest's RFLAGS.IF does not mask physical interrupts. */
  virtualInterruptMasking: boolean;
  /** V_IRQ (060h bit 8): a virtual interrupt waits; with the VINTR intercept, the wish for a window. */
  virtualInterrupt: boolean;
  /** NP_ENABLE (090h bit 0). */
  nestedPaging: boolean;
}

/** Controls under which nothing leaves. */
export function noSvmControls(): SvmControls {
  return {
    intercepts: new Uint32Array(6),
    iopm: new Uint8Array(IOPM_BYTES),
    msrpm: new Uint8Array(MSRPM_BYTES),
    pauseFilterCount: 0,
    pauseFilterThreshold: 0,
    virtualInterruptMasking: false,
    virtualInterrupt: false,
    nestedPaging: false,
  };
}

/** Whether the intercept of an exit code below C0h is on. */
export function intercepts(controls: SvmControls, code: number): boolean {
  return ((controls.intercepts[code >> 5] >>> (code & 31)) & 1) === 1;
}

/** Turns the intercepts of exit codes on or off: `SVM_EXIT.HLT`, `SVM_EXIT['CR#_WRITE'] + 3`. */
export function setIntercepts(controls: SvmControls, on: boolean, ...codes: number[]): void {
  for (const code of codes) {
    if (code < 0 || code >= controls.intercepts.length * 32) {
      throw new RangeError(`SVM exit code 0x${code.toString(16)} has no intercept bit`);
    }
    if (on) controls.intercepts[code >> 5] |= 1 << (code & 31);
    else controls.intercepts[code >> 5] &= ~(1 << (code & 31));
  }
}

/** First registers of the three ranges of the MSR permissions map, 2000h each; 800h bytes of map. */
const MSR_RANGES = [0, 0xc0000000, 0xc0010000] as const;

/** Number of the register's bit for reads in the MSR permissions map, or -1 where it has none. */
function msrBit(index: number, write: boolean): number {
  const range = MSR_RANGES.findIndex((first) => index >= first && index < first + 0x2000);
  if (range < 0) return -1;
  return range * 0x4000 + (index & 0x1fff) * 2 + (write ? 1 : 0);
}

/** Whether the MSR permissions map has bits for a register. */
export const isInMsrMap = (index: number): boolean => msrBit(index, false) >= 0;

/** Lets reads or writes of a register leave, or not, while MSR_PROT is intercepted. */
export function setMsrIntercept(
  { msrpm }: SvmControls,
  index: number,
  write: boolean,
  on: boolean,
): void {
  const bit = msrBit(index, write);
  if (bit < 0)
    throw new RangeError(`MSR 0x${index.toString(16)} is outside the MSR permissions map`);
  if (on) msrpm[bit >> 3] |= 1 << (bit & 7);
  else msrpm[bit >> 3] &= ~(1 << (bit & 7));
}

/** 15.11: registers outside the map always leave. */
export function msrIntercepted(controls: SvmControls, index: number, write: boolean): boolean {
  if (!intercepts(controls, SVM_EXIT.MSR)) return false;
  const bit = msrBit(index, write);
  return bit < 0 || ((controls.msrpm[bit >> 3] >> (bit & 7)) & 1) === 1;
}

/** 15.10.1: an access leaves if any of its bytes' bits is set, those past port FFFFh included. */
export function ioIntercepted(controls: SvmControls, port: number, size: number): boolean {
  if (!intercepts(controls, SVM_EXIT.IOIO)) return false;
  for (let each = port; each < port + size; each++) {
    if ((controls.iopm[each >> 3] & (1 << (each & 7))) !== 0) return true;
  }
  return false;
}
