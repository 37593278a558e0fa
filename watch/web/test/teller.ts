// SPDX-License-Identifier: MIT
/** Tells what a simulated machine has, as pictures of the stream: each what has changed since the one before. */
import type { FrameRun, LeafRun, NodeMessage, Picture, RegionMessage, SpaceMessage, TableEntry } from '../src/model/messages';
import { KINDS, PAGE, type Machine, type Node, type Space } from './machine';

/** Present, user, accessed: what every entry above a leaf has; and the right to write. */
const TABLE = 1 | 4 | 32;
const WRITABLE = 2;

export class Teller {
  private sent = {
    kind: new Uint8Array(0),
    refs: new Uint32Array(0),
    nodes: new Map<number, string>(),
    spaces: new Map<number, string>(),
    tasks: '',
  };
  private pictures = 0;

  constructor(private machine: Machine) {}

  /** The picture now, as a delta against the last one that was asked for. */
  picture(full = this.pictures === 0): Picture {
    const picture: Picture = {
      type: 'picture',
      n: ++this.pictures,
      time: this.machine.time,
      full,
      torn: [],
      kinds: this.countKinds(),
      counters: { ...this.machine.counters },
    };
    if (full)
      this.sent = {
        kind: new Uint8Array(this.machine.frames),
        refs: new Uint32Array(this.machine.frames),
        nodes: new Map(),
        spaces: new Map(),
        tasks: '',
      };
    picture.frames = this.frameRuns();
    this.addNodes(picture);
    this.addSpaces(picture);
    const tasks = this.machine.tasks.map(({ memory: _, ...process }) => process);
    if (JSON.stringify(tasks) !== this.sent.tasks) picture.processes = tasks;
    this.sent.tasks = JSON.stringify(tasks);
    return picture;
  }

  private countKinds(): number[] {
    const counts = KINDS.map(() => 0);
    for (const kind of this.machine.kind) counts[kind]!++;
    return counts;
  }

  private frameRuns(): FrameRun[] {
    const runs: FrameRun[] = [];
    const { kind, refs } = this.sent;
    for (let i = 0; i < this.machine.frames; i++) {
      if (kind[i] === this.machine.kind[i] && refs[i] === this.machine.refs[i]) continue;
      const last = runs.at(-1);
      if (last && last[0] + last[1] === i && last[2] === this.machine.kind[i] && last[3] === this.machine.refs[i]) last[1]++;
      else runs.push([i, 1, this.machine.kind[i]!, this.machine.refs[i]!]);
    }
    kind.set(this.machine.kind);
    refs.set(this.machine.refs);
    return runs;
  }

  private addNodes(picture: Picture): void {
    const gone = [...this.sent.nodes.keys()].filter((pfn) => !this.machine.nodes.has(pfn));
    for (const pfn of gone) this.sent.nodes.delete(pfn);
    if (gone.length) picture.nodes_gone = gone;
    const nodes = [...this.machine.nodes.values()].map((node) => this.nodeMessage(node));
    picture.nodes = nodes.filter((node) => this.sent.nodes.get(node.pfn) !== JSON.stringify(node));
    for (const node of picture.nodes) this.sent.nodes.set(node.pfn, JSON.stringify(node));
  }

  private nodeMessage(node: Node): NodeMessage {
    const entries =
      node.level > 1
        ? [...node.entries].map(([i, entry]): TableEntry => [i, entry.node.pfn, TABLE | (entry.writable ? WRITABLE : 0)])
        : leafRuns(node);
    return {
      pfn: node.pfn,
      level: node.level,
      base: '0x' + node.base.toString(16),
      refs: this.machine.refs[node.pfn]!,
      live: node.entries.size + node.infos.size,
      entries,
    };
  }

  private addSpaces(picture: Picture): void {
    const gone = [...this.sent.spaces.keys()].filter((id) => !this.machine.spaces.has(id));
    for (const id of gone) this.sent.spaces.delete(id);
    if (gone.length) picture.spaces_gone = gone;
    const spaces = [...this.machine.spaces.values()].map((space) => spaceMessage(space));
    picture.spaces = spaces.filter((space) => this.sent.spaces.get(space.id) !== JSON.stringify(space));
    for (const space of picture.spaces) this.sent.spaces.set(space.id, JSON.stringify(space));
  }
}

function leafRuns(node: Node): LeafRun[] {
  const runs: LeafRun[] = [];
  for (const [i, info] of [...node.infos].sort((a, b) => a[0] - b[0])) {
    const vpi = Number(info.present) | (Number(info.writable) << 1) | (Number(info.used) << 2) | (Number(info.moving) << 3);
    const last = runs.at(-1);
    const step = last ? info.ppn - (last[3] + (last[1] - 1) * last[2]) : 0;
    const fits =
      last &&
      last[0] + last[1] === i &&
      last[4] === vpi &&
      last[6] === info.pte &&
      (step === 0 || step === 1) &&
      (last[1] === 1 || last[2] === step);
    if (fits && (info.pte === 0 || info.ptePfn === info.ppn)) {
      last[2] = step;
      last[1]++;
    } else runs.push([i, 1, 0, info.ppn, vpi, info.ptePfn, info.pte]);
  }
  return runs;
}

function spaceMessage(space: Space): SpaceMessage {
  const regions = [...space.areas]
    .sort((a, b) => a.start - b.start)
    .map((area): RegionMessage => ({
      start: '0x' + area.start.toString(16),
      end: '0x' + (area.start + area.pages * PAGE).toString(16),
      dir: area.dir,
      prot: area.prot,
      shared: area.shared,
      purpose: area.purpose,
      file: area.file,
      offset: '0x0',
      flags: [],
    }));
  const heap = space.areas.find((area) => area.purpose === 'heap');
  const brk = heap ? heap.start : 0;
  return {
    id: space.id,
    root: space.root.pfn,
    brk: ['0x' + brk.toString(16), '0x' + (brk + (heap?.pages ?? 0) * PAGE).toString(16)],
    active: 1,
    regions,
  };
}
