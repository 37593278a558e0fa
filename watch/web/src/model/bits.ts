// SPDX-License-Identifier: MIT
/** Bits of vpage_infos, page-table entries and error codes, and the words for them. */

export const VPI = { present: 1, writable: 2, used: 4, moving: 8, leaving: 16 } as const;

/** The hardware's low 12 bits; no-execute (its bit 63) is moved to 4096. */
export const PTE = {
  present: 1,
  writable: 2,
  user: 4,
  writeThrough: 8,
  uncached: 16,
  accessed: 32,
  dirty: 64,
  large: 128,
  global: 256,
  noExecute: 4096,
} as const;

export const FAULT = { present: 1, write: 2, user: 4, reserved: 8, fetch: 16 } as const;

export interface Bit {
  letter: string;
  name: string;
  set: boolean;
}

function bitsOf(value: number, table: [number, string, string][]): Bit[] {
  return table.map(([mask, letter, name]) => ({ letter, name, set: (value & mask) !== 0 }));
}

export function vpiBits(bits: number): Bit[] {
  return bitsOf(bits, [
    [VPI.used, 'used', 'the page has content'],
    [VPI.present, 'present', 'it is in a frame'],
    [VPI.writable, 'writable', 'a write may go into that frame'],
    [VPI.moving, 'moving', 'being copied to another frame'],
    [VPI.leaving, 'leaving', 'on its way to swap'],
  ]);
}

export function pteBits(bits: number): Bit[] {
  return bitsOf(bits, [
    [PTE.present, 'P', 'present'],
    [PTE.writable, 'W', 'writes allowed'],
    [PTE.user, 'U', 'user mode allowed'],
    [PTE.accessed, 'A', 'accessed'],
    [PTE.dirty, 'D', 'dirty: written to'],
    [PTE.large, 'PS', 'maps 2 MiB at once'],
    [PTE.global, 'G', 'global'],
    [PTE.noExecute, 'NX', 'no instruction may be fetched'],
  ]);
}

export function faultBits(err: number): Bit[] {
  return bitsOf(err, [
    [FAULT.present, 'P', 'a present entry forbade it'],
    [FAULT.write, 'W', 'a write'],
    [FAULT.user, 'U', 'from user mode'],
    [FAULT.fetch, 'I', 'an instruction fetch'],
  ]);
}

/** An error code as a sentence. */
export function faultSentence(err: number): string {
  const who = err & FAULT.user ? 'The program' : 'The kernel';
  const did = err & FAULT.fetch ? 'fetched an instruction from' : err & FAULT.write ? 'wrote to' : 'read';
  const met =
    err & FAULT.reserved
      ? 'an entry with a reserved bit set'
      : err & FAULT.present
        ? 'a page whose entry is present but forbids that'
        : 'a page that has no entry in the page table';
  return `${who} ${did} ${met}.`;
}
