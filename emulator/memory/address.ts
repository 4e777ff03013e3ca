/**
 * Addresses of an x86 machine as distinct types, so that a guest-physical address can never be passed
 * where a linear one is meant (SDM vol. 3, 3.1 "Memory management overview"). All are byte addresses
 * held in a number; linear addresses are unsigned.
 */

declare const space: unique symbol;

/** Address after paging: what the memory bus sees. */
export type GuestPhys = number & { readonly [space]: 'guest-physical' };
/** Address after segmentation and before paging, 0 to 2^32-1 outside 64-bit mode. */
export type Linear = number & { readonly [space]: 'linear' };
/** I/O port, 0 to 0xffff. */
export type Port = number & { readonly [space]: 'port' };

export const guestPhys = (address: number): GuestPhys => address as GuestPhys;
/** Wraps to 32 bits. */
export const linear = (address: number): Linear => (address >>> 0) as Linear;
export const port = (number: number): Port => (number & 0xffff) as Port;

export const PAGE_SIZE = 4096;
