/**
 * A decoded instruction: what the decoder (decoder.ts) hands to the disassembler, to the translator and
 * to the instructions that run in TypeScript. Operand letters are the SDM's (vol. 2, appendix A.2).
 */
import type { SegmentIndex } from '../layout.ts';

export type OperandSize = 1 | 2 | 4 | 6 | 8 | 10 | 14 | 16 | 28 | 94 | 108 | 512;

export interface RegisterOperand {
  readonly kind: 'register';
  /** gpr: general register of `size`; the others by their number. */
  readonly file: 'gpr' | 'segment' | 'control' | 'debug' | 'test' | 'x87' | 'mmx' | 'xmm';
  /** Encoding number; for one-byte gpr 4-7 are AH CH DH BH. */
  readonly number: number;
  readonly size: OperandSize;
}

export interface MemoryOperand {
  readonly kind: 'memory';
  /** Effective segment, override applied. */
  readonly segment: SegmentIndex;
  /** General register number or -1. */
  readonly base: number;
  readonly index: number;
  /** Shift count of the index, 0 to 3. */
  readonly scale: number;
  /** Displacement, sign-extended to 32 bits. */
  readonly displacement: number;
  /** 2 or 4: the effective address is truncated to 16 or 32 bits. */
  readonly addressSize: 2 | 4;
  /** Bytes accessed; 0 where only the address counts (LEA, INVLPG). */
  readonly size: OperandSize | 0;
}

export interface ImmediateOperand {
  readonly kind: 'immediate';
  /**
   * A signed 32-bit value: imm32 as it is, imm8 sign-extended where the SDM says so ("Ibs" in our
   * letters), imm8 and imm16 zero-extended otherwise.
   */
  readonly value: number;
  readonly size: OperandSize;
}

/** Near branch target: the absolute offset in CS, truncated to the operand size. */
export interface RelativeOperand {
  readonly kind: 'relative';
  readonly target: number;
}

/** ptr16:16 or ptr16:32 of far CALL and JMP. */
export interface FarOperand {
  readonly kind: 'far';
  readonly selector: number;
  readonly offset: number;
}

export type Operand =
  RegisterOperand | MemoryOperand | ImmediateOperand | RelativeOperand | FarOperand;

/** One row of the opcode tables (opcodes-*.ts). */
export interface OpcodeRow {
  /** SDM mnemonic in lower case as it is disassembled ("add", "cmovnz", "fld"). */
  readonly mnemonic: string;
  /** Operands in SDM letters, "Eb,Gb", or "". */
  readonly operands: string;
  /**
   * Name of the meaning in cpu/instructions ("add", "jcc"), null: known but not implemented (raises #UD
   * with a stop that names it).
   */
  readonly meaning: string | null;
  /** Condition code 0-15 of Jcc, SETcc, CMOVcc; else undefined. */
  readonly condition?: number;
  /** CPUID feature without which the row raises #UD. */
  readonly feature?: string;
  /** Highest CPL that may execute it; 0 for privileged ones, else undefined. */
  readonly privilege?: 0;
  /** LOCK allowed (with a memory destination). */
  readonly lockable?: true;
  /** May leave the guest: the VMX exit reason's name, for the coverage table. */
  readonly intercept?: string;
}

export interface Instruction {
  readonly row: OpcodeRow;
  /** Offset in CS of the first byte. */
  readonly eip: number;
  /** Bytes, prefixes included, 1 to 15. */
  readonly length: number;
  /** Effective operand size (2 or 4) and address size (2 or 4), prefixes applied. */
  readonly operandSize: 2 | 4;
  readonly addressSize: 2 | 4;
  /** CS.D at decode time, against which the disassembler sees what the prefixes changed. */
  readonly defaultSize: 2 | 4;
  readonly lock: boolean;
  /** REP/REPE 0xf3, REPNE 0xf2, or 0 (also where the prefix is part of the opcode, PAUSE and SSE). */
  readonly repeat: 0 | 0xf2 | 0xf3;
  /** Segment override, else -1 (string instructions need it beside their operands). */
  readonly segmentOverride: SegmentIndex | -1;
  readonly operands: readonly Operand[];
  /** ModRM byte or -1 (x87 and groups). */
  readonly modrm: number;
  /** Opcode bytes without prefixes as a number, 0x90, 0x0fa2. */
  readonly opcode: number;
}

/** What the decoder needs to know of the mode. */
export interface DecodeMode {
  /** CS.D: 2 or 4 as default operand and address size. */
  readonly defaultSize: 2 | 4;
}

/**
 * Returned instead of an instruction. 'bytes': the window ended before the instruction did (the caller
 * fetches more or faults there); 'length': more than 15 bytes, #GP(0); 'undefined': no such opcode or a
 * form the SDM calls invalid, #UD.
 */
export type DecodeFailure = 'bytes' | 'length' | 'undefined';
