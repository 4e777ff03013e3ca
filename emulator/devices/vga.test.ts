/**
 * The VGA's registers and memory against IBM's PS/2 hardware interface technical reference ("Video
 * subsystem"): what each write and read mode does to the planes, when the beam returns, which registers
 * are protected.
 * Run: node --import tsx --test emulator/devices/vga.test.ts
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { throughJson } from './test-bench.ts';
import { adapter, MODES } from './testing/video-modes.ts';

/** An adapter in mode 12h, whose four planes lie at A0000h. */
function planes() {
  const video = adapter();
  video.setMode(MODES.mode12h);
  const { vga, memory, indexed } = video;
  const write = (offset: number, value: number): void => vga.writeMemory(offset, 1, value);
  const read = (offset: number): number => vga.readMemory(offset, 1);
  const at = (offset: number): number[] => [...memory.bytes.subarray(4 * offset, 4 * offset + 4)];
  /** Fills the latches. */
  const latch = (values: readonly number[]): void => {
    values.forEach((value, plane) => (memory.bytes[4 * 0x1000 + plane] = value));
    read(0x1000);
  };
  const graphics = (index: number, value: number): void => indexed(0x3ce, index, value);
  return { ...video, write, read, at, latch, graphics };
}

test('write mode 0: data rotated, set/reset in chosen planes, function, bit mask, map mask', () => {
  const { write, at, latch, graphics, indexed } = planes();
  write(0, 0x81);
  assert.deepEqual(at(0), [0x81, 0x81, 0x81, 0x81]);
  graphics(3, 0x01);
  write(0, 0x81);
  assert.deepEqual(at(0), [0xc0, 0xc0, 0xc0, 0xc0], 'rotated right by one');
  graphics(3, 0);
  graphics(0, 0b0101);
  graphics(1, 0b0111);
  write(0, 0x3c);
  assert.deepEqual(at(0), [0xff, 0x00, 0xff, 0x3c], 'set, reset, set, data');
  graphics(1, 0);
  latch([0xf0, 0x0f, 0xaa, 0x55]);
  for (const [operation, expected] of [
    [0x08, [0x30, 0x0c, 0x28, 0x14]],
    [0x10, [0xfc, 0x3f, 0xbe, 0x7d]],
    [0x18, [0xcc, 0x33, 0x96, 0x69]],
  ] as const) {
    graphics(3, operation);
    write(0, 0x3c);
    assert.deepEqual(at(0), expected, `AND, OR, XOR: ${operation}`);
  }
  graphics(3, 0);
  graphics(8, 0x0f);
  write(0, 0x3c);
  assert.deepEqual(at(0), [0xfc, 0x0c, 0xac, 0x5c], 'high half from the latches');
  graphics(8, 0xff);
  indexed(0x3c4, 2, 0b0010);
  write(0, 0x77);
  assert.deepEqual(at(0), [0xfc, 0x77, 0xac, 0x5c], 'one plane');
});

test('write mode 1 copies the latches, 2 takes a colour, 3 masks set/reset with rotated data', () => {
  const { write, at, latch, graphics } = planes();
  latch([1, 2, 3, 4]);
  graphics(5, 1);
  write(5, 0xff);
  assert.deepEqual(at(5), [1, 2, 3, 4]);
  graphics(5, 2);
  graphics(8, 0x0f);
  write(5, 0b1010);
  assert.deepEqual(at(5), [0x00, 0x0f, 0x00, 0x0f]);
  graphics(5, 3);
  graphics(0, 0b0011);
  graphics(3, 4);
  write(5, 0xc3);
  assert.deepEqual(at(5), [0x0d, 0x0e, 0x03 & ~0x0c, 0x04 & ~0x0c], 'C3h rotated by 4 is 3Ch');
});

test('read mode 0 gives a plane, 1 compares colours of the planes that matter', () => {
  const { read, latch, graphics } = planes();
  latch([0b1100, 0b1010, 0, 0xff]);
  graphics(4, 3);
  assert.equal(read(0x1000), 0xff);
  graphics(4, 1);
  assert.equal(read(0x1000), 0b1010);
  graphics(5, 8);
  graphics(2, 0b0011);
  graphics(7, 0b0111);
  assert.equal(read(0x1000), 0b1000, 'planes 0 and 1 set, 2 clear, 3 of no interest');
});

