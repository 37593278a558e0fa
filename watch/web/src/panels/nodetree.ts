// SPDX-License-Identifier: MIT
/**
 * The nodes of one page table as a tree: the root on top, leaves below, in the order of their addresses. A node with two
 * owners or more is drawn doubled, with the others' names; an entry whose W is clear is a dashed line.
 */
import { hierarchy, tree, type HierarchyPointNode } from 'd3-hierarchy';
import type { App } from '../app';
import { hex } from '../model/address';
import { PTE } from '../model/bits';
import type { Model, Space } from '../model/model';
import type { TableNode } from '../model/nodes';
import { spacesOfNode } from '../model/owners';
import { count, plural } from '../ui/format';
import { h, setAttribute, svg } from '../ui/dom';

interface Item {
  node: TableNode;
  owners: number;
  shared: boolean; // it, or a node above it
  writable: boolean; // the entry that leads to it
  huge: boolean;
  children: Item[];
}

const MOST_NODES = 400;
const [WIDTH, HEIGHT, GAP] = [26, 18, 8];
const STEP_DOWN = 54;

export class NodeTree {
  readonly element: HTMLElement;
  private drawing = svg('svg', { class: 'node-tree', role: 'group', 'aria-label': 'Nodes of the page table' });
  private summary = h('p', { class: 'node-summary' });
  private readout = h('p', { class: 'node-readout', 'aria-live': 'polite' });
  private drawn = '';
  private chosen: number | null = null;

  constructor(private app: App) {
    this.element = h('div', { class: 'nodes', hidden: true }, this.summary, h('div', { class: 'node-scroll' }, this.drawing), this.readout);
    this.drawing.addEventListener('keydown', (event) => this.key(event));
  }

  draw(space: Space | undefined): void {
    const { view, selection } = this.app;
    const key = `${view.version} ${view.n} ${space?.id} ${selection.va}`;
    if (key === this.drawn) return;
    this.drawn = key;
    const root = space && view.nodes.get(space.root);
    if (!root) return this.drawing.replaceChildren();
    const budget = { left: MOST_NODES };
    const item = makeItem(view, root, 1, false, true, false, budget);
    const layout = tree<Item>().nodeSize([WIDTH + GAP, STEP_DOWN])(hierarchy(item, (one) => one.children));
    this.drawSummary(layout.descendants(), budget.left < 0);
    this.drawTree(layout);
  }

  private drawSummary(nodes: HierarchyPointNode<Item>[], cut: boolean): void {
    const shared = nodes.filter((node) => node.data.shared).length;
    const text = `${plural(nodes.length, 'node')}, ${shared ? `${count(shared)} shared with other processes` : 'none shared'}${cut ? '; the rest is left out' : ''}.`;
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
    this.drawing.replaceChildren(...layout.links().map((link) => line(link.source, link.target)), ...nodes.map((node, i) => this.box(node, i === 0)));
    if (focused !== null) this.drawing.querySelector<SVGElement>(`[data-pfn="${focused}"]`)?.focus();
  }

  private box(placed: HierarchyPointNode<Item>, first: boolean): SVGElement {
    const { node, owners, shared, huge } = placed.data;
    const { view, selection } = this.app;
    const onPath = selection.va !== null && selection.va >= node.base && selection.va < node.base + 4096 * 512 ** node.level;
    const stop = this.chosen === node.pfn || (this.chosen === null && first);
    const look = () => this.look(placed.data);
    const group = svg('g', {
      transform: `translate(${placed.x},${placed.y})`, class: `node${shared ? ' shared' : ''}${onPath ? ' on-path' : ''}${huge ? ' huge' : ''}`, tabindex: stop ? 0 : -1, role: 'img',
      'aria-label': this.words(placed.data), 'data-testid': 'node', 'data-pfn': node.pfn, 'data-level': node.level, 'data-owners': owners, onfocus: look, onpointerenter: look,
      onclick: () => this.app.select({ pfn: node.pfn }),
    });
    if (owners > 1) group.append(svg('rect', { x: -WIDTH / 2 + 3, y: -3, width: WIDTH, height: HEIGHT, rx: 3, class: 'behind' }));
    group.append(svg('rect', { x: -WIDTH / 2, y: 0, width: WIDTH, height: HEIGHT, rx: 3 }), svg('text', { x: 0, y: 12.5 }, node.level === 1 ? String(node.live) : `L${node.level}`));
    if (owners > 1) group.append(svg('text', { x: 0, y: HEIGHT + 11, class: 'owners' }, `×${owners}`));
    if (view.isTorn('node', node.pfn)) group.append(svg('text', { x: WIDTH / 2, y: 4, class: 'owners' }, '⁄'));
    return group;
  }

  private words({ node, owners, shared, huge }: Item): string {
    const others = spacesOfNode(this.app.view, node.pfn).map((space) => this.app.view.processOf(space.id)).map((process) => (process ? `${process.name} (${process.pid})` : '?'));
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

function makeItem(model: Model, node: TableNode, owners: number, above: boolean, writable: boolean, huge: boolean, budget: { left: number }): Item {
  budget.left--;
  const shared = above || owners > 1;
  const entries = [...node.children.values()].sort((a, b) => a.index - b.index);
  const children: Item[] = [];
  for (const entry of entries) {
    const child = model.nodes.get(entry.pfn);
    if (!child || child.level !== node.level - 1) continue;
    if (budget.left < 0) break;
    children.push(makeItem(model, child, child.refs, shared, (entry.bits & PTE.writable) !== 0, node.level === 2 && (entry.bits & PTE.large) !== 0, budget));
  }
  return { node, owners, shared, writable, huge, children };
}

function line(from: HierarchyPointNode<Item>, to: HierarchyPointNode<Item>): SVGElement {
  const [top, bottom] = [from.y + HEIGHT, to.y];
  const middle = (top + bottom) / 2;
  return svg('path', { class: to.data.writable ? 'edge' : 'edge protected', d: `M${from.x},${top}C${from.x},${middle} ${to.x},${middle} ${to.x},${bottom}` });
}
