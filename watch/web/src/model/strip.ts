// SPDX-License-Identifier: MIT
/**
 * A region as rows of pages. Every page is one cell, so that areas are to scale; cells stand in columns by their address,
 * so that a leaf node is a block of whole rows. Where many rows say the same, a break takes their place.
 */
import { entrySpan, LEAF_SPAN, PAGE, PAGES_PER_NODE } from './address';
import { PTE } from './bits';
import type { Model, Region, Space } from './model';
import { leafPage, type PageInfo, type TableNode, UNTOUCHED } from './nodes';
import { path, ROOT_LEVEL } from './walk';
import { pageState, type PageState } from './why';

export interface Cell {
  va: number;
  state: PageState;
  kind: string;
  refs: number;
  pfn: number;
}

/** Cells that lie in one row: `cells[i]` is in column `from + i`. */
export interface Row {
  va: number; // of its first column
  from: number;
  cells: Cell[];
  leaf: LeafView | null;
}

export interface Break {
  rows: number;
  pages: number;
  state: PageState;
}

export interface LeafView {
  /** Null: there is none, nor any up to the end of what the missing entry above it would map. */
  node: TableNode | null;
  base: number;
  /** Whether some node from the root down to it has two owners. */
  shared: boolean;
  /** Some entry above has W clear. */
  protected: boolean;
  owners: number;
  huge: boolean;
}

const KEEP_ALIKE = 2;
const BREAK_FROM = 7; // rows alike from which on a break is shorter

export function leafView(model: Model, space: Space, va: number): LeafView {
  const steps = path(model, space, va);
  const last = steps.at(-1);
  const node = last?.level === 1 ? last.node : null;
  const span = node ? LEAF_SPAN : entrySpan(last?.level ?? ROOT_LEVEL);
  const base = va - (va % span);
  const above = steps.filter((step) => step.level > 1);
  return {
    node,
    base,
    owners: last?.level === 1 ? last.owners : 0,
    shared: steps.some((step) => step.owners > 1),
    protected: node !== null && above.some((step) => !(step.bits & PTE.writable)),
    huge: above.some((step) => step.level === 2 && (step.bits & PTE.large) !== 0),
  };
}

function cellOf(model: Model, region: Region, page: PageInfo, va: number, leaf: LeafView): Cell {
  const state = pageState(model, region, page, leaf.shared || leaf.protected);
  const inFrame = state !== 'untouched' && state !== 'swap';
  return {
    va,
    state,
    kind: inFrame ? model.kindName(page.ppn) : '',
    refs: inFrame ? (model.refs[page.ppn] ?? 0) : 0,
    pfn: inFrame ? page.ppn : 0,
  };
}

/** Whether all cells of two rows say the same, so that one can stand for the other. */
function alike(a: Row, b: Row): boolean {
  const first = a.cells[0]!;
  const same = (cell: Cell) => cell.state === first.state && cell.kind === first.kind && cell.refs === first.refs;
  return (
    a.from === b.from &&
    a.cells.length === b.cells.length &&
    a.leaf?.shared === b.leaf?.shared &&
    a.cells.every(same) &&
    b.cells.every(same)
  );
}

/** From the highest address down, as the picture is drawn. */
export function rowsOf(model: Model, space: Space, region: Region, columns: number): (Row | Break)[] {
  const span = columns * PAGE;
  const rows: (Row | Break)[] = [];
  let pending: Row[] = [];
  let leaf: LeafView | null = null;
  for (let va = Math.floor((region.end - PAGE) / span) * span; va >= region.start - (region.start % span); va -= span) {
    if (!leaf || va < leaf.base) leaf = leafView(model, space, va);
    if (!leaf.node && pending.length >= KEEP_ALIKE) va = skipEmpty(rows, pending, region, leaf, va, span);
    const row = rowAt(model, region, leaf, va, columns);
    if (pending.length && !alike(pending[0]!, row)) flush(rows, pending, columns);
    pending.push(row);
  }
  flush(rows, pending, columns);
  return rows;
}

/**
 * Where there is no leaf nothing was touched: leave that out, so that a region of terabytes takes no time.
 * Returns the address of the next row to look at.
 */
function skipEmpty(rows: (Row | Break)[], pending: Row[], region: Region, leaf: LeafView, va: number, span: number): number {
  const lowest = Math.max(leaf.base, region.start - (region.start % span));
  const skipped = (va - lowest) / span - KEEP_ALIKE;
  if (skipped < 1 || pending[0]!.cells[0]!.state !== 'untouched') return va;
  flush(rows, pending, span / PAGE);
  addBreak(rows, { rows: skipped, pages: (skipped * span) / PAGE, state: 'untouched' });
  return va - skipped * span;
}

function rowAt(model: Model, region: Region, leaf: LeafView, va: number, columns: number): Row {
  const first = Math.max(region.start, va);
  const end = Math.min(region.end, va + columns * PAGE);
  const cells: Cell[] = [];
  for (let at = first; at < end; at += PAGE) {
    const index = (at / PAGE) % PAGES_PER_NODE;
    const page = leaf.node ? leafPage(leaf.node, index) : { index, ...UNTOUCHED };
    cells.push(cellOf(model, region, page, at, leaf));
  }
  return { va, from: (first - va) / PAGE, cells, leaf };
}

function flush(rows: (Row | Break)[], pending: Row[], columns: number): void {
  if (pending.length < BREAK_FROM) rows.push(...pending);
  else {
    const between = pending.length - 2 * KEEP_ALIKE;
    rows.push(...pending.slice(0, KEEP_ALIKE));
    addBreak(rows, { rows: between, pages: between * columns, state: pending[0]!.cells[0]!.state });
    rows.push(...pending.slice(-KEEP_ALIKE));
  }
  pending.length = 0;
}

/** Breaks that meet become one, also over a few rows that say the same. */
function addBreak(rows: (Row | Break)[], added: Break): void {
  let at = rows.length - 1;
  let pages = added.pages;
  for (let row = rows[at]; row && isRow(row) && row.cells.every((cell) => cell.state === added.state && cell.pfn === 0); row = rows[--at])
    pages += row.cells.length;
  const last = rows[at];
  if (!last || isRow(last) || last.state !== added.state) {
    rows.push(added);
    return;
  }
  last.rows += added.rows + rows.length - 1 - at;
  last.pages += pages;
  rows.length = at + 1;
}

export function isRow(row: Row | Break): row is Row {
  return 'cells' in row;
}

const STATES: PageState[] = ['untouched', 'swap', 'transit', 'zero', 'cow', 'unmapped', 'own', 'read_only', 'wrong'];

/** A number that is another one when the rows look otherwise: what looks the same need not be drawn again. */
export function looksOf(rows: (Row | Break)[]): number {
  let hash = 17;
  const add = (value: number) => (hash = (Math.imul(hash, 16777619) ^ value) >>> 0);
  for (const row of rows) {
    if (!isRow(row)) {
      add(row.pages);
      add(STATES.indexOf(row.state));
      continue;
    }
    add(row.va / PAGE);
    add((row.leaf?.node?.pfn ?? 0) * 4 + Number(row.leaf?.shared ?? false) * 2 + Number(row.leaf?.huge ?? false));
    for (const cell of row.cells) {
      add(cell.pfn);
      add(STATES.indexOf(cell.state) * 4096 + cell.refs);
      add(cell.kind.length * 256 + (cell.kind.charCodeAt(0) || 0));
    }
  }
  return hash;
}
