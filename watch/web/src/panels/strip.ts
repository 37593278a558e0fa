// SPDX-License-Identifier: MIT
/** One region of an address space: what it is, and its pages as cells on a canvas. Arrow keys go from page to page. */
import type { App } from '../app';
import { hex, PAGE } from '../model/address';
import { regionName, type Region, type Space } from '../model/model';
import { isRow, looksOf, rowsOf, type Break, type Cell, type LeafView, type Row } from '../model/strip';
import { bytes, count, plural } from '../ui/format';
import { h, setAttribute, setText, show } from '../ui/dom';
import { css, currentTheme, kindColour, style, type Theme } from '../ui/palette';

const WIDE = 64;
const BREAK_HEIGHT = 15;
const BAR = 8; // room for the leaf's bar, left of the cells

const STATE_WORDS: Record<string, string> = {
  untouched: 'never touched',
  swap: 'in swap',
  transit: 'moving',
  zero: 'in the zero frame',
  cow: 'write-protected for copy-on-write',
  unmapped: 'present, not yet mapped',
  own: 'in a frame of its own',
  read_only: 'read-only',
  wrong: 'wrong',
};

interface Placed {
  top: number;
  height: number;
  row: Row | Break;
}

export class Strip {
  readonly element: HTMLElement;
  private name = h('span', { class: 'region-name' });
  private facts = h('span', { class: 'region-facts' });
  private start = h('code', { class: 'address' });
  private end = h('code', { class: 'address' });
  private nodes = h('span', { class: 'region-nodes' });
  private canvas = h('canvas', { class: 'strip', tabindex: -1, role: 'application' });
  private placed: Placed[] = [];
  private cell = 6;
  private columns = WIDE;
  private space!: Space;
  private region!: Region;
  private hovered: number | null = null;
  private looks = '';

  constructor(
    private app: App,
    private leave: (by: number) => void,
  ) {
    this.element = h(
      'div',
      { class: 'region', 'data-testid': 'region' },
      h('div', { class: 'region-ends' }, this.end, this.start),
      h('div', { class: 'region-body' }, h('p', { class: 'region-head' }, this.name, this.facts, this.nodes), this.canvas),
    );
    this.canvas.addEventListener('pointermove', (event) => this.hover(this.cellAt(event)));
    this.canvas.addEventListener('pointerleave', () => this.hover(null));
    this.canvas.addEventListener('click', (event) => {
      const cell = this.cellAt(event);
      if (cell) this.select(cell);
    });
    this.canvas.addEventListener('keydown', (event) => this.key(event));
  }

  hasFocus(): boolean {
    return document.activeElement === this.canvas;
  }

  holds(va: number | null): boolean {
    return va !== null && this.region !== undefined && va >= this.region.start && va < this.region.end;
  }

  setStop(stop: boolean): void {
    setAttribute(this.canvas, 'tabindex', stop ? 0 : -1);
  }

  /** Arrow keys come in from the strip above (1) or below (-1). */
  enter(by: number): void {
    const rows = this.rows();
    const row = by > 0 ? rows[0] : rows.at(-1);
    const cell = row?.cells[0];
    this.canvas.focus();
    if (cell) this.select(cell);
  }

  /** `adjacent`: the next region below begins where this one does. */
  draw(space: Space, region: Region, width: number, chosen: boolean, adjacent: boolean): void {
    this.space = space;
    this.region = region;
    this.columns = width >= WIDE * 5 + BAR ? WIDE : WIDE / 2;
    this.cell = Math.max(5, Math.min(10, Math.floor((width - BAR) / this.columns)));
    const rows = rowsOf(this.app.view, space, region, this.columns);
    show(this.start, !adjacent);
    const looks = [
      looksOf(rows),
      region.start,
      region.end,
      region.prot,
      this.cell,
      this.columns,
      currentTheme(),
      this.holds(this.app.selection.va) && this.app.selection.va,
      this.hovered,
    ].join();
    if (looks !== this.looks) {
      this.looks = looks;
      this.place(rows);
      this.drawText();
      this.drawCanvas();
    }
    if (chosen && this.holds(this.app.selection.va)) this.intoSight();
  }

