// SPDX-License-Identifier: MIT
/** Time: frames by kind as they changed, and a slider to go back through what was recorded. */
import { area, stack, stackOrderNone, curveStepAfter } from 'd3-shape';
import { scaleLinear } from 'd3-scale';
import type { App, Panel, Topic } from '../app';
import { count, seconds } from '../ui/format';
import { h, setAttribute, setText } from '../ui/dom';
import { icon } from '../ui/icons';
import { css, currentTheme, kindColour, style } from '../ui/palette';
import type { Player } from './player';

/** From the bottom up: what stays, then what comes and goes; what is free lies on top. */
const ORDER = ['reserved', 'image', 'kernel', 'slab', 'stack', 'node', 'vpi', 'zero', 'file', 'swap', 'huge', 'anonymous', 'free'];
const COUNTERS = ['pgfault', 'pgmajfault', 'pswpin', 'pswpout'];

interface Sample {
  position: number;
  kinds: number[];
}

export class TimePanel implements Panel {
  topics: Topic[] = ['hello', 'history', 'picture', 'state'];
  readonly element: HTMLElement;
  private canvas = h('canvas', { class: 'chart', role: 'img', 'data-testid': 'chart', 'aria-label': 'Frames by kind over time' });
  private slider = h('input', {
    type: 'range',
    min: 0,
    max: 0,
    value: 0,
    'aria-label': 'Picture',
    'data-testid': 'history',
    oninput: () => this.slide(),
  });
  private where = h('span', { class: 'where', 'data-testid': 'history-position' });
  private live = h(
    'button',
    { type: 'button', class: 'small', 'data-testid': 'history-live', title: 'Back to the newest picture', onclick: () => this.newest() },
    icon('live'),
    h('span', {}, 'Now'),
  );
  private room = { width: 0, height: 0 };
  private scale = h('span', { class: 'chart-scale', 'aria-hidden': 'true' });
  private counters = h('span', { class: 'counters' });
  private speed = h(
    'select',
    { 'aria-label': 'Speed', class: 'speed', onchange: () => (this.player.speed = Number(this.speed.value)) },
    ...[0.1, 0.25, 0.5, 1, 2, 4, 8].map((speed) => h('option', { value: speed, selected: speed === 1 }, `${speed}×`)),
  );

  constructor(
    private app: App,
    private player: Player,
  ) {
    const move = (by: number, name: 'back' | 'forward', text: string) =>
      h(
        'button',
        {
          type: 'button',
          class: 'small',
          'data-testid': `history-${name}`,
          'aria-label': text,
          title: text,
          onclick: () => this.player.move(by),
        },
        icon(name),
      );
    this.element = h(
      'section',
      { class: 'panel time', id: 'time', 'data-testid': 'panel-time', 'aria-labelledby': 'time-title' },
      h(
        'div',
        { class: 'panel-head' },
        h('h2', { id: 'time-title' }, 'Time'),
        move(-1, 'back', 'One picture back'),
        move(1, 'forward', 'One picture on'),
        this.live,
        this.speed,
        this.where,
        this.counters,
      ),
      h('div', { class: 'chart-holder' }, this.canvas, this.scale, this.slider),
    );
    new ResizeObserver(() => this.measure()).observe(this.canvas);
  }

  private measure(): void {
    this.room = { width: this.canvas.clientWidth, height: this.canvas.clientHeight };
    this.app.mark('size');
  }

  pace(): number {
    return 200;
  }

  visible(): boolean {
    return true;
  }

  draw(): void {
    const { app } = this;
    const { history } = app;
    this.speed.hidden = !app.replay;
    if (history.end === history.first) return;
    setAttribute(this.slider, 'min', history.first);
    setAttribute(this.slider, 'max', history.end - 1);
    this.slider.value = String(app.shown);
    this.live.disabled = app.shown >= history.end - 1 && (app.following || app.replay);
    setText(this.where, this.words());
    setAttribute(this.slider, 'aria-valuetext', this.words());
    this.drawCounters();
    this.drawChart();
  }

