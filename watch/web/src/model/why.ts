// SPDX-License-Identifier: MIT
/**
 * Why a page-table entry is what it is: the entry that the region and the vpage_info call for, the one that is there,
 * and the words for each difference. The rules are those of vpage_entry in the kernel's mm/vpage.h.
 */
import { PTE, VPI } from './bits';
import type { Model, Region } from './model';
import type { PageInfo } from './nodes';
import type { Walk } from './walk';

export type Word =
  | 'no_region'
  | 'not_touched'
  | 'in_swap'
  | 'moving'
  | 'leaving'
  | 'prot_none'
  | 'not_mapped'
  | 'read_only'
  | 'zero_frame'
  | 'file_private'
  | 'file_clean'
  | 'cow'
  | 'shared_node'
  | 'weaker'
  | 'stronger'
  | 'other_frame'
  | 'huge'
  | 'agrees'
  | 'torn';

export interface Reason {
  word: Word;
  text: string;
  /** 'wait': a difference that some fault will settle. 'wrong': one that must never be. */
  tone: 'plain' | 'wait' | 'wrong';
}

export interface Expected {
  present: boolean;
  writable: boolean;
  executable: boolean;
  reasons: Reason[];
}

function reason(word: Word, text: string, tone: Reason['tone'] = 'wait'): Reason {
  return { word, text, tone };
}

function times(n: number, one: string, many: string): string {
  return `${n} ${n === 1 ? one : many}`;
}

/** What will happen when an untouched page is touched. */
function firstTouch(region: Region): string {
  if (region.file) {
    return region.shared
      ? 'The first access brings the page of the file from the page cache; the first write marks it dirty.'
      : 'The first read maps the page of the file from the page cache; a first write gets a copy of it.';
  }
  const grows = region.purpose === 'stack' ? 'The stack has room here. ' : '';
  return `${grows}The first write gets a frame of zeros; a first read the zero frame, which all share.`;
}

/** Pages that are in no frame, or must not be reached just now: no entry. */
function absence(region: Region, page: PageInfo): Reason | null {
  if (!(page.vpi & VPI.used)) return reason('not_touched', `Never touched: no frame, no entry. ${firstTouch(region)}`);
  if (page.vpi & VPI.moving)
    return reason('moving', 'It is being copied to another frame: no entry until that is done; a fault here looks again.');
  if (page.vpi & VPI.leaving)
    return reason(
      'leaving',
      'The clock has emptied the entry to write the page to swap, and some CPU may still remember it: a fault here looks again.',
    );
  if (!(page.vpi & VPI.present))
    return reason('in_swap', `The content is in slot ${page.ppn} of swap, in no frame: no entry. The next access reads it back.`);
  if (!region.read && !region.write && !region.exec)
    return reason('prot_none', 'The region allows nothing (PROT_NONE): the page has a frame, but no entry.', 'plain');
  return null;
}

/** Why the entry of a page in a writable region lacks W, or null if it has it. */
function writeProtection(model: Model, region: Region, page: PageInfo): Reason | null {
  const refs = model.refs[page.ppn] ?? 0;
  const kind = model.kindName(page.ppn);
  if (!(page.vpi & VPI.writable)) {
    if (kind === 'zero')
      return reason(
        'zero_frame',
        'It reads from the zero frame, which everybody shares: write-protected; the first write gets a frame of its own.',
      );
    if (region.shared)
      return reason(
        'file_clean',
        'A shared page of a file that is clean: write-protected, so that the first write is noticed and marks it dirty.',
      );
    return reason('file_private', 'The frame belongs to the page cache and the mapping is private: write-protected; a write gets a copy.');
  }
  if (!region.shared && refs !== 1) {
    const why =
      kind === 'swap'
        ? `The frame has ${times(refs, 'reference', 'references')}, the swap cache among them`
        : `The frame has ${times(refs, 'reference', 'references')}`;
    return reason('cow', `${why}: write-protected for copy-on-write. A write gets a copy; reading goes on without a fault.`);
  }
  return null;
}

export function expectedEntry(model: Model, region: Region, page: PageInfo): Expected {
  const absent = absence(region, page);
  if (absent) return { present: false, writable: false, executable: false, reasons: [absent] };
  const reasons: Reason[] = [];
  let writable = region.write;
  if (!region.write)
    reasons.push(reason('read_only', 'The region is not writable: a write is an error of the program (SIGSEGV).', 'plain'));
  const protection = region.write ? writeProtection(model, region, page) : null;
  if (protection) {
    writable = false;
    reasons.push(protection);
  }
  return { present: true, writable, executable: region.exec, reasons };
}

