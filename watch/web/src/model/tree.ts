// SPDX-License-Identifier: MIT
import type { Process } from './messages';

export interface Line {
  process: Process;
  depth: number;
}

/** Parents before their children, in the order of their numbers. Whose parent is gone stands at the top. */
export function treeOf(processes: Process[]): Line[] {
  const known = new Set(processes.map((process) => process.pid));
  const children = new Map<number, Process[]>();
  for (const process of [...processes].sort((a, b) => a.pid - b.pid)) {
    const parent = known.has(process.ppid) && process.ppid !== process.pid ? process.ppid : 0;
    children.set(parent, [...(children.get(parent) ?? []), process]);
  }
  const lines: Line[] = [];
  const go = (pid: number, depth: number): void => {
    for (const process of children.get(pid) ?? []) {
      children.delete(pid);
      lines.push({ process, depth });
      go(process.pid, depth + 1);
    }
  };
  go(0, 0);
  return lines;
}
