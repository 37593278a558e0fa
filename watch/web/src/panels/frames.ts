// SPDX-License-Identifier: MIT
/** Frames: the grid, what its colours mean, and all there is to say of one frame. */
import type { App, Panel, Topic } from '../app';
import { hex, PAGE } from '../model/address';
import type { Model } from '../model/model';
import { regionName } from '../model/model';
import { eachFrameOfSpace, ownersOf, spacesOfNode, type Owner } from '../model/owners';
import { kindText } from '../model/words';
import { count, plural } from '../ui/format';
import { h, roving, setAttribute, setText, stopAt } from '../ui/dom';
import { css, currentTheme, kindColour, RAMP_WORDS } from '../ui/palette';
import { Grid, type Marks } from './grid';

export class FramesPanel implements Panel {
  topics: Topic[] = ['hello', 'picture', 'selection'];
  readonly element: HTMLElement;
  private canvas = h('canvas', {
    class: 'grid',
    tabindex: 0,
    role: 'application',
    'aria-label': 'Frames of memory. Arrow keys move, Enter chooses, plus and minus zoom.',
    'aria-describedby': 'frame-readout',
    'data-testid': 'frames-grid',
  });
  private holder = h('div', { class: 'grid-holder' }, this.canvas);
  private legend = h('ul', { class: 'legend', 'aria-label': 'Kinds of frames. Press one to make it stand out.' });
  private readout = h('div', { class: 'readout', id: 'frame-readout', 'data-testid': 'frame-readout', 'aria-live': 'polite' });
  private only = h('input', { type: 'checkbox', id: 'only-process', onchange: () => this.refresh() });
  private jump = h('input', {
    type: 'text',
    size: 7,
    inputmode: 'numeric',
    'data-testid': 'frame-jump',
    'aria-label': 'Go to frame number',
    placeholder: 'frame…',
  });
  private grid = new Grid(this.canvas, () => this.grid.draw(this.marks()));
  private cursor: number | null = null;
  private mask: Uint8Array | null = null;
  private rows = new Map<string, { number: HTMLElement; button: HTMLButtonElement; swatch: HTMLElement }>();

  constructor(private app: App) {
    this.jump.addEventListener('keydown', (event) => event.key === 'Enter' && this.jumpTo(this.jump.value));
    this.element = h(
      'section',
      { class: 'panel frames', id: 'frames', 'data-testid': 'panel-frames', 'aria-labelledby': 'frames-title' },
      h(
        'div',
        { class: 'panel-head' },
        h('h2', { id: 'frames-title' }, 'Frames'),
        h(
          'span',
          { class: 'tools' },
          this.zoomButton('−', 'Smaller', () => this.grid.zoomBy(0.5, this.current)),
          this.zoomButton('+', 'Larger', () => this.grid.zoomBy(2, this.current)),
          this.zoomButton('⤢', 'All frames', () => this.grid.reset()),
          this.jump,
        ),
      ),
      this.holder,
      h('div', { class: 'legend-head' }, this.ramp(), h('label', { class: 'check' }, this.only, 'only this process')),
      this.legend,
      this.readout,
    );
    roving(this.legend, 'button');
    this.canvas.addEventListener('pointermove', (event) => this.hover(this.grid.frameAt(event.clientX, event.clientY)));
    this.canvas.addEventListener('pointerleave', () => this.hover(null));
    this.canvas.addEventListener('click', (event) => this.choose(this.grid.frameAt(event.clientX, event.clientY)));
    this.canvas.addEventListener('keydown', (event) => this.key(event));
  }

  visible(): boolean {
    return true;
  }

  draw(topics: Set<Topic>): void {
    const { app } = this;
    if (topics.has('hello')) this.begin();
    if (topics.has('theme')) this.colourLegend();
    if (topics.has('size') || topics.has('hello')) this.fit();
    if (topics.has('selection')) this.follow();
    this.mask = this.only.checked ? maskOf(app.view, app) : null;
    const { changes, onePicture } = app.view.takeChanges();
    this.grid.paint(app.view, changes, this.marks(), topics.has('picture') ? onePicture : null);
    this.grid.draw(this.marks());
    this.drawLegend();
    this.drawReadout();
  }

  private refresh(): void {
    this.grid.repaint();
    this.app.mark('selection');
  }