  private place(rows: (Row | Break)[]): void {
    let top = 1;
    this.placed = rows.map((row) => {
      const height = isRow(row) ? this.cell : BREAK_HEIGHT;
      const placed = { top, height, row };
      top += height;
      return placed;
    });
    const ratio = devicePixelRatio || 1;
    const [width, height] = [this.columns * this.cell + BAR + 1, top + 1];
    if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
      this.canvas.style.width = `${width}px`;
      this.canvas.style.height = `${height}px`;
    }
  }

  /* ---- Words ---- */

  private drawText(): void {
    const { region } = this;
    for (const [name, value] of [
      ['start', hex(region.start)],
      ['end', hex(region.end)],
      ['prot', region.prot],
      ['dir', region.dir],
    ] as const)
      setAttribute(this.element, `data-${name}`, value);
    setText(this.name, regionName(region));
    const arrow = region.dir === 'down' ? '↓ grows down' : region.purpose === 'heap' ? '↑ grows up' : '';
    setText(
      this.facts,
      [region.prot, region.shared ? 'shared' : '', bytes(region.end - region.start), arrow, ...region.flags].filter(Boolean).join(' · '),
    );
    setText(this.start, hex(region.start));
    setText(this.end, hex(region.end));
    setText(this.nodes, this.nodeWords());
    setAttribute(this.nodes.parentElement!, 'title', `${regionName(region)}: ${this.facts.textContent}; ${this.nodes.textContent}`);
    setAttribute(
      this.canvas,
      'aria-label',
      `Pages of ${regionName(region)} from ${hex(region.start)}: ${this.stateWords()}. Arrow keys move.`,
    );
  }

  private leaves(): LeafView[] {
    const leaves = new Map<number, LeafView>();
    for (const row of this.rows()) if (row.leaf?.node) leaves.set(row.leaf.base, row.leaf);
    return [...leaves.values()];
  }

  private nodeWords(): string {
    const leaves = this.leaves();
    const shared = leaves.filter((leaf) => leaf.shared).length;
    const huge = leaves.filter((leaf) => leaf.huge).length;
    if (leaves.length === 0) return 'no page table yet';
    const words = [leaves.length === 1 ? `leaf ${count(leaves[0]!.node!.pfn)}` : `${count(leaves.length)} leaves`];
    if (shared) words.push(shared === leaves.length ? 'shared node' + (shared > 1 ? 's' : '') : `${count(shared)} shared`);
    if (huge) words.push(`${count(huge)} behind a huge entry`);
    return words.join(', ');
  }

  private stateWords(): string {
    const counts = new Map<string, number>();
    const add = (state: string, n: number) => counts.set(state, (counts.get(state) ?? 0) + n);
    for (const { row } of this.placed) {
      if (isRow(row)) for (const cell of row.cells) add(cell.state, 1);
      else add(row.state, row.pages);
    }
    return [...counts].map(([state, n]) => `${count(n)} ${STATE_WORDS[state]}`).join(', ');
  }

  /* ---- Drawing ---- */

  private drawCanvas(): void {
    const context = this.canvas.getContext('2d')!;
    const ratio = devicePixelRatio || 1;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    const theme = currentTheme();
    for (const { top, row } of this.placed) {
      if (isRow(row)) row.cells.forEach((cell, i) => this.drawCell(context, theme, cell, BAR + (row.from + i) * this.cell, top));
      else this.drawBreak(context, row, top);
    }
    this.drawBars(context);
    this.drawCursor(context);
  }

  private drawCell(context: CanvasRenderingContext2D, theme: Theme, cell: Cell, x: number, y: number): void {
    const size = this.cell - 1;
    if (cell.state === 'untouched') {
      context.fillStyle = style('--untouched');
      context.fillRect(x + size / 2 - 0.5, y + size / 2 - 0.5, 1.5, 1.5);
      return;
    }
    if (cell.state === 'swap') {
      context.strokeStyle = css(kindColour(theme, 'swap', 1));
      context.lineWidth = 1;
      context.strokeRect(x + 0.5, y + 0.5, size - 1, size - 1);
      return;
    }
    context.fillStyle = css(kindColour(theme, cell.kind, cell.refs));
    context.fillRect(x, y, size, size);
    if (cell.state === 'cow' || cell.state === 'zero') corner(context, x, y, size, style('--ground'));
    if (cell.state === 'unmapped' || cell.state === 'transit') dot(context, x, y, size, style('--ground'));
    if (cell.state === 'wrong') corner(context, x, y, size, style('--wrong'));
  }

  private drawBreak(context: CanvasRenderingContext2D, row: Break, top: number): void {
    const width = this.columns * this.cell;
    context.strokeStyle = style('--line-strong');
    context.lineWidth = 1;
    context.beginPath();
    for (let x = 0; x <= width; x += 4) context.lineTo(BAR + x, top + (x % 8 ? 2 : 5) - 0.5);
    context.stroke();
    context.fillStyle = style('--muted');
    context.font = `10px ${style('--sans')}`;
    context.fillText(`${plural(row.pages, 'page')} more: ${STATE_WORDS[row.state]}`, BAR + 2, top + 13.5);
  }

  /** A bar beside the rows of each leaf node: doubled and purple if others have it too. */
  private drawBars(context: CanvasRenderingContext2D): void {
    const spans = new Map<LeafView, [number, number]>();
    for (const { top, height, row } of this.placed) {
      if (!isRow(row) || !row.leaf?.node) continue;
      const span = spans.get(row.leaf);
      spans.set(row.leaf, [span?.[0] ?? top, top + height - 1]);
    }
    for (const [leaf, [top, bottom]] of spans) {
      context.fillStyle = style(leaf.shared ? '--shared' : '--line-strong');
      context.fillRect(4, top, 2, bottom - top);
      if (leaf.shared) context.fillRect(0, top, 2, bottom - top);
    }
  }

  private drawCursor(context: CanvasRenderingContext2D): void {
    for (const [va, colour] of [
      [this.app.selection.va, '--accent'],
      [this.hovered, '--ink'],
    ] as const) {
      const at = va !== null && this.holds(va) ? this.placeOf(va) : null;
      if (!at) continue;
      context.strokeStyle = style(colour);
      context.lineWidth = 2;
      context.strokeRect(at.x - 1, at.y - 1, this.cell + 1, this.cell + 1);
    }
  }

  private placeOf(va: number): { x: number; y: number } | null {
    const page = va - (va % PAGE);
    for (const { top, row } of this.placed) {
      if (!isRow(row) || page < row.va || page >= row.va + this.columns * PAGE) continue;
      return { x: BAR + ((page - row.va) / PAGE) * this.cell, y: top };
    }
    return null;
  }

  private intoSight(): void {
    const at = this.placeOf(this.app.selection.va!);
    const box = this.element.closest('.scroll');
    if (!at || !box || box.scrollHeight <= box.clientHeight) return;
    const top = this.canvas.getBoundingClientRect().top + at.y - box.getBoundingClientRect().top;
    if (top < 24 || top > box.clientHeight - 24) box.scrollTop += top - box.clientHeight / 2;
  }

  /* ---- Pointer and keys ---- */

  private rows(): Row[] {
    return this.placed.map(({ row }) => row).filter(isRow);
  }

  private cellAt(event: MouseEvent): Cell | null {
    const box = this.canvas.getBoundingClientRect();
    const y = event.clientY - box.top;
    const found = this.placed.find(({ top, height }) => y >= top && y < top + height)?.row;
    if (!found || !isRow(found)) return null;
    return found.cells[Math.floor((event.clientX - box.left - BAR) / this.cell) - found.from] ?? null;
  }

  private hover(cell: Cell | null): void {
    if (this.hovered === (cell?.va ?? null)) return;
    this.hovered = cell?.va ?? null;
    this.canvas.title = cell
      ? `${hex(cell.va)}: ${STATE_WORDS[cell.state]}${cell.kind ? `, ${cell.kind}, ${plural(cell.refs, 'reference')}` : ''}`
      : '';
    this.drawCanvas();
  }

  private select(cell: Cell): void {
    const process = this.app.view.processOf(this.space.id);
    if (process) this.app.selectPage(process.pid, cell.va, cell.pfn || null);
  }

  private key(event: KeyboardEvent): void {
    const { key } = event;
    if (!/^Arrow|^Home$|^End$/.test(key)) return;
    event.preventDefault();
    const rows = this.rows();
    const va = this.holds(this.app.selection.va) ? this.app.selection.va! : rows[0]!.cells[0]!.va;
    const at = rows.findIndex((row) => va >= row.va && va < row.va + this.columns * PAGE);
    const row = rows[at] ?? rows[0]!;
    const column = Math.floor((va - row.va) / PAGE) - row.from;
    if (key === 'ArrowUp' || key === 'ArrowDown') return this.vertical(rows, at, row.from + column, key === 'ArrowUp' ? -1 : 1);
    const to = { ArrowLeft: column - 1, ArrowRight: column + 1, Home: 0, End: row.cells.length - 1 }[key] ?? column;
    const beside = to < 0 ? rows[at + 1]?.cells.at(-1) : to >= row.cells.length ? rows[at - 1]?.cells[0] : row.cells[to];
    if (beside) this.select(beside);
  }

  private vertical(rows: Row[], at: number, column: number, by: number): void {
    const row = rows[at + by];
    if (!row) return this.leave(by);
    const i = Math.min(Math.max(column - row.from, 0), row.cells.length - 1);
    this.select(row.cells[i]!);
  }
}

function corner(context: CanvasRenderingContext2D, x: number, y: number, size: number, colour: string): void {
  context.fillStyle = colour;
  context.beginPath();
  context.moveTo(x + size, y);
  context.lineTo(x + size, y + size * 0.62);
  context.lineTo(x + size * 0.38, y);
  context.fill();
}

function dot(context: CanvasRenderingContext2D, x: number, y: number, size: number, colour: string): void {
  context.fillStyle = colour;
  context.fillRect(x + size / 2 - 1, y + size / 2 - 1, 2, 2);
}
