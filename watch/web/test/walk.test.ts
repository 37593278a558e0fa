// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LeafRun } from '../src/model/messages';
import { walk } from '../src/model/walk';
import { play } from './play';
import { BASE, small } from './small';

test('a_walk_ends_at_the_frame_and_adds_the_offset', () => {
  const model = small({ runs: [[3, 1, 0, 100, 7, 100, 0x67]] });
  const found = walk(model, model.spaces.get(1)!, BASE + 0x3123);
  assert.deepEqual(
    found.steps.map((step) => [step.level, step.index, step.pfn]),
    [
      [4, 0, 11],
      [3, 0, 12],
      [2, 2, 13],
      [1, 3, 100],
    ],
  );
  assert.equal(found.frame, 100);
  assert.equal(found.physical, 100n * 4096n + 0x123n);
  assert.ok(found.writable && found.executable);
});

test('a_walk_stops_where_an_entry_is_missing', () => {
  const model = small({ runs: [] });
  const space = model.spaces.get(1)!;
  assert.deepEqual([walk(model, space, BASE).steps.length, walk(model, space, BASE).frame], [4, null]);
  assert.deepEqual([walk(model, space, 0x7f0000000000).steps.length, walk(model, space, 0x7f0000000000).region], [1, undefined]);
});

test('rights_are_the_and_of_all_levels', () => {
  for (const level of [0, 1, 2]) {
    const above: [number, number, number] = [7, 7, 7];
    above[level] = 5;
    const model = small({ runs: [[0, 1, 0, 100, 7, 100, 7]], above });
    assert.equal(walk(model, model.spaces.get(1)!, BASE).writable, false, `W clear at level ${4 - level}`);
  }
  const model = small({ runs: [[0, 1, 0, 100, 7, 100, 7 | 4096]] });
  assert.equal(walk(model, model.spaces.get(1)!, BASE).executable, false);
});

test('a_huge_entry_ends_the_walk_of_the_hardware', () => {
  const model = small({
    runs: [
      [0, 16, 1, 1024, 7, 1024, 7],
      [16, 496, 1, 1040, 7, 1040, 5],
    ],
    above: [7, 7, 0x87],
    huge: 1024,
  });
  const found = walk(model, model.spaces.get(1)!, BASE + 0x5010);
  assert.ok(found.huge && found.writable);
  assert.equal(found.frame, 1029);
  assert.deepEqual(
    found.steps.map((step) => step.node.pfn),
    [10, 11, 12, 13],
    'the leaf behind it is shown',
  );
});

test('behind_a_huge_entry_only_the_leaf_with_its_frames_can_wait', () => {
  for (const runs of [
    [[0, 512, 1, 2048, 7, 2048, 7]],
    [[0, 511, 1, 1024, 7, 1024, 7]],
    [[0, 512, 0, 1024, 7, 1024, 7]],
    [[0, 512, 1, 1024, 4, 0, 0]],
  ] as LeafRun[][]) {
    const model = small({ runs, above: [7, 7, 0x87], huge: 1024 });
    const found = walk(model, model.spaces.get(1)!, BASE);
    assert.deepEqual([found.leaf, found.frame], [undefined, 1024]);
  }
});

test('a_node_that_is_not_in_the_picture_ends_the_walk', () => {
  const model = small({ runs: [] });
  model.nodes.delete(12);
  const found = walk(model, model.spaces.get(1)!, BASE);
  assert.deepEqual([found.steps.length, found.frame, found.leaf], [2, null, undefined]);
});

test('every_walk_of_the_story_arrives_where_the_machine_does', () => {
  let walks = 0;
  play((model, picture, machine) => {
    if (picture.n % 10) return;
    for (const space of machine.spaces.values())
      for (const area of space.areas)
        for (let i = 0; i < area.pages; i += 5) {
          const va = area.start + i * 4096;
          let node = space.root;
          while (node.level > 1) {
            const next = node.entries.get(Math.floor(va / 4096 / 512 ** (node.level - 1)) % 512)?.node;
            if (!next) break;
            node = next;
          }
          const info = node.level === 1 ? node.infos.get((va / 4096) % 512) : undefined;
          assert.equal(walk(model, model.spaces.get(space.id)!, va).frame, info?.pte ? info.ptePfn : null);
          walks++;
        }
  });
  assert.ok(walks > 1000);
});
