/**
 * Memory of the toy machine (fake-machine.ts) and its instructions as text: RAM of 2 MiB at linear 0 and
 * again at 0xc0000000; the page at 0x180000 is not mapped.
 */
import type { AddressSpace, DisassembledLine, MemoryRange } from '../../emulator/debug-port.ts';

export const FAKE_RAM = 2 * 1024 * 1024;
export const FAKE_ENTRY = 0x100000;
const HOLE = 0x180000;
const PAGE = 4096;
const KERNEL_BASE = 0xc0000000;
const LENGTH: { readonly [opcode: number]: number } = { 0xb8: 5, 0xba: 5, 0xe8: 2, 0xeb: 2 };
const NAMES: { readonly [opcode: number]: string } = {
  0x90: 'nop',
  0x40: 'inc eax',
  0xc3: 'ret',
  0xee: 'out dx, al',
  0xef: 'rep outsb',
  0xa2: 'cpuid',
  0xc1: 'vmcall',
  0xcd: 'wrmsr',
  0xf4: 'hlt',
  0xcc: 'triple',
  0x0b: 'unimplemented',
  0xfe: 'reset',
  0xff: 'poweroff',
  0xfd: 'throw',
};
const hex = (value: number): string => `0x${value.toString(16)}`;

/** Bytes of an instruction. */
export const lengthOf = (opcode: number): number => LENGTH[opcode] ?? 1;

export class FakeMemory {
  private readonly ram = new Uint8Array(FAKE_RAM);

  /** Puts a kernel where it is entered. */
  load(kernel: Uint8Array): void {
    this.ram.set(kernel.subarray(0, FAKE_RAM - FAKE_ENTRY), FAKE_ENTRY);
  }

  /** The byte at a linear address; 0 where nothing is mapped. */
  byte(address: number): number {
    return this.ram[this.physical('linear', address) ?? 0] ?? 0;
  }

  read(space: AddressSpace, address: number, count: number): MemoryRange {
    const bytes: number[] = [];
    for (let i = 0; i < count; i++) {
      const at = this.physical(space, address + i);
      if (at === null) break;
      bytes.push(this.ram[at] ?? 0);
    }
    let unreadable = 0;
    while (
      bytes.length + unreadable < count &&
      this.physical(space, address + bytes.length + unreadable) === null
    )
      unreadable++;
    return { address, bytes: Uint8Array.from(bytes), unreadable };
  }

  write(space: AddressSpace, address: number, bytes: Uint8Array): number {
    let written = 0;
    for (const byte of bytes) {
      const at = this.physical(space, address + written);
      if (at === null) break;
      this.ram[at] = byte;
      written++;
    }
    return written;
  }

  disassemble(address: number, offset: number, count: number): readonly DisassembledLine[] {
    const lines: DisassembledLine[] = [];
    // Every opcode may be one byte: good enough for going back, and consistent.
    let at = address + Math.min(offset, 0);
    for (let skipped = 0; skipped < offset; skipped++) at += this.line(at).bytes.length;
    while (lines.length < count) {
      const line = this.line(at);
      const crosses = at < address && at + line.bytes.length > address;
      lines.push(
        crosses ? { ...line, bytes: line.bytes.subarray(0, 1), text: 'db', valid: false } : line,
      );
      at += crosses ? 1 : line.bytes.length;
    }
    return lines;
  }

  physical(space: AddressSpace, address: number): number | null {
    if (address < 0 || address > 0xffffffff) return null;
    if (space === 'physical') return address < FAKE_RAM ? address : null;
    const at = address >= KERNEL_BASE ? address - KERNEL_BASE : address;
    return at >= FAKE_RAM || (at >= HOLE && at < HOLE + PAGE) ? null : at;
  }

  line(address: number): DisassembledLine {
    const opcode = this.read('linear', address, 1).bytes[0];
    if (opcode === undefined) return { address, bytes: new Uint8Array(1), text: '(bad)', valid: false };
    const length = lengthOf(opcode);
    const { bytes } = this.read('linear', address, length);
    const name = NAMES[opcode];
    if (bytes.length < length) return { address, bytes, text: '(bad)', valid: false };
    if (opcode === 0xe8 || opcode === 0xeb) {
      const target = address + 2 + (((bytes[1] ?? 0) << 24) >> 24);
      return { address, bytes, text: `${opcode === 0xe8 ? 'call' : 'jmp'} ${hex(target)}`, valid: true, target };
    }
    if (length === 5) {
      const value = this.immediate(address + 1);
      return { address, bytes, text: `mov ${opcode === 0xb8 ? 'eax' : 'edx'}, ${hex(value)}`, valid: true };
    }
    if (name === undefined) return { address, bytes, text: '(bad)', valid: false };
    return { address, bytes, text: name, valid: true };
  } // prettier-ignore

  immediate(address: number): number {
    const { bytes } = this.read('linear', address, 4);
    return bytes.reduceRight((value, byte) => value * 256 + byte, 0);
  }
}
