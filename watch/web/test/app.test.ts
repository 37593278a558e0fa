// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { App, type Topic } from '../src/app';
import type { Message } from '../src/model/messages';
import { Transcript } from '../src/panels/transcript';
import { Story } from './story';

// No screen: nothing is drawn, and what would have been is counted.
Object.assign(globalThis, { requestAnimationFrame: () => 1 });

function told(replay = false): { app: App; messages: Message[] } {
  const messages = new Story().tell();
  const app = new App();
  app.replay = replay;
  for (const message of messages) app.take(message, 1000);
  return { app, messages };
}

test('the_page_follows_until_somebody_looks_back', () => {
  const { app } = told();
  assert.ok(app.following && app.view === app.head);
  app.seek(10);
  assert.deepEqual([app.following, app.view.n, app.head.n], [false, 11, app.history.end]);
  app.seek(app.history.end - 1);
  assert.ok(app.following && app.view === app.head);
});

test('what_comes_while_somebody_looks_back_does_not_move_the_view', () => {
  const messages = new Story().tell();
  const app = new App();
  const half = messages.length / 2;
  messages.slice(0, half).forEach((message) => app.take(message, 1000));
  app.seek(20);
  const before = [app.view.n, [...app.view.refs].join(), app.totals.faults];
  messages.slice(half).forEach((message) => app.take(message, 1000));
  assert.deepEqual([app.view.n, [...app.view.refs].join(), app.totals.faults], before);
  app.seek(null);
  assert.equal(app.view.n, messages.filter((message) => message.type === 'picture').length);
});

test('faults_are_counted_up_to_the_picture_that_is_shown', () => {
  const { app, messages } = told();
  const fault = app.hello!.types.indexOf('fault');
  let pictures = 0;
  let faults = 0;
  for (const message of messages) {
    if (message.type === 'events') faults += message.events.filter((event) => event[3] === fault).length;
    if (message.type === 'picture' && ++pictures === 41) break;
  }
  app.seek(40);
  assert.equal(app.totals.faults, faults);
  assert.equal(app.view.counters['pgfault'], faults);
  assert.equal(app.events().filter((event) => event.type === 'fault').length, Math.min(faults, app.events().length));
});

test('the_console_says_what_it_said_then', () => {
  const { app } = told(true);
  const transcript = new Transcript(app);
  app.seek(0);
  assert.equal(transcript.read(), '');
  app.seek(4);
  assert.equal(transcript.read(), 'Gaur: 16 MB, 1 CPU\n~ # /lessons/cow\n');
  app.seek(app.history.end - 1);
  assert.match(transcript.read(), /segmentation fault/);
  app.seek(1);
  assert.equal(transcript.read(), 'Gaur: 16 MB, 1 CPU\n~ # ');
});

test('who_is_held_is_chosen_with_the_page', () => {
  const { app } = told();
  const process = app.view.processes.find((one) => one.space)!;
  app.take({ type: 'state', run: 'stepping', held: { pid: process.pid, tid: process.pid, address: '0x4f2123', err: 7 }, reason: '' }, 10);
  assert.deepEqual([app.selection.pid, app.selection.va], [process.pid, 0x4f2000]);
  app.take(
    { type: 'state', run: 'stepping', held: { pid: process.pid, tid: process.pid, address: '0xffff800000000000', err: 5 }, reason: '' },
    10,
  );
  assert.equal(app.selection.va, 0x4f2000, 'a kernel address is no page of a process');
});

test('nothing_is_shown_on_the_wrong_ground', () => {
  const { messages } = told();
  const app = new App();
  const without = messages.filter((message) => message.type !== 'picture' || message.n !== 30);
  for (const message of without) app.take(message, 1000);
  assert.equal(app.head.n, 29);
  assert.match(app.notice, /before picture 31 is missing/);
  const whole = messages.find((message) => message.type === 'picture')!;
  app.take({ ...whole, n: 500 } as Message, 1000);
  assert.equal(app.head.n, 500);
});

test('another_version_shows_nothing_and_says_so', () => {
  const app = new App();
  const [hello] = new Story().messages;
  app.take({ ...hello, format: 2 } as Message, 10);
  assert.equal(app.hello, null);
  assert.match(app.notice, /format 2/);
});

test('panels_hear_only_of_what_they_asked_for', () => {
  const { app } = told();
  const drawn: Topic[][] = [];
  let frame: (() => void) | null = null;
  Object.assign(globalThis, { requestAnimationFrame: (call: () => void) => ((frame = call), 1) });
  const quiet = new App();
  Object.assign(quiet, { hello: app.hello, head: app.head, view: app.view, history: app.history });
  quiet.add({ topics: ['picture'], visible: () => true, draw: (topics) => void drawn.push([...topics]) });
  quiet.add({ topics: ['picture'], visible: () => false, draw: () => assert.fail('nobody sees this one') });
  frame!();
  quiet.mark('console');
  quiet.mark('picture');
  frame!();
  Object.assign(globalThis, { requestAnimationFrame: () => 1 });
  assert.deepEqual(drawn, [['picture'], ['picture']]);
});

test('the_newest_process_is_chosen_though_no_picture_comes_any_more', async () => {
  const app = new App(20);
  app.take(new Story().messages[0]!, 10);
  const process = (pid: number) => ({ pid, ppid: 1, name: 'x', state: 'R', threads: 1, space: pid });
  const space = (id: number) => ({ id, root: 1, brk: ['0x0', '0x0'] as [string, string], active: 0, regions: [] });
  app.take({ type: 'picture', n: 1, time: 0, full: true, spaces: [space(1)], processes: [process(1)] }, 10);
  app.take({ type: 'picture', n: 2, time: 0, full: false, spaces: [space(2)], processes: [process(1), process(2)] }, 10);
  while (app.selection.pid !== 2) await new Promise((resolve) => setTimeout(resolve, 5));
  app.select({ pid: 1 });
  app.take({ type: 'picture', n: 3, time: 0, full: false, spaces: [space(3)], processes: [process(1), process(2), process(3)] }, 10);
  await new Promise((resolve) => setTimeout(resolve, 40));
  assert.equal(app.selection.pid, 1, 'what a person has chosen stays');
});
