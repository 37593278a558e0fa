// SPDX-License-Identifier: MIT
/** The guest's console: what it wrote, and a line to type. */
import type { App, Panel, Topic } from '../app';
import { h, setText } from '../ui/dom';
import { Transcript } from './transcript';

export class ConsolePanel implements Panel {
  topics: Topic[] = ['hello', 'console', 'state'];
  readonly element: HTMLElement;
  private output = h('pre', {
    class: 'console-output',
    tabindex: 0,
    role: 'log',
    'aria-label': 'Console of the guest',
    'data-testid': 'console-output',
  });
  private input = h('input', {
    type: 'text',
    spellcheck: 'false',
    autocomplete: 'off',
    autocapitalize: 'off',
    'aria-label': 'Line to type at the console',
    'data-testid': 'console-input',
  });
  private button = h('button', { type: 'submit', 'data-testid': 'console-send' }, 'Type');
  private text: Transcript;
  private past: string[] = [];
  private back = 0;

  constructor(
    private app: App,
    private seen: () => boolean,
  ) {
    this.text = new Transcript(app);
    const form = h(
      'form',
      { onsubmit: (event: Event) => this.submit(event) },
      h('span', { class: 'prompt', 'aria-hidden': 'true' }, '›'),
      this.input,
      this.button,
    );
    this.input.addEventListener('keydown', (event) => this.recall(event));
    this.element = h('div', { class: 'console' }, this.output, form);
  }

  visible(): boolean {
    return this.seen();
  }

  draw(): void {
    const { app, output } = this;
    const atEnd = output.scrollHeight - output.scrollTop - output.clientHeight < 24;
    setText(output, this.text.read() || 'Nothing was written yet.');
    if (atEnd) output.scrollTop = output.scrollHeight;
    const off = app.replay || app.state.run === 'ended' || !app.connected;
    this.input.disabled = off;
    this.button.disabled = off;
    this.input.placeholder = app.replay ? 'a recording: nothing can be typed' : off ? 'nobody listens any more' : 'type here';
  }

  private submit(event: Event): void {
    event.preventDefault();
    this.past.push(this.input.value);
    this.back = this.past.length;
    this.app.send({ type: 'input', text: this.input.value + '\n' });
    this.input.value = '';
  }

  /** Control-C and the like are typed at once, as on a terminal; with text selected, Control-C copies. */
  private control(event: KeyboardEvent): boolean {
    const code = { c: '\x03', d: '\x04', z: '\x1a', '\\': '\x1c' }[event.key];
    const selected = this.input.selectionStart !== this.input.selectionEnd;
    if (!event.ctrlKey || event.altKey || !code || selected) return false;
    event.preventDefault();
    this.app.send({ type: 'input', text: code });
    return true;
  }

  private recall(event: KeyboardEvent): void {
    if (this.control(event)) return;
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    this.back = Math.min(Math.max(this.back + by, 0), this.past.length);
    this.input.value = this.past[this.back] ?? '';
  }
}
