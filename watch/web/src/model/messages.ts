// SPDX-License-Identifier: MIT
/**
 * The messages of the stream: one JSON object a line in a recording, one WebSocket message each when live.
 *
 * Numbers that may exceed 2^53 are strings "0x...". What a message says is not trusted to be well-formed: `parse`
 * refuses what is no message, and the model checks indexes and lengths before it uses them.
 */

export const FORMAT = 1;

export interface Lesson {
  name: string;
  title: string;
  program: string;
  text: string;
}

export interface Hello {
  type: 'hello';
  format: number;
  build: string;
  memory: number;
  frames: number;
  cpus: number;
  machine: string;
  icount: boolean;
  ticks: 'instructions' | 'nanoseconds';
  ticks_per_second: number;
  direct_map: string;
  live: boolean;
  kinds: string[];
  causes: string[];
  outcomes: string[];
  types: string[];
  lessons: Lesson[];
}

/** [first frame, how many, kind, references] */
export type FrameRun = [number, number, number, number];

/** Above the leaves: [index, frame of the child, bits of the entry]. */
export type TableEntry = [number, number, number];

/** In a leaf: [index, count, step, ppn, bits of the vpage_info, frame in the entry, bits of the entry]. */
export type LeafRun = [number, number, number, number, number, number, number];

export interface NodeMessage {
  pfn: number;
  level: number;
  base: string;
  refs: number;
  live: number;
  torn?: boolean;
  entries: (TableEntry | LeafRun)[];
}

export interface RegionMessage {
  start: string;
  end: string;
  dir: 'up' | 'down';
  prot: string;
  shared: boolean;
  purpose: 'general' | 'heap' | 'stack';
  file: string | null;
  offset: string;
  flags: string[];
}

export interface SpaceMessage {
  id: number;
  root: number;
  brk: [string, string];
  active: number;
  regions: RegionMessage[];
}

export interface Process {
  pid: number;
  ppid: number;
  name: string;
  state: string;
  threads: number;
  space: number;
}

export interface Picture {
  type: 'picture';
  n: number;
  time: number;
  full: boolean;
  torn?: string[];
  frames?: FrameRun[];
  kinds?: number[];
  nodes?: NodeMessage[];
  nodes_gone?: number[];
  spaces?: SpaceMessage[];
  spaces_gone?: number[];
  processes?: Process[];
  counters?: Record<string, number>;
}

/** [seq, time, cpu, type, pid, tid, address, ip, err, cause, outcome, pfn, cost, extra] */
export type EventTuple = [number, number, number, number, number, number, string, string, number, number, number, number, number, number];

export interface Events {
  type: 'events';
  lost: number;
  events: EventTuple[];
}

export type Run = 'running' | 'paused' | 'stepping' | 'ended';

export interface Held {
  pid: number;
  tid: number;
  address: string;
  err: number;
}

export interface State {
  type: 'state';
  run: Run;
  held: Held | null;
  reason: string;
}

export interface ConsoleText {
  type: 'console';
  text: string;
}

export interface ErrorText {
  type: 'error';
  text: string;
}

export type Message = Hello | Picture | Events | State | ConsoleText | ErrorText;

/** What the page asks of the host. */
export type Request = { type: 'pause' } | { type: 'go' } | { type: 'step'; n: number } | { type: 'input'; text: string };

/** Memory of a machine that this page could show; more is a damaged line. */
const MOST_FRAMES = 1 << 28;

/** The words and numbers of a hello that everything else relies on; null if they cannot be right. */
export function checkHello(hello: Hello): Hello | null {
  if (!(Number.isInteger(hello.frames) && hello.frames > 0 && hello.frames <= MOST_FRAMES)) return null;
  const words = [hello.kinds, hello.causes, hello.outcomes, hello.types];
  if (!words.every((list) => Array.isArray(list) && list.every((word) => typeof word === 'string'))) return null;
  return { ...hello, lessons: Array.isArray(hello.lessons) ? hello.lessons : [] };
}

const TYPES = new Set(['hello', 'picture', 'events', 'state', 'console', 'error']);

/** The message in a line, or null if the line is none: cut short, or of a kind that this page does not know. */
export function parse(line: string): Message | null {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null || !('type' in value)) return null;
    return TYPES.has(String(value.type)) ? (value as Message) : null;
  } catch {
    return null;
  }
}
