/**
 * Disassembly of guest memory in the current mode, forwards and backwards. Backwards, x86 code has no
 * unique division into instructions; a start some way before is taken from which decoding arrives
 * exactly at the address, and code tends to fall into step after a few instructions.
 */
import type { Cpu } from '../cpu/cpu.ts';
import { decode } from '../cpu/decode/decoder.ts';
import { disassemble } from '../cpu/decode/disassembler.ts';
import type { Instruction } from '../cpu/decode/instruction.ts';
import * as L from '../cpu/layout.ts';
import { RIGHTS } from '../cpu/state.ts';
import type { DisassembledLine } from '../debug-port.ts';
import { readMemory } from './memory.ts';

const LONGEST_INSTRUCTION = 15;
/** Bytes that a backwards search starts before the oldest instruction wanted. */
const RUN_UP = 64;
const MOST_LINES = 20_000;

/** 4 in 32-bit code, else 2. */
export function codeSize({ state }: Cpu): 2 | 4 {
  return (state.segment(L.SEGMENT.CS).rights & RIGHTS.DB) !== 0 ? 4 : 2;
}

/** The instruction at a linear address, or null where none can be read. */
export function instructionAt(cpu: Cpu, address: number): Instruction | null {
  const { bytes } = readMemory(cpu, 'linear', address, LONGEST_INSTRUCTION);
  const base = cpu.state.segmentBase(L.SEGMENT.CS);
  const decoded = decode(bytes, (address - base) >>> 0, { defaultSize: codeSize(cpu) });
  return typeof decoded === 'string' ? null : decoded;
}

function lineAt(cpu: Cpu, address: number): DisassembledLine {
  const instruction = instructionAt(cpu, address);
  if (instruction === null) {
    const { bytes } = readMemory(cpu, 'linear', address, 1);
    return { address, bytes, text: bytes.length === 0 ? '??' : '(bad)', valid: false };
  }
  const { bytes } = readMemory(cpu, 'linear', address, instruction.length);
  const target = targetOf(cpu, instruction);
  const text = disassemble(instruction);
  return { address, bytes, text, valid: true, ...(target !== null && { target }) };
}

/** Linear address that an instruction names by itself: a branch target or an absolute operand. */
function targetOf({ state }: Cpu, instruction: Instruction): number | null {
  for (const operand of instruction.operands) {
    if (operand.kind === 'relative') {
      return (state.segmentBase(L.SEGMENT.CS) + operand.target) >>> 0;
    }
    if (operand.kind === 'memory' && operand.base < 0 && operand.index < 0) {
      return (state.segmentBase(operand.segment) + operand.displacement) >>> 0;
    }
  }
  return null;
}

const lengthOf = ({ bytes }: DisassembledLine): number => Math.max(1, bytes.length);

function forwards(cpu: Cpu, address: number, count: number): DisassembledLine[] {
  const lines: DisassembledLine[] = [];
  for (let at = address; lines.length < count;) {
    const line = lineAt(cpu, at >>> 0);
    lines.push(line);
    at = (at + lengthOf(line)) >>> 0;
  }
  return lines;
}

/** The `count` lines before an address, fewer at the start of the address space. */
function backwards(cpu: Cpu, address: number, count: number): DisassembledLine[] {
  const farthest = Math.max(0, address - count * LONGEST_INSTRUCTION - RUN_UP);
  for (let start = farthest; start < address; start++) {
    const lines: DisassembledLine[] = [];
    let at = start;
    while (at < address) {
      const line = lineAt(cpu, at);
      lines.push(line);
      at += lengthOf(line);
    }
    if (at === address && lines.length >= count) return lines.slice(-count);
    // later starts give fewer lines: those from the very start are all there are
    if (at === address && farthest === 0) return lines;
    if (start - farthest > LONGEST_INSTRUCTION * 2) break;
  }
  return [];
}

/** Exactly `count` lines; those outside the address space or not found are rows that say so. */
export function disassembleLines(
  cpu: Cpu,
  address: number,
  offset: number,
  count: number,
): readonly DisassembledLine[] {
  const wanted = Math.min(Math.max(0, count), MOST_LINES);
  const before = Math.min(Math.max(0, -offset), MOST_LINES);
  const lines = before > 0 ? backwards(cpu, address >>> 0, before) : [];
  while (lines.length < before) {
    const at = ((lines[0]?.address ?? address) - 1) >>> 0;
    lines.unshift({ address: at, bytes: new Uint8Array(0), text: '??', valid: false });
  }
  const skipped = Math.max(0, offset);
  const after = Math.max(0, wanted - Math.min(wanted, before));
  const ahead = after > 0 ? forwards(cpu, address >>> 0, skipped + after).slice(skipped) : [];
  return [...lines.slice(0, Math.min(wanted, before)), ...ahead];
}
