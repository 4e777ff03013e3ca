/**
 * As much of GDB's remote protocol as comparing with QEMU needs: memory, the registers of an i386 and
 * single steps, over QEMU's standard input and output. The machine around QEMU's processor is its "none":
 * RAM from address 0 and nothing else, no local APIC, no ports.
 */
import { spawn, type ChildProcess } from 'node:child_process';

/** Registers by their number in QEMU's description of an i386. */
export const GDB = { GPR: 0, EIP: 8, EFLAGS: 9, CS: 10, SS: 11, DS: 12, ES: 13, FS: 14, GS: 15, CR0: 19, CR2: 20, CR3: 21, CR4: 22, ST: 25, FCTRL: 33, FSTAT: 34, XMM: 41, MXCSR: 49 } as const; // prettier-ignore
/** Bytes of the register of each number in a "g" packet. */
const WIDTHS = Array.from({ length: 50 }, (_, n) => (n >= GDB.ST && n < GDB.FCTRL ? 10 : n >= GDB.XMM && n < GDB.MXCSR ? 16 : 4)); // prettier-ignore
/** Largest piece of memory in a packet, bytes. */
const PIECE = 1024;
/** A packet without an answer for so long, milliseconds, means that the processor waits for good. */
const PATIENCE = 3000;

/** All registers of a "g" packet. */
export class GdbRegisters {
  readonly #bytes: Buffer;
  constructor(packet: string) {
    this.#bytes = Buffer.from(packet, 'hex');
  }
  /** The bytes of a register, in hexadecimal from the lowest. */
  hex(number: number): string {
    const at = WIDTHS.slice(0, number).reduce((sum, width) => sum + width, 0);
    return this.#bytes.subarray(at, at + (WIDTHS[number] ?? 4)).toString('hex');
  }
  /** A register of 32 bits. */
  word(number: number): number {
    return Buffer.from(this.hex(number), 'hex').readUInt32LE(0);
  }
}

export class GdbClient {
  readonly #child: ChildProcess;
  #input = '';
  #gone = false;
  #waiting: ((packet: string) => void) | null = null;

  /** Starts QEMU, stopped before its first instruction. */
  constructor(cpu: string, kilobytes: number) {
    const options = ['-M', 'none', '-m', `${String(kilobytes)}K`, '-S', '-gdb', 'stdio', '-display', 'none', '-serial', 'none', '-monitor', 'none', '-nodefaults', '-no-reboot', '-cpu', cpu]; // prettier-ignore
    const child = (this.#child = spawn('qemu-system-i386', options, { stdio: ['pipe', 'pipe', 'inherit'] })); // prettier-ignore
    child.stdout.setEncoding('latin1');
    child.stdout.on('data', (text: string) => {
      this.#input += text;
      this.#take();
    });
    // what is written to a QEMU that has just ended is of no interest
    child.stdin.on('error', () => {
      this.#end();
    });
    child.on('exit', () => {
      this.#end();
    });
  }
  dispose(): void {
    this.#child.kill('SIGKILL');
  }

  #end(): void {
    this.#gone = true;
    this.#waiting?.('gone');
  }
  #take(): void {
    const found = /\$([^#]*)#[0-9a-f]{2}/s.exec(this.#input);
    if (found?.[1] === undefined) return;
    this.#input = this.#input.slice(found.index + found[0].length);
    this.#child.stdin?.write('+');
    // QEMU says so with an exit packet before it ends
    if (found[1].startsWith('W')) this.#end();
    else this.#waiting?.(found[1]);
  }
  /** Sends a packet; resolves with the answer, 'gone' if QEMU has ended, 'silent' if none comes. */
  command(packet: string): Promise<string> {
    if (this.#gone) return Promise.resolve('gone');
    const sum = [...packet].reduce((total, letter) => total + letter.charCodeAt(0), 0) & 0xff;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#waiting?.('silent'), PATIENCE);
      this.#waiting = (answer) => {
        clearTimeout(timer);
        this.#waiting = null;
        resolve(answer);
      };
      this.#child.stdin?.write(`$${packet}#${sum.toString(16).padStart(2, '0')}`);
    });
  }

  /** Addresses are linear: while paging is off, physical. */
  async writeMemory(at: number, bytes: Uint8Array): Promise<void> {
    for (let from = 0; from < bytes.length; from += PIECE) {
      const piece = bytes.subarray(from, from + PIECE);
      await this.command(`M${(at + from).toString(16)},${piece.length.toString(16)}:${Buffer.from(piece).toString('hex')}`); // prettier-ignore
    }
  }
  /** Ends early at a page that is not mapped. */
  async readMemory(at: number, length: number): Promise<Uint8Array> {
    const pieces: Buffer[] = [];
    for (let from = 0; from < length; from += PIECE) {
      const text = await this.command(`m${((at + from) >>> 0).toString(16)},${Math.min(PIECE, length - from).toString(16)}`); // prettier-ignore
      if (text.startsWith('E') || text === 'gone') break;
      pieces.push(Buffer.from(text, 'hex'));
    }
    return Buffer.concat(pieces);
  }
  async registers(): Promise<GdbRegisters> {
    return new GdbRegisters(await this.command('g'));
  }
  /** @param bytes in hexadecimal from the lowest */
  async setBytes(number: number, bytes: string): Promise<void> {
    const answer = await this.command(`P${number.toString(16)}=${bytes}`);
    if (answer !== 'OK') throw new Error(`QEMU does not set register ${String(number)}: ${answer}`);
  }
  async setRegister(number: number, value: number): Promise<void> {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value >>> 0);
    await this.setBytes(number, bytes.toString('hex'));
  }
  /** One instruction, or the delivery of one exception. */
  async step(): Promise<'stopped' | 'gone' | 'silent'> {
    const answer = await this.command('s');
    return answer === 'gone' || answer === 'silent' ? answer : 'stopped';
  }
}
