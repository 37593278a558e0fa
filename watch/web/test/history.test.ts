// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { History } from '../src/model/history';
import { Model } from '../src/model/model';
import { Machine } from './machine';
import { play } from './play';

/** Everything that a person could see of a picture. */
function look(model: Model): string {
  const nodes = [...model.nodes.values()]
    .sort((a, b) => a.pfn - b.pfn)
    .map((node) => [node.pfn, node.refs, [...node.children.values()], node.runs]);
  const spaces = [...model.spaces.values()].sort((a, b) => a.id - b.id);
  return JSON.stringify([
    model.n,
    model.time,
    Buffer.from(model.kind).toString('base64'),
    [...model.refs],
    nodes,
    spaces,
    model.processes,
    model.kinds,
    model.counters,
  ]);
}

function record(limits: { bytes: number; keepAll: boolean }, size: number): { history: History; seen: string[] } {
  const history = new History(new Machine(4096).hello(), limits);
  const seen: string[] = [];
  play((model, picture) => {
    history.addPicture(JSON.parse(JSON.stringify(picture)), model, size);
    seen.push(look(model));
  });
  return { history, seen };
}

test('every_recorded_picture_comes_back_as_it_was', () => {
  const { history, seen } = record({ bytes: 1 << 30, keepAll: false }, 1000);
  const model = new Model(history.hello);
  let from: number | null = null;
  for (const position of [0, 1, 2, 70, 69, 5, seen.length - 1, 0, 64, 63, 65, 100, 101, 102, 40]) {
    history.show(model, position, from);
    from = position;
    assert.equal(look(model), seen[position], `picture ${position}`);
  }
});

test('memory_of_the_history_is_bounded_and_the_newest_stay', () => {
  const { history, seen } = record({ bytes: 3_000_000, keepAll: false }, 40_000);
  assert.ok(history.bytes <= 3_000_000, `${history.bytes}`);
  assert.ok(history.first > 0);
  assert.equal(history.end, seen.length);
  const model = new Model(history.hello);
  for (const position of [history.first, history.end - 1]) {
    history.show(model, position, null);
    assert.equal(look(model), seen[position]);
  }
  history.show(model, 0, null);
  assert.equal(look(model), seen[history.first], 'what is gone shows as the oldest that is left');
});

test('a_recording_loses_key_frames_and_no_pictures', () => {
  const history = new History(new Machine(4096).hello(), { bytes: 200_000, keepAll: true });
  const seen: string[] = [];
  for (let round = 0; round < 4; round++)
    play((model, picture) => {
      history.addPicture({ ...JSON.parse(JSON.stringify(picture)), full: picture.full }, model, 100);
      seen.push(look(model));
    });
  assert.equal(history.end, seen.length);
  assert.ok(history.moments.filter((moment) => moment.key).length < seen.length / 64);
  const model = new Model(history.hello);
  for (const position of [0, 130, 131, 264, 300, seen.length - 1]) {
    history.show(model, position, null);
    assert.equal(look(model), seen[position]);
  }
});

test('events_between_pictures_belong_to_the_later_one', () => {
  const history = new History(new Machine(256).hello());
  const model = new Model(history.hello);
  history.addText('before');
  history.addEvents([[1, 0, 0, 0, 1, 1, '0x0', '0x0', 0, 0, 0, 0, 0, 0]], 2);
  const picture = { type: 'picture', n: 1, time: 0, full: true } as const;
  model.apply(picture);
  history.addPicture(picture, model, 10);
  history.addText('after');
  assert.equal(history.at(0)!.text, 'before');
  assert.equal(history.at(0)!.events.length, 1);
  assert.equal(history.at(0)!.lost, 2);
  assert.equal(history.pending.text, 'after');
});