  private begin(): void {
    const { frames, hello } = this.app.view;
    this.grid.setFrames(frames);
    setAttribute(this.canvas, 'data-columns', this.grid.columns);
    this.rows.clear();
    this.legend.replaceChildren(...hello.kinds.map((kind) => this.legendRow(kind)));
    const first = this.legend.querySelector('button');
    if (first) stopAt(this.legend, 'button', first);
    this.colourLegend();
    this.app.view.changeAll();
  }

  private fit(): void {
    this.grid.resize(Math.max(160, this.holder.clientWidth));
  }

  private marks(): Marks {
    const { view, selection } = this.app;
    const torn = [...view.torn].filter((part) => part.startsWith('frame ')).map((part) => Number(part.slice(6)));
    return { theme: currentTheme(), cursor: this.cursor, selected: selection.pfn, torn, mask: this.mask, kind: selection.kind };
  }

  /* ---- Legend ---- */

  private zoomButton(text: string, label: string, press: () => void): HTMLElement {
    return h('button', { type: 'button', class: 'small', 'aria-label': label, title: label, onclick: press }, text);
  }

  private ramp(): HTMLElement {
    return h(
      'span',
      { class: 'ramp', title: 'References of a frame: the more, the brighter' },
      h('span', {}, 'references'),
      ...RAMP_WORDS.map((word, i) => h('span', { class: 'ramp-step', 'data-refs': [1, 2, 3, 5, 9][i]! }, word)),
    );
  }

  private legendRow(kind: string): HTMLElement {
    const swatch = h('span', { class: 'swatch' });
    const number = h('span', { class: 'number' });
    const press = () => {
      this.app.select({ kind: this.app.selection.kind === kind ? null : kind });
      this.refresh();
    };
    const button = h(
      'button',
      { type: 'button', 'aria-pressed': 'false', title: kindText(kind), onclick: press },
      swatch,
      h('span', { class: 'word' }, kind),
      number,
    );
    this.rows.set(kind, { number, button, swatch });
    return h('li', { 'data-testid': `kind-${kind}` }, button);
  }

  private colourLegend(): void {
    const theme = currentTheme();
    for (const [kind, { swatch }] of this.rows) swatch.style.background = css(kindColour(theme, kind));
    for (const step of this.element.querySelectorAll<HTMLElement>('.ramp-step'))
      step.style.setProperty('--step', css(kindColour(theme, 'anonymous', Number(step.dataset['refs']))));
  }

  private drawLegend(): void {
    const { view, selection } = this.app;
    view.hello.kinds.forEach((kind, i) => {
      const row = this.rows.get(kind);
      if (!row) return;
      const n = view.kinds[i] ?? 0;
      setText(row.number, count(n));
      setAttribute(row.button.parentElement!, 'data-value', n);
      setAttribute(row.button.parentElement!, 'class', n ? null : 'none');
      setAttribute(row.button, 'aria-pressed', String(selection.kind === kind));
    });
  }

  /* ---- One frame ---- */

  private get current(): number | null {
    return this.cursor ?? this.app.selection.pfn;
  }

  private hover(pfn: number | null): void {
    const valid = pfn !== null && pfn < this.app.head?.frames ? pfn : null;
    if (valid === this.cursor) return;
    this.cursor = valid;
    this.grid.draw(this.marks());
    this.drawReadout();
  }

  private choose(pfn: number | null): void {
    if (pfn === null || pfn >= this.app.view.frames) return;
    const owner = ownersOf(this.app.view, pfn).owners;
    const mine = owner.find((one) => one.space === this.app.space) ?? owner[0];
    const process = mine && this.app.view.processOf(mine.space.id);
    if (mine && process) this.app.selectPage(process.pid, mine.va, pfn);
    else this.app.select({ pfn });
  }

  /** The frame that something else has chosen comes into sight. */
  private follow(): void {
    const { pfn } = this.app.selection;
    if (pfn !== null) this.grid.reveal(pfn);
  }

  private jumpTo(text: string): void {
    const pfn = Number(text.replace(/\s/g, ''));
    if (!Number.isInteger(pfn) || pfn < 0 || pfn >= this.app.view.frames) return;
    this.cursor = null;
    this.choose(pfn);
    this.canvas.focus();
  }

