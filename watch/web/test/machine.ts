// SPDX-License-Identifier: MIT
/**
 * A guest of our own: frames, spaces, nodes, forks and faults as the kernel has them, small enough to read, for tests of
 * the page and to look at it without a guest. It tells what it does in the messages of the stream.
 *
 * It is written without the page's model, so that each can find the other's mistakes.
 */
import type { EventTuple, Hello, Process } from '../src/model/messages';

export const KINDS = ['reserved', 'image', 'free', 'kernel', 'slab', 'stack', 'node', 'vpi', 'anonymous', 'huge', 'file', 'zero', 'swap'];
export const CAUSES = [
  'none',
  'stack_growth',
  'stack_growth_read',
  'anonymous_write',
  'anonymous_read',
  'zero_frame_write',
  'file_first_touch',
  'file_private_write',
  'file_shared_write',
  'cow_write',
  'swapped',
  'shared_node_write',
  'already_resolved',
  'readonly_write',
  'prot_none',
  'no_execute',
  'past_end_of_file',
  'no_region',
  'kernel_address',
  'non_canonical',
];
export const OUTCOMES = ['resolved', 'retry', 'sigsegv_maperr', 'sigsegv_accerr', 'sigbus_adrerr', 'out_of_memory'];
export const TYPES = ['fault', 'fork', 'exec', 'exit', 'map', 'unmap', 'protect', 'flush', 'swap_out', 'swap_in'];

export const PAGE = 4096;
const [P, W, U, A, D, NX] = [1, 2, 4, 32, 64, 4096] as const;

export interface Info {
  used: boolean;
  present: boolean;
  writable: boolean;
  moving: boolean;
  ppn: number; // a frame, or a slot
  pte: number;
  ptePfn: number;
}

export interface Node {
  pfn: number;
  level: number;
  base: number;
  vpi: number;
  entries: Map<number, { node: Node; writable: boolean }>;
  infos: Map<number, Info>;
}

export interface Area {
  start: number;
  pages: number;
  prot: string;
  dir: 'up' | 'down';
  shared: boolean;
  purpose: 'general' | 'heap' | 'stack';
  file: string | null;
}

export interface Space {
  id: number;
  root: Node;
  areas: Area[];
}

export interface Task extends Process {
  memory: Space | null;
}

export class Machine {
  kind: Uint8Array;
  refs: Uint32Array;
  tasks: Task[] = [];
  spaces = new Map<number, Space>();
  nodes = new Map<number, Node>();
  events: EventTuple[] = [];
  counters: Record<string, number> = { pgfault: 0, pgmajfault: 0, pswpin: 0, pswpout: 0 };
  time = 0;
  zero = 0;
  private cache = new Map<string, number>();
  private slots = 0;
  private inSwap = new Map<number, number>(); // slot to its entries
  private sequence = 0;
  private nextId = 1;
  private nextPid = 1;
  private hint = 0;

  constructor(readonly frames = 4096) {
    this.kind = new Uint8Array(frames).fill(KINDS.indexOf('free'));
    this.refs = new Uint32Array(frames);
    const megabyte = Math.min(256, frames >> 4);
    this.kind.fill(0, Math.floor(megabyte * 0.62), megabyte);
    this.kind.fill(0, 0, 1);
    this.kind.fill(1, megabyte, megabyte + 150);
    this.hint = megabyte + 150;
    this.zero = this.take('zero');
    for (let i = 0; i < 24; i++) this.take('slab');
    for (let i = 0; i < 14; i++) this.take('kernel');
  }

  hello(): Hello {
    return {
      type: 'hello',
      format: 1,
      build: 'simulated',
      memory: this.frames * PAGE,
      frames: this.frames,
      cpus: 1,
      machine: 'q35',
      icount: true,
      ticks: 'instructions',
      ticks_per_second: 1e9,
      direct_map: '0xffff800000000000',
      live: false,
      kinds: KINDS,
      causes: CAUSES,
      outcomes: OUTCOMES,
      types: TYPES,
      lessons: [],
    };
  }

  /* ---- Frames ---- */

