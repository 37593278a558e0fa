// SPDX-License-Identifier: MIT
/** Processes: the tree of forks, what each holds, and what the chosen one has in common with whom. */
import type { App, Panel, Topic } from '../app';
import { Sharing } from '../model/sharing';
import { treeOf, type Line } from '../model/tree';
import { count, plural } from '../ui/format';
import { h, roving, setAttribute, stopAt } from '../ui/dom';

const STATES: Record<string, string> = { R: 'runs', S: 'sleeps', T: 'stopped', Z: 'zombie' };

export class ProcessesPanel implements Panel {
  topics: Topic[] = ['hello', 'picture', 'selection'];
  readonly element: HTMLElement;
  private tree = h('ul', { class: 'process-tree', role: 'tree', 'aria-label': 'Processes' });
  private shares = h('div', { class: 'shares', 'aria-live': 'polite' });
  private sharing: Sharing | null = null;
  private computed = '';

  constructor(
    private app: App,
    private seen: () => boolean,
  ) {
    this.element = h(
      'div',
      { class: 'processes' },
      h(
        'p',
        { class: 'columns', 'aria-hidden': 'true' },
        h('span', {}, 'process'),
        h('span', {}, 'frames'),
        h('span', {}, 'its own'),
        h('span', {}, 'nodes'),
      ),
      this.tree,
      this.shares,
    );
    roving(this.tree, '.process');
    this.tree.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' || event.key === ' ') {
        event.preventDefault();
        (event.target as HTMLElement).click();
      }
    });
  }

  visible(): boolean {
    return this.seen();
  }

  draw(): void {
    const { view } = this.app;
    const key = `${view.n} ${view.version} ${this.app.following}`;
    if (key !== this.computed) {
      this.sharing = new Sharing(view);
      this.computed = key;
      this.drawTree();
    }
    for (const item of this.tree.querySelectorAll<HTMLElement>('.process'))
      setAttribute(item, 'aria-selected', String(Number(item.dataset['pid']) === this.app.selection.pid));
    this.drawShares();
  }

  private drawTree(): void {
    const focused = this.tree.contains(document.activeElement) ? (document.activeElement as HTMLElement).dataset['pid'] : undefined;
    const items = treeOf(this.app.view.processes).map((line) => this.item(line));
    this.tree.replaceChildren(...items);
    const stop = items.find((item) => item.dataset['pid'] === (focused ?? String(this.app.selection.pid))) ?? items[0];
    if (stop) stopAt(this.tree, '.process', stop);
    if (focused) stop?.focus();
  }

  private item({ process, depth }: Line): HTMLElement {
    const total = this.sharing!.total(process.space);
    const own = this.sharing!.own(process.space);
    const state = STATES[process.state] ?? process.state;
    const threads = process.threads > 1 ? `, ${process.threads} threads` : '';
    return h(
      'li',
      {
        class: 'process',
        role: 'treeitem',
        'aria-level': depth + 1,
        tabindex: -1,
        'data-testid': 'process',
        'data-pid': process.pid,
        'data-ppid': process.ppid,
        'data-space': process.space,
        'data-frames': total.frames,
        'data-own': own.frames,
        'data-nodes': total.nodes,
        'data-state': process.state,
        style: `--depth:${depth}`,
        onclick: () => this.app.select({ pid: process.pid, va: null }),
      },
      h(
        'span',
        { class: 'process-name' },
        h('b', {}, String(process.pid)),
        ` ${process.name} `,
        h('span', { class: 'dim' }, state + threads),
      ),
      ...(process.space
        ? [total.frames, own.frames, total.nodes].map((n) => h('span', { class: 'number' }, count(n)))
        : [h('span', { class: 'number dim' }, 'no memory')]),
    );
  }

  private drawShares(): void {
    const { app } = this;
    const process = app.view.process(app.selection.pid);
    if (!process?.space)
      return this.shares.replaceChildren(
        h('p', { class: 'hint' }, 'Choose a process: what it has in common with the others will stand here.'),
      );
    const rows = [...this.sharing!.with(process.space)]
      .filter(([, common]) => common.frames + common.nodes > 0)
      .sort((a, b) => b[1].frames - a[1].frames);
    const title = h('h3', {}, `What ${process.pid} ${process.name} has in common`);
    if (rows.length === 0) return this.shares.replaceChildren(title, h('p', { class: 'hint' }, 'Nothing with anybody.'));
    const total = this.sharing!.total(process.space).frames || 1;
    this.shares.replaceChildren(
      title,
      ...rows.slice(0, 40).map(([space, common]) => {
        const other = app.view.processOf(space);
        return h(
          'div',
          {
            class: 'share',
            'data-testid': 'shares-with',
            'data-pid': other?.pid ?? 0,
            'data-frames': common.frames,
            'data-nodes': common.nodes,
          },
          h(
            'button',
            { type: 'button', class: 'link', onclick: () => other && app.select({ pid: other.pid, va: null }) },
            other ? `${other.pid} ${other.name}` : `space ${space}`,
          ),
          h('span', { class: 'meter', style: `--part:${common.frames / total}`, 'aria-hidden': 'true' }),
          h('span', { class: 'dim' }, `${plural(common.frames, 'frame')}${common.nodes ? `, ${plural(common.nodes, 'node')}` : ''}`),
        );
      }),
    );
  }
}
