// SPDX-License-Identifier: MIT
/**
 * What was recorded, to go back through: every message, and now and then a key frame (a snapshot of the model).
 *
 * A moment is a picture with all that came since the one before it. To show one, the nearest key frame before it is
 * restored and the pictures since are applied. Memory is bounded: live, the oldest moments are dropped up to a key
 * frame; in a replay nothing may be dropped, so every second key frame goes instead.
 */
import type { EventTuple, Hello, Picture, State } from './messages';
import { Model, type Snapshot } from './model';

export interface Moment {
  picture: Picture;
  events: EventTuple[];
  lost: number;
  text: string;
  state: State | null;
  key: Snapshot | null;
  size: number;
  /** Faults, and lost events, since the beginning. */
  totals: Totals;
}

export interface Totals {
  faults: number;
  lost: number;
}

export interface Limits {
  bytes: number;
  keepAll: boolean;
}

const KEY_EVERY = 64;

function snapshotSize(key: Snapshot): number {
  return key.kind.byteLength * 5 + key.nodes.size * 64 + key.spaces.size * 64;
}

export class History {
  readonly hello: Hello;
  moments: Moment[] = [];
  /** Moments that were dropped at the old end, so that positions keep their meaning. */
  dropped = 0;
  bytes = 0;
  private limits: Limits;
  private keyEvery = KEY_EVERY;
  private sinceKey = 0;
  private tail = emptyTail();
  private totals: Totals = { faults: 0, lost: 0 };

  constructor(hello: Hello, limits: Limits = { bytes: 96 << 20, keepAll: false }) {
    this.hello = hello;
    this.limits = limits;
  }

  get first(): number {
    return this.dropped;
  }

  /** One more than the last position. */
  get end(): number {
    return this.dropped + this.moments.length;
  }

  at(position: number): Moment | undefined {
    return this.moments[position - this.dropped];
  }

  addEvents(events: EventTuple[], lost: number): void {
    for (const event of events) this.tail.events.push(event);
    this.tail.lost += lost;
    const fault = this.hello.types.indexOf('fault');
    this.totals.faults += events.filter((event) => event[3] === fault).length;
    this.totals.lost += lost;
    this.tail.size += events.length * 160;
  }

  addText(text: string): void {
    this.tail.text += text;
    this.tail.size += text.length * 2;
  }

  addState(state: State): void {
    this.tail.state = state;
  }

  /** `model` has just taken in the picture; `size` is about what its message takes in memory. */
  addPicture(picture: Picture, model: Model, size: number): void {
    const due = this.moments.length === 0 || ++this.sinceKey >= this.keyEvery;
    const key = due ? model.snapshot() : null;
    if (key) this.sinceKey = 0;
    const moment = { ...this.tail, picture, key, totals: { ...this.totals }, size: this.tail.size + size + (key ? snapshotSize(key) : 0) };
    this.tail = emptyTail();
    this.moments.push(moment);
    this.bytes += moment.size;
    if (this.bytes > this.limits.bytes) this.shrink();
  }

  /** What came after the last picture. */
  get pending(): Tail {
    return this.tail;
  }

  /** Make `model` show the picture at a position. Goes on from where it is, if that is shorter. */
  show(model: Model, position: number, from: number | null): void {
    const target = Math.min(Math.max(position, this.first), this.end - 1);
    let key = target;
    while (key > this.first && !this.at(key)!.key) key--;
    let next = key + 1;
    if (from !== null && from <= target && from >= key) next = from + 1;
    else model.restore(this.at(key)!.key!);
    for (; next <= target; next++) model.apply(this.at(next)!.picture);
  }

  private shrink(): void {
    if (this.limits.keepAll) this.thin();
    else this.dropOldest();
  }

  /** Up to the next key frame, as often as needed; the last key frame stays. */
  private dropOldest(): void {
    while (this.bytes > this.limits.bytes * 0.9) {
      const next = this.moments.findIndex((moment, i) => i > 0 && moment.key !== null);
      if (next < 0) return;
      for (const moment of this.moments.slice(0, next)) this.bytes -= moment.size;
      this.moments = this.moments.slice(next);
      this.dropped += next;
    }
  }

  private thin(): void {
    const keys = this.moments.filter((moment) => moment.key !== null);
    if (keys.length < 4) return;
    keys.forEach((moment, i) => {
      if (i % 2 === 0) return;
      const size = snapshotSize(moment.key!);
      moment.key = null;
      moment.size -= size;
      this.bytes -= size;
    });
    this.keyEvery *= 2;
  }
}

type Tail = Omit<Moment, 'picture' | 'key' | 'totals'>;

function emptyTail(): Tail {
  return { events: [], lost: 0, text: '', state: null, size: 0 };
}
