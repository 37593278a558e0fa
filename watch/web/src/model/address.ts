// SPDX-License-Identifier: MIT
/**
 * Addresses. Those of users fit into a number (47 bits); the kernel's do not, and are bigints.
 */

export const PAGE = 4096;
export const PAGES_PER_NODE = 512;
export const LEAF_SPAN = PAGE * PAGES_PER_NODE;

/** The first address that no user has. */
export const USER_END = 0x7ffffffff000;

/** Bytes that one entry of a node of this level maps; level 1 maps pages. */
export function entrySpan(level: number): number {
  return PAGE * PAGES_PER_NODE ** (level - 1);
}

/** Which entry of a node of this level a user address goes through. */
export function entryIndex(va: number, level: number): number {
  return Math.floor(va / entrySpan(level)) % PAGES_PER_NODE;
}

export function pageOf(va: number): number {
  return va - (va % PAGE);
}

/** "0x..." of a message as a number. => a user address, else it loses digits */
export function toNumber(text: string): number {
  return Number(text);
}

/** "0x..." of a message, as it is. Zero if it is none. */
export function toBig(text: string): bigint {
  try {
    return BigInt(text);
  } catch {
    return 0n;
  }
}

export function hex(value: number | bigint): string {
  return '0x' + value.toString(16);
}

export type Canonical = 'user' | 'kernel' | 'non-canonical';

/** Which part of the address map it is in. */
export function partOf(address: bigint): Canonical {
  if (address < 0x800000000000n) return 'user';
  return address >= 0xffff800000000000n ? 'kernel' : 'non-canonical';
}

/** What a person typed as an address: hexadecimal with or without 0x, spaces and underscores allowed. Null: none. */
export function parseAddress(text: string): bigint | null {
  const digits = text
    .trim()
    .replace(/^0x/i, '')
    .replace(/[\s_'`]/g, '');
  if (!/^[0-9a-f]{1,16}$/i.test(digits)) return null;
  return BigInt('0x' + digits);
}
