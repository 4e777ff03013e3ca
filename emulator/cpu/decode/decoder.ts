/**
 * The instruction decoder for 16- and 32-bit code (SDM vol. 2, chapter 2 and appendix A). Knows no
 * processor model: the CPU checks the row's feature and privilege. What depends on CR0, CR4 or CPL
 * (#NM, DR4 with CR4.DE, ...) is the instruction's affair; what is wrong in any state is 'undefined'.
 */
import { InstructionReader } from './instruction-reader.ts';
import type { DecodeFailure, DecodeMode, Instruction, Operand } from './instruction.ts';
import { MAP_0F, MAP_0F38, MAP_0F3A, hasModrm, lookup } from './opcode-map.ts';
import type { OpcodeForm } from './opcode-map.ts';

const NO_OPERANDS: readonly Operand[] = Object.freeze([]);

/**
 * Decodes one instruction.
 * @param bytes holds the instruction from index `start`; 15 bytes always suffice
 * @param eip offset of the instruction in CS
 * @param end one past the last byte that may be looked at ('bytes' if that is too early)
 */
export function decode(
  bytes: Uint8Array,
  eip: number,
  mode: DecodeMode,
  start = 0,
  end = bytes.length,
): Instruction | DecodeFailure {
  const reader = new InstructionReader(bytes, start, end, eip >>> 0, mode.defaultSize);
  const index = readOpcode(reader);
  if (hasModrm(index)) reader.modrm = reader.readUnsigned8();
  const form = lookup(index, reader.modrm, mandatoryPrefix(reader), reader.operandSize, reader.addressSize); // prettier-ignore
  if (form === undefined) return reader.overrun ?? 'undefined';
  const operands = readOperands(reader, form);
  if (reader.overrun !== null) return reader.overrun;
  if (operands === null) return 'undefined';
  if (reader.lock && !(form.row.lockable === true && operands[0].kind === 'memory')) {
    return 'undefined';
  }
  return {
    row: form.row,
    eip: reader.eip,
    length: reader.length,
    operandSize: reader.operandSize,
    addressSize: reader.addressSize,
    defaultSize: mode.defaultSize,
    lock: reader.lock,
    repeat: form.prefix === 0xf3 || form.prefix === 0xf2 ? 0 : reader.repeat,
    segmentOverride: reader.segmentOverride,
    operands,
    modrm: reader.modrm,
    opcode: form.opcode,
  };
}

/** Reads prefixes and opcode; the opcode's index in opcode-map.ts. */
function readOpcode(reader: InstructionReader): number {
  const first = reader.readPrefixes();
  if (first !== 0x0f) return first;
  const second = reader.readUnsigned8();
  if (second === 0x38) return MAP_0F38 + reader.readUnsigned8();
  if (second === 0x3a) return MAP_0F3A + reader.readUnsigned8();
  return MAP_0F + second;
}

/** Index in MANDATORY_PREFIXES: F3 and F2 count before 66. */
function mandatoryPrefix(reader: InstructionReader): number {
  if (reader.repeat !== 0) return reader.repeat === 0xf3 ? 2 : 3;
  return reader.hasOperandPrefix ? 1 : 0;
}

function readOperands(reader: InstructionReader, form: OpcodeForm): readonly Operand[] | null {
  const { readers, opcode } = form;
  if (readers.length === 0) return NO_OPERANDS;
  const operands: Operand[] = [];
  for (let i = 0; i < readers.length; i++) {
    const operand = readers[i](reader, opcode);
    if (operand === null) return null;
    operands.push(operand);
  }
  return operands;
}
