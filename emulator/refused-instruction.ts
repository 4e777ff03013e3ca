/**
 * An instruction that is known but not implemented: the machine stops at it and names it. When the guest
 * goes on and the instruction is still there, it gets #UD; a debugger may have put another in its place.
 */
import type { MachineStop } from './machine-stop.ts';
import type { MachineVcpu } from './machine-vcpu.ts';

export class RefusedInstruction {
  readonly vcpu: MachineVcpu;
  readonly stop: MachineStop;
  readonly #linearEip: number;
  readonly #bytes: Uint8Array;

  /** @param vcpu that has just met it */
  constructor(vcpu: MachineVcpu) {
    this.vcpu = vcpu;
    const { linearEip, memory, unimplementedInstruction } = vcpu.cpu;
    const { text, bytes } = unimplementedInstruction ?? { text: '', bytes: '' };
    this.stop = { kind: 'unimplemented', instruction: text, bytes };
    this.#linearEip = linearEip;
    this.#bytes = memory.readBytesPeek(linearEip, bytes.split(' ').length);
  }

  /** #UD, unless another instruction is next by now. */
  raise(): void {
    if (this.#isNext()) this.vcpu.cpu.raiseUndefined();
  }
  #isNext(): boolean {
    const { linearEip, memory } = this.vcpu.cpu;
    if (linearEip !== this.#linearEip) return false;
    const now = memory.readBytesPeek(linearEip, this.#bytes.length);
    return now.length === this.#bytes.length && now.every((byte, at) => byte === this.#bytes[at]);
  }
}
