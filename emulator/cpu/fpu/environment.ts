/**
 * The images that FNSTENV, FNSAVE and FXSAVE keep of the x87 unit in memory (SDM vol. 1, 8.1.10, figures
 * 8-9 to 8-12, and 10.5.1, table 10-2). Loading is as careless as in a processor: any bits are accepted,
 * reserved ones vanish, ES and B follow from flags and masks, tags from the registers' contents.
 */
import * as L from '../layout.ts';
import type { CpuState } from '../state.ts';
import { Float80 } from './float80.ts';
import {
  controlWord,
  fullRegisters,
  readRegister,
  setControlWord,
  setStatusWord,
  setTags,
  statusWord,
  tagWord,
  writePhysical,
} from './register-stack.ts';

/** Which of the four layouts of the environment. */
export interface EnvironmentLayout {
  /** Operand size: 4 gives 28 bytes, 2 gives 14. */
  readonly operandSize: 2 | 4;
  /** Protected mode; false in real-address and virtual-8086 mode. */
  readonly protectedMode: boolean;
}

/** Bytes of the environment, without registers. */
export function environmentSize(layout: EnvironmentLayout): number {
  return layout.operandSize === 4 ? 28 : 14;
}

/** The environment as seven words or doublewords. */
function environmentWords(state: CpuState, { protectedMode }: EnvironmentLayout): number[] {
  const opcode = state.u16[L.FPU_OPCODE >> 1] & 0x7ff;
  const ip = state.u32[L.FPU_IP >> 2];
  const cs = state.u16[L.FPU_CS >> 1];
  const dp = state.u32[L.FPU_DP >> 2];
  const ds = state.u16[L.FPU_DS >> 1];
  const words = [controlWord(state), statusWord(state), tagWord(state)];
  if (protectedMode) return [...words, ip, cs | (opcode << 16), dp, ds];
  // pointers are linear addresses, their upper part beside the opcode
  const linearIp = (ip + cs * 16) >>> 0;
  const linearDp = (dp + ds * 16) >>> 0;
  const upper = (linear: number): number => (linear >>> 16) << 12;
  return [
    ...words,
    linearIp & 0xffff,
    upper(linearIp) | opcode,
    linearDp & 0xffff,
    upper(linearDp),
  ];
}

/** In doublewords the upper half of these reads as ones. */
const UPPER_ONES = { protected: [0, 1, 2, 6], real: [0, 1, 2, 3, 5] } as const;

/** @returns environmentSize() bytes. */
export function saveEnvironment(state: CpuState, layout: EnvironmentLayout): Uint8Array {
  const words = environmentWords(state, layout);
  const bytes = new Uint8Array(environmentSize(layout));
  const view = new DataView(bytes.buffer);
  if (layout.operandSize === 2) {
    words.forEach((word, i) => view.setUint16(2 * i, word & 0xffff, true));
    return bytes;
  }
  words.forEach((word, i) => view.setUint32(4 * i, word, true));
  for (const i of UPPER_ONES[layout.protectedMode ? 'protected' : 'real']) {
    view.setUint16(4 * i + 2, 0xffff, true);
  }
  return bytes;
}

/** @param bytes at least environmentSize(). */
export function loadEnvironment(
  state: CpuState,
  bytes: Uint8Array,
  layout: EnvironmentLayout,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wide = layout.operandSize === 4;
  const word = (i: number): number =>
    wide ? view.getUint32(4 * i, true) : view.getUint16(2 * i, true);
  setControlWord(state, word(0));
  setStatusWord(state, word(1) & 0xffff);
  let full = 0;
  for (let i = 0; i < 8; i++) if (((word(2) >> (2 * i)) & 3) !== 3) full |= 1 << i;
  setTags(state, full);
  if (layout.protectedMode) {
    setPointers(state, word(3), word(4) & 0xffff, word(5), word(6) & 0xffff);
    // the 16-bit layout has no opcode
    state.u16[L.FPU_OPCODE >> 1] = wide ? (word(4) >>> 16) & 0x7ff : 0;
    return;
  }
  const linear = (low: number, high: number): number =>
    ((low & 0xffff) | ((high >>> 12) << 16)) >>> 0;
  setPointers(state, linear(word(3), word(4)), 0, linear(word(5), word(6)), 0);
  state.u16[L.FPU_OPCODE >> 1] = word(4) & 0x7ff;
}

