// SPDX-License-Identifier: MIT
/** The panels that share one place, as tabs. */
import type { App, Panel } from '../app';
import { h, roving, setAttribute, show, stopAt } from '../ui/dom';
import { ConsolePanel } from './console';
import { FaultsPanel } from './faults';
import { LessonsPanel } from './lessons';
import { ProcessesPanel } from './processes';
import { TranslatePanel } from './translate';

export type Name = 'faults' | 'translate' | 'processes' | 'console' | 'lessons';

const TITLES: Record<Name, string> = {
  faults: 'Faults',
  translate: 'Translate',
  processes: 'Processes',
  console: 'Console',
  lessons: 'Lessons',
};

export class Side {
  readonly element: HTMLElement;
  private tabs = h('div', { class: 'tabs', role: 'tablist', 'aria-label': 'What to look at' });
  private open: Name = 'faults';
  private panels: Record<Name, Panel & { element: HTMLElement }>;

  constructor(private app: App) {
    const seen = (name: Name) => () => this.open === name;
    this.panels = {
      faults: new FaultsPanel(app, seen('faults')),
      translate: new TranslatePanel(app, seen('translate')),
      processes: new ProcessesPanel(app, seen('processes')),
      console: new ConsolePanel(app, seen('console')),
      lessons: new LessonsPanel(app, seen('lessons')),
    };
    const names = Object.keys(this.panels) as Name[];
    this.tabs.append(
      ...names.map((name) =>
        h(
          'button',
          {
            type: 'button',
            role: 'tab',
            id: `tab-${name}`,
            'aria-controls': `panel-${name}`,
            'data-testid': `nav-${name}`,
            'data-name': name,
            onclick: () => this.show(name),
          },
          TITLES[name],
        ),
      ),
    );
    roving(this.tabs, '[role=tab]', false);
    this.tabs.addEventListener('focusin', (event) => this.show((event.target as HTMLElement).dataset['name'] as Name));
    this.element = h(
      'section',
      { class: 'panel side', id: 'side', 'aria-label': 'Faults, translation, processes, console, lessons' },
      this.tabs,
    );
    for (const name of names) {
      const { element } = this.panels[name];
      for (const [key, value] of Object.entries({
        id: `panel-${name}`,
        role: 'tabpanel',
        'aria-labelledby': `tab-${name}`,
        'data-testid': `panel-${name}`,
      }))
        setAttribute(element, key, value);
      element.classList.add('tab-panel');
      this.element.append(element);
      app.add(this.panels[name]);
    }
    this.show('faults');
  }

  show(name: Name): void {
    this.open = name;
    for (const tab of this.tabs.querySelectorAll<HTMLElement>('[role=tab]')) {
      setAttribute(tab, 'aria-selected', String(tab.dataset['name'] === name));
      if (tab.dataset['name'] === name) stopAt(this.tabs, '[role=tab]', tab);
    }
    for (const [other, panel] of Object.entries(this.panels)) show(panel.element, other === name);
    this.app.mark('selection');
  }
}
