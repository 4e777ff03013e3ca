/**
 * The shape of the opcode tables (opcodes-*.ts), after SDM vol. 2, appendix A, and the notation in
 * which they are written. opcode-map.ts expands the lines to rows and builds the decoder's lookup.
 *
 * Encoding column, as in the "Opcode" column of the SDM's instruction pages:
 *   [np|66|f3|f2] bytes [/digit] [o16|o32] [a16|a32]
 *   np        none of the prefixes 66, F3, F2        66 f3 f2   that prefix is part of the opcode
 *   40+r      eight opcodes, low bits are a register (operand letter Z)
 *   70+cc     sixteen opcodes, low bits are a condition; its name is appended to the mnemonic
 *   0f 01 c1  a byte after the opcode is the whole ModRM byte (mod = 3); c0+i stands for eight of them
 *   /digit    the reg field of ModRM
 *   o16 a32   only with this effective operand or address size
 * A more exact line (prefix, then digit) goes before a less exact one for the same bytes.
 *
 * Where the tables leave the manual: Z and Ibs (sign-extended imm8) are spelled out, because the
 * manual says it in footnotes; the x87 memory forms have the names of the instruction pages (m32fp).
 */
import type { OpcodeRow } from './instruction.ts';

/** The columns that most opcodes leave empty. */
export type OpcodeColumns = Pick<OpcodeRow, 'feature' | 'privilege' | 'lockable' | 'intercept'>;

export type OpcodeLine = readonly [
  encoding: string,
  mnemonic: string,
  operands: string,
  meaning: string | null,
  columns?: OpcodeColumns,
];

/** LOCK is allowed when the first operand is in memory. */
export const LOCK = { lockable: true } as const satisfies OpcodeColumns;
/** Port input and output. */
export const IO = { intercept: 'IO_INSTRUCTION' } as const satisfies OpcodeColumns;
/** Far transfers that may reach a task gate or a TSS. */
export const TASK = { intercept: 'TASK_SWITCH' } as const satisfies OpcodeColumns;
/** Raises an exception on purpose. */
export const EXCEPTION = { intercept: 'EXCEPTION_NMI' } as const satisfies OpcodeColumns;
