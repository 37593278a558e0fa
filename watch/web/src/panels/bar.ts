// SPDX-License-Identifier: MIT
/** The bar at the top: which machine, what it is doing, and the buttons that stop it and let it go on. */
import type { App, Panel, Topic } from '../app';
import { faultBits } from '../model/bits';
import { toBig, hex } from '../model/address';
import { bytes, plural } from '../ui/format';
import { h, setAttribute, setText, show } from '../ui/dom';
import { icon } from '../ui/icons';
import { currentTheme, themeChanged } from '../ui/palette';
import type { Player } from './player';

const WORDS = { running: 'running', paused: 'paused', stepping: 'held at a fault', ended: 'ended' };

export class Bar implements Panel {
  topics: Topic[] = ['hello', 'state', 'notice', 'history', 'picture'];
  readonly element: HTMLElement;
  private machine = h('p', { class: 'machine', 'data-testid': 'machine' });
  private run = h('span', { class: 'run', 'data-testid': 'run-state', role: 'status' });
  private reason = h('span', { class: 'reason', 'data-testid': 'run-reason' });
  private torn = h('span', {
    class: 'torn-mark',
    'data-testid': 'torn',
    hidden: true,
    title: 'Parts of memory that changed while they were read: their state before is shown',
  });
  private notice = h('span', { 'data-testid': 'notice', role: 'alert' });
  private noticeBar = h(
    'div',
    { class: 'notice', hidden: true },
    this.notice,
    h('button', { type: 'button', class: 'small', 'aria-label': 'Close this message', onclick: () => this.app.tell('') }, '×'),
  );
  private pause = button('pause', 'Pause', 'Stop the guest (P)', () => this.stop());
  private go = button('go', 'Go on', 'Let the guest go on (G)', () => this.start());
  private step = button('step', 'Step', 'Go on to the next fault (S)', () => this.stepOne());

  constructor(
    private app: App,
    private player: Player,
  ) {
    const theme = h(
      'button',
      {
        type: 'button',
        class: 'icon',
        'data-testid': 'theme',
        'aria-label': 'Light or dark',
        title: 'Light or dark',
        onclick: () => this.toggleTheme(),
      },
      icon('theme'),
    );
    this.element = h(
      'header',
      { class: 'bar' },
      h('h1', {}, icon('gaur'), 'Gaur', h('span', { class: 'sub' }, 'memory')),
      this.machine,
      h('div', { class: 'status' }, this.run, this.reason, this.torn),
      h('div', { class: 'transport', role: 'group', 'aria-label': 'The guest' }, this.pause, this.go, this.step),
      theme,
      this.noticeBar,
    );
    document.addEventListener('keydown', (event) => this.key(event));
  }

  visible(): boolean {
    return true;
  }

  draw(): void {
    const { app } = this;
    setText(this.notice, app.notice);
    show(this.noticeBar, app.notice !== '');
    if (!app.hello) return;
    const { hello } = app;
    setText(this.machine, `${bytes(hello.memory)} · ${plural(app.head.frames, 'frame')} · ${plural(hello.cpus, 'CPU')} · ${hello.machine}`);
    this.drawState();
    setText(this.torn, `${plural(app.view.torn.size, 'part')} torn`);
    setAttribute(this.torn, 'data-value', app.view.torn.size);
    show(this.torn, app.view.torn.size > 0);
    this.drawPage();
  }

  private drawState(): void {
    const { app } = this;
    const state = app.shownState;
    const word = app.replay ? (this.player.playing ? 'playing' : 'recording') : !app.following ? 'looking back' : WORDS[state.run];
    setText(this.run, state.run === 'ended' ? 'ended' : word);
    setAttribute(this.run, 'data-value', state.run);
    setAttribute(this.run, 'data-view', app.following || app.replay ? 'now' : 'back');
    setText(this.reason, this.sentence());
    const dead = app.state.run === 'ended' || !app.connected;
    this.pause.disabled = app.replay ? !this.player.playing : dead || app.state.run !== 'running';
    this.go.disabled = app.replay ? this.player.playing : dead || app.state.run === 'running';
    this.step.disabled = app.replay ? app.shown >= app.history.end - 1 : dead;
    setText(this.go.lastElementChild!, app.replay ? 'Play' : 'Go on');
  }

  private sentence(): string {
    const { held, run, reason } = this.app.shownState;
    if (run === 'ended') return reason ? `${reason}: the last picture stays` : 'the last picture stays';
    if (!held) return reason;
    const letters = faultBits(held.err)
      .filter((bit) => bit.set)
      .map((bit) => bit.letter)
      .join(' ');
    const name = this.app.view.process(held.pid)?.name ?? '';
    return `pid ${held.pid} ${name} at ${hex(toBig(held.address))}${letters ? `, ${letters}` : ''}`;
  }

  private drawPage(): void {
    const page = document.documentElement;
    setAttribute(page, 'data-run', this.app.shownState.run);
    setAttribute(page, 'data-live', String(!this.app.replay));
    setAttribute(page, 'data-picture', this.app.view.n);
    setAttribute(page, 'data-guest-picture', this.app.head.n);
  }

  private stop(): void {
    if (this.app.replay) this.player.pause();
    else this.app.send({ type: 'pause' });
  }

  private start(): void {
    if (this.app.replay) return this.player.play();
    this.app.seek(null);
    this.app.send({ type: 'go' });
  }

  private stepOne(): void {
    if (this.app.replay) return this.player.move(1);
    this.app.seek(null);
    this.app.send({ type: 'step', n: 1 });
  }

  private key(event: KeyboardEvent): void {
    const target = event.target as HTMLElement;
    if (event.ctrlKey || event.altKey || event.metaKey || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName)) return;
    const pressed = { p: this.pause, g: this.go, s: this.step }[event.key];
    if (pressed && !pressed.disabled) pressed.click();
  }

  private toggleTheme(): void {
    const root = document.documentElement;
    root.dataset['theme'] = currentTheme() === 'light' ? 'dark' : 'light';
    themeChanged();
    this.app.mark('theme');
  }
}

function button(name: 'pause' | 'go' | 'step', text: string, title: string, press: () => void): HTMLButtonElement {
  return h('button', { type: 'button', 'data-testid': name, title, onclick: press, disabled: true }, icon(name), h('span', {}, text));
}
