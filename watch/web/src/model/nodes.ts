// SPDX-License-Identifier: MIT
/**
 * Nodes: the pages of page tables. A node never changes once it is made; a picture that brings a newer one replaces it,
 * so that key frames of the history share what stayed the same.
 */
import { PAGES_PER_NODE, toNumber } from './address';
import { PTE, VPI } from './bits';
import type { LeafRun, NodeMessage, TableEntry } from './messages';

export interface Entry {
  index: number;
  pfn: number;
  bits: number;
}

/** One virtual page, as its leaf knows it. */
export interface PageInfo {
  index: number;
  ppn: number;
  vpi: number;
  ptePfn: number;
  pte: number;
}

export interface TableNode {
  pfn: number;
  level: number;
  base: number;
  refs: number;
  live: number;
  torn: boolean;
  children: Map<number, Entry>; // above the leaves
  runs: LeafRun[]; // of a leaf: sorted by index, never overlapping
}

export const UNTOUCHED = { ppn: 0, vpi: 0, ptePfn: 0, pte: 0 } as const;

export function makeNode(message: NodeMessage): TableNode {
  const leaf = message.level === 1;
  const children = new Map<number, Entry>();
  if (!leaf) for (const [index, pfn, bits] of message.entries as TableEntry[]) children.set(index, { index, pfn, bits });
  const runs = leaf ? (message.entries as LeafRun[]).filter(isRun).sort((a, b) => a[0] - b[0]) : [];
  return {
    pfn: message.pfn,
    level: message.level,
    base: toNumber(message.base),
    refs: message.refs,
    live: message.live,
    torn: message.torn === true,
    children,
    runs,
  };
}

function isRun(run: LeafRun): boolean {
  return run.length >= 7 && run[0] >= 0 && run[1] > 0 && run[0] + run[1] <= PAGES_PER_NODE;
}

/** Page `i` of a run. An entry or info that is not there has no frame, whatever the step says. */
function pageOfRun(run: LeafRun, i: number): PageInfo {
  const [first, , step, ppn, vpi, ptePfn, pte] = run;
  return { index: first + i, ppn: vpi & VPI.used ? ppn + i * step : 0, vpi, ptePfn: pte ? ptePfn + i * step : 0, pte };
}

export function leafPage(node: TableNode, index: number): PageInfo {
  let low = 0;
  let high = node.runs.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const run = node.runs[middle]!;
    if (index < run[0]) high = middle - 1;
    else if (index >= run[0] + run[1]) low = middle + 1;
    else return pageOfRun(run, index - run[0]);
  }
  return { index, ...UNTOUCHED };
}

/** Every page that the leaf knows something of, in order. */
export function* leafPages(node: TableNode): Generator<PageInfo> {
  for (const run of node.runs) for (let i = 0; i < run[1]; i++) yield pageOfRun(run, i);
}

/** Calls back with each frame that the leaf's pages are in. Quicker than leafPages, for whole machines. */
export function eachFrame(node: TableNode, visit: (pfn: number, index: number) => void): void {
  for (const [first, count, step, ppn, vpi] of node.runs) {
    if (!(vpi & VPI.present)) continue;
    for (let i = 0; i < count; i++) visit(ppn + i * step, first + i);
  }
}

/** The indexes of the leaf's pages that are in this frame. */
export function indexesOfFrame(node: TableNode, pfn: number): number[] {
  const found: number[] = [];
  for (const [first, count, step, ppn, vpi] of node.runs) {
    if (!(vpi & VPI.present)) continue;
    if (step === 0) {
      if (ppn === pfn) for (let i = 0; i < count; i++) found.push(first + i);
      continue;
    }
    const i = (pfn - ppn) / step;
    if (Number.isInteger(i) && i >= 0 && i < count) found.push(first + i);
  }
  return found;
}

export function isHuge(entry: Entry): boolean {
  return (entry.bits & PTE.large) !== 0;
}

/** Whether all pages of a leaf are in frames that follow one another, so that it can wait behind a huge entry. */
export function isRunOfFrames(node: TableNode): boolean {
  if (node.level !== 1 || node.runs.length === 0) return false;
  const first = node.runs[0]!;
  let next = 0;
  for (const [index, count, step, ppn, vpi] of node.runs) {
    if (index !== next || ppn !== first[3] + index || !(vpi & VPI.present) || (step !== 1 && count > 1)) return false;
    next += count;
  }
  return next === PAGES_PER_NODE;
}
