// SPDX-License-Identifier: MIT
/**
 * Who holds a frame. Nothing in the guest leads from a frame to its holders; here all leaves are looked through.
 */
import { PAGE } from './address';
import { type Model, type Region, type Space, va2vregion } from './model';
import { eachFrame, indexesOfFrame, type TableNode } from './nodes';
import { leafOf, path } from './walk';

/** An address through which a space reaches the frame. */
export interface Owner {
  space: Space;
  va: number;
  region: Region | undefined;
}

export interface Ownership {
  owners: Owner[];
  /** Leaf entries that hold the frame. A shared leaf holds it once for all of its spaces. */
  entries: number;
  /** Owners beyond those listed. */
  more: number;
}

const MOST_OWNERS = 64;

/** The spaces whose tree has this very leaf. */
export function spacesOfLeaf(model: Model, leaf: TableNode): Space[] {
  return [...model.spaces.values()].filter((space) => leafOf(model, space, leaf.base) === leaf);
}

export function ownersOf(model: Model, pfn: number): Ownership {
  const result: Ownership = { owners: [], entries: 0, more: 0 };
  for (const node of model.nodes.values()) {
    if (node.level !== 1) continue;
    const indexes = indexesOfFrame(node, pfn);
    if (indexes.length === 0) continue;
    result.entries += indexes.length;
    for (const space of spacesOfLeaf(model, node)) addOwners(result, space, node, indexes);
  }
  return result;
}

function addOwners(result: Ownership, space: Space, leaf: TableNode, indexes: number[]): void {
  for (const index of indexes) {
    const va = leaf.base + index * PAGE;
    if (result.owners.length < MOST_OWNERS) result.owners.push({ space, va, region: va2vregion(space, va) });
    else result.more++;
  }
}

/** The spaces whose tree has this node, and where in the tree it is. */
export function spacesOfNode(model: Model, pfn: number): Space[] {
  const node = model.nodes.get(pfn);
  if (!node) return [];
  return [...model.spaces.values()].filter((space) => path(model, space, node.base).some((step) => step.node === node));
}

/** Calls back with every frame that a space has: of its pages, and its nodes. Frames may come more than once. */
export function eachFrameOfSpace(model: Model, space: Space, visit: (pfn: number) => void): void {
  const seen = new Set<number>();
  const go = (node: TableNode): void => {
    if (seen.has(node.pfn)) return;
    seen.add(node.pfn);
    visit(node.pfn);
    if (node.level === 1) return eachFrame(node, visit);
    for (const entry of node.children.values()) {
      const child = model.child(node, entry);
      if (child) go(child);
    }
  };
  const root = model.nodes.get(space.root);
  if (root) go(root);
}