  private words(): string {
    const { app } = this;
    const first = app.history.at(app.history.first)!.picture.time;
    return `picture ${count(app.view.n)} of ${count(app.head.n)}, ${seconds(app.hello!, app.view.time - (app.replay ? first : 0))}`;
  }

  private slide(): void {
    this.player.pause();
    this.app.seek(Number(this.slider.value));
  }

  private newest(): void {
    this.player.pause();
    this.app.seek(this.app.replay ? this.app.history.end - 1 : null);
  }

  private drawCounters(): void {
    const { counters } = this.app.view;
    const names = COUNTERS.filter((name) => name in counters);
    if (this.counters.childElementCount !== names.length)
      this.counters.replaceChildren(
        ...names.map((name) => h('span', { class: 'counter', 'data-testid': `counter-${name}` }, `${name} `, h('b', {}))),
      );
    names.forEach((name, i) => {
      const item = this.counters.children[i] as HTMLElement;
      setAttribute(item, 'data-value', counters[name] ?? 0);
      setText(item.lastElementChild!, count(counters[name] ?? 0));
    });
  }

  private drawChart(): void {
    const ratio = devicePixelRatio || 1;
    const { width, height } = this.room;
    if (!width || !height) return;
    if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
    }
    const context = this.canvas.getContext('2d')!;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const { history, view, hello } = this.app;
    const samples = this.samples(width);
    const x = scaleLinear([history.first, Math.max(history.first + 1, history.end - 1)], [0, width]);
    const top = this.top(samples);
    setText(this.scale, top === view.frames ? `all ${count(top)} frames` : `${count(top)} of ${count(view.frames)} frames`);
    const y = scaleLinear([0, top], [height, 0]).clamp(true);
    const kinds = ORDER.filter((kind) => hello!.kinds.includes(kind)).map((kind) => hello!.kinds.indexOf(kind));
    const layers = stack<Sample, number>()
      .keys(kinds)
      .value((sample, kind) => sample.kinds[kind] ?? 0)
      .order(stackOrderNone)(samples);
    const draw = area<{ 0: number; 1: number; data: Sample }>()
      .x((point) => x(point.data.position))
      .y0((point) => y(point[0]))
      .y1((point) => y(point[1]))
      .curve(curveStepAfter)
      .context(context);
    for (const layer of layers) {
      context.fillStyle = css(kindColour(currentTheme(), hello!.kinds[layer.key]!));
      context.beginPath();
      draw(layer);
      context.fill();
    }
    const now = Math.min(Math.max(x(this.app.shown), 1), width - 1);
    context.fillStyle = style('--ink');
    context.fillRect(now - 0.75, 0, 1.5, height);
  }

  /** How many frames the chart is high: all, unless most of them stay free for ever. */
  private top(samples: Sample[]): number {
    const { frames, hello } = this.app.view;
    const free = hello.kinds.indexOf('free');
    const most = Math.max(...samples.map((sample) => frames - (sample.kinds[free] ?? 0)));
    return most * 2 > frames
      ? frames
      : scaleLinear([0, most * 1.15], [0, 1])
          .nice(4)
          .domain()[1]!;
  }

  /** No more than the chart has pixels; the last one is drawn to the edge. */
  private samples(width: number): Sample[] {
    const { history } = this.app;
    const step = Math.max(1, Math.ceil((history.end - history.first) / width));
    const samples: Sample[] = [];
    for (let position = history.first; position < history.end; position += step)
      samples.push({ position, kinds: history.at(position)!.picture.kinds ?? [] });
    const last = { position: history.end - 1, kinds: this.app.head.kinds };
    return samples.length === 1 ? [samples[0]!, { ...last, position: history.end }] : [...samples, last];
  }
}
