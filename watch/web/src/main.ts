// SPDX-License-Identifier: MIT
/** The page: its panels put together, and the source of what they show. */
import './style.css';
import { App } from './app';
import { Bar } from './panels/bar';
import { FramesPanel } from './panels/frames';
import { Player } from './panels/player';
import { Side, type Name } from './panels/side';
import { SpacePanel } from './panels/space';
import { TimePanel } from './panels/time';
import { open } from './source';
import { h } from './ui/dom';
import { themeChanged } from './ui/palette';

const app = new App();
const player = new Player(app);
const bar = new Bar(app, player);
const frames = new FramesPanel(app);
const space = new SpacePanel(app);
const time = new TimePanel(app, player);
const side = new Side(app);

function skip(to: string, text: string): HTMLElement {
  return h('a', { href: `#${to}`, class: 'skip' }, text);
}

/** On a narrow page the panels stand below each other, and these lead to them. */
function navigation(): HTMLElement {
  const link = (to: string, text: string) => h('a', { href: `#${to}`, 'data-testid': `nav-${to}` }, text);
  const tab = (name: Name, text: string) => h('a', { href: '#side', onclick: () => side.show(name) }, text);
  return h(
    'nav',
    { class: 'jump', 'aria-label': 'Panels' },
    link('frames', 'Frames'),
    link('time', 'Time'),
    link('space', 'Space'),
    tab('faults', 'Faults'),
    tab('translate', 'Translate'),
    tab('processes', 'Processes'),
    tab('console', 'Console'),
    tab('lessons', 'Lessons'),
  );
}

document
  .getElementById('app')!
  .replaceChildren(
    h(
      'div',
      { class: 'skips' },
      skip('frames', 'To the frames'),
      skip('space', 'To the address space'),
      skip('time', 'To the time'),
      skip('side', 'To faults and lessons'),
    ),
    bar.element,
    navigation(),
    h('main', {}, frames.element, space.element, side.element, time.element),
  );
for (const panel of [bar, frames, space, time]) app.add(panel);

let resizing = 0;
addEventListener('resize', () => {
  cancelAnimationFrame(resizing);
  resizing = requestAnimationFrame(() => app.mark('size'));
});
matchMedia('(prefers-color-scheme: light)').addEventListener('change', () => {
  themeChanged();
  app.mark('theme');
});

void open(app).catch((problem: unknown) => app.tell(`What came could not be read: ${String(problem)}`));
