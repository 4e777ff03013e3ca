/**
 * Memory references of the Debug Adapter Protocol: "0x00100123" names a linear address, "phys:0x00100123"
 * a guest-physical one. They are also how addresses are shown, always with the same number of digits,
 * because editors compare them as text.
 */
import type { AddressSpace } from '../../emulator/debug-port.ts';
import { failure } from '../errors.ts';

export interface MemoryReference {
  readonly space: AddressSpace;
  readonly address: number;
}

const REFERENCE = /^(phys:)?(-?)(0x[0-9a-f]{1,16}|\d{1,20})$/i;

/** Throws the numbered error for text that is no reference. */
export function parseReference(text: string): MemoryReference {
  const match = REFERENCE.exec(text.trim());
  const address = Number(match?.[3]) * (match?.[2] === '-' ? -1 : 1);
  if (match === null || !Number.isSafeInteger(address))
    throw failure('badReference', { reference: text.length > 80 ? `${text.slice(0, 79)}…` : text });
  return { space: match[1] === undefined ? 'linear' : 'physical', address };
}

/** "0x00100123" (eight digits, more where needed, a minus sign before an address below zero). */
export function formatAddress(address: number): string {
  const digits = Math.abs(address).toString(16).padStart(8, '0');
  return `${address < 0 ? '-' : ''}0x${digits}`;
}

export function formatReference({ space, address }: MemoryReference): string {
  return `${space === 'physical' ? 'phys:' : ''}${formatAddress(address)}`;
}