  take(kind: string): number {
    const free = KINDS.indexOf('free');
    for (let i = 0; i < this.frames; i++) {
      const pfn = (this.hint + i) % this.frames;
      if (this.kind[pfn] !== free) continue;
      this.kind[pfn] = KINDS.indexOf(kind);
      this.refs[pfn] = kind === 'zero' ? 0 : 1;
      this.hint = pfn + 1;
      return pfn;
    }
    throw new Error('no frame is free');
  }

  put(pfn: number): void {
    if (pfn === this.zero) return;
    if (--this.refs[pfn]! > 0) return;
    this.kind[pfn] = KINDS.indexOf('free');
    this.hint = Math.min(this.hint, pfn);
  }

  private get(pfn: number): void {
    if (pfn !== this.zero) this.refs[pfn]!++;
  }

  free(): number {
    return this.kind.reduce((n, kind) => n + Number(kind === 2), 0);
  }

  /* ---- Nodes ---- */

  private node(level: number, base: number): Node {
    const node = { pfn: this.take('node'), level, base, vpi: level === 1 ? this.take('vpi') : 0, entries: new Map(), infos: new Map() };
    this.nodes.set(node.pfn, node);
    return node;
  }

  private dropNode(node: Node): void {
    if (this.refs[node.pfn]! > 1) {
      this.refs[node.pfn]!--;
      return;
    }
    for (const entry of node.entries.values()) this.dropNode(entry.node);
    for (const info of node.infos.values()) this.dropPage(info);
    if (node.vpi) this.put(node.vpi);
    this.nodes.delete(node.pfn);
    this.put(node.pfn);
  }

  private dropPage(info: Info): void {
    if (info.present) this.put(info.ppn);
    else if (info.used) this.inSwap.set(info.ppn, this.inSwap.get(info.ppn)! - 1);
  }

  private index(va: number, level: number): number {
    return Math.floor(va / (PAGE * 512 ** (level - 1))) % 512;
  }

  private copy(node: Node): Node {
    const copy = this.node(node.level, node.base);
    for (const [i, entry] of node.entries) {
      this.refs[entry.node.pfn]!++;
      entry.writable = false;
      copy.entries.set(i, { node: entry.node, writable: false });
    }
    for (const [i, info] of node.infos) {
      if (info.present) this.get(info.ppn);
      else if (info.used) this.inSwap.set(info.ppn, this.inSwap.get(info.ppn)! + 1);
      info.pte &= ~W;
      copy.infos.set(i, { ...info });
    }
    this.refs[node.pfn]!--;
    return copy;
  }

  /** The leaf of an address. `own`: nobody else's, whatever must be copied for that. */
  private leaf(space: Space, va: number, own: boolean): Node {
    let node = space.root;
    while (node.level > 1) {
      const i = this.index(va, node.level);
      let entry = node.entries.get(i);
      if (!entry) {
        const span = PAGE * 512 ** (node.level - 1);
        entry = { node: this.node(node.level - 1, Math.floor(va / span) * span), writable: true };
        node.entries.set(i, entry);
      } else if (own) {
        if (this.refs[entry.node.pfn]! > 1) entry.node = this.copy(entry.node);
        entry.writable = true;
      }
      node = entry.node;
    }
    return node;
  }

  leafShared(space: Space, va: number): boolean {
    let node = space.root;
    while (node.level > 1) {
      const entry = node.entries.get(this.index(va, node.level));
      if (!entry) return false;
      if (this.refs[entry.node.pfn]! > 1) return true;
      node = entry.node;
    }
    return false;
  }

  /* ---- Processes ---- */

  start(parent: number, name: string): Task {
    const space = { id: this.nextId++, root: this.node(4, 0), areas: [] };
    this.spaces.set(space.id, space);
    this.take('stack');
    const task = { pid: this.nextPid++, ppid: parent, name, state: 'R', threads: 1, space: space.id, memory: space };
    this.tasks.push(task);
    return task;
  }

  fork(parent: Task): Task {
    const space = parent.memory!;
    const child = this.start(parent.pid, parent.name);
    child.memory!.areas = space.areas.map((area) => ({ ...area }));
    for (const [i, entry] of space.root.entries) {
      entry.writable = false;
      this.refs[entry.node.pfn]!++;
      child.memory!.root.entries.set(i, { node: entry.node, writable: false });
    }
    this.event('fork', parent, 0, { extra: child.pid, cost: 6720 });
    return child;
  }