/** The entry that is there against the one that is called for. Weaker is allowed for a while, stronger never. */
function compare(expected: Expected, page: PageInfo): Reason[] {
  const bits = page.pte;
  if (!expected.present)
    return bits & PTE.present
      ? [reason('stronger', 'There is an entry all the same. That must not be: the entry allows more than the page.', 'wrong')]
      : [];
  if (!(bits & PTE.present))
    return [
      reason('not_mapped', 'Present, but not yet mapped: the entry is empty. The next access faults, fills it in, and needs no flush.'),
    ];
  const found: Reason[] = [];
  if (page.ptePfn !== page.ppn)
    found.push(reason('other_frame', `The entry leads to frame ${page.ptePfn}, the vpage_info to ${page.ppn}. That must not be.`, 'wrong'));
  if (bits & PTE.writable && !expected.writable)
    found.push(reason('stronger', 'The entry allows writing, which the page does not. That must not be.', 'wrong'));
  if (!(bits & PTE.noExecute) && !expected.executable)
    found.push(reason('stronger', 'The entry allows execution, which the region does not. That must not be.', 'wrong'));
  if (!(bits & PTE.writable) && expected.writable)
    found.push(
      reason(
        'weaker',
        'The entry could allow writing by now, since the frame has one reference left: the next write takes the frame over, without a copy.',
      ),
    );
  return found;
}

/** The write bit counts along the whole walk. */
function above(walk: Walk, page: PageInfo): Reason[] {
  const top = walk.steps.find((step) => step.level > 1 && step.bits & PTE.present && !(step.bits & PTE.writable));
  if (!top || !walk.region?.write || !(page.vpi & VPI.present)) return [];
  const child = walk.steps.find((step) => step.level === top.level - 1);
  const shared = child && child.owners > 1;
  const holds = shared ? `node ${child.node.pfn} below it has ${child.owners} owners` : 'the node below it was shared';
  return [
    reason(
      'shared_node',
      `The entry at level ${top.level} has W clear, since ${holds}: everything under it is write-protected, whatever the leaf says. A write first makes the path private.`,
    ),
  ];
}

/** All reasons for the page at the walk's address, the most telling first. */
export function explain(model: Model, walk: Walk): Reason[] {
  if (!walk.region) return [reason('no_region', 'No region holds this address: an access is an error of the program (SIGSEGV).', 'plain')];
  const page = walk.page ?? { index: 0, ppn: 0, vpi: 0, ptePfn: 0, pte: 0 };
  const expected = expectedEntry(model, walk.region, page);
  // Behind a huge entry the leaf's own entries are kept as well; what the CPU reads is the huge one.
  const reasons = [...compare(expected, page), ...expected.reasons, ...above(walk, page)];
  if (walk.huge)
    reasons.push(reason('huge', 'One entry at level 2 maps the whole 2 MiB; this leaf waits behind it for the day it is split.', 'plain'));
  if (walk.torn)
    return [
      reason('torn', 'This part changed while it was read: what is shown is its state before.', 'wait'),
      ...reasons.filter((r) => r.tone !== 'wrong'),
    ];
  if (reasons.length === 0) return [reason('agrees', 'The entry says what the vpage_info says.', 'plain')];
  return reasons.sort((a, b) => Number(b.tone === 'wrong') - Number(a.tone === 'wrong'));
}

export type PageState = 'untouched' | 'swap' | 'transit' | 'zero' | 'cow' | 'unmapped' | 'own' | 'read_only' | 'wrong';

/** The page's state in one word, for a cell. `sharedPath`: some node on the way has two owners. */
export function pageState(model: Model, region: Region, page: PageInfo, sharedPath: boolean): PageState {
  if (!(page.vpi & VPI.used)) return 'untouched';
  if (page.vpi & (VPI.moving | VPI.leaving)) return 'transit';
  if (!(page.vpi & VPI.present)) return 'swap';
  const expected = expectedEntry(model, region, page);
  if (compare(expected, page).some((difference) => difference.tone === 'wrong')) return 'wrong';
  if (!(page.pte & PTE.present)) return 'unmapped';
  if (!region.write) return 'read_only';
  if (model.kindName(page.ppn) === 'zero') return 'zero';
  return expected.writable && !sharedPath ? 'own' : 'cow';
}