  private key(event: KeyboardEvent): void {
    const { columns } = this.grid;
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, PageUp: -8 * columns, PageDown: 8 * columns }[
      event.key
    ];
    if (by !== undefined) {
      event.preventDefault();
      const to = (this.current ?? 0) + (this.current === null ? 0 : by);
      if (to >= 0 && to < this.app.view.frames) this.hover(to);
      this.grid.reveal(this.current ?? 0);
    } else if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      this.choose(this.current);
    } else if (event.key === '+') this.grid.zoomBy(2, this.current);
    else if (event.key === '-') this.grid.zoomBy(0.5, this.current);
    else if (event.key === '0') this.grid.reset();
    else if (event.key === 'Escape') this.hover(null);
  }

  private drawReadout(): void {
    const pfn = this.current;
    const { view } = this.app;
    setAttribute(this.readout, 'data-pfn', pfn);
    if (pfn === null || !view.hasPicture) {
      this.readout.replaceChildren(
        h('p', { class: 'hint' }, 'Point at a frame, or use the arrow keys. A click chooses it, and the page that is in it.'),
      );
      return;
    }
    const kind = view.kindName(pfn);
    const refs = view.refs[pfn] ?? 0;
    setAttribute(this.readout, 'data-kind', kind);
    setAttribute(this.readout, 'data-refs', refs);
    this.readout.replaceChildren(
      h(
        'p',
        { class: 'readout-head' },
        h('strong', {}, `Frame ${count(pfn)}`),
        ' ',
        h('code', {}, hex(pfn * PAGE)),
        view.isTorn('frame', pfn) ? h('span', { class: 'torn-mark' }, 'torn') : null,
      ),
      h(
        'p',
        {},
        h('span', { class: 'swatch', style: `background:${css(kindColour(currentTheme(), kind, refs))}` }),
        ` ${kind}: ${kindText(kind)} · `,
        h('b', {}, plural(refs, 'reference')),
      ),
      ...this.ownersText(pfn, kind, refs),
    );
  }

  private ownersText(pfn: number, kind: string, refs: number): HTMLElement[] {
    const { view } = this.app;
    if (kind === 'node') return this.nodeText(pfn);
    if (kind === 'zero') return [h('p', { class: 'dim' }, 'Not counted: every page that was read and never written is in it.')];
    const { owners, entries, more } = ownersOf(view, pfn);
    const list = owners.slice(0, 8).map((owner) => this.ownerItem(owner));
    const rest = owners.length - list.length + more;
    const text =
      entries === 0
        ? 'No page-table entry holds it.'
        : refs > entries
          ? `${plural(entries, 'entry', 'entries')}, and ${count(refs - entries)} more: page cache, swap cache or pins.`
          : `${plural(entries, 'page-table entry', 'page-table entries')}:`;
    if (entries === 0 && !['anonymous', 'file', 'huge', 'swap'].includes(kind)) return [];
    return [
      h('p', { class: 'dim' }, text),
      h('ul', { class: 'owners', 'data-testid': 'frame-owners' }, ...list, rest > 0 && h('li', {}, `and ${count(rest)} more`)),
    ];
  }

  private ownerItem(owner: Owner): HTMLElement {
    const process = this.app.view.processOf(owner.space.id);
    const go = () => process && this.app.selectPage(process.pid, owner.va, this.current);
    const name = process ? `${process.pid} ${process.name}` : `space ${owner.space.id}`;
    return h(
      'li',
      { 'data-space': owner.space.id, 'data-va': hex(owner.va) },
      h('button', { type: 'button', class: 'link', onclick: go }, name),
      ' ',
      h('code', {}, hex(owner.va)),
      owner.region ? h('span', { class: 'dim' }, ` ${regionName(owner.region)}`) : null,
    );
  }

  private nodeText(pfn: number): HTMLElement[] {
    const { view } = this.app;
    const node = view.nodes.get(pfn);
    if (!node) return [h('p', { class: 'dim' }, 'A page table of the kernel, or a node that is just coming or going.')];
    const names = spacesOfNode(view, pfn)
      .map((space) => view.processOf(space.id))
      .map((process) => (process ? `${process.pid} ${process.name}` : '?'));
    const owners = node.level === 4 ? 'the root of' : node.refs > 1 ? `${count(node.refs)} owners; reached by` : 'reached by';
    return [
      h(
        'p',
        {},
        `Level ${node.level}, ${plural(node.live, 'entry', 'entries')} in use, from `,
        h('code', {}, hex(node.base)),
        `; ${owners} ${names.slice(0, 6).join(', ')}${names.length > 6 ? ` and ${names.length - 6} more` : ''}`,
      ),
    ];
  }
}

function maskOf(model: Model, app: App): Uint8Array {
  const mask = new Uint8Array(model.frames);
  if (app.space) eachFrameOfSpace(model, app.space, (pfn) => (mask[pfn] = 1));
  return mask;
}
