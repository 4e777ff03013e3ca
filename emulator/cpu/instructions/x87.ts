/**
 * The x87 instructions by meaning, which is the SDM's mnemonic (vol. 1, chapter 8; vol. 2). They run in
 * TypeScript over the vCPU's state block; the arithmetic is in cpu/fpu. Exact in 80 bits, except that
 * the transcendental instructions round their result correctly, which processors do within one ulp.
 */
import type { TypescriptInstruction } from '../processor.ts';
import { x87Arithmetic } from './x87-arithmetic.ts';
import { x87Compare } from './x87-compare.ts';
import { x87Control } from './x87-control.ts';
import { x87Transcendental } from './x87-transcendental.ts';
import { x87Transfer } from './x87-transfer.ts';

export const x87Instructions: Readonly<Record<string, TypescriptInstruction>> = {
  ...x87Transfer,
  ...x87Arithmetic,
  ...x87Compare,
  ...x87Control,
  ...x87Transcendental,
};
