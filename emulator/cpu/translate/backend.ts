/**
 * What the meaning of an instruction (cpu/instructions) asks of the tier that it is emitted for. The
 * interpreter tier answers from a decoded record at run time (interpreter-backend.ts); a compiled tier
 * answers with constants and locals. Values on the WebAssembly stack are i32; operands narrower than
 * 32 bits are zero-extended.
 */
import type { FunctionBody, Local } from '../../wasm/assembler.ts';

/** 16-bit and 8-bit values live in the low bits of an i32. */
export type Size = 1 | 2 | 4;

export interface Backend {
  readonly body: FunctionBody;
  /** Size of operand `n` in bytes. */
  size(n: number): Size;
  /** A local that nobody else uses within this instruction. */
  temp(): Local;
  temp64(): Local;

  /** Pushes operand `n`. */
  read(n: number): void;
  /** Pushes operand `n`, which write(n) will replace: a memory operand is checked for writing. */
  readForWrite(n: number): void;
  /** Stores a local to operand `n`; its upper bits do not matter. Call it before any other state changes. */
  write(n: number, value: Local): void;
  /** True for a memory operand. */
  isMemory(n: number): boolean;
  /** True for an immediate operand. */
  isImmediate(n: number): boolean;
  /** Pushes the offset of memory operand `n` in its segment. */
  offset(n: number): void;
  /** Adds the value on the stack to the address of memory operand `n` in the following accesses. */
  displace(n: number): void;
  /** Pushes the immediate operand, or a branch's target. */
  immediate(): void;

  /** Fixed general registers, by number; size 1 means AL CL DL BL AH CH DH BH. */
  getRegister(number: number, size: Size): void;
  /** Takes the value from the stack. */
  setRegister(number: number, size: Size): void;
  /** A word of the state block (layout.ts). */
  getState(offset: number): void;
  setState(offset: number, value: () => void): void;

  /** FLAGS_RESULT and FLAGS_AUX (layout.ts). */
  getFlagResult(): void;
  getFlagAux(): void;
  setFlags(result: (() => void) | null, aux: (() => void) | null): void;

  /** Stack accesses of the block's stack mode. `depth` bytes from the stack pointer's top. */
  pushStack(size: 2 | 4, value: Local): void;
  /** Pushes the value at the top of the stack, moved by `displacement` bytes; changes no register. */
  peekStack(size: 2 | 4, displacement: number): void;
  /** Adds `bytes` (constant) or the value pushed by a function to the stack pointer. */
  addToStackPointer(bytes: number | (() => void)): void;
  /** Stack pointer masked to the stack's address size, and setting it. */
  getStackPointer(): void;
  setStackPointer(value: Local): void;
  /** Loads from SS at the offset in a local, stores a local there. */
  readStackAt(offset: Local, size: 2 | 4): void;
  writeStackAt(offset: Local, size: 2 | 4, value: Local): void;

  /** String operands: the offset is in a local; segment is the record's for `source`, ES for `destination`. */
  readString(which: 'source' | 'destination', offset: Local, size: Size): void;
  writeString(offset: Local, size: Size, value: Local): void;
  /**
   * Pushes the number of elements (0: none) that may be moved at once with host addresses in `source`
   * and `destination`; for movs and stos.
   */
  bulk(parts: {
    readonly size: Size;
    readonly count: Local;
    readonly source: { readonly offset: Local; readonly host: Local } | null;
    readonly destination: { readonly offset: Local; readonly host: Local };
  }): void;

  // SIMD: vectors are v128 on the WebAssembly stack and in locals

  tempVector(): Local;
  /** Raises #UD or #NM where XMM registers may not be used (CR0.EM, CR4.OSFXSR, CR0.TS). */
  requireXmm(): void;
  /** The same for MMX registers (CR0.EM, CR0.TS), and waits for an error of the x87 unit. */
  requireMmx(): void;
  /** Waits for an error of the x87 unit: #MF. */
  waitForError(): void;
  /** All x87 registers become valid and TOP 0, or all empty. */
  enterMmx(): void;
  leaveMmx(): void;
  clearTop(): void;
  operandKind(n: number): 'xmm' | 'mmx' | 'memory' | 'other';
  /**
   * Pushes operand `n`, an XMM, MMX or doubleword register or memory of 4, 8 or 16 bytes, with zeros above
   * it. 16 bytes of memory must be aligned, unless `aligned` is false.
   */
  readVector(n: number, aligned?: boolean): void;
  /** Stores the low bytes of a local to operand `n`, which may be memory. */
  writeVector(n: number, value: Local, aligned?: boolean): void;
  /** The word of register operand `n` whose number is in the bits `mask` of the immediate. */
  readLane16(n: number, mask: number): void;
  writeLane16(n: number, mask: number, value: Local): void;
  /** Pushes the low word of a general register, or a word in memory. */
  readWord(n: number): void;

  /** Pushes the time-stamp counter, an i64; only while layout NATIVE has RDTSC. */
  timestamp(): void;

  /** Pushes the EIP of this instruction and of the next one. */
  eip(): void;
  nextEip(): void;

  /** Raises an exception without error code (-1) or with one; nothing after it runs. */
  raise(vector: number, errorCode: number): void;
  /** Hands the instruction to its TypeScript form. */
  assist(): void;

  /** No interrupt is taken at the boundary after this instruction (STI). */
  inhibitInterrupts(): void;

  /** #GP(0) when the offset that is pushed lies beyond the limit of CS; before any state changes. */
  checkTarget(pushTarget: () => void): void;

  /** Ends of an instruction: exactly one of these on every path. */
  next(): void;
  /** Goes to the static target (the immediate operand), which has been checked. */
  jumpStatic(): void;
  /** A two-way branch on the stack's condition: target, which is checked here, or next. */
  branch(): void;
  /** Jumps to the EIP on the stack. */
  jumpDynamic(): void;
  /** Like next(), but the boundary after it is looked at when an event is pending. */
  nextWithEventCheck(): void;
  /** End of a block without a branch: goes on at the immediate, which no instruction jumped to. */
  continueAtTarget(): void;
  stopAtBreakpoint(): void;
  stopAfterStep(): void;
  /** The instruction is to run again from its start (a long string operation), as a boundary. */
  again(): void;
}
