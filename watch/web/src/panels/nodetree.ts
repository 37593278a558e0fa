// SPDX-License-Identifier: MIT
/**
 * The nodes of one page table as a tree: the root on top, leaves below, in the order of their addresses. A node with two
 * owners or more is drawn doubled, with the others' names; an entry whose W is clear is a dashed line.
 */
import { hierarchy, tree, type HierarchyPointNode } from 'd3-hierarchy';
import type { App } from '../app';
import { hex } from '../model/address';
import { fold, itemsOf, type Item } from '../model/items';
import type { Space } from '../model/model';
import { spacesOfNode } from '../model/owners';
import { count, plural } from '../ui/format';
import { h, setAttribute, svg } from '../ui/dom';

const [WIDTH, HEIGHT, GAP] = [26, 18, 8];
const STEP_DOWN = 54;

export class NodeTree {
  readonly element: HTMLElement;
  private drawing = svg('svg', { class: 'node-tree', role: 'group', 'aria-label': 'Nodes of the page table' });
  private scroll = h('div', { class: 'node-scroll' }, this.drawing);
  private summary = h('p', { class: 'node-summary' });
  private readout = h('p', { class: 'node-readout', 'aria-live': 'polite' });
  private drawn = '';
  private chosen: number | null = null;
  private root = -1;

  constructor(private app: App) {
    this.element = h('div', { class: 'nodes', hidden: true }, this.summary, this.scroll, this.readout);
    this.drawing.addEventListener('keydown', (event) => this.key(event));
  }

  draw(space: Space | undefined): void {
    const { view, selection } = this.app;
    const key = `${view.version} ${view.n} ${space?.id} ${selection.va}`;
    if (key === this.drawn) return;
    this.drawn = key;
    const root = space && view.nodes.get(space.root);
    if (!root) return this.drawing.replaceChildren();
    const item = itemsOf(view, root);
    this.drawSummary(item);
    fold(item, selection.va);
    const layout = tree<Item>().nodeSize([WIDTH + GAP, STEP_DOWN])(hierarchy(item, (one) => one.children));
    this.drawTree(layout);
  }

  private drawSummary(root: Item): void {
    const items = hierarchy(root, (one) => one.children).descendants();
    const shared = items.filter((one) => one.data.shared).length;
    const text = `${plural(items.length, 'node')}, ${shared ? `${count(shared)} shared with other processes` : 'none shared'}.`;
    this.summary.textContent = `${text} A dashed line: the entry has W clear, so that nothing below can be written.`;
  }

  private drawTree(layout: HierarchyPointNode<Item>): void {
    const nodes = layout.descendants();
    const focused = this.drawing.contains(document.activeElement) ? this.chosen : null;
    const left = Math.min(...nodes.map((node) => node.x)) - WIDTH;
    const right = Math.max(...nodes.map((node) => node.x)) + WIDTH;
    const bottom = Math.max(...nodes.map((node) => node.y)) + HEIGHT + 26;
    setAttribute(this.drawing, 'viewBox', `${left} -14 ${right - left} ${bottom}`);
    setAttribute(this.drawing, 'width', right - left);
    setAttribute(this.drawing, 'height', bottom);
    this.drawing.replaceChildren(
      ...layout.links().map((link) => line(link.source, link.target)),
      ...nodes.map((node, i) => this.box(node, i === 0)),
    );
    // A wide tree is first seen from its root.
    if (this.root !== nodes[0]!.data.node.pfn) this.scroll.scrollLeft = -left - this.scroll.clientWidth / 2;
    this.root = nodes[0]!.data.node.pfn;
    if (focused !== null) this.drawing.querySelector<SVGElement>(`[data-pfn="${focused}"]`)?.focus();
  }

