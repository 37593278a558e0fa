// SPDX-License-Identifier: MIT
/**
 * What the spaces have in common, in frames and in nodes.
 *
 * Every frame that some page is in belongs to a set of spaces. Sets are numbered, and the union of two is looked up in a
 * table, so that each leaf is read once, however many share it: a machine of 2 GiB takes milliseconds.
 */
import type { Model } from './model';
import { eachFrame, type TableNode } from './nodes';

export interface Common {
  frames: number;
  nodes: number;
}

interface SpaceSet {
  members: number[]; // ids of spaces, rising
  frames: number;
  nodes: number;
}

export class Sharing {
  private sets: SpaceSet[] = [{ members: [], frames: 0, nodes: 0 }];
  private byKey = new Map<string, number>([['', 0]]);
  private unions = new Map<number, number>();

  constructor(model: Model) {
    const holders = holdersOfNodes(model);
    const setOfFrame = new Uint32Array(model.frames);
    for (const [pfn, spaces] of holders) {
      const set = this.number(spaces);
      this.sets[set]!.nodes++;
      const node = model.nodes.get(pfn)!;
      if (node.level === 1) this.addFrames(node, set, setOfFrame, model);
    }
    for (const set of setOfFrame) if (set) this.sets[set]!.frames++;
  }

  /** Frames and nodes of a space. */
  total(space: number): Common {
    return this.sum((set) => set.members.includes(space));
  }

  /** Those that no other space has. */
  own(space: number): Common {
    return this.sum((set) => set.members.length === 1 && set.members[0] === space);
  }

  /** What a space has in common with each other space that it shares anything with. */
  with(space: number): Map<number, Common> {
    const result = new Map<number, Common>();
    for (const set of this.sets) {
      if (!set.members.includes(space)) continue;
      for (const other of set.members) {
        if (other === space) continue;
        const common = result.get(other) ?? { frames: 0, nodes: 0 };
        result.set(other, { frames: common.frames + set.frames, nodes: common.nodes + set.nodes });
      }
    }
    return result;
  }

  private sum(wanted: (set: SpaceSet) => boolean): Common {
    const common = { frames: 0, nodes: 0 };
    for (const set of this.sets) {
      if (!wanted(set)) continue;
      common.frames += set.frames;
      common.nodes += set.nodes;
    }
    return common;
  }

  /** The zero frame is nobody's. */
  private addFrames(leaf: TableNode, set: number, setOfFrame: Uint32Array, model: Model): void {
    const zero = model.hello.kinds.indexOf('zero');
    eachFrame(leaf, (pfn) => {
      if (pfn < model.frames && model.kind[pfn] !== zero) setOfFrame[pfn] = this.union(setOfFrame[pfn]!, set);
    });
  }

  private union(a: number, b: number): number {
    if (a === b || a === 0) return b;
    const key = a * 0x100000 + b;
    const known = this.unions.get(key);
    if (known !== undefined) return known;
    const members = new Set([...this.sets[a]!.members, ...this.sets[b]!.members]);
    const set = this.number([...members].sort((x, y) => x - y));
    this.unions.set(key, set);
    return set;
  }

  private number(members: number[]): number {
    const key = members.join();
    const known = this.byKey.get(key);
    if (known !== undefined) return known;
    this.sets.push({ members, frames: 0, nodes: 0 });
    this.byKey.set(key, this.sets.length - 1);
    return this.sets.length - 1;
  }
}

/** For each node, the spaces from whose root it is reached. */
function holdersOfNodes(model: Model): Map<number, number[]> {
  const holders = new Map<number, number[]>();
  for (const id of [...model.spaces.keys()].sort((a, b) => a - b)) {
    const root = model.nodes.get(model.spaces.get(id)!.root);
    if (root) collect(model, root, id, holders);
  }
  return holders;
}

function collect(model: Model, node: TableNode, space: number, holders: Map<number, number[]>): void {
  const list = holders.get(node.pfn);
  if (list?.at(-1) === space) return;
  if (list) list.push(space);
  else holders.set(node.pfn, [space]);
  for (const entry of node.children.values()) {
    const child = model.child(node, entry);
    if (child) collect(model, child, space, holders);
  }
}
