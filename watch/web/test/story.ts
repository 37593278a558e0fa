// SPDX-License-Identifier: MIT
/** A recording that has a bit of everything: a shell, a lesson on copy-on-write, forks of forks, swap, an error, an end. */
import type { Message } from '../src/model/messages';
import { Machine, type Task } from './machine';
import { Teller } from './teller';

const PAGE = 4096;
const HEAP = 0x4f2000;
const ARENA = 0x7f3a10000000;
const SHARED = 0x7f3a20000000;

const LESSONS = [
  {
    name: 'cow',
    title: 'Copy-on-write fork',
    program: '/lessons/cow',
    text: `# Copy-on-write fork

A process has written 48 pages. Then it calls \`fork\`.

**Question.** How many frames does the child take at once? How many after it has written to one page?

1. Run the program. It stops between its steps until you press *Go on*.
2. Look at the *Frames*: which ones grow brighter?
3. Choose the child in *Address space* and click on a page of its arena.

| step | new frames |
|---|---|
| fork | the root of the child's page table |
| first write | the path of nodes, and one copy |

> The reference counts of the frames do not change at the fork: the *node* has two owners, not its frames.`,
  },
  {
    name: 'stack',
    title: 'The stack grows',
    program: '/lessons/stack',
    text: '# The stack grows\n\nWhen the stack is touched for the first time, is the bit P of the error code set?',
  },
  { name: 'swap', title: 'Swap', program: '/lessons/swap', text: '# Swap\n\nWhere is a page that is used, and not present?' },
];

/** Numbers that repeat. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

export function program(machine: Machine, task: Task, name: string): void {
  machine.exec(task, name);
  const path = `/bin/${name}`;
  const text = machine.map(task, { start: 0x400000, pages: 180, prot: 'r-x', file: path });
  const data = machine.map(task, { start: 0x4d0000, pages: 12, file: `${path} data` });
  machine.map(task, { start: HEAP, pages: 34, purpose: 'heap' });
  machine.map(task, { start: 0x7ffd6f3df000, pages: 33, purpose: 'stack', dir: 'down' });
  machine.map(task, { start: 0x7ffd6f400000, pages: 1, prot: 'r--', file: '[vvar]' });
  machine.map(task, { start: 0x7ffd6f401000, pages: 1, prot: 'r-x', file: '[vdso]' });
  for (let i = 0; i < 60; i++) machine.touch(task, text.start + ((i * 7) % 180) * PAGE, false);
  for (let i = 0; i < 12; i++) machine.touch(task, data.start + i * PAGE, i % 3 > 0);
  for (let i = 0; i < 9; i++) machine.touch(task, HEAP + i * PAGE, i % 4 > 0);
  for (let i = 0; i < 4; i++) machine.touch(task, 0x7ffd6f3ff000 - i * PAGE, true);
  machine.touch(task, 0x7ffd6f401000, false);
}

export class Story {
  readonly machine: Machine;
  readonly messages: Message[] = [];
  private teller: Teller;
  private roll = random(7);

  constructor(frames = 4096) {
    this.machine = new Machine(frames);
    this.teller = new Teller(this.machine);
    this.messages.push({ ...this.machine.hello(), lessons: LESSONS });
  }

  picture(): void {
    const events = this.machine.takeEvents();
    if (events.length) this.messages.push({ type: 'events', lost: 0, events });
    this.machine.time += 80_000_000;
    this.messages.push(this.teller.picture());
  }

  say(text: string): void {
    this.messages.push({ type: 'console', text });
  }

  tell(): Message[] {
    const { machine } = this;
    this.messages.push({ type: 'state', run: 'running', held: null, reason: '' });
    const init = machine.start(0, 'init');
    program(machine, init, 'init');
    this.picture();
    this.say('Gaur: 16 MB, 1 CPU\n~ # ');
    const shell = machine.fork(init);
    program(machine, shell, 'sh');
    this.picture();
    this.say('/lessons/cow\n');
    const child = this.cow(machine.fork(shell));
    this.family(child);
    this.storm(shell);
    this.swap(shell);
    this.end(shell);
    return this.messages;
  }

  /** The lesson: an arena is written, forked, and written again by both. */
  private cow(parent: Task): Task {
    const { machine } = this;
    program(machine, parent, 'cow');
    machine.map(parent, { start: ARENA, pages: 96 });
    machine.map(parent, { start: SHARED, pages: 16, shared: true, file: '/dev/zero (deleted)' });
    for (let i = 0; i < 48; i++) {
      machine.touch(parent, ARENA + i * PAGE, true);
      if (i % 6 === 0) this.picture();
    }
    for (let i = 48; i < 60; i++) machine.touch(parent, ARENA + i * PAGE, false);
    for (let i = 0; i < 8; i++) machine.touch(parent, SHARED + i * PAGE, i < 5);
    this.say('the parent has written 48 pages\n');
    this.picture();
    const child = machine.fork(parent);
    this.say('fork: the child has the same pages\n');
    this.picture();
    for (let i = 0; i < 12; i++) {
      machine.touch(child, ARENA + i * 3 * PAGE, true);
      this.picture();
    }
    for (let i = 0; i < 8; i++) machine.touch(parent, ARENA + i * 5 * PAGE, true);
    for (let i = 1; i < 20; i++) machine.touch(child, 0x7ffd6f3df000 - i * PAGE, true);
    this.picture();
    return child;
  }

  private family(child: Task): void {
    const { machine } = this;
    const grandchild = machine.fork(child);
    grandchild.name = 'grandchild';
    for (let i = 0; i < 10; i++) {
      machine.touch(grandchild, ARENA + i * 2 * PAGE, true);
      this.picture();
    }
    machine.touch(child, 0x400000, true);
    this.say('[5] segmentation fault\n');
    this.picture();
  }

  /** Many short-lived children. */
  private storm(shell: Task): void {
    const { machine } = this;
    const children: Task[] = [];
    for (let i = 0; i < 60; i++) {
      const child = machine.fork(shell);
      children.push(child);
      const pages = 2 + Math.floor(this.roll() * 20);
      for (let j = 0; j < pages; j++) machine.touch(child, HEAP + Math.floor(this.roll() * 34) * PAGE, true);
      if (children.length > 14) this.bury(children.splice(Math.floor(this.roll() * 10), 1)[0]!);
      this.picture();
    }
    for (const child of children.slice(3)) this.bury(child);
    this.picture();
  }

  private bury(task: Task): void {
    this.machine.exit(task);
    if (this.roll() < 0.95) this.machine.reap(task);
  }

  private swap(shell: Task): void {
    const { machine } = this;
    const hog = machine.fork(shell);
    program(machine, hog, 'hog');
    const pages = Math.min(machine.free() - 200, 6000);
    machine.map(hog, { start: ARENA, pages });
    for (let i = 0; i < pages; i++) {
      machine.touch(hog, ARENA + i * PAGE, true);
      if (i % 160 === 159) this.picture();
    }
    for (let i = 0; i < 1200; i++) {
      machine.swapOut(hog, ARENA + Math.floor(this.roll() * pages) * PAGE);
      if (i % 100 === 99) this.picture();
    }
    for (let i = 0; i < 90; i++) machine.touch(hog, ARENA + i * PAGE, true);
    this.picture();
    machine.exit(hog);
    this.picture();
  }

  private end(shell: Task): void {
    this.machine.touch(shell, 0x10, true);
    this.picture();
    this.messages.push({ type: 'state', run: 'ended', held: null, reason: 'the guest has switched itself off' });
  }
}

export function lines(messages: Message[]): string {
  return messages.map((message) => JSON.stringify(message)).join('\n') + '\n';
}
