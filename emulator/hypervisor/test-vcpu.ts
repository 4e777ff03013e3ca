/**
 * For tests only: a vCPU without a CPU. It has a real state block and RAM, and writes down in `calls`
 * what the hypervisor made it do.
 */
import type { CpuModel } from '../cpu/cpu-model.ts';
import * as L from '../cpu/layout.ts';
import type { Platform } from '../cpu/platform.ts';
import { CpuState, FLAG } from '../cpu/state.ts';
import type { HostPaging } from './host-paging.ts';
import { ExitWitness } from './exit-witness.ts';
import type { GuestProcessor, GuestVcpu, InjectedException } from './vcpu.ts';

/** Says for each leaf which one it is; leaf 0xd is the highest basic one. */
const MODEL: CpuModel = {
  name: 'test',
  features: new Set(),
  cpuid: (leaf, subleaf) => ({ eax: leaf === 0 ? 0xd : leaf, ebx: subleaf, ecx: 5, edx: 6 }),
};

export class TestVcpu implements GuestVcpu {
  readonly calls: string[] = [];
  readonly state = new CpuState(new ArrayBuffer(L.VCPU_BLOCK), 0);
  readonly ram = new Uint8Array(0x4000);
  /** Vectors that wait in the interrupt controller. */
  readonly interrupts: number[] = [];
  /** STI or MOV SS blocks. */
  shadow = false;
  readonly index = 0;
  readonly witness = new ExitWitness();
  retired = 0;
  readonly processor: GuestProcessor;

  constructor() {
    const platform: Platform = {
      readPort: () => 0,
      writePort: () => undefined,
      readDevice: () => 0,
      writeDevice: () => undefined,
      interruptPending: () => this.interrupts.length > 0,
      pendingVector: () => this.interrupts[0] ?? 0xff,
      acknowledgeInterrupt: () => this.interrupts.shift() ?? 0xff,
      now: () => this.retired,
    };
    this.processor = {
      state: this.state,
      platform,
      model: MODEL,
      vectoring: null,
      faultChain: [],
      halt: () => {
        this.state.set(L.ACTIVITY, 1);
        this.calls.push('halt');
      },
      shutdown: () => {
        this.state.set(L.ACTIVITY, 2);
        this.calls.push('shutdown');
      },
    };
    this.state.eflags = FLAG.IF;
    this.state.eip = 0x1000;
  }

  /** AX CX DX BX and SI. */
  setRegisters(eax: number, ecx = 0, edx = 0, ebx = 0, esi = 0): void {
    [eax, ecx, edx, ebx].forEach((value, number) => this.state.setGpr(number, 4, value));
    this.state.setGpr(6, 4, esi);
  }

  emulateInstruction(): void {
    this.retired++;
    this.witness.emulated();
    this.calls.push('emulate');
  }
  skipInstruction(length: number): void {
    this.state.eip += length;
    this.shadow = false;
    this.retired++;
    this.witness.emulated();
    this.calls.push(`skip ${length}`);
  }
  injectException({ vector, errorCode, type, qualification, length }: InjectedException): void {
    this.witness.injected(vector, errorCode);
    this.calls.push(`exception ${vector} ${errorCode ?? '-'} ${type} ${qualification} ${length}`);
  }
  instructionBytes(length: number): Uint8Array {
    return new Uint8Array(length);
  }
  redeliver(): void {
    this.witness.redelivered();
    this.calls.push('redeliver');
  }
  injectInterrupt(vector: number): void {
    this.state.systemFlags &= ~FLAG.IF;
    this.state.set(L.ACTIVITY, 0);
    this.witness.interrupted(vector);
    this.calls.push(`interrupt ${vector}`);
  }
  interruptibility(): number {
    return this.shadow ? 1 : 0;
  }
  pendingDebug(): number {
    return 0;
  }
  nmiUnblocked(): boolean {
    return false;
  }
  readonly held = false;
  watchesInterrupt(): boolean {
    return false;
  }
  hostPaging: HostPaging | null = null;
  awaitPage(address: number): void {
    this.calls.push(`await 0x${address.toString(16)}`);
  }
  interruptible(): boolean {
    return (this.state.systemFlags & FLAG.IF) !== 0 && !this.shadow;
  }
  inShadow(): boolean {
    return this.shadow;
  }
  initialize(): void {
    this.calls.push('initialize');
  }
  startUp(vector: number): void {
    this.calls.push(`start up ${vector}`);
  }

  readPhysical(address: number, length: number): Uint8Array | null {
    this.witness.touched();
    if (!(address >= 0 && address + length <= this.ram.length)) return null;
    return this.ram.slice(address, address + length);
  }
  writePhysical(address: number, bytes: Uint8Array): boolean {
    this.witness.touched();
    if (!(address >= 0 && address + bytes.length <= this.ram.length)) return false;
    this.ram.set(bytes, address);
    return true;
  }
}