  /** A new program: the old memory goes, and with it this one's share in what it had in common with others. */
  exec(task: Task, name: string): void {
    const space = task.memory!;
    this.dropNode(space.root);
    space.root = this.node(4, 0);
    space.areas = [];
    task.name = name;
    this.event('exec', task, 0, { cost: 18400 });
  }

  exit(task: Task): void {
    this.event('exit', task, 0, {});
    this.dropNode(task.memory!.root);
    this.spaces.delete(task.space);
    task.memory = null;
    task.space = 0;
    task.state = 'Z';
  }

  reap(task: Task): void {
    this.tasks = this.tasks.filter((other) => other !== task);
  }

  map(task: Task, area: Partial<Area> & { start: number; pages: number }): Area {
    const made: Area = { prot: 'rw-', dir: 'up', shared: false, purpose: 'general', file: null, ...area };
    task.memory!.areas.push(made);
    this.event('map', task, made.start, { extra: made.pages });
    return made;
  }

  unmap(task: Task, area: Area): void {
    const space = task.memory!;
    for (let i = 0; i < area.pages; i++) {
      const va = area.start + i * PAGE;
      if (!this.leafExists(space, va)) continue;
      const leaf = this.leaf(space, va, true);
      const info = leaf.infos.get(this.index(va, 1));
      if (!info) continue;
      this.dropPage(info);
      leaf.infos.delete(this.index(va, 1));
    }
    space.areas = space.areas.filter((other) => other !== area);
    this.event('unmap', task, area.start, { extra: area.pages });
  }

  private leafExists(space: Space, va: number): boolean {
    let node = space.root;
    while (node.level > 1) {
      const entry = node.entries.get(this.index(va, node.level));
      if (!entry) return false;
      node = entry.node;
    }
    return true;
  }

  /* ---- Faults ---- */

  private areaAt(task: Task, va: number): Area | undefined {
    return task.memory!.areas.find((area) => va >= area.start && va < area.start + area.pages * PAGE);
  }

  /** What the CPU would do with an access; a fault if it cannot. Returns the cause, or '' without a fault. */
  touch(task: Task, va: number, write: boolean, user = true): string {
    const area = this.areaAt(task, va) ?? this.growStack(task, va);
    const err = (write ? 2 : 0) | (user ? 4 : 0);
    if (!area) return this.fault(task, va, err, 'no_region', 'sigsegv_maperr', 0);
    if (write && !area.prot.includes('w')) return this.fault(task, va, err | 1, 'readonly_write', 'sigsegv_accerr', 0);
    const space = task.memory!;
    const shared = this.leafShared(space, va);
    const info = this.leaf(space, va, false).infos.get(this.index(va, 1));
    if (info?.present && info.pte & P && (!write || (info.pte & W && !shared))) {
      info.pte |= A | (write ? D : 0);
      return '';
    }
    const present = info?.pte ? 1 : 0;
    const cause = this.resolve(task, area, va, write, shared);
    const after = this.leaf(space, va, false).infos.get(this.index(va, 1));
    return this.fault(task, va, err | present, cause, 'resolved', after?.ppn ?? 0);
  }

  private growStack(task: Task, va: number): Area | undefined {
    const stack = task.memory!.areas.find((area) => area.purpose === 'stack');
    if (!stack || va >= stack.start || stack.start - va > 64 * PAGE) return undefined;
    const pages = Math.ceil((stack.start - va) / PAGE);
    stack.start -= pages * PAGE;
    stack.pages += pages;
    return stack;
  }

  private fault(task: Task, va: number, err: number, cause: string, outcome: string, pfn: number): string {
    this.counters['pgfault']!++;
    const cost = { cow_write: 1226, anonymous_write: 1088, anonymous_read: 437, swapped: 41200, file_first_touch: 2210 }[cause] ?? 1400;
    this.event('fault', task, va, { err, cause, outcome, pfn, cost });
    return cause;
  }

  private resolve(task: Task, area: Area, va: number, write: boolean, shared: boolean): string {
    const i = this.index(va, 1);
    const space = task.memory!;
    const before = this.leaf(space, va, false).infos.get(i);
    const leaf = this.leaf(space, va, write || before !== undefined);
    const info = leaf.infos.get(i);
    if (!info) return this.fill(area, leaf, va, write);
    if (!info.present) {
      this.swapIn(task, info, va);
      this.derive(area, info, write);
      return 'swapped';
    }
    const cause = this.causeOfWrite(area, info, shared);
    if (write) this.makeWritable(area, info);
    this.derive(area, info, write);
    return cause;
  }

