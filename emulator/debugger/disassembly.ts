/**
 * Disassembly of guest memory in the current mode, forwards and backwards. Backwards, x86 code has no
 * unique division into instructions; but decoding that begins anywhere falls in step with the real code
 * after a few instructions. So every byte some way before is taken as a beginning, and of the
 * instructions that end where the known one begins, the one that most beginnings lead to is chosen.
 */
import type { Cpu } from '../cpu/cpu.ts';
import { disassemble } from '../cpu/decode/disassembler.ts';
import type { Instruction } from '../cpu/decode/instruction.ts';
import * as L from '../cpu/layout.ts';
import type { DisassembledLine } from '../debug-port.ts';
import { CodeView } from './code-view.ts';
import { checkedAddress } from './memory.ts';

const LONGEST_INSTRUCTION = 15;
/** More than the average length of an instruction, so that one search is mostly enough. */
const USUAL_LENGTH = 5;
/** Bytes before the earliest instruction wanted from which beginnings are tried. */
const RUN_UP = 64;
const MOST_LINES = 20_000;
const NOTHING = new Uint8Array(0);

/**
 * Exactly `count` lines from `offset` instructions after `address` (before it when negative). A byte
 * that is no instruction or cannot be read is a line of its own; addresses below 0 and from 2^32 on are
 * lines outside the space. Throws RangeError for what is no address, or more than 20,000 lines.
 */
export function disassembleLines(
  cpu: Cpu,
  address: number,
  offset: number,
  count: number,
): readonly DisassembledLine[] {
  checkedAddress('linear', address);
  checkedLines('count', count, 0);
  checkedLines('offset', offset, -MOST_LINES);
  const code = new CodeView(cpu);
  const before = Math.max(0, -offset);
  const starts = before > 0 ? startsBefore(code, address, before) : [];
  const skipped = Math.max(0, offset);
  const lines = starts.slice(0, count).map((at) => lineAt(cpu, code, at));
  if (lines.length < count) {
    const rest = startsFrom(code, address, skipped + count - lines.length).slice(skipped);
    for (const at of rest) lines.push(lineAt(cpu, code, at));
  }
  return lines;
}

function checkedLines(what: string, value: number, least: number): void {
  if (Number.isInteger(value) && value >= least && value <= MOST_LINES) return;
  throw new RangeError(
    `${String(value)} is no ${what} of lines: give a whole number from ${String(least)} to ${String(MOST_LINES)}.`,
  );
}

// ---- where instructions begin

/** Of `count` lines from an address on. */
function startsFrom(code: CodeView, address: number, count: number): number[] {
  const starts: number[] = [];
  for (let at = address; starts.length < count;) {
    starts.push(at);
    at += code.instructionAt(at)?.length ?? 1;
  }
  return starts;
}

/** Of the `count` lines before an address, ascending; below 0 the address counts on. */
function startsBefore(code: CodeView, address: number, count: number): number[] {
  let starts: number[] = [];
  for (let usual = USUAL_LENGTH; starts.length < count; usual *= 2) {
    const reach = count * Math.min(usual, LONGEST_INSTRUCTION) + RUN_UP;
    const from = Math.max(0, address - reach);
    starts = searchBefore(code, from, address, count);
    if (from === 0) break;
  }
  let first = starts.at(-1) ?? address;
  while (starts.length < count) starts.push(--first);
  return starts.reverse();
}

/** Starts between `from` and `to`, nearest to `to` first, without those of the run-up. */
function searchBefore(code: CodeView, from: number, to: number, count: number): number[] {
  const size = to - from;
  const lengths = new Uint8Array(size);
  const votes = new Uint32Array(size + LONGEST_INSTRUCTION);
  for (let at = 0; at < size; at++) {
    const length = code.instructionAt(from + at)?.length ?? 0;
    lengths[at] = length;
    votes[at]++;
    if (length > 0) votes[at + length] += votes[at];
  }
  const starts: number[] = [];
  const end = from === 0 ? 0 : RUN_UP;
  for (let at = size; at > end && starts.length < count;) {
    at = predecessor(lengths, votes, at);
    starts.push(from + at);
  }
  return starts;
}

/** Of the instructions that end at `end`, the one with most votes; the byte before where there is none. */
function predecessor(lengths: Uint8Array, votes: Uint32Array, end: number): number {
  let best = -1;
  for (let at = Math.max(0, end - LONGEST_INSTRUCTION); at < end; at++) {
    if (lengths[at] === end - at && (best < 0 || votes[at] > votes[best])) best = at;
  }
  return best < 0 ? end - 1 : best;
}

// ---- what they are

function lineAt(cpu: Cpu, code: CodeView, address: number): DisassembledLine {
  const instruction = code.instructionAt(address);
  if (instruction === null) {
    const bytes = code.bytes(address, 1);
    const readable = bytes.length > 0;
    return { address, bytes: readable ? bytes : NOTHING, text: readable ? '(bad)' : '??', valid: false }; // prettier-ignore
  }
  const bytes = code.bytes(address, instruction.length);
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
      const mask = operand.addressSize === 2 ? 0xffff : 0xffffffff;
      return (state.segmentBase(operand.segment) + (operand.displacement & mask)) >>> 0;
    }
    // a selector of protected mode is only an index
    if (operand.kind === 'far' && (!state.protectedMode || state.v86)) {
      return operand.selector * 16 + operand.offset;
    }
  }
  return null;
}
