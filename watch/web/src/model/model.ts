// SPDX-License-Identifier: MIT
/**
 * The state of the guest's memory at one picture, built from messages. Live, replay and export show this and no more.
 *
 * Frames lie in typed arrays; nodes and spaces are values that are replaced, never changed. `changed` tells which frames
 * the last picture touched, so that the grid redraws only those.
 */
import { toNumber } from './address';
import type { FrameRun, Hello, Picture, Process, RegionMessage, SpaceMessage } from './messages';
import { isHuge, isRunOfFrames, leafPage, makeNode, type Entry, type TableNode } from './nodes';

export interface Region {
  start: number;
  end: number;
  dir: 'up' | 'down';
  read: boolean;
  write: boolean;
  exec: boolean;
  prot: string;
  shared: boolean;
  purpose: string;
  file: string | null;
  offset: number;
  flags: string[];
}

export interface Space {
  id: number;
  root: number;
  brk: [number, number];
  active: number;
  regions: Region[]; // sorted by start
}

/** All that a picture changes, to go back to. */
export interface Snapshot {
  n: number;
  time: number;
  kind: Uint8Array;
  refs: Uint32Array;
  nodes: Map<number, TableNode>;
  spaces: Map<number, Space>;
  processes: Process[];
  kinds: number[];
  counters: Record<string, number>;
  torn: Set<string>;
}

/** Frames [first, first + count) may have changed. */
export interface Change {
  first: number;
  count: number;
}

/** Nobody may be asking for them. */
const MOST_CHANGES = 8192;

export class Model {
  readonly hello: Hello;
  readonly frames: number;
  n = 0;
  time = 0;
  kind: Uint8Array;
  refs: Uint32Array;
  nodes = new Map<number, TableNode>();
  spaces = new Map<number, Space>();
  processes: Process[] = [];
  kinds: number[] = [];
  counters: Record<string, number> = {};
  torn = new Set<string>();
  hasPicture = false;
  /** Counts up with each change, for what is computed from the model and kept. */
  version = 0;
  changed: Change[] = [];
  private huge = new Map<number, TableNode>();
  private hugeOf = -1;
  /** Pictures since the changes were asked for; none if it was set back to some other one. */
  private applied = 0;

  constructor(hello: Hello) {
    this.hello = hello;
    this.frames = Math.max(0, Math.floor(hello.frames));
    this.kind = new Uint8Array(this.frames);
    this.refs = new Uint32Array(this.frames);
  }

  /** Whether the picture can be taken in: a whole one, or what changed since the one that is here. */
  follows(picture: Picture): boolean {
    return picture.full || (this.hasPicture && picture.n === this.n + 1);
  }

  /** Throws if the picture is damaged, with nothing changed. */
  apply(picture: Picture): void {
    if (!Number.isFinite(picture.n)) throw new Error('it has no number');
    const nodes = (picture.nodes ?? []).map(makeNode);
    const spaces = (picture.spaces ?? []).map(makeSpace);
    if (picture.full) this.clear();
    this.n = picture.n;
    this.time = picture.time;
    this.torn = new Set(picture.torn ?? []);
    for (const run of picture.frames ?? []) this.setFrames(run);
    for (const pfn of picture.nodes_gone ?? []) this.nodes.delete(pfn);
    for (const node of nodes) this.setNode(node);
    for (const id of picture.spaces_gone ?? []) this.spaces.delete(id);
    for (const space of spaces) this.spaces.set(space.id, space);
    if (picture.processes) this.processes = picture.processes;
    if (picture.counters) this.counters = { ...this.counters, ...picture.counters };
    this.kinds = picture.kinds ?? this.countKinds();
    this.hasPicture = true;
    this.applied++;
    this.version++;
  }

  snapshot(): Snapshot {
    return {
      n: this.n,
      time: this.time,
      kind: this.kind.slice(),
      refs: this.refs.slice(),
      nodes: new Map(this.nodes),
      spaces: new Map(this.spaces),
      processes: this.processes,
      kinds: this.kinds,
      counters: this.counters,
      torn: this.torn,
    };
  }

