// SPDX-License-Identifier: MIT
/**
 * Address space: the slides' picture of a process. Regions from high addresses to low ones, every page a cell, gaps as
 * breaks; or the nodes of its page table. Below, one page: its vpage_info beside the entry that was derived from it.
 */
import type { App, Panel, Topic } from '../app';
import { hex } from '../model/address';
import type { Region, Space } from '../model/model';
import { bytes } from '../ui/format';
import { h, setAttribute, show } from '../ui/dom';
import { NodeTree } from './nodetree';
import { PageDetail } from './pagedetail';
import { Strip } from './strip';

type View = 'regions' | 'nodes';

const ENDS = 103; // width of the column of addresses and of the room beside it

export class SpacePanel implements Panel {
  topics: Topic[] = ['hello', 'picture', 'selection'];
  readonly element: HTMLElement;
  private choice = h('select', {
    'data-testid': 'space-select',
    'aria-label': 'Process',
    onchange: () => this.app.select({ pid: Number(this.choice.value), va: null }),
  });
  private list = h('div', { class: 'regions', role: 'group', 'aria-label': 'Regions, the highest addresses first' });
  private empty = h('p', { class: 'hint', hidden: true }, 'This process has no address space (any more).');
  private tree: NodeTree;
  private detail: PageDetail;
  private views: Record<View, HTMLButtonElement>;
  private view: View = 'regions';
  private strips = new Map<string, Strip>();
  private width = 0;
  private torn = h('span', { class: 'torn-mark', hidden: true }, 'torn');

  constructor(private app: App) {
    this.tree = new NodeTree(app);
    this.detail = new PageDetail(app);
    const tab = (view: View, text: string) =>
      h(
        'button',
        { type: 'button', 'aria-pressed': String(view === 'regions'), 'data-testid': `view-${view}`, onclick: () => this.change(view) },
        text,
      );
    this.views = { regions: tab('regions', 'Regions'), nodes: tab('nodes', 'Nodes') };
    this.element = h(
      'section',
      { class: 'panel space', id: 'space', 'data-testid': 'panel-space', 'aria-labelledby': 'space-title' },
      h(
        'div',
        { class: 'panel-head' },
        h('h2', { id: 'space-title' }, 'Address space'),
        this.torn,
        h(
          'span',
          { class: 'tools' },
          h('span', { class: 'switch', role: 'group', 'aria-label': 'What to show' }, this.views.regions, this.views.nodes),
          this.choice,
        ),
      ),
      h('div', { class: 'scroll' }, this.list, this.tree.element, this.empty),
      this.detail.element,
    );
    new ResizeObserver(() => this.measure()).observe(this.list);
  }

  private measure(): void {
    const width = this.list.clientWidth - ENDS;
    if (width === this.width || width < 0) return;
    this.width = width;
    this.app.mark('size');
  }

  visible(): boolean {
    return true;
  }

  draw(topics: Set<Topic>): void {
    const { space } = this.app;
    this.drawChoice();
    show(this.empty, !space && this.app.view.hasPicture);
    show(this.list, this.view === 'regions');
    show(this.tree.element, this.view === 'nodes');
    show(this.torn, space !== undefined && this.app.view.isTorn('space', space.id));
    if (this.view === 'regions') this.drawRegions(space, topics);
    else this.tree.draw(space);
    this.detail.draw(space);
  }

  private change(view: View): void {
    this.view = view;
    for (const [name, button] of Object.entries(this.views)) setAttribute(button, 'aria-pressed', String(name === view));
    this.app.mark('selection');
  }

  private drawChoice(): void {
    const processes = this.app.view.processes.filter((process) => process.space);
    const key = processes.map((process) => `${process.pid} ${process.name}`).join();
    if (this.choice.dataset['key'] !== key) {
      this.choice.dataset['key'] = key;
      this.choice.replaceChildren(...processes.map((process) => h('option', { value: process.pid }, `${process.pid} ${process.name}`)));
    }
    this.choice.value = String(this.app.selection.pid);
  }

  /** Strips are kept from one picture to the next: what is focused stays so. */
  private drawRegions(space: Space | undefined, topics: Set<Topic>): void {
    const regions = [...(space?.regions ?? [])].reverse();
    const kept = new Map<string, Strip>();
    const items: HTMLElement[] = [];
    const drawn: Strip[] = [];
    regions.forEach((region, i) => {
      const key = `${space!.id} ${region.dir} ${hex(region.dir === 'down' ? region.end : region.start)}`;
      const strip = this.strips.get(key) ?? new Strip(this.app, (by) => this.leave(key, by));
      kept.set(key, strip);
      drawn.push(strip);
      items.push(strip.element);
      const gap = gapBelow(region, regions[i + 1]);
      if (gap) items.push(gap);
    });
    this.strips = kept;
    if (
      items.length !== this.list.children.length ||
      items.some((item, i) => this.list.children[i] !== item && !sameGap(this.list.children[i]!, item))
    )
      this.list.replaceChildren(...items);
    regions.forEach((region, i) =>
      drawn[i]!.draw(space!, region, this.width, topics.has('selection'), regions[i + 1]?.end === region.start),
    );
    this.oneStop();
  }

  /** One strip is the tab stop: the one with the chosen page, or else the first. */
  private oneStop(): void {
    const strips = [...this.strips.values()];
    const chosen = strips.find((strip) => strip.hasFocus()) ?? strips.find((strip) => strip.holds(this.app.selection.va)) ?? strips[0];
    for (const strip of strips) strip.setStop(strip === chosen);
  }

  /** Arrow keys have left a strip at its upper or lower edge. */
  private leave(key: string, by: number): void {
    const keys = [...this.strips.keys()];
    this.strips.get(keys[keys.indexOf(key) + by] ?? '')?.enter(by);
  }
}

function gapBelow(region: Region, below: Region | undefined): HTMLElement | null {
  const end = below?.end ?? 0;
  if (end === region.start) return null;
  return h('div', { class: 'gap' }, h('span', {}, `${bytes(region.start - end)} not mapped`));
}

function sameGap(old: Element, now: HTMLElement): boolean {
  return old.className === 'gap' && now.className === 'gap' && old.textContent === now.textContent;
}