test('chain-4 spreads bytes over the planes, odd/even characters and attributes', () => {
  const { vga, memory, setMode } = adapter();
  setMode(MODES.mode13h);
  vga.writeMemory(0x104, 4, 0x44332211);
  assert.deepEqual([...memory.bytes.subarray(4 * 0x104, 4 * 0x104 + 4)], [0x11, 0x22, 0x33, 0x44]);
  assert.equal(vga.readMemory(0x104, 4), 0x44332211);
  assert.equal(vga.readMemory(0x18000, 1), 0xff, 'the window ends at AFFFFh');
  setMode(MODES.text40);
  vga.writeMemory(0x18000, 2, 0x1f41);
  assert.deepEqual([...memory.bytes.subarray(0, 4)], [0x41, 0x1f, 0, 0]);
  assert.equal(vga.readMemory(0x18000, 2), 0x1f41);
});

test('the beam returns seventy times a second in text mode, sixty in 640 x 480', () => {
  const retraces = (mode: (typeof MODES)[keyof typeof MODES]): number => {
    const { clock, into, setMode } = adapter();
    setMode(mode);
    let count = 0;
    let before = 0;
    // every tenth of a line: no retrace is missed
    for (let time = 0; time < 1e9; time += 3000) {
      clock.time = time;
      const retrace = into(0x3da) & 8;
      if (retrace > before) count++;
      before = retrace;
    }
    return count;
  };
  assert.equal(retraces(MODES.text40), 70);
  assert.equal(retraces(MODES.mode12h), 60);
});

test('registers 0-7 of the CRT controller are protected, but for line compare bit 8', () => {
  const { indexed, into, out } = adapter();
  const crtc = (index: number): number => {
    out(0x3d4, index);
    return into(0x3d5);
  };
  indexed(0x3d4, 0x01, 0x27);
  indexed(0x3d4, 0x07, 0x00);
  assert.equal(crtc(0x01), 0x4f);
  assert.equal(crtc(0x07), 0x0f);
  indexed(0x3d4, 0x11, 0x0e);
  indexed(0x3d4, 0x01, 0x27);
  assert.equal(crtc(0x01), 0x27);
  assert.equal(into(0x3b5), 0xff, 'the monochrome addresses are another adapter');
});

test('the DAC takes and gives six bits a component and steps to the next colour', () => {
  const { out, into } = adapter();
  out(0x3c8, 0xff);
  for (const value of [1, 2, 0xff, 4, 5, 6]) out(0x3c9, value);
  assert.equal(into(0x3c7), 0);
  out(0x3c7, 0xff);
  assert.equal(into(0x3c7), 3);
  assert.deepEqual([1, 2, 3, 4, 5, 6].map(() => into(0x3c9)), [1, 2, 0x3f, 4, 5, 6]); // prettier-ignore
});

test('the attribute controller takes index and data by turns until status is read', () => {
  const { out, into, shown } = adapter();
  into(0x3da);
  out(0x3c0, 0x11);
  out(0x3c0, 0x3f);
  assert.equal(shown().kind, 'blank', 'index without bit 5: the palette is the processor’s');
  out(0x3c0, 0x31);
  assert.equal(into(0x3c1), 0x3f);
  assert.equal(shown().kind, 'text');
});

test('no port and no address reaches beyond the adapter', () => {
  const { vga, vbe, setMode, shown } = adapter();
  let seed = 1;
  const random = (): number => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) >>> 8;
  setMode(MODES.mode13h);
  for (let count = 0; count < 20_000; count++) {
    const value = random() & 0xffff;
    const port = 0x3b4 + (random() % 0x27);
    if (count % 3 === 0) vga.writePort(port, 1, value & 0xff);
    else if (count % 3 === 1) vga.writeMemory(random() % 0x20000, 1, value & 0xff);
    else vbe.writePort(0x1ce + (random() & 1), 2, value % 0x700);
    vga.readPort(port, 1);
    vga.readMemory(random() % 0x20000, 1);
    if (count % 1000 === 0) shown();
  }
});

test('a restored adapter shows and reads the same', () => {
  const first = adapter();
  first.setMode(MODES.mode13h);
  first.vga.writeMemory(0x1234, 1, 0x99);
  first.out(0x3c8, 5);
  first.out(0x3c9, 7);
  const second = adapter();
  second.vga.restore(throughJson(first.vga.state()));
  second.vbe.restore(throughJson(first.vbe.state()));
  assert.deepEqual(second.vga.state(), first.vga.state());
  assert.deepEqual(second.shown(), first.shown());
  assert.equal(second.vga.readMemory(0x1234, 1), 0x99);
  assert.throws(
    () => second.vga.restore({ ...first.vga.state(), memory: ['9999:00'] }),
    RangeError,
  );
});
