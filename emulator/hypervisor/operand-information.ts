/**
 * VM-exit instruction information (SDM vol. 3, 28.2.5, tables 28-8 to 28-14): how an instruction that leaves
 * names its operand, for a hypervisor that must find it without decoding; and the displacement that goes
 * with it in the exit qualification (28.2.1).
 *
 * In all tables: 1:0 scaling, 6:3 register operand ("Reg1") where bit 10 is set, 9:7 address size, 17:15
 * segment, 21:18 index and 22 "none", 26:23 base and 27 "none", 31:28 second register ("Reg2"). What a table
 * leaves undefined is 0 here.
 */
import type { Instruction, MemoryOperand, Operand } from '../cpu/decode/instruction.ts';

/** Address size, bits 9:7. */
const ADDRESS_SIZE = { 2: 0, 4: 1 << 7 } as const;
const IS_REGISTER = 1 << 10;
const NO_INDEX = 1 << 22;
const NO_BASE = 1 << 27;

function memoryForm({ base, index, scale, segment, addressSize }: MemoryOperand): number {
  const indexForm = index < 0 ? NO_INDEX : (index << 18) | scale;
  const baseForm = base < 0 ? NO_BASE : base << 23;
  return ADDRESS_SIZE[addressSize] | (segment << 15) | indexForm | baseForm;
}

/** The operand that ModRM.r/m names. */
function addressedForm(operand: Operand | undefined): number {
  if (operand?.kind === 'memory') return memoryForm(operand);
  return operand?.kind === 'register' ? IS_REGISTER | (operand.number << 3) : 0;
}

/** Instructions whose first operand is the one that ModRM.reg names. */
const REGISTER_FIRST = ['vmwrite', 'invept', 'invvpid', 'invpcid'];
const ALSO_A_REGISTER = [...REGISTER_FIRST, 'vmread'];

/** Tables 28-9 (INVEPT, INVVPID), 28-13 (VMCLEAR, VMPTRLD, VMPTRST, VMXON) and 28-14 (VMREAD, VMWRITE). */
export function vmxInstructionInformation({ row, operands }: Instruction): number {
  const { mnemonic } = row;
  if (operands.length === 0) return 0;
  const registerFirst = REGISTER_FIRST.includes(mnemonic);
  const addressed = addressedForm(operands[registerFirst ? 1 : 0]);
  if (!ALSO_A_REGISTER.includes(mnemonic)) return addressed;
  const other = operands[registerFirst ? 0 : 1];
  return (addressed | (other.kind === 'register' ? other.number << 28 : 0)) >>> 0;
}

/** Table 28-10: SGDT, SIDT, LGDT, LIDT; bit 11 is the operand size. */
export function tableInstructionInformation(
  { operands, operandSize }: Instruction,
  identity: number,
): number {
  return addressedForm(operands[0]) | (operandSize === 4 ? 1 << 11 : 0) | (identity << 28);
}

/** Table 28-11: SLDT, STR, LLDT, LTR. */
export function selectorInstructionInformation(
  { operands }: Instruction,
  identity: number,
): number {
  return addressedForm(operands[0]) | (identity << 28);
}

/** Table 28-12: RDRAND, RDSEED; 6:3 the destination, 12:11 its size (16 or 32 bits). */
export function randomInstructionInformation(register: number, size: number): number {
  return (register << 3) | (size === 4 ? 1 << 11 : 0);
}

/** The displacement, sign-extended, of an instruction whose exit qualification is that; 0 without one. */
export function displacementOf(instruction: Instruction | undefined): number {
  const operand = instruction?.operands.find(({ kind }) => kind === 'memory');
  return operand?.kind === 'memory' ? operand.displacement >>> 0 : 0;
}