  private box(placed: HierarchyPointNode<Item>, first: boolean): SVGElement {
    const { node, owners, shared, huge, folded } = placed.data;
    if (folded) return this.more(placed, folded);
    const { view, selection } = this.app;
    const onPath = selection.va !== null && selection.va >= node.base && selection.va < node.base + 4096 * 512 ** node.level;
    const stop = this.chosen === node.pfn || (this.chosen === null && first);
    const look = () => this.look(placed.data);
    const group = svg('g', {
      transform: `translate(${placed.x},${placed.y})`,
      class: `node${shared ? ' shared' : ''}${onPath ? ' on-path' : ''}${huge ? ' huge' : ''}`,
      tabindex: stop ? 0 : -1,
      role: 'img',
      'aria-label': this.words(placed.data),
      'data-testid': 'node',
      'data-pfn': node.pfn,
      'data-level': node.level,
      'data-owners': owners,
      onfocus: look,
      onpointerenter: look,
      onclick: () => this.app.select({ pfn: node.pfn }),
    });
    if (owners > 1) group.append(svg('rect', { x: -WIDTH / 2 + 3, y: -3, width: WIDTH, height: HEIGHT, rx: 3, class: 'behind' }));
    group.append(
      svg('rect', { x: -WIDTH / 2, y: 0, width: WIDTH, height: HEIGHT, rx: 3 }),
      svg('text', { x: 0, y: 12.5 }, node.level === 1 ? String(node.live) : `L${node.level}`),
    );
    if (owners > 1) group.append(svg('text', { x: 0, y: HEIGHT + 11, class: 'owners' }, `×${owners}`));
    if (view.isTorn('node', node.pfn)) group.append(svg('text', { x: WIDTH / 2, y: 4, class: 'owners' }, '⁄'));
    return group;
  }

  private more(placed: HierarchyPointNode<Item>, folded: number): SVGElement {
    const group = svg(
      'g',
      { transform: `translate(${placed.x},${placed.y})`, class: `more${placed.data.shared ? ' shared' : ''}` },
      svg('text', { x: 0, y: 12.5 }, `+${count(folded)}`),
    );
    group.append(svg('title', {}, `${count(folded)} more leaves like those beside them`));
    return group;
  }

  private words({ node, owners, shared, huge }: Item): string {
    const others = spacesOfNode(this.app.view, node.pfn)
      .map((space) => this.app.view.processOf(space.id))
      .map((process) => (process ? `${process.name} (${process.pid})` : '?'));
    const kind = node.level === 4 ? 'root' : node.level === 1 ? 'leaf node' : `node of level ${node.level}`;
    const use = node.level === 1 ? plural(node.live, 'page') : plural(node.live, 'entry', 'entries');
    const held = owners > 1 ? `${owners} owners` : shared ? 'one owner, but shared further up' : 'private';
    return `Frame ${count(node.pfn)}: ${kind} from ${hex(node.base)}, ${use} in use; ${held}${others.length > 1 ? `: ${others.slice(0, 8).join(', ')}${others.length > 8 ? ' and more' : ''}` : ''}${huge ? '; waits behind a huge entry' : ''}.`;
  }

  private look(item: Item): void {
    this.chosen = item.node.pfn;
    this.readout.textContent = this.words(item);
  }

  private key(event: KeyboardEvent): void {
    const boxes = [...this.drawing.querySelectorAll<SVGElement>('.node')];
    const at = boxes.indexOf(document.activeElement as unknown as SVGElement);
    if (at < 0) return;
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      this.app.select({ pfn: Number(boxes[at]!.dataset['pfn']) });
    }
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    const to = boxes[Math.min(Math.max(at + by, 0), boxes.length - 1)]!;
    boxes[at]!.setAttribute('tabindex', '-1');
    to.setAttribute('tabindex', '0');
    to.focus();
  }
}

function line(from: HierarchyPointNode<Item>, to: HierarchyPointNode<Item>): SVGElement {
  const [top, bottom] = [from.y + HEIGHT, to.y];
  const middle = (top + bottom) / 2;
  return svg('path', {
    class: to.data.writable ? 'edge' : 'edge protected',
    d: `M${from.x},${top}C${from.x},${middle} ${to.x},${middle} ${to.x},${bottom}`,
  });
}
