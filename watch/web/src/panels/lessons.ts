// SPDX-License-Identifier: MIT
/** Lessons: a page of text each, beside the live view, and a button that runs the lesson's program. */
import DOMPurify from 'dompurify';
import { marked } from 'marked';
import type { App, Panel, Topic } from '../app';
import type { Lesson } from '../model/messages';
import { h, roving, setAttribute, setText, show, stopAt } from '../ui/dom';
import { Transcript } from './transcript';

const TAGS = [
  'h1',
  'h2',
  'h3',
  'h4',
  'p',
  'ul',
  'ol',
  'li',
  'code',
  'pre',
  'em',
  'strong',
  'blockquote',
  'table',
  'thead',
  'tbody',
  'tr',
  'th',
  'td',
  'br',
  'hr',
  'del',
  'details',
  'summary',
];

/** Text as elements: no links, no pictures, no HTML that does anything. */
function render(text: string): DocumentFragment {
  return DOMPurify.sanitize(marked.parse(text, { async: false, gfm: true }), {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ['align', 'start'],
    RETURN_DOM_FRAGMENT: true,
  });
}

export class LessonsPanel implements Panel {
  topics: Topic[] = ['hello', 'state', 'console'];
  readonly element: HTMLElement;
  private list = h('ul', { class: 'lesson-list', 'aria-label': 'Lessons' });
  private text = h('article', { class: 'lesson-text', tabindex: 0, 'data-testid': 'lesson-text' });
  private program = h('code', { 'data-testid': 'lesson-program' });
  private run = h('button', { type: 'button', class: 'primary', 'data-testid': 'lesson-run', onclick: () => this.start() }, 'Run');
  private enter = h(
    'button',
    {
      type: 'button',
      'data-testid': 'lesson-enter',
      title: 'Type an empty line at the console: the lesson goes on',
      onclick: () => this.app.send({ type: 'input', text: '\n' }),
    },
    'Enter ⏎',
  );
  private why = h('span', { class: 'dim' });
  private bar = h('div', { class: 'lesson-bar', hidden: true }, this.run, this.enter, this.program, this.why);
  private console = h('pre', {
    class: 'console-output lesson-console',
    tabindex: 0,
    role: 'log',
    'aria-label': 'What the lesson says',
    'data-testid': 'lesson-console',
  });
  private transcript: Transcript;
  private none = h('p', { class: 'hint' }, 'No lessons came with this guest.');
  private chosen: Lesson | null = null;

  constructor(
    private app: App,
    private seen: () => boolean,
  ) {
    this.transcript = new Transcript(app);
    this.element = h('div', { class: 'lessons' }, this.none, this.list, this.text, this.bar, this.console);
    roving(this.list, 'button');
  }

  visible(): boolean {
    return this.seen();
  }

  draw(topics: Set<Topic>): void {
    if (topics.has('hello')) this.begin();
    const off = this.app.replay || !this.app.connected || this.app.state.run === 'ended';
    this.run.disabled = off;
    this.enter.disabled = off;
    const said = this.transcript.read();
    show(this.console, said !== '' && this.chosen !== null);
    setText(this.console, said);
    this.console.scrollTop = this.console.scrollHeight;
    setText(this.why, this.app.replay ? 'a recording' : off ? 'the guest is gone' : '');
  }

  private begin(): void {
    const lessons = this.app.hello?.lessons ?? [];
    show(this.none, lessons.length === 0);
    this.list.replaceChildren(
      ...lessons.map((lesson) =>
        h(
          'li',
          {},
          h(
            'button',
            {
              type: 'button',
              'aria-pressed': 'false',
              'data-testid': 'lesson',
              'data-name': lesson.name,
              onclick: () => this.choose(lesson),
            },
            lesson.title,
          ),
        ),
      ),
    );
    const first = this.list.querySelector('button');
    if (first) stopAt(this.list, 'button', first);
    const again = lessons.find((lesson) => lesson.name === this.chosen?.name) ?? lessons[0];
    if (again) this.choose(again);
  }

  private choose(lesson: Lesson): void {
    this.chosen = lesson;
    for (const button of this.list.querySelectorAll<HTMLElement>('button'))
      setAttribute(button, 'aria-pressed', String(button.dataset['name'] === lesson.name));
    this.program.textContent = lesson.program;
    show(this.bar, lesson.program !== '');
    this.text.replaceChildren(render(lesson.text));
    this.text.scrollTop = 0;
  }

  private start(): void {
    if (!this.chosen) return;
    this.app.seek(null);
    this.app.send({ type: 'input', text: this.chosen.program + '\n' });
  }
}
