// SPDX-License-Identifier: MIT
/** The nodes of one page table as a tree to draw. */
import { LEAF_SPAN } from './address';
import { PTE } from './bits';
import type { Model } from './model';
import { isHuge, type TableNode } from './nodes';

const FOLD_FROM = 8; // leaves in a row that look alike
const KEEP = 2; // of them at each end

export interface Item {
  node: TableNode;
  owners: number;
  shared: boolean; // it, or a node above it
  writable: boolean; // the entry that leads to it
  huge: boolean;
  children: Item[];
  /** So many leaves that look alike are left out, and this stands for them. */
  folded: number;
}

/** From a root down. */
export function itemsOf(model: Model, root: TableNode): Item {
  return makeItem(model, root, 1, false, true, false);
}

function makeItem(model: Model, node: TableNode, owners: number, above: boolean, writable: boolean, huge: boolean): Item {
  const shared = above || owners > 1;
  const entries = [...node.children.values()].sort((a, b) => a.index - b.index);
  const children: Item[] = [];
  for (const entry of entries) {
    const child = model.child(node, entry);
    if (!child) continue;
    children.push(makeItem(model, child, child.refs, shared, (entry.bits & PTE.writable) !== 0, node.level === 2 && isHuge(entry)));
  }
  return { node, owners, shared, writable, huge, children, folded: 0 };
}

/** Many leaves in a row that look alike become a few and one that counts the others. `va` stays in sight. */
export function fold(item: Item, va: number | null): void {
  const rest = item.children;
  item.children = [];
  for (let i = 0; i < rest.length;) {
    let end = i + 1;
    while (end < rest.length && alike(rest[i]!, rest[end]!, va)) end++;
    const run = rest.slice(i, end);
    if (run.length < FOLD_FROM) item.children.push(...run);
    else item.children.push(...run.slice(0, KEEP), { ...run[KEEP]!, folded: run.length - 2 * KEEP }, ...run.slice(-KEEP));
    i = end;
  }
  for (const child of item.children) fold(child, va);
}

function alike(a: Item, b: Item, va: number | null): boolean {
  const holds = ({ node }: Item) => va !== null && va >= node.base && va < node.base + LEAF_SPAN;
  return (
    a.node.level === 1 &&
    b.node.level === 1 &&
    a.owners === b.owners &&
    a.writable === b.writable &&
    a.huge === b.huge &&
    !holds(a) &&
    !holds(b)
  );
}
