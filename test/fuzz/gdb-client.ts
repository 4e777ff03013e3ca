/**
 * As much of GDB's remote protocol as comparing with QEMU needs: memory, the registers of an i386 and
 * single steps, over QEMU's standard input and output.
 */
import { spawn, type ChildProcess } from 'node:child_process';

/** General registers, EIP, EFLAGS and selectors in the order of the "g" packet (gdb's i386 target). */
export const GDB_REGISTERS = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi', 'eip', 'eflags', 'cs', 'ss', 'ds', 'es', 'fs', 'gs'] as const; // prettier-ignore
export type GdbRegister = (typeof GDB_REGISTERS)[number];
/** Largest piece of memory in a packet, bytes. */
const PIECE = 1024;

export class GdbClient {
  readonly #child: ChildProcess;
  #input = '';
  #waiting: ((packet: string) => void) | null = null;

  /** Starts QEMU, stopped before its first instruction, with a processor model of its own. */
  constructor(cpu: string) {
    const options = ['-M', 'pc', '-m', '2', '-S', '-gdb', 'stdio', '-display', 'none', '-serial', 'none', '-monitor', 'none', '-nodefaults', '-no-reboot', '-cpu', cpu]; // prettier-ignore
    const child = (this.#child = spawn('qemu-system-i386', options, { stdio: ['pipe', 'pipe', 'inherit'] })); // prettier-ignore
    child.stdout?.setEncoding('latin1');
    child.stdout?.on('data', (text: string) => {
      this.#input += text;
      this.#take();
    });
    child.on('exit', () => this.#waiting?.('gone'));
  }
  dispose(): void {
    this.#child.kill();
  }

  #take(): void {
    const found = /\$([^#]*)#[0-9a-f]{2}/s.exec(this.#input);
    if (found?.[1] === undefined) return;
    this.#input = this.#input.slice(found.index + found[0].length);
    const waiting = this.#waiting;
    this.#waiting = null;
    this.#child.stdin?.write('+');
    waiting?.(found[1]);
  }
  /** Sends a packet; resolves with the answer, 'gone' if QEMU has ended. */
  command(packet: string): Promise<string> {
    const sum = [...packet].reduce((total, letter) => total + letter.charCodeAt(0), 0) & 0xff;
    return new Promise((resolve) => {
      this.#waiting = resolve;
      this.#child.stdin?.write(`$${packet}#${sum.toString(16).padStart(2, '0')}`);
    });
  }

  async writeMemory(at: number, bytes: Uint8Array): Promise<void> {
    for (let from = 0; from < bytes.length; from += PIECE) {
      const piece = bytes.subarray(from, from + PIECE);
      await this.command(`M${(at + from).toString(16)},${piece.length.toString(16)}:${Buffer.from(piece).toString('hex')}`); // prettier-ignore
    }
  }
  async readMemory(at: number, length: number): Promise<Uint8Array> {
    const pieces: Buffer[] = [];
    for (let from = 0; from < length; from += PIECE) {
      const text = await this.command(`m${(at + from).toString(16)},${Math.min(PIECE, length - from).toString(16)}`); // prettier-ignore
      pieces.push(Buffer.from(text, 'hex'));
    }
    return Buffer.concat(pieces);
  }
  /** The registers of GDB_REGISTERS. */
  async registers(): Promise<number[]> {
    const bytes = Buffer.from((await this.command('g')).slice(0, GDB_REGISTERS.length * 8), 'hex');
    return GDB_REGISTERS.map((_, i) => bytes.readUInt32LE(4 * i));
  }
  /** Writes one register by its number in the target's description. */
  async setRegister(number: number, value: number): Promise<string> {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value >>> 0);
    return this.command(`P${number.toString(16)}=${bytes.toString('hex')}`);
  }
  /** One instruction, or the delivery of one exception; false: QEMU has ended. */
  async step(): Promise<boolean> {
    return (await this.command('s')) !== 'gone';
  }
}
