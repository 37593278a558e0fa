// SPDX-License-Identifier: MIT
/**
 * The grid of frames on a canvas: a picture with one pixel a frame, of which only what changed is painted again, drawn
 * enlarged, with what must be sharp (gaps, marks, the cursor) on top. So 2 GiB cost little more than 16 MiB.
 */
import { select } from 'd3-selection';
import { zoom, zoomIdentity, type D3ZoomEvent, type ZoomBehavior, type ZoomTransform } from 'd3-zoom';
import type { Change, Model } from '../model/model';
import { pixels, rampStep, RAMP_WORDS, style, type Theme } from '../ui/palette';

const MOST_FRESH = 1500;
const GAP_FROM = 4; // pixels of the screen from which on cells have gaps between them

export interface Marks {
  theme: Theme;
  cursor: number | null;
  selected: number | null;
  torn: number[];
  /** Frames that stand out, or null for all. */
  mask: Uint8Array | null;
  kind: string | null;
}

export class Grid {
  readonly canvas: HTMLCanvasElement;
  columns = 64;
  rows = 64;
  private context: CanvasRenderingContext2D;
  private buffer = document.createElement('canvas');
  private image = new ImageData(1, 1);
  private words = new Uint32Array(1);
  private bright: Uint32Array = new Uint32Array(0);
  private dim: Uint32Array = new Uint32Array(0);
  private painted = '';
  private fresh: number[] = [];
  private width = 0;
  private height = 0;
  private transform: ZoomTransform = zoomIdentity;
  private behavior: ZoomBehavior<HTMLCanvasElement, unknown>;

  constructor(
    canvas: HTMLCanvasElement,
    private redraw: () => void,
  ) {
    this.canvas = canvas;
    this.context = canvas.getContext('2d')!;
    this.behavior = zoom<HTMLCanvasElement, unknown>()
      .filter((event: Event) => this.mayZoom(event))
      .on('zoom', (event: D3ZoomEvent<HTMLCanvasElement, unknown>) => {
        this.transform = event.transform;
        this.canvas.style.touchAction = this.transform.k > 1 ? 'none' : 'pan-y';
        this.redraw();
      });
    select(canvas).call(this.behavior).on('dblclick.zoom', null);
  }

  setFrames(frames: number): void {
    this.columns = frames <= 64 ? 8 : 2 ** Math.ceil(Math.log2(Math.sqrt(frames)));
    this.rows = Math.max(1, Math.ceil(frames / this.columns));
    this.buffer.width = this.columns;
    this.buffer.height = this.rows;
    this.image = new ImageData(this.columns, this.rows);
    this.words = new Uint32Array(this.image.data.buffer);
    this.painted = '';
    this.behavior.scaleExtent([1, Math.max(4, this.columns / 12)]);
    select(this.canvas).call(this.behavior.transform, zoomIdentity);
  }

  /** Fits the canvas into so much room; cells are whole pixels of the screen where there is room for that. */
  resize(room: number): void {
    const ratio = devicePixelRatio || 1;
    const cell = (room * ratio) / this.columns;
    const size = cell >= 2 ? Math.floor(cell) * this.columns : Math.floor(room * ratio);
    if (size === this.width) return;
    this.width = size;
    this.height = Math.round((size * this.rows) / this.columns);
    this.canvas.width = this.width;
    this.canvas.height = this.height;
    this.canvas.style.width = `${this.width / ratio}px`;
    this.canvas.style.height = `${this.height / ratio}px`;
    this.behavior
      .extent([
        [0, 0],
        [this.width / ratio, this.height / ratio],
      ])
      .translateExtent([
        [0, 0],
        [this.width / ratio, this.height / ratio],
      ]);
  }

  /** The frame under a place of the page. */
  frameAt(clientX: number, clientY: number): number | null {
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = this.transform.invert([clientX - box.left, clientY - box.top]);
    const column = Math.floor((x / box.width) * this.columns);
    const row = Math.floor((y / box.height) * this.rows);
    return column >= 0 && column < this.columns && row >= 0 && row < this.rows ? row * this.columns + column : null;
  }

  /** Around a frame, if one is given and in sight. */
  zoomBy(factor: number, around: number | null = null): void {
    const place = around === null ? undefined : this.transform.apply(this.placeOf(around));
    select(this.canvas).call(this.behavior.scaleBy, factor, place);
  }

  /** The middle of a frame's cell, before zooming. */
  private placeOf(pfn: number): [number, number] {
    const cell = this.width / (devicePixelRatio || 1) / this.columns;
    return [((pfn % this.columns) + 0.5) * cell, (Math.floor(pfn / this.columns) + 0.5) * cell];
  }

  reset(): void {
    select(this.canvas).call(this.behavior.transform, zoomIdentity);
  }

