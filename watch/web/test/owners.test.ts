// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownersOf, spacesOfNode } from '../src/model/owners';
import { Sharing } from '../src/model/sharing';
import { treeOf } from '../src/model/tree';
import type { Machine } from './machine';
import { play } from './play';

interface Held {
  frames: Map<number, Set<number>>; // frame to the spaces that reach it
  nodes: Map<number, Set<number>>;
  entries: Map<number, number>;
}

/** By the machine's own trees, page by page. */
function count(machine: Machine): Held {
  const held: Held = { frames: new Map(), nodes: new Map(), entries: new Map() };
  const add = (map: Map<number, Set<number>>, key: number, space: number) => map.set(key, (map.get(key) ?? new Set()).add(space));
  for (const space of machine.spaces.values()) {
    const go = (node: typeof space.root): void => {
      add(held.nodes, node.pfn, space.id);
      for (const entry of node.entries.values()) go(entry.node);
      for (const info of node.infos.values()) if (info.present) add(held.frames, info.ppn, space.id);
    };
    go(space.root);
  }
  for (const node of machine.nodes.values())
    for (const info of node.infos.values()) if (info.present) held.entries.set(info.ppn, (held.entries.get(info.ppn) ?? 0) + 1);
  return held;
}

test('owners_of_frames_are_those_that_the_machine_counts', () => {
  play((model, picture, machine) => {
    if (picture.n % 25) return;
    const held = count(machine);
    for (const [pfn, spaces] of held.frames) {
      if (pfn === machine.zero) continue;
      const found = ownersOf(model, pfn);
      assert.equal(found.entries, held.entries.get(pfn), `entries of frame ${pfn}`);
      assert.deepEqual(new Set(found.owners.map((owner) => owner.space.id)), spaces, `spaces of frame ${pfn}`);
    }
  });
});

test('spaces_of_nodes_are_those_that_the_machine_counts', () => {
  play((model, picture, machine) => {
    if (picture.n % 25) return;
    for (const [pfn, spaces] of count(machine).nodes) assert.deepEqual(new Set(spacesOfNode(model, pfn).map((space) => space.id)), spaces);
  });
});

test('what_spaces_have_in_common_is_what_the_machine_counts', () => {
  play((model, picture, machine) => {
    if (picture.n % 10) return;
    const held = count(machine);
    const sharing = new Sharing(model);
    const ids = [...machine.spaces.keys()];
    const both = (map: Map<number, Set<number>>, a: number, b: number) =>
      [...map].filter(([pfn, spaces]) => pfn !== machine.zero && spaces.has(a) && spaces.has(b)).length;
    for (const a of ids) {
      assert.deepEqual(sharing.total(a), { frames: both(held.frames, a, a), nodes: both(held.nodes, a, a) });
      const common = sharing.with(a);
      for (const b of ids.slice(0, 5))
        if (a !== b)
          assert.deepEqual(common.get(b) ?? { frames: 0, nodes: 0 }, { frames: both(held.frames, a, b), nodes: both(held.nodes, a, b) });
    }
  });
});

test('processes_stand_below_their_parents', () => {
  const process = (pid: number, ppid: number) => ({ pid, ppid, name: '', state: 'R', threads: 1, space: pid });
  const lines = treeOf([process(9, 3), process(3, 1), process(1, 0), process(5, 77), process(4, 1)]);
  assert.deepEqual(
    lines.map((line) => [line.process.pid, line.depth]),
    [
      [1, 0],
      [3, 1],
      [9, 2],
      [4, 1],
      [5, 0],
    ],
  );
});
