// SPDX-License-Identifier: MIT
/**
 * The walk of an address: what the CPU does, level by level, beside what the kernel knows of the page.
 */
import { entryIndex, PAGE, pageOf } from './address';
import { PTE } from './bits';
import { type Model, type Region, type Space, va2vregion } from './model';
import { isHuge, leafPage, type PageInfo, type TableNode } from './nodes';

export const ROOT_LEVEL = 4;

export interface Step {
  level: number;
  node: TableNode;
  index: number;
  /** The entry: frame of the child or of the page, and its bits. Zero bits: no entry. */
  pfn: number;
  bits: number;
  /** Entries that point to this node. The root has the one owner that is its space. */
  owners: number;
}

export interface Walk {
  va: number;
  space: Space;
  region: Region | undefined;
  /** From the root down, as far as there are nodes. */
  steps: Step[];
  /** The leaf that has the page's metadata, also behind a huge entry. */
  leaf: TableNode | undefined;
  page: PageInfo | undefined;
  huge: boolean;
  /** What the hardware arrives at: null where some entry is missing. */
  frame: number | null;
  physical: bigint | null;
  /** The rights along the whole walk: AND of W and U, OR of no-execute. */
  writable: boolean;
  executable: boolean;
  /** Nodes from the root down that others hold too, that is from the first with two owners on. */
  sharedFrom: number | null;
  torn: boolean;
}

function stepOf(model: Model, node: TableNode, va: number): Step {
  const index = entryIndex(va, node.level);
  const owners = node.level === ROOT_LEVEL ? 1 : node.refs || model.refs[node.pfn] || 1;
  if (node.level === 1) {
    const page = leafPage(node, index);
    return { level: 1, node, index, pfn: page.ptePfn, bits: page.pte, owners };
  }
  const entry = node.children.get(index);
  return { level: node.level, node, index, pfn: entry?.pfn ?? 0, bits: entry?.bits ?? 0, owners };
}

/** The nodes on the path to an address, without asking what the hardware may do. */
export function path(model: Model, space: Space, va: number): Step[] {
  const steps: Step[] = [];
  let node = model.nodes.get(space.root);
  while (node) {
    const step = stepOf(model, node, va);
    steps.push(step);
    if (step.bits === 0 || node.level === 1) break;
    const child: TableNode | undefined = model.child(node, step);
    if (!child) break;
    node = child;
  }
  return steps;
}

export function leafOf(model: Model, space: Space, va: number): TableNode | undefined {
  const last = path(model, space, va).at(-1);
  return last?.level === 1 ? last.node : undefined;
}

export function walk(model: Model, space: Space, va: number): Walk {
  const steps = path(model, space, va);
  const last = steps.at(-1);
  const leaf = last?.level === 1 ? last.node : undefined;
  const page = leaf && leafPage(leaf, entryIndex(va, 1));
  const hugeAt = steps.findIndex((step) => step.level > 1 && isHuge(step));
  const seen = hugeAt >= 0 ? steps.slice(0, hugeAt + 1) : steps;
  const arrives = seen.every((step) => step.bits & PTE.present) && (hugeAt >= 0 || last?.level === 1);
  const frame = !arrives ? null : hugeAt >= 0 ? steps[hugeAt]!.pfn + entryIndex(va, 1) : last!.pfn;
  const shared = steps.find((step) => step.owners > 1);
  return {
    va,
    space,
    region: va2vregion(space, va),
    steps,
    leaf,
    page,
    huge: hugeAt >= 0,
    frame,
    physical: frame === null ? null : BigInt(frame) * BigInt(PAGE) + BigInt(va - pageOf(va)),
    writable: arrives && seen.every((step) => step.bits & PTE.writable),
    executable: arrives && seen.every((step) => !(step.bits & PTE.noExecute)),
    sharedFrom: shared?.level ?? null,
    torn: model.isTorn('space', space.id) || steps.some((step) => model.isTorn('node', step.node.pfn)),
  };
}
