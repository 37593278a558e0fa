// SPDX-License-Identifier: MIT
/** Faults, and what else happens to memory: the newest first, in words, with filters. A click leads to page and frame. */
import type { App, Panel, Topic } from '../app';
import { hex, pageOf, partOf, toBig } from '../model/address';
import { faultBits, faultSentence } from '../model/bits';
import type { GuestEvent } from '../model/events';
import type { Held } from '../model/messages';
import { causeText, isSignal, outcomeText, spaced, typeText } from '../model/words';
import { cost, count, plural, seconds } from '../ui/format';
import { h, roving, setAttribute, stopAt } from '../ui/dom';
import { bitChips } from './pagedetail';

const MOST_ROWS = 80;
const STORM = 40; // new rows at once from which on nobody can read them

export class FaultsPanel implements Panel {
  topics: Topic[] = ['hello', 'events', 'selection', 'picture', 'state'];
  readonly element: HTMLElement;
  private process = h('select', { 'data-testid': 'filter-process', 'aria-label': 'Only of process', onchange: () => this.refilter() });
  private cause = h('select', { 'data-testid': 'filter-cause', 'aria-label': 'Only with cause', onchange: () => this.refilter() });
  private list = h('ul', {
    class: 'fault-list',
    role: 'listbox',
    'aria-label': 'Faults and other events, the newest first',
    'data-testid': 'faults-list',
  });
  private numbers = h('p', { class: 'fault-numbers' });
  private detail = h('div', { class: 'fault-detail', 'data-testid': 'fault-detail', 'aria-live': 'polite' });
  private rows = new Map<number, HTMLElement>();
  private pids = new Set<number>();
  private newRows = 0;

  constructor(
    private app: App,
    private seen: () => boolean,
  ) {
    this.element = h(
      'div',
      { class: 'faults' },
      h('div', { class: 'filters' }, this.process, this.cause),
      this.list,
      this.numbers,
      this.detail,
    );
    roving(this.list, '.fault');
    this.list.addEventListener('keydown', (event) => {
      const row = (event.target as HTMLElement).closest<HTMLElement>('.fault');
      if (row && (event.key === 'Enter' || event.key === ' ')) {
        event.preventDefault();
        row.click();
      }
    });
  }

  visible(): boolean {
    return this.seen();
  }

  /** In a storm of faults new rows come twice a second only. */
  pace(): number {
    return this.newRows > STORM ? 500 : 0;
  }

  draw(topics: Set<Topic>): void {
    if (topics.has('hello')) this.begin();
    const events = this.app.events();
    this.offerProcesses(events);
    this.drawRows(events);
    this.drawDetail(events);
  }

  private begin(): void {
    const { hello } = this.app;
    this.rows.clear();
    this.list.replaceChildren();
    this.pids.clear();
    this.process.replaceChildren(h('option', { value: '' }, 'all processes'));
    const types = hello!.types.filter((type) => type !== 'fault');
    this.cause.replaceChildren(
      h('option', { value: '' }, 'all events'),
      h('option', { value: 'type fault' }, 'all faults'),
      h(
        'optgroup',
        { label: 'Faults by cause' },
        ...hello!.causes.filter((cause) => cause !== 'none').map((cause) => h('option', { value: `cause ${cause}` }, spaced(cause))),
      ),
      h('optgroup', { label: 'Other events' }, ...types.map((type) => h('option', { value: `type ${type}` }, typeText(type)))),
    );
  }

  private offerProcesses(events: GuestEvent[]): void {
    for (const { pid } of events.slice(-500)) {
      if (this.pids.has(pid)) continue;
      this.pids.add(pid);
      this.process.append(h('option', { value: pid }, `pid ${pid} ${this.app.view.process(pid)?.name ?? ''}`));
    }
  }

  private refilter(): void {
    this.app.mark('events');
  }

  private wanted(): (event: GuestEvent) => boolean {
    const pid = this.process.value === '' ? null : Number(this.process.value);
    const [what, word] = this.cause.value.split(' ');
    return (event) =>
      (pid === null || event.pid === pid) &&
      (!what || (what === 'cause' ? event.type === 'fault' && event.cause === word : event.type === word));
  }

  private drawRows(events: GuestEvent[]): void {
    const wanted = this.wanted();
    const shown: GuestEvent[] = [];
    for (let i = events.length - 1; i >= 0 && shown.length < MOST_ROWS; i--) if (wanted(events[i]!)) shown.push(events[i]!);
    const kept = new Map<number, HTMLElement>();
    this.newRows = shown.filter((event) => !this.rows.has(event.seq)).length;
    for (const event of shown) kept.set(event.seq, this.rows.get(event.seq) ?? this.row(event));
    for (const [seq, row] of this.rows) if (!kept.has(seq)) row.remove();
    let place: ChildNode | null = this.list.firstChild;
    for (const row of kept.values()) {
      if (row === place) place = place.nextSibling;
      else this.list.insertBefore(row, place);
      setAttribute(row, 'aria-selected', String(Number(row.dataset['seq']) === this.app.selection.seq));
    }
    this.rows = kept;
    const first = this.list.querySelector<HTMLElement>('[tabindex="0"]') ?? (this.list.firstElementChild as HTMLElement | null);
    if (first) stopAt(this.list, '.fault', first);
    this.drawNumbers(shown.length);
  }

