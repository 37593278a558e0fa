// SPDX-License-Identifier: MIT
/** Small pictures for tests: one process with one leaf, as the messages of the stream tell it. */
import { Model } from '../src/model/model';
import type { LeafRun, Picture, RegionMessage } from '../src/model/messages';
import { KINDS, Machine } from './machine';

export const ROOT = 10;
export const BASE = 0x400000;
export const ANON = KINDS.indexOf('anonymous');

export function region(change: Partial<RegionMessage> = {}): RegionMessage {
  return {
    start: '0x400000',
    end: '0x410000',
    dir: 'up',
    prot: 'rw-',
    shared: false,
    purpose: 'general',
    file: null,
    offset: '0x0',
    flags: [],
    ...change,
  };
}

interface Small {
  runs: LeafRun[];
  regions?: RegionMessage[];
  frames?: Picture['frames'];
  /** Bits of the entries above the leaf, from level 4 down. */
  above?: [number, number, number];
  owners?: [number, number, number, number];
  torn?: string[];
  /** The frame in the entry above the leaf, if it is a huge one. */
  huge?: number;
}

/** A process (pid 7, space 1) whose one leaf maps 4 MiB to 6 MiB. Its nodes are in frames 10 (root) to 13 (leaf). */
export function small({
  runs,
  regions = [region()],
  frames = [],
  above = [7, 7, 7],
  owners = [1, 1, 1, 1],
  torn = [],
  huge = 13,
}: Small): Model {
  const model = new Model({ ...new Machine(256).hello(), frames: 256 });
  const table = (level: number, index: number) => ({
    pfn: 14 - level,
    level,
    base: '0x0',
    refs: owners[4 - level]!,
    live: 1,
    entries: [[index, level === 2 ? huge : 15 - level, above[4 - level]!]] as [number, number, number][],
  });
  model.apply({
    type: 'picture',
    n: 1,
    time: 0,
    full: true,
    torn,
    frames: [[0, 256, KINDS.indexOf('free'), 0], [ROOT, 4, KINDS.indexOf('node'), 1], [100, 50, ANON, 1], ...frames],
    nodes: [table(4, 0), table(3, 0), table(2, 2), { pfn: 13, level: 1, base: '0x400000', refs: owners[3], live: 1, entries: runs }],
    spaces: [{ id: 1, root: ROOT, brk: ['0x0', '0x0'], active: 1, regions }],
    processes: [{ pid: 7, ppid: 1, name: 'small', state: 'R', threads: 1, space: 1 }],
  });
  return model;
}