  private causeOfWrite(area: Area, info: Info, shared: boolean): string {
    if (info.ppn === this.zero) return 'zero_frame_write';
    if (!info.writable) return area.shared ? 'file_shared_write' : 'file_private_write';
    return this.refs[info.ppn]! > 1 ? 'cow_write' : shared ? 'shared_node_write' : 'cow_write';
  }

  private makeWritable(area: Area, info: Info): void {
    const mine = area.shared || (info.writable && this.refs[info.ppn] === 1);
    if (!mine) {
      const frame = this.take('anonymous');
      this.put(info.ppn);
      info.ppn = frame;
    }
    info.writable = true;
  }

  private fill(area: Area, leaf: Node, va: number, write: boolean): string {
    const info: Info = { used: true, present: true, writable: false, moving: false, ppn: this.zero, pte: 0, ptePfn: 0 };
    leaf.infos.set(this.index(va, 1), info);
    if (area.file) {
      info.ppn = this.cached(`${area.file}:${(va - area.start) / PAGE}`);
      this.get(info.ppn);
    }
    if (write) this.makeWritable(area, info);
    this.derive(area, info, write);
    if (area.file) return 'file_first_touch';
    if (area.purpose === 'stack') return write ? 'stack_growth' : 'stack_growth_read';
    return write ? 'anonymous_write' : 'anonymous_read';
  }

  private cached(key: string): number {
    const known = this.cache.get(key);
    if (known !== undefined) return known;
    const pfn = this.take('file');
    this.cache.set(key, pfn);
    return pfn;
  }

  private derive(area: Area, info: Info, write: boolean): void {
    const writable = area.prot.includes('w') && info.writable && (area.shared || this.refs[info.ppn] === 1);
    info.pte = P | U | A | (writable ? W : 0) | (writable && write ? D : 0) | (area.prot.includes('x') ? 0 : NX);
    info.ptePfn = info.ppn;
  }

  /* ---- Swap ---- */

  /** Write an anonymous page that one entry holds to swap. */
  swapOut(task: Task, va: number): boolean {
    const space = task.memory!;
    if (!this.leafExists(space, va) || this.leafShared(space, va)) return false;
    const info = this.leaf(space, va, false).infos.get(this.index(va, 1));
    if (!info?.present || this.kind[info.ppn] !== KINDS.indexOf('anonymous') || this.refs[info.ppn] !== 1) return false;
    this.put(info.ppn);
    const slot = ++this.slots;
    this.inSwap.set(slot, 1);
    Object.assign(info, { present: false, writable: false, ppn: slot, pte: 0, ptePfn: 0 });
    this.counters['pswpout']!++;
    this.event('swap_out', task, va, { extra: slot });
    return true;
  }

  private swapIn(task: Task, info: Info, va: number): void {
    const slot = info.ppn;
    this.inSwap.set(slot, this.inSwap.get(slot)! - 1);
    Object.assign(info, { present: true, writable: true, ppn: this.take('anonymous') });
    this.counters['pswpin']!++;
    this.counters['pgmajfault']!++;
    this.event('swap_in', task, va, { extra: slot });
  }

  /* ---- Messages ---- */

  private event(
    type: string,
    task: Task,
    va: number,
    more: { err?: number; cause?: string; outcome?: string; pfn?: number; cost?: number; extra?: number },
  ): void {
    this.time += 2000 + (more.cost ?? 300);
    this.events.push([
      ++this.sequence,
      this.time,
      0,
      TYPES.indexOf(type),
      task.pid,
      task.pid,
      '0x' + va.toString(16),
      '0x401a2c',
      more.err ?? 0,
      CAUSES.indexOf(more.cause ?? 'none'),
      OUTCOMES.indexOf(more.outcome ?? 'resolved'),
      more.pfn ?? 0,
      more.cost ?? 0,
      more.extra ?? 0,
    ]);
  }

  takeEvents(): EventTuple[] {
    return this.events.splice(0);
  }
}