  restore(from: Snapshot): void {
    this.n = from.n;
    this.time = from.time;
    this.kind.set(from.kind);
    this.refs.set(from.refs);
    this.nodes = new Map(from.nodes);
    this.spaces = new Map(from.spaces);
    this.processes = from.processes;
    this.kinds = from.kinds;
    this.counters = from.counters;
    this.torn = from.torn;
    this.hasPicture = true;
    this.changeAll();
    this.version++;
  }

  /** All frames may look different. */
  changeAll(): void {
    this.changed = [{ first: 0, count: this.frames }];
    this.applied = -1;
  }

  /** The frames that changed since this was asked last, and whether one picture alone changed them. */
  takeChanges(): { changes: Change[]; onePicture: boolean } {
    const taken = { changes: this.changed, onePicture: this.applied === 1 };
    this.changed = [];
    this.applied = 0;
    return taken;
  }

  kindName(pfn: number): string {
    return this.hello.kinds[this.kind[pfn] ?? 0] ?? 'unknown';
  }

  /** The node that an entry leads to. Behind a huge entry, which has the number of its first frame, waits the leaf with that frame. */
  child(node: TableNode, entry: Entry): TableNode | undefined {
    if (node.level === 2 && isHuge(entry)) return this.hugeLeaves().get(entry.pfn);
    const child = this.nodes.get(entry.pfn);
    return child && child.level === node.level - 1 ? child : undefined;
  }

  /** Leaves whose pages are 512 frames in a row, by the first one. */
  private hugeLeaves(): Map<number, TableNode> {
    if (this.hugeOf === this.version) return this.huge;
    this.huge = new Map();
    for (const node of this.nodes.values()) if (isRunOfFrames(node)) this.huge.set(leafPage(node, 0).ppn, node);
    this.hugeOf = this.version;
    return this.huge;
  }

  isTorn(what: 'frame' | 'space' | 'node', id: number): boolean {
    return this.torn.has(`${what} ${id}`) || (what === 'node' && this.nodes.get(id)?.torn === true);
  }

  processOf(space: number): Process | undefined {
    return this.processes.find((process) => process.space === space);
  }

  process(pid: number): Process | undefined {
    return this.processes.find((process) => process.pid === pid);
  }

  private clear(): void {
    this.kind.fill(0);
    this.refs.fill(0);
    this.nodes.clear();
    this.spaces.clear();
    this.processes = [];
    this.counters = {};
    this.changeAll();
  }

  private setFrames([pfn, count, kind, refs]: FrameRun): void {
    const first = Math.max(0, pfn);
    const end = Math.min(this.frames, pfn + count);
    if (!(end > first)) return;
    this.kind.fill(kind, first, end);
    this.refs.fill(refs, first, end);
    this.changed.push({ first, count: end - first });
    if (this.changed.length > MOST_CHANGES) this.changed = [{ first: 0, count: this.frames }];
  }

  /** What was torn keeps its old state, if it has one. */
  private setNode(node: TableNode): void {
    const old = this.nodes.get(node.pfn);
    this.nodes.set(node.pfn, node.torn && old ? { ...old, torn: true } : node);
  }

  private countKinds(): number[] {
    const counts = new Array<number>(this.hello.kinds.length).fill(0);
    for (const kind of this.kind) counts[kind] = (counts[kind] ?? 0) + 1;
    return counts;
  }
}

function makeRegion(message: RegionMessage): Region {
  return {
    start: toNumber(message.start),
    end: toNumber(message.end),
    dir: message.dir,
    prot: message.prot,
    shared: message.shared,
    read: message.prot.includes('r'),
    write: message.prot.includes('w'),
    exec: message.prot.includes('x'),
    purpose: message.purpose,
    file: message.file,
    offset: toNumber(message.offset),
    flags: message.flags ?? [],
  };
}

function makeSpace(message: SpaceMessage): Space {
  const regions = message.regions.map(makeRegion).sort((a, b) => a.start - b.start);
  return { id: message.id, root: message.root, brk: [toNumber(message.brk[0]), toNumber(message.brk[1])], active: message.active, regions };
}

/** The slides' look-up. */
export function va2vregion(space: Space, va: number): Region | undefined {
  return space.regions.find((region) => va >= region.start && va < region.end);
}

/** What stands behind a region, in the words of /proc/PID/maps. */
export function regionName(region: Region): string {
  if (region.purpose === 'heap') return '[heap]';
  if (region.purpose === 'stack') return '[stack]';
  return region.file ?? 'anonymous memory';
}