  /** Moves the picture so that the frame is in it. */
  reveal(pfn: number): void {
    const ratio = devicePixelRatio || 1;
    const [x, y] = this.placeOf(pfn);
    const [seenX, seenY] = this.transform.apply([x, y]);
    const inside = seenX >= 0 && seenY >= 0 && seenX < this.width / ratio && seenY < this.height / ratio;
    if (!inside) select(this.canvas).call(this.behavior.translateTo, x, y);
  }

  /** `fresh`: one picture made the changes, and they are marked as new; null: no new picture, the marks stay. */
  paint(model: Model, changes: Change[], marks: Marks, fresh: boolean | null): void {
    const kinds = model.hello.kinds;
    const key = `${marks.theme} ${marks.kind} ${kinds.length}`;
    const whole = this.painted !== key || marks.mask !== null;
    if (this.painted !== key) {
      this.bright = pixels(marks.theme, kinds, (kind) => marks.kind !== null && kind !== marks.kind);
      this.dim = pixels(marks.theme, kinds, () => true);
      this.painted = key;
    }
    if (fresh !== null) this.fresh = [];
    if (fresh) for (const change of changes) this.remember(change);
    if (whole) this.paintRun(model, 0, model.frames, marks.mask);
    else for (const { first, count } of changes) this.paintRun(model, first, count, null);
  }

  /** Forget how it was painted: the next time all of it is. */
  repaint(): void {
    this.painted = '';
  }

  draw(marks: Marks): void {
    const { context, width, height } = this;
    const { k, x, y } = this.transform;
    const ratio = devicePixelRatio || 1;
    const cell = (width / this.columns) * k;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = style('--ground');
    context.fillRect(0, 0, width, height);
    context.setTransform(k, 0, 0, k, x * ratio, y * ratio);
    context.imageSmoothingEnabled = cell < 1;
    context.drawImage(this.buffer, 0, 0, width, height);
    context.setTransform(1, 0, 0, 1, x * ratio, y * ratio);
    if (cell >= GAP_FROM) this.drawGaps(cell);
    if (cell >= GAP_FROM) for (const pfn of this.fresh) this.box(pfn, cell, style('--fresh'), 1);
    for (const pfn of marks.torn) this.slash(pfn, cell);
    if (marks.selected !== null) this.box(marks.selected, cell, style('--accent'), 2);
    if (marks.cursor !== null) this.box(marks.cursor, cell, style('--ink'), 2);
  }

  private mayZoom(event: Event): boolean {
    const zoomed = this.transform.k > 1;
    if (event instanceof WheelEvent) return zoomed || event.ctrlKey || this.columns > 64;
    if ('touches' in event) return zoomed || (event as TouchEvent).touches.length > 1;
    return zoomed && (event as MouseEvent).button === 0;
  }

  private remember({ first, count }: Change): void {
    if (count > MOST_FRESH || this.fresh.length + count > MOST_FRESH) return;
    for (let i = 0; i < count; i++) this.fresh.push(first + i);
  }

  private paintRun(model: Model, first: number, count: number, mask: Uint8Array | null): void {
    const steps = RAMP_WORDS.length;
    for (let pfn = first; pfn < first + count; pfn++) {
      const table = mask && !mask[pfn] ? this.dim : this.bright;
      this.words[pfn] = table[model.kind[pfn]! * steps + rampStep(model.refs[pfn]!)]!;
    }
    const top = Math.floor(first / this.columns);
    const rows = Math.floor((first + count - 1) / this.columns) - top + 1;
    this.buffer.getContext('2d')!.putImageData(this.image, 0, 0, 0, top, this.columns, rows);
  }

  private drawGaps(cell: number): void {
    const { context } = this;
    const [w, h] = [cell * this.columns, cell * this.rows];
    context.fillStyle = style('--ground');
    for (let i = 0; i <= this.columns; i++) context.fillRect(Math.round(i * cell) - 1, 0, 1, h);
    for (let i = 0; i <= this.rows; i++) context.fillRect(0, Math.round(i * cell) - 1, w, 1);
  }

  private box(pfn: number, cell: number, colour: string, line: number): void {
    const size = Math.max(cell, 6);
    const x = (pfn % this.columns) * cell - (size - cell) / 2;
    const y = Math.floor(pfn / this.columns) * cell - (size - cell) / 2;
    this.context.strokeStyle = colour;
    this.context.lineWidth = line;
    const out = line > 1 ? 0.5 : -0.5;
    this.context.strokeRect(x - out - 0.5, y - out - 0.5, size + 2 * out, size + 2 * out);
  }

  private slash(pfn: number, cell: number): void {
    const [x, y] = [(pfn % this.columns) * cell, Math.floor(pfn / this.columns) * cell];
    this.context.strokeStyle = style('--ink');
    this.context.lineWidth = 1;
    this.context.beginPath();
    this.context.moveTo(x, y + cell);
    this.context.lineTo(x + cell, y);
    this.context.stroke();
  }
}
