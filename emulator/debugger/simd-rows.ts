/**
 * The rows of MMX and XMM registers and MXCSR (SDM vol. 1, 9.2, 10.2): a register as a whole, which shows
 * its hexadecimal digits and takes integers, and its parts: doublewords xmm0.i0 to i3, singles f0 to f3,
 * doubles d0 and d1.
 */
import type { Cpu } from '../cpu/cpu.ts';
import { mmxAt, mxcsrMask, xmmAt } from '../cpu/instructions/simd-access.ts';
import * as L from '../cpu/layout.ts';
import { VECTOR } from '../cpu/processor.ts';
import type { Row } from './register-rows.ts';

const NUMBERS = [0, 1, 2, 3, 4, 5, 6, 7];
const MMX_BYTES = 8;
const XMM_BYTES = 16;

function digits({ state }: Cpu, at: number, bytes: number): string {
  const lowestFirst = [...state.u8.subarray(at, at + bytes)];
  return lowestFirst.map((byte) => byte.toString(16).padStart(2, '0')).reverse().join(''); // prettier-ignore
}

/** Doubleword `lane` at an offset of the state block. */
function doubleword(name: string, at: number, lane: number): Row {
  const offset = at + 4 * lane;
  return {
    name: `${name}.i${String(lane)}`,
    bits: 32,
    read: ({ state }) => state.get(offset),
    write: ({ state }, value) => {
      state.set(offset, value);
    },
  };
}
function single(name: string, at: number, lane: number): Row {
  const offset = at + 4 * lane;
  return {
    name: `${name}.f${String(lane)}`,
    bits: 32,
    real: true,
    read: ({ state }) => state.get(offset),
    text: ({ state }) => String(state.view.getFloat32(offset, true)),
    write: ({ state }, value) => {
      state.view.setFloat32(offset, value, true);
    },
  };
}
function double(name: string, at: number, lane: number): Row {
  const offset = at + 8 * lane;
  return {
    name: `${name}.d${String(lane)}`,
    bits: 64,
    real: true,
    read: ({ state }) => state.get(offset),
    text: ({ state }) => String(state.view.getFloat64(offset, true)),
    write: ({ state }, value) => {
      state.view.setFloat64(offset, value, true);
    },
  };
}

/** Any number of bits at an offset of the state block. */
function whole(name: string, at: number, bytes: number, feature: string): Row {
  return {
    name,
    bits: 8 * bytes,
    feature,
    read: ({ state }) => state.get(at),
    text: (cpu) => `0x${digits(cpu, at, bytes)}`,
    writeWide: ({ state }, value) => {
      for (let i = 0; i < bytes; i += 8) {
        state.view.setBigUint64(at + i, BigInt.asUintN(64, value >> BigInt(8 * i)), true);
      }
    },
  };
}

const MMX = NUMBERS.map((number): Row => {
  const name = `mm${String(number)}`;
  const at = mmxAt(number);
  const parts = [0, 1].map((lane) => doubleword(name, at, lane));
  return { ...whole(name, at, MMX_BYTES, 'mmx'), parts };
});

const XMM = NUMBERS.map((number): Row => {
  const name = `xmm${String(number)}`;
  const at = xmmAt(number);
  const lanes = [0, 1, 2, 3];
  const parts = [
    ...lanes.map((lane) => doubleword(name, at, lane)),
    ...lanes.map((lane) => single(name, at, lane)),
    ...[0, 1].map((lane) => double(name, at, lane)),
  ];
  return { ...whole(name, at, XMM_BYTES, 'sse'), parts };
});

// prettier-ignore
const MXCSR_FIELDS = [
  ['ie', 0], ['de', 1], ['ze', 2], ['oe', 3], ['ue', 4], ['pe', 5], ['daz', 6],
  ['im', 7], ['dm', 8], ['zm', 9], ['om', 10], ['um', 11], ['pm', 12], ['rc', 13, 2], ['fz', 15],
] as const;

const MXCSR: Row = {
  name: 'mxcsr',
  bits: 32,
  feature: 'sse',
  read: ({ state }) => state.get(L.MXCSR),
  write: (cpu, value) => {
    if ((value & ~mxcsrMask(cpu)) !== 0) cpu.fault(VECTOR.GP, 0);
    cpu.state.set(L.MXCSR, value);
  },
  fields: MXCSR_FIELDS.map(([name, low, width = 1]) => ({ name, low, width })),
};

export const SIMD: readonly Row[] = [...MMX, ...XMM, MXCSR];
