// SPDX-License-Identifier: MIT
/**
 * What the page knows, and who has to be told when it changes.
 *
 * Messages go into `head`, the newest picture, and into the history. Panels show `view`: the same model while the page
 * follows the guest, another one while somebody looks back. They are drawn at most once a frame of the screen, and a slow
 * one less often, so that drawing never takes more than a part of the time.
 */
import { pageOf, partOf, toBig } from './model/address';
import { VPI } from './model/bits';
import { EventLog, makeEvent, type GuestEvent } from './model/events';
import { History, type Totals } from './model/history';
import { checkHello, FORMAT, type Hello, type Message, type Request, type State } from './model/messages';
import { Model, type Space } from './model/model';
import { walk } from './model/walk';

export type Topic = 'hello' | 'picture' | 'events' | 'state' | 'console' | 'selection' | 'history' | 'notice' | 'theme' | 'size';

export interface Panel {
  /** What makes the panel draw itself again. */
  topics: Topic[];
  /** Whether somebody can see it. */
  visible(): boolean;
  draw(topics: Set<Topic>): void;
  /** Milliseconds from one drawing to the next, at least. */
  pace?(): number;
}

export interface Selection {
  pid: number;
  va: number | null;
  pfn: number | null;
  seq: number | null;
  kind: string | null;
}

interface Scheduled {
  panel: Panel;
  dirty: Set<Topic>;
  notBefore: number;
}

const MOST_EVENTS_BACK = 2000;

export class App {
  hello: Hello | null = null;
  head!: Model;
  view!: Model;
  history!: History;
  log = new EventLog();
  state: State = { type: 'state', run: 'running', held: null, reason: '' };
  selection: Selection = { pid: 0, va: null, pfn: null, seq: null, kind: null };
  notice = '';
  replay = false;
  connected = false;
  /** The picture that is shown, as a position in the history; null: the newest. */
  position: number | null = null;
  send: (request: Request) => void = () => undefined;
  /** Whether a person, or a fault that holds the guest, has chosen the process. */
  private chosen = false;
  private patience = 0;
  private later: ReturnType<typeof setTimeout> | undefined;
  private missing = false;
  private scheduled: Scheduled[] = [];
  private frame = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** => for how many milliseconds a process stays chosen at least, though newer ones come */
  constructor(private patienceFor = 2000) {}

  get following(): boolean {
    return this.position === null;
  }

  get shown(): number {
    return this.position ?? this.history.end - 1;
  }

  /** The selected process's space. */
  get space(): Space | undefined {
    const process = this.view.process(this.selection.pid);
    return process && this.view.spaces.get(process.space);
  }

  /* ---- Messages ---- */

  take(message: Message, size: number): void {
    if (message.type === 'hello') return this.greet(message);
    if (message.type === 'error') return this.tell(message.text);
    if (!this.hello) return;
    if (message.type === 'picture') this.takePicture(message, size);
    else if (message.type === 'events') {
      this.log.add(this.hello, message);
      this.history.addEvents(message.events ?? [], message.lost || 0);
      if (this.following) this.mark('events');
    } else if (message.type === 'state') this.takeState(message);
    else this.takeText(message.text);
  }

  private greet(message: Hello): void {
    if (message.format !== FORMAT)
      return this.tell(`This comes in format ${message.format}, and this page knows format ${FORMAT}: it is of another version of Gaur.`);
    const hello = checkHello(message);
    if (!hello) return this.tell('The beginning, which tells what machine it is, is damaged: nothing can be shown.');
    this.hello = hello;
    this.head = new Model(hello);
    this.view = this.head;
    this.history = new History(hello, { bytes: 96 << 20, keepAll: this.replay });
    this.log = new EventLog();
    this.position = null;
    this.missing = false;
    this.mark('hello');
  }

  private takePicture(picture: Extract<Message, { type: 'picture' }>, size: number): void {
    if (this.missing ? !picture.full : !this.head.follows(picture)) return this.miss(`What came before picture ${picture.n} is missing`);
    try {
      this.head.apply(picture);
    } catch (problem) {
      return this.miss(`Picture ${picture.n} is damaged (${String(problem)})`);
    }
    this.missing = false;
    this.history.addPicture(picture, this.head, size);
    // The oldest pictures go when memory runs short, also under who looks at them.
    if (this.position !== null && this.position < this.history.first) this.seek(this.history.first);
    if (this.following) {
      this.chooseProcess();
      this.mark('picture');
    }
    this.mark('history');
  }

  /** A picture is not there: what changed since would be shown on the wrong ground. */
  private miss(why: string): void {
    if (!this.missing) this.tell(`${why}: pictures are left out up to the next whole one.`);
    this.missing = true;
  }

  /** Who is held at a fault is shown, with the page: that is what the steps are for. */
  private takeState(state: State): void {
    this.state = state;
    this.history.addState(state);
    const { held } = state;
    if (held && this.following && partOf(toBig(held.address)) === 'user') {
      const va = pageOf(Number(held.address));
      this.select({ pid: held.pid, va, pfn: this.frameAt(held.pid, va), seq: null });
    }
    this.mark('state');
  }

  private takeText(text: string): void {
    this.history.addText(text);
    this.mark('console');
  }

