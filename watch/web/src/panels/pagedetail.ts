// SPDX-License-Identifier: MIT
/** One page: what the kernel knows of it beside what the hardware reads, and why the two say what they say. */
import type { App } from '../app';
import { hex, pageOf } from '../model/address';
import { pteBits, vpiBits, VPI, type Bit } from '../model/bits';
import { regionName, type Space } from '../model/model';
import { UNTOUCHED } from '../model/nodes';
import { explain } from '../model/why';
import { walk, type Walk } from '../model/walk';
import { count, plural } from '../ui/format';
import { h, setAttribute, show } from '../ui/dom';

export function bitChips(bits: Bit[]): HTMLElement {
  const words = bits.map((bit) => `${bit.letter} ${bit.set ? 'set' : 'clear'}`).join(', ');
  return h(
    'span',
    { class: 'bits', role: 'img', 'aria-label': words },
    ...bits.map((bit) =>
      h('span', { class: bit.set ? 'bit set' : 'bit', title: `${bit.letter}: ${bit.name} (${bit.set ? 'set' : 'clear'})` }, bit.letter),
    ),
  );
}

export class PageDetail {
  readonly element = h('div', {
    class: 'page-detail',
    'data-testid': 'page-readout',
    'aria-live': 'polite',
    role: 'region',
    'aria-label': 'The chosen page',
  });

  constructor(private app: App) {}

  draw(space: Space | undefined): void {
    const { va } = this.app.selection;
    if (!space || va === null || va > 0x7fffffffffff) {
      setAttribute(this.element, 'data-va', null);
      this.element.replaceChildren(
        h('p', { class: 'hint' }, 'Choose a page: what the kernel knows of it and what the hardware reads will stand here side by side.'),
        key(),
      );
      return;
    }
    const found = walk(this.app.view, space, pageOf(va));
    setAttribute(this.element, 'data-va', hex(pageOf(va)));
    this.element.replaceChildren(this.head(found), this.pair(found), this.why(found));
    show(this.element, true);
  }

  private head(found: Walk): HTMLElement {
    const frame = found.page && found.page.vpi & VPI.present ? found.page.ppn : null;
    return h(
      'p',
      { class: 'page-head' },
      'Page ',
      h('code', {}, hex(found.va)),
      found.region ? ` of ${regionName(found.region)}` : ' in no region',
      frame !== null &&
        h('button', { type: 'button', class: 'link', onclick: () => this.app.select({ pfn: frame }) }, `frame ${count(frame)}`),
      found.torn && h('span', { class: 'torn-mark' }, 'torn'),
    );
  }

  private pair(found: Walk): HTMLElement {
    const page = found.page ?? { index: 0, ...UNTOUCHED };
    const used = page.vpi & VPI.used;
    const where = !used
      ? 'nothing yet'
      : page.vpi & VPI.present
        ? `frame ${count(page.ppn)}, ${plural(this.app.view.refs[page.ppn] ?? 0, 'reference')}`
        : `slot ${count(page.ppn)} of swap`;
    const entry = page.pte ? `leads to frame ${count(page.ptePfn)}` : 'no entry';
    return h(
      'div',
      { class: 'pair' },
      h(
        'div',
        { 'data-testid': 'page-vpi', 'data-bits': page.vpi, 'data-ppn': page.ppn },
        h('h3', {}, 'vpage_info'),
        bitChips(vpiBits(page.vpi)),
        h('p', {}, where),
      ),
      h(
        'span',
        {
          class: 'derives',
          'aria-hidden': 'true',
          title: 'vspace_derive computes the entry from the vpage_info, never the other way round',
        },
        '→',
      ),
      h(
        'div',
        { 'data-testid': 'page-pte', 'data-bits': page.pte, 'data-pfn': page.ptePfn },
        h('h3', {}, 'page-table entry'),
        bitChips(pteBits(page.pte).filter((bit) => bit.letter !== 'G' && bit.letter !== 'PS')),
        h('p', {}, entry),
      ),
    );
  }

  private why(found: Walk): HTMLElement {
    return h(
      'ul',
      { class: 'why', 'data-testid': 'page-why' },
      ...explain(this.app.view, found).map((reason) => h('li', { 'data-why': reason.word, class: reason.tone }, reason.text)),
    );
  }
}

/** What the cells look like, while there is nothing else to say. */
function key(): HTMLElement {
  const entry = (name: string, text: string) => h('li', {}, h('span', { class: `sample ${name}` }), text);
  return h(
    'ul',
    { class: 'cell-key' },
    entry('own', 'in a frame of its own'),
    entry('cow', 'write-protected: copy-on-write, or the zero frame'),
    entry('swap', 'in swap'),
    entry('untouched', 'never touched'),
    entry('shared', 'leaf node that others share'),
  );
}