function setPointers(state: CpuState, ip: number, cs: number, dp: number, ds: number): void {
  state.u32[L.FPU_IP >> 2] = ip;
  state.u16[L.FPU_CS >> 1] = cs;
  state.u32[L.FPU_DP >> 2] = dp;
  state.u16[L.FPU_DS >> 1] = ds;
}

/** FNSAVE: the environment, then ST(0) to ST(7), ten bytes each. */
export function saveState(state: CpuState, layout: EnvironmentLayout): Uint8Array {
  const environment = saveEnvironment(state, layout);
  const bytes = new Uint8Array(environment.length + 80);
  bytes.set(environment);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < 8; i++) putFloat(view, environment.length + 10 * i, readRegister(state, i));
  return bytes;
}

/** FRSTOR. */
export function loadState(state: CpuState, bytes: Uint8Array, layout: EnvironmentLayout): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = environmentSize(layout);
  const status = view.getUint16(layout.operandSize, true);
  putStack(state, status, (i) => getFloat(view, start + 10 * i));
  loadEnvironment(state, bytes, layout);
}

/** Bytes of the FXSAVE area that are written with and without SSE; the rest of the 512 stays. */
const FXSAVE_SSE = 288;
const FXSAVE_X87 = 160;
const FXSAVE_REGISTERS = 32;

/** The first bytes of the FXSAVE image, those that are written in 32-bit mode. */
export function saveExtended(state: CpuState, mxcsrMask: number): Uint8Array {
  const bytes = new Uint8Array(mxcsrMask === 0 ? FXSAVE_X87 : FXSAVE_SSE);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, controlWord(state), true);
  view.setUint16(2, statusWord(state), true);
  view.setUint8(4, fullRegisters(state));
  view.setUint16(6, state.u16[L.FPU_OPCODE >> 1], true);
  view.setUint32(8, state.u32[L.FPU_IP >> 2], true);
  view.setUint16(12, state.u16[L.FPU_CS >> 1], true);
  view.setUint32(16, state.u32[L.FPU_DP >> 2], true);
  view.setUint16(20, state.u16[L.FPU_DS >> 1], true);
  for (let i = 0; i < 8; i++) putFloat(view, FXSAVE_REGISTERS + 16 * i, readRegister(state, i));
  if (mxcsrMask === 0) return bytes;
  view.setUint32(24, state.get(L.MXCSR), true);
  view.setUint32(28, mxcsrMask, true);
  bytes.set(state.u8.subarray(L.XMM, L.XMM + 128), FXSAVE_X87);
  return bytes;
}

/** MXCSR of an FXSAVE image. */
export function mxcsrOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(24, true);
}

/** FXRSTOR. The caller has checked MXCSR. */
export function loadExtended(state: CpuState, bytes: Uint8Array, mxcsrMask: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const status = view.getUint16(2, true);
  putStack(state, status, (i) => getFloat(view, FXSAVE_REGISTERS + 16 * i));
  setControlWord(state, view.getUint16(0, true));
  setStatusWord(state, status);
  setTags(state, bytes[4]);
  state.u16[L.FPU_OPCODE >> 1] = view.getUint16(6, true) & 0x7ff;
  setPointers(
    state,
    view.getUint32(8, true),
    view.getUint16(12, true),
    view.getUint32(16, true),
    view.getUint16(20, true),
  );
  if (mxcsrMask === 0) return;
  state.set(L.MXCSR, mxcsrOf(bytes));
  state.u8.set(bytes.subarray(FXSAVE_X87, FXSAVE_SSE), L.XMM);
}

/** Fills ST(0) to ST(7) as the TOP of the given status word numbers them. */
function putStack(state: CpuState, status: number, contents: (i: number) => Float80): void {
  for (let i = 0; i < 8; i++) writePhysical(state, ((status >> 11) + i) & 7, contents(i));
}

function putFloat(view: DataView, at: number, x: Float80): void {
  view.setInt32(at, x.low, true);
  view.setInt32(at + 4, x.high, true);
  view.setUint16(at + 8, (x.sign << 15) | x.exponent, true);
}
function getFloat(view: DataView, at: number): Float80 {
  const top = view.getUint16(at + 8, true);
  return new Float80(top >> 15, top & 0x7fff, view.getInt32(at + 4, true), view.getInt32(at, true));
}