  private frameAt(pid: number, va: number): number | null {
    const space = this.view.spaces.get(this.view.process(pid)?.space ?? 0);
    const page = space && walk(this.view, space, va).page;
    return page && page.vpi & VPI.present ? page.ppn : null;
  }

  tell(text: string): void {
    this.notice = text;
    this.mark('notice');
  }

  /** Somebody should always be chosen: the newest process, until a person chooses. It is changed with some patience. */
  private chooseProcess(): void {
    const alive = this.view.process(this.selection.pid)?.space;
    if (!alive) this.chosen = false;
    const newest = this.view.processes.filter((process) => process.space).at(-1)?.pid ?? 0;
    if (newest === this.selection.pid || (alive && (this.chosen || !this.following))) return;
    const now = performance.now();
    if (alive && now < this.patience) return this.chooseLater(this.patience - now);
    this.patience = now + this.patienceFor;
    Object.assign(this.selection, { pid: newest, va: null });
    this.mark('selection');
  }

  /** A guest that has come to rest sends no picture that would ask again. */
  private chooseLater(milliseconds: number): void {
    this.later ??= setTimeout(() => {
      this.later = undefined;
      this.chooseProcess();
    }, milliseconds);
  }

  /* ---- Time ---- */

  /** Show an earlier picture; null: the newest, and follow. */
  seek(position: number | null): void {
    if (!this.hello || this.history.end === this.history.first) return;
    const last = this.history.end - 1;
    if (position === null || (position >= last && !this.replay)) {
      this.position = null;
      this.view = this.head;
      this.view.changeAll();
    } else {
      const to = Math.min(Math.max(position, this.history.first), last);
      const from = this.view === this.head ? null : this.position;
      if (this.view === this.head) this.view = new Model(this.hello);
      this.history.show(this.view, to, from);
      this.position = to;
    }
    this.chooseProcess();
    for (const topic of ['picture', 'events', 'history', 'console', 'state'] as const) this.mark(topic);
  }

  /** The state of the guest at the picture that is shown. */
  get shownState(): State {
    if (this.following) return this.state;
    const last = this.shown === this.history.end - 1 ? this.history.pending.state : null;
    if (last) return last;
    for (let i = this.shown; i >= this.history.first; i--) {
      const state = this.history.at(i)?.state;
      if (state) return state;
    }
    return { type: 'state', run: 'running', held: null, reason: '' };
  }

  get totals(): Totals {
    return this.following ? this.log : this.history.at(this.shown)!.totals;
  }

  /** The latest events at the picture that is shown, the oldest first. */
  events(): GuestEvent[] {
    if (this.following || this.shown === this.history.end - 1) return this.log.list;
    const back: GuestEvent[][] = [];
    let number = 0;
    for (let i = this.shown; i >= this.history.first && number < MOST_EVENTS_BACK; i--) {
      const events = this.history.at(i)!.events.map((tuple) => makeEvent(this.hello!, tuple));
      back.push(events);
      number += events.length;
    }
    return back.reverse().flat();
  }

  /* ---- Choosing ---- */

  select(change: Partial<Selection>): void {
    if (change.pid) this.chosen = true;
    Object.assign(this.selection, change);
    this.mark('selection');
  }

  /** Choose a page of a process, and the frame that it is in. */
  selectPage(pid: number, va: number, pfn: number | null): void {
    this.select({ pid, va, pfn });
  }

  /* ---- Drawing ---- */

  add(panel: Panel): void {
    this.scheduled.push({ panel, dirty: new Set(panel.topics), notBefore: 0 });
    this.request();
  }

  mark(topic: Topic): void {
    for (const { panel, dirty } of this.scheduled)
      if (topic === 'hello' || topic === 'theme' || topic === 'size' || panel.topics.includes(topic)) dirty.add(topic);
    this.request();
  }

  private request(): void {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.drawAll();
    });
  }

  private drawAll(): void {
    if (!this.hello) return this.drawBefore();
    const now = performance.now();
    let later = Infinity;
    for (const item of this.scheduled) {
      if (item.dirty.size === 0 || !item.panel.visible()) continue;
      const hurry = item.dirty.has('selection') || item.dirty.has('theme') || item.dirty.has('size') || item.dirty.has('state');
      if (now < item.notBefore && !hurry) {
        later = Math.min(later, item.notBefore);
        continue;
      }
      this.drawOne(item);
    }
    clearTimeout(this.timer);
    if (later < Infinity) this.timer = setTimeout(() => this.request(), later - now);
  }

  /** Before the first message only notices can be shown. */
  private drawBefore(): void {
    for (const item of this.scheduled)
      if (item.dirty.has('notice') && item.panel.topics.includes('notice')) item.panel.draw(new Set(['notice']));
  }

  /** What goes wrong in one panel is told, and the others are drawn all the same. */
  private drawOne(item: Scheduled): void {
    const topics = item.dirty;
    item.dirty = new Set();
    const start = performance.now();
    try {
      item.panel.draw(topics);
    } catch (problem) {
      this.tell(`Something could not be drawn: ${String(problem)}`);
    }
    const took = performance.now() - start;
    item.notBefore = start + Math.max(item.panel.pace?.() ?? 0, took > 4 ? took * 9 : 0);
  }
}
