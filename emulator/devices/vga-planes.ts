/**
 * What the graphics controller and the sequencer of a VGA make of a processor's access to its window
 * (IBM PS/2 hardware interface technical reference, "Video subsystem", sequencer and graphics controller):
 * which planes and which byte of them an address means, write modes 0-3, read modes 0 and 1, the latches,
 * chain-4 and odd/even addressing.
 *
 * Not emulated: the page bit of the miscellaneous output register and A16 in place of A0 in odd/even
 * modes, so that their memory is 32 KiB a plane.
 */
import { GRAPHICS, SEQUENCER, type VgaRegisters } from './vga-registers.ts';
import type { VideoMemory } from './video-memory.ts';

const CHAIN_4 = 0x08;
/** Memory mode: sequential instead of odd/even addressing of writes. */
const SEQUENTIAL = 0x04;
/** Graphics mode: odd/even addressing of reads; read mode 1. */
const ODD_EVEN_READS = 0x10;
const READ_MODE_1 = 0x08;

const PLANE_BYTES = 1 << 16;
const ABSENT = 0xff;

/** Start in the window at A0000h and length, by bits 3-2 of the graphics controller's miscellaneous register. */
const MEMORY_MAP = [
  [0x00000, 0x20000],
  [0x00000, 0x10000],
  [0x10000, 0x08000],
  [0x18000, 0x08000],
] as const;

/** Offset in a plane and the planes that an address reaches. */
interface Place {
  readonly offset: number;
  readonly planes: number;
}

/** A byte at `offset` from A0000h; ones where the adapter does not answer. Loads the latches. */
export function readPlanes(registers: VgaRegisters, memory: VideoMemory, offset: number): number {
  const address = inMap(registers, offset);
  if (address < 0) return ABSENT;
  const { graphics, sequencer, latches } = registers;
  const chained = (sequencer[SEQUENCER.memoryMode] & CHAIN_4) !== 0;
  const oddEven = !chained && (graphics[GRAPHICS.mode] & ODD_EVEN_READS) !== 0;
  const at = 4 * planeOffset(address, chained, oddEven);
  for (let plane = 0; plane < 4; plane++) latches[plane] = memory.bytes[at + plane];
  if (chained) return latches[address & 3];
  if ((graphics[GRAPHICS.mode] & READ_MODE_1) !== 0) return compareColors(registers);
  const selected = graphics[GRAPHICS.readMapSelect];
  return latches[oddEven ? (selected & 2) | (address & 1) : selected];
}

/** Bits whose pixels in the latches have the colour that is compared with. */
function compareColors({ graphics, latches }: VgaRegisters): number {
  let equal = 0xff;
  for (let plane = 0; plane < 4; plane++) {
    if (((graphics[GRAPHICS.colorDontCare] >> plane) & 1) === 0) continue;
    const wanted = (graphics[GRAPHICS.colorCompare] >> plane) & 1 ? 0xff : 0;
    equal &= ~(latches[plane] ^ wanted);
  }
  return equal & 0xff;
}

export function writePlanes(
  registers: VgaRegisters,
  memory: VideoMemory,
  offset: number,
  value: number,
): void {
  const address = inMap(registers, offset);
  if (address < 0) return;
  const { offset: at, planes } = placeOfWrite(registers, address);
  for (let plane = 0; plane < 4; plane++) {
    if ((planes >> plane) & 1) memory.write(4 * at + plane, planeByte(registers, plane, value));
  }
}

/** Address within what the adapter answers at, or -1. */
function inMap({ graphics, miscellaneousOutput, videoEnabled }: VgaRegisters, offset: number) {
  const [start, length] = MEMORY_MAP[(graphics[GRAPHICS.miscellaneous] >> 2) & 3];
  const address = offset - start;
  const answers = videoEnabled && (miscellaneousOutput & 0x02) !== 0;
  return answers && address >= 0 && address < length ? address : -1;
}

function planeOffset(address: number, chained: boolean, oddEven: boolean): number {
  const low = address & (PLANE_BYTES - 1);
  if (chained) return low & ~3;
  return oddEven ? low & ~1 : low;
}

function placeOfWrite({ sequencer }: VgaRegisters, address: number): Place {
  const mode = sequencer[SEQUENCER.memoryMode];
  const mask = sequencer[SEQUENCER.mapMask];
  const chained = (mode & CHAIN_4) !== 0;
  const oddEven = !chained && (mode & SEQUENTIAL) === 0;
  const offset = planeOffset(address, chained, oddEven);
  if (chained) return { offset, planes: mask & (1 << (address & 3)) };
  return { offset, planes: oddEven ? mask & (address & 1 ? 0b1010 : 0b0101) : mask };
}

/** What a write of `value` puts into a plane. */
function planeByte(registers: VgaRegisters, plane: number, value: number): number {
  const { graphics, latches } = registers;
  const latch = latches[plane];
  const setReset = (graphics[GRAPHICS.setReset] >> plane) & 1 ? 0xff : 0;
  const bitMask = graphics[GRAPHICS.bitMask];
  switch (graphics[GRAPHICS.mode] & 3) {
    case 0: {
      const enabled = (graphics[GRAPHICS.enableSetReset] >> plane) & 1;
      const data = enabled ? setReset : rotate(graphics, value);
      return masked(combine(graphics, data, latch), latch, bitMask);
    }
    case 1:
      return latch;
    case 2: {
      const data = (value >> plane) & 1 ? 0xff : 0;
      return masked(combine(graphics, data, latch), latch, bitMask);
    }
    default:
      return masked(combine(graphics, setReset, latch), latch, bitMask & rotate(graphics, value));
  }
}

function rotate(graphics: readonly number[], value: number): number {
  const count = graphics[GRAPHICS.dataRotate] & 7;
  return ((value >> count) | (value << (8 - count))) & 0xff;
}

/** The function select bits: as it is, AND, OR, XOR with the latch. */
function combine(graphics: readonly number[], data: number, latch: number): number {
  switch ((graphics[GRAPHICS.dataRotate] >> 3) & 3) {
    case 0:
      return data;
    case 1:
      return data & latch;
    case 2:
      return data | latch;
    default:
      return data ^ latch;
  }
}

function masked(data: number, latch: number, mask: number): number {
  return (data & mask) | (latch & ~mask & 0xff);
}
