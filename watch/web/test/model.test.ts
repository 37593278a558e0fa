// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkHello, type Hello, type Picture } from '../src/model/messages';
import { Model } from '../src/model/model';
import { leafPage, leafPages, makeNode } from '../src/model/nodes';
import { Machine } from './machine';
import { play } from './play';
import { small } from './small';

test('deltas_give_the_frames_that_the_machine_has', () => {
  let pictures = 0;
  play((model, picture, machine) => {
    assert.deepEqual(Buffer.from(model.kind), Buffer.from(machine.kind), `kinds in picture ${picture.n}`);
    assert.deepEqual([...model.refs], [...machine.refs], `references in picture ${picture.n}`);
    pictures++;
  });
  assert.ok(pictures > 100);
});

test('counts_by_kind_are_those_of_the_frames', () => {
  play((model, picture) => {
    const counted = new Array<number>(model.hello.kinds.length).fill(0);
    for (const kind of model.kind) counted[kind]!++;
    assert.deepEqual(counted, picture.kinds);
  });
});

test('deltas_give_the_nodes_and_processes_that_the_machine_has', () => {
  play((model, picture, machine) => {
    assert.deepEqual([...model.nodes.keys()].sort(), [...machine.nodes.keys()].sort(), `nodes in picture ${picture.n}`);
    assert.deepEqual([...model.spaces.keys()], [...machine.spaces.keys()]);
    assert.deepEqual(
      model.processes.map((process) => process.pid),
      machine.tasks.map((task) => task.pid),
    );
    for (const node of model.nodes.values()) {
      const real = machine.nodes.get(node.pfn)!;
      for (const page of leafPages(node)) {
        const info = real.infos.get(page.index)!;
        assert.deepEqual([page.ppn, page.pte, page.ptePfn], [info.ppn, info.pte, info.pte ? info.ptePfn : 0]);
      }
    }
  });
});

test('runs_of_pages_advance_by_their_step', () => {
  const leaf = makeNode({
    pfn: 1,
    level: 1,
    base: '0x400000',
    refs: 1,
    live: 8,
    entries: [
      [4, 3, 1, 100, 7, 100, 7],
      [10, 2, 0, 55, 5, 55, 5],
      [20, 1, 0, 9, 4, 0, 0],
    ],
  });
  assert.deepEqual(leafPage(leaf, 6), { index: 6, ppn: 102, vpi: 7, ptePfn: 102, pte: 7 });
  assert.deepEqual(leafPage(leaf, 11), { index: 11, ppn: 55, vpi: 5, ptePfn: 55, pte: 5 });
  assert.deepEqual(leafPage(leaf, 20), { index: 20, ppn: 9, vpi: 4, ptePfn: 0, pte: 0 });
  for (const index of [3, 7, 9, 12, 19, 21, 511]) assert.equal(leafPage(leaf, index).vpi, 0);
  assert.equal([...leafPages(leaf)].length, 6);
});

test('damaged_parts_of_a_picture_are_left_out', () => {
  const model = small({
    runs: [
      [0, 1, 0, 100, 7, 100, 7],
      [600, 4, 1, 1, 7, 1, 7],
      [510, 5, 1, 1, 7, 1, 7],
    ],
  });
  assert.equal(model.nodes.get(13)!.runs.length, 1);
  model.apply({
    type: 'picture',
    n: 2,
    time: 1,
    full: false,
    frames: [
      [250, 100, 3, 1],
      [-5, 7, 3, 1],
      [999, 1, 3, 1],
      [NaN, 1, 3, 1],
    ],
  });
  assert.equal(model.kind[255], 3);
  assert.equal(model.kind[1], 3);
  assert.equal(model.frames, 256);
});

test('torn_nodes_keep_their_old_state_and_are_marked', () => {
  const model = small({ runs: [[0, 1, 0, 100, 7, 100, 7]] });
  model.apply({
    type: 'picture',
    n: 2,
    time: 1,
    full: false,
    torn: ['space 1', 'frame 17'],
    nodes: [{ pfn: 13, level: 1, base: '0x400000', refs: 1, live: 1, torn: true, entries: [[0, 1, 0, 101, 7, 102, 7]] }],
  });
  assert.equal(leafPage(model.nodes.get(13)!, 0).ppn, 100);
  assert.ok(model.isTorn('node', 13) && model.isTorn('space', 1) && model.isTorn('frame', 17));
  model.apply({
    type: 'picture',
    n: 3,
    time: 2,
    full: false,
    nodes: [{ pfn: 13, level: 1, base: '0x400000', refs: 1, live: 1, entries: [[0, 1, 0, 101, 7, 101, 7]] }],
  });
  assert.equal(leafPage(model.nodes.get(13)!, 0).ppn, 101);
  assert.ok(!model.isTorn('node', 13) && !model.isTorn('space', 1));
});

test('a_full_picture_forgets_what_was', () => {
  const model = small({ runs: [[0, 1, 0, 100, 7, 100, 7]] });
  model.apply({ type: 'picture', n: 2, time: 1, full: true, frames: [[0, 256, 2, 0]] });
  assert.deepEqual([model.nodes.size, model.spaces.size, model.processes.length, model.refs[100]], [0, 0, 0, 0]);
});

test('changes_name_exactly_the_frames_of_the_delta', () => {
  const model = small({ runs: [] });
  model.takeChanges();
  model.apply({
    type: 'picture',
    n: 2,
    time: 1,
    full: false,
    frames: [
      [5, 2, 3, 1],
      [9, 1, 3, 1],
    ],
  });
  assert.deepEqual(model.takeChanges(), {
    changes: [
      { first: 5, count: 2 },
      { first: 9, count: 1 },
    ],
    onePicture: true,
  });
  assert.deepEqual(model.takeChanges().changes, []);
});

test('a_picture_that_does_not_follow_is_told_apart', () => {
  const model = new Model(new Machine(256).hello());
  const picture = (n: number, full: boolean): Picture => ({ type: 'picture', n, time: n, full });
  assert.deepEqual([model.follows(picture(1, false)), model.follows(picture(5, true))], [false, true]);
  model.apply(picture(5, true));
  assert.deepEqual(
    [4, 5, 6, 7].map((n) => model.follows(picture(n, false))),
    [false, false, true, false],
  );
});

test('a_damaged_picture_changes_nothing', () => {
  const model = small({ runs: [[0, 1, 0, 100, 7, 100, 7]] });
  const before = JSON.stringify([model.n, [...model.nodes], [...model.spaces], [...model.refs]]);
  for (const part of [{ nodes: [{ pfn: 13 }] }, { spaces: [{ id: 1 }] }, { n: 'x' }, { n: null }]) {
    assert.throws(() =>
      model.apply({ type: 'picture', n: 2, time: 1, full: true, frames: [[0, 256, 2, 0]], ...part } as unknown as Picture),
    );
    assert.equal(JSON.stringify([model.n, [...model.nodes], [...model.spaces], [...model.refs]]), before);
  }
});

test('a_hello_is_checked_before_anything_relies_on_it', () => {
  const hello = new Machine(256).hello();
  assert.deepEqual(checkHello(hello), hello);
  assert.deepEqual(checkHello({ ...hello, lessons: null } as unknown as Hello)?.lessons, []);
  for (const wrong of [
    { frames: 0 },
    { frames: -5 },
    { frames: 1e12 },
    { frames: '256' },
    { kinds: null },
    { causes: [1] },
    { types: 'fault' },
  ])
    assert.equal(checkHello({ ...hello, ...wrong } as unknown as Hello), null, JSON.stringify(wrong));
});
