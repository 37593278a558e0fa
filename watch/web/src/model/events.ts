// SPDX-License-Identifier: MIT
/** Events of the guest, as records with words in place of numbers, and the bounded list of the latest. */
import { toBig } from './address';
import type { Events, EventTuple, Hello } from './messages';

export interface GuestEvent {
  seq: number;
  time: number;
  cpu: number;
  type: string;
  pid: number;
  tid: number;
  address: bigint;
  ip: bigint;
  err: number;
  cause: string;
  outcome: string;
  pfn: number;
  cost: number;
  extra: number;
}

export function makeEvent(hello: Hello, tuple: EventTuple): GuestEvent {
  const [seq, time, cpu, type, pid, tid, address, ip, err, cause, outcome, pfn, cost, extra] = tuple;
  return {
    seq,
    time,
    cpu,
    pid,
    tid,
    err,
    pfn,
    cost,
    extra,
    type: hello.types[type] ?? `type ${type}`,
    address: toBig(address),
    ip: toBig(ip),
    cause: hello.causes[cause] ?? `cause ${cause}`,
    outcome: hello.outcomes[outcome] ?? `outcome ${outcome}`,
  };
}

/** The latest events. What is dropped at the old end is counted in `total` all the same. */
export class EventLog {
  list: GuestEvent[] = [];
  total = 0;
  faults = 0;
  lost = 0;
  readonly most: number;

  constructor(most = 20000) {
    this.most = most;
  }

  add(hello: Hello, message: Events): void {
    this.lost += message.lost || 0;
    for (const tuple of message.events ?? []) {
      const event = makeEvent(hello, tuple);
      this.list.push(event);
      this.total++;
      if (event.type === 'fault') this.faults++;
    }
    // In lumps, so that each event does not move all others.
    if (this.list.length > this.most * 1.25) this.list = this.list.slice(-this.most);
  }
}
