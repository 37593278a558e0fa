// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fold, itemsOf, type Item } from '../src/model/items';
import { Model } from '../src/model/model';
import { Sharing } from '../src/model/sharing';
import { Machine } from './machine';
import { play } from './play';

function all(item: Item): Item[] {
  return [item, ...item.children.flatMap(all)];
}

test('the_tree_has_each_node_of_the_space', () => {
  play((model, picture) => {
    if (picture.n % 20) return;
    const sharing = new Sharing(model);
    for (const space of model.spaces.values()) {
      const items = all(itemsOf(model, model.nodes.get(space.root)!));
      assert.equal(items.length, sharing.total(space.id).nodes);
      const own = sharing.own(space.id).nodes;
      assert.equal(items.filter((item) => !item.shared).length, own, 'what is not shared is its own');
    }
  });
});

test('folded_leaves_are_counted_and_the_chosen_one_stays', () => {
  const model = new Model(new Machine(256).hello());
  const leaf = (i: number) => ({
    pfn: 300 + i,
    level: 1,
    base: '0x' + (i * 0x200000).toString(16),
    refs: i === 20 ? 2 : 1,
    live: 1,
    entries: [],
  });
  const leaves = Array.from({ length: 100 }, (_, i) => leaf(i));
  model.apply({
    type: 'picture',
    n: 1,
    time: 0,
    full: true,
    nodes: [...leaves, { pfn: 12, level: 2, base: '0x0', refs: 1, live: 100, entries: leaves.map((one, i) => [i, one.pfn, 7]) }],
  });
  const item = itemsOf(model, model.nodes.get(12)!);
  fold(item, 50 * 0x200000 + 0x1000);
  const shown = item.children.filter((child) => !child.folded).map((child) => child.node.pfn - 300);
  assert.deepEqual(shown, [0, 1, 18, 19, 20, 21, 22, 48, 49, 50, 51, 52, 98, 99]);
  assert.equal(shown.length + item.children.reduce((sum, child) => sum + child.folded, 0), 100);
});