  private drawNumbers(shown: number): void {
    const { faults, lost } = this.app.totals;
    const number = (id: string, n: number, text: string) => h('span', { 'data-testid': id, 'data-value': n }, text);
    const text = [shown, faults, lost].join();
    if (this.numbers.dataset['key'] === text) return;
    this.numbers.dataset['key'] = text;
    this.numbers.replaceChildren(
      number('faults-shown', shown, `${count(shown)} shown`),
      number('faults-total', faults, `${plural(faults, 'fault')} so far`),
      number('faults-lost', lost, lost ? `${count(lost)} lost: the guest was faster` : 'none lost'),
    );
  }

  private row(event: GuestEvent): HTMLElement {
    const fault = event.type === 'fault';
    const what = fault ? spaced(event.cause) : typeText(event.type);
    const signal = fault && isSignal(event.outcome);
    return h(
      'li',
      {
        class: `fault${fault ? '' : ' other'}${signal ? ' signal' : ''}`,
        role: 'option',
        tabindex: -1,
        'data-testid': 'fault',
        'data-seq': event.seq,
        'data-pid': event.pid,
        'data-type': event.type,
        'data-address': hex(event.address),
        'data-err': event.err,
        'data-cause': event.cause,
        'data-outcome': event.outcome,
        'data-pfn': event.pfn,
        'data-cost': event.cost,
        onclick: () => this.choose(event),
      },
      h('span', { class: 'fault-what' }, what),
      h('span', { class: 'fault-cost' }, event.cost ? count(event.cost) : ''),
      h('span', { class: 'fault-who' }, `${event.pid} ${this.app.view.process(event.pid)?.name ?? ''}`),
      h('code', { class: 'fault-where' }, where(event)),
      fault ? bitChips(faultBits(event.err)) : h('span', {}),
    );
  }

  private choose(event: GuestEvent): void {
    const hasPage = event.address !== 0n && partOf(event.address) === 'user';
    const process = this.app.view.process(event.pid);
    this.app.select({
      seq: event.seq,
      pfn: event.pfn || this.app.selection.pfn,
      ...(hasPage ? { va: pageOf(Number(event.address)) } : {}),
      ...(process?.space ? { pid: event.pid } : {}),
    });
  }

  private drawDetail(events: GuestEvent[]): void {
    const { seq } = this.app.selection;
    const event = seq === null ? undefined : events.find((one) => one.seq === seq);
    const { held } = this.app.shownState;
    const key = event ? `${event.seq}` : JSON.stringify(held);
    if (this.detail.dataset['key'] === key) return;
    this.detail.dataset['key'] = key;
    if (!event) {
      this.detail.replaceChildren(
        held
          ? this.heldWords(held)
          : h('p', { class: 'hint' }, 'Choose a fault: it is told here in words, its page and its frame are shown beside.'),
      );
      return;
    }
    this.detail.replaceChildren(...(event.type === 'fault' ? this.faultWords(event) : [this.otherWords(event)]));
  }

  private heldWords(held: Held): HTMLElement {
    const name = this.app.view.process(held.pid)?.name ?? '';
    return h(
      'p',
      {},
      h('b', {}, `Held: ${faultSentence(held.err)}`),
      ` pid ${held.pid} ${name} at `,
      h('code', {}, hex(toBig(held.address))),
      ' waits until you let it go on; nothing has been done about the fault yet.',
    );
  }

  private faultWords(event: GuestEvent): HTMLElement[] {
    const { hello, view } = this.app;
    const name = view.process(event.pid)?.name ?? '';
    return [
      h('p', {}, h('b', {}, `${faultSentence(event.err)} `), causeText(event.cause)),
      h(
        'p',
        { class: 'dim' },
        `pid ${event.pid} ${name}, address `,
        h('code', {}, hex(event.address)),
        ', instruction ',
        h('code', {}, hex(event.ip)),
        `, CPU ${event.cpu}, at ${seconds(hello!, event.time)}.`,
      ),
      h('p', {}, `${outcomeText(event.outcome)} · ${cost(hello!, event.cost)}${event.pfn ? ` · then in frame ${count(event.pfn)}` : ''}`),
    ];
  }

  private otherWords(event: GuestEvent): HTMLElement {
    const extra =
      { fork: `the child is pid ${event.extra}`, swap_out: `to slot ${event.extra}`, swap_in: `from slot ${event.extra}` }[event.type] ??
      (event.extra ? `${count(event.extra)} pages` : '');
    const text = h('p', {}, h('b', {}, typeText(event.type)), ` by pid ${event.pid}${extra ? `: ${extra}` : ''}`);
    if (event.address) text.append(', from ', h('code', {}, hex(event.address)));
    return text;
  }
}

function where(event: GuestEvent): string {
  if (event.type === 'fork') return `child ${event.extra}`;
  return event.address || event.type === 'fault' ? hex(event.address) : '';
}
