// SPDX-License-Identifier: MIT
/** Translate: an address through region, vpage_info and each level of the page table, to its frame; V2P and P2V. */
import type { App, Panel, Topic } from '../app';
import { hex, PAGE, parseAddress, partOf, toBig } from '../model/address';
import { pteBits, vpiBits, VPI } from '../model/bits';
import { regionName, type Space } from '../model/model';
import { isHuge } from '../model/nodes';
import { walk, type Step, type Walk } from '../model/walk';
import { count, plural } from '../ui/format';
import { h } from '../ui/dom';
import { bitChips } from './pagedetail';

const LEVEL_NAMES: Record<number, string> = { 4: 'root', 3: 'upper', 2: 'middle', 1: 'leaf' };

export class TranslatePanel implements Panel {
  topics: Topic[] = ['hello', 'picture', 'selection'];
  readonly element: HTMLElement;
  private input = h('input', {
    type: 'text',
    spellcheck: 'false',
    autocomplete: 'off',
    id: 'translate-address',
    'data-testid': 'translate-input',
    placeholder: '0x…',
  });
  private result = h('div', { class: 'translate-result', 'data-testid': 'translate-result', 'aria-live': 'polite' });
  private typed: bigint | null = null;

  constructor(
    private app: App,
    private seen: () => boolean,
  ) {
    const form = h(
      'form',
      { onsubmit: (event: Event) => this.submit(event) },
      h('label', { for: 'translate-address' }, 'Address'),
      this.input,
      h('button', { type: 'submit' }, 'Walk'),
    );
    this.element = h('div', { class: 'translate' }, form, this.result);
  }

  visible(): boolean {
    return this.seen();
  }

  draw(topics: Set<Topic>): void {
    const { va } = this.app.selection;
    if (
      topics.has('selection') &&
      va !== null &&
      document.activeElement !== this.input &&
      Number(this.typed ?? -1n) - (Number(this.typed ?? -1n) % PAGE) !== va
    ) {
      this.typed = BigInt(va);
      this.input.value = hex(va);
    }
    this.result.replaceChildren(...this.content());
  }

  private submit(event: Event): void {
    event.preventDefault();
    this.typed = parseAddress(this.input.value);
    if (this.typed !== null && partOf(this.typed) === 'user') {
      const va = Number(this.typed);
      this.app.select({ va: va - (va % PAGE) });
    } else this.app.mark('selection');
  }

  private content(): HTMLElement[] {
    const { typed, app } = this;
    if (this.input.value.trim() && typed === null)
      return [h('p', { class: 'problem' }, 'That is no address: up to 16 hexadecimal digits, as in 0x7f3a10002000.')];
    if (typed === null)
      return [h('p', { class: 'hint' }, 'Type an address of the chosen process, or one of the kernel’s; or choose a page anywhere.')];
    const part = partOf(typed);
    if (part === 'non-canonical')
      return [
        h(
          'p',
          {},
          'Not canonical: bits 47 to 63 are not all the same. The CPU refuses it before it looks at any table (a general protection fault).',
        ),
      ];
    if (part === 'kernel') return this.kernel(typed);
    return app.space ? this.user(app.space, Number(typed)) : [h('p', { class: 'hint' }, 'Choose a process first.')];
  }

  /** Kernel addresses in the direct map are converted by a subtraction. */
  private kernel(address: bigint): HTMLElement[] {
    const { view } = this.app;
    const base = toBig(view.hello.direct_map);
    const physical = address - base;
    const pfn = Number(physical / BigInt(PAGE));
    if (physical < 0n || pfn >= view.frames)
      return [
        h('p', {}, 'An address of the kernel, but outside the map of all memory: V2P does not hold for it. No process may touch it.'),
      ];
    return [
      h(
        'p',
        {},
        'An address of the kernel, in the direct map. No walk is needed: it lies ',
        h('code', {}, hex(physical)),
        ' above KERNBASE. A process that touches it gets SIGSEGV.',
      ),
      this.formula('V2P', hex(address), `${hex(address)} − ${hex(base)}`, hex(physical)),
      this.frame(pfn),
    ];
  }

  private user(space: Space, va: number): HTMLElement[] {
    const found = walk(this.app.view, space, va);
    const process = this.app.view.processOf(space.id);
    return [
      h(
        'p',
        { class: 'dim' },
        `${process?.pid} ${process?.name}: `,
        h('code', {}, hex(va)),
        found.torn ? h('span', { class: 'torn-mark' }, 'torn') : null,
      ),
      this.region(found),
      this.info(found),
      h('ol', { class: 'walk' }, ...found.steps.map((step) => this.step(step, found))),
      ...this.arrival(found),
    ];
  }

  private region(found: Walk): HTMLElement {
    const { region } = found;
    const text = region
      ? `${regionName(region)} · ${region.prot} · ${region.shared ? 'shared' : 'private'}`
      : 'none: an access gives SIGSEGV';
    return h(
      'div',
      { class: 'fact', 'data-testid': 'walk-region' },
      h('h3', {}, 'vregion'),
      h('p', {}, text),
      region && h('p', { class: 'dim' }, h('code', {}, `${hex(region.start)} – ${hex(region.end)}`)),
    );
  }

  private info(found: Walk): HTMLElement {
    const bits = found.page?.vpi ?? 0;
    const text = !found.leaf
      ? 'none: there is no leaf here, nothing was touched'
      : bits & VPI.present
        ? `ppn ${count(found.page!.ppn)}`
        : bits & VPI.used
          ? `slot ${count(found.page!.ppn)} of swap`
          : 'never touched';
    return h(
      'div',
      { class: 'fact', 'data-testid': 'walk-vpi', 'data-bits': bits, 'data-ppn': found.page?.ppn ?? 0 },
      h('h3', {}, 'vpage_info'),
      found.leaf && bitChips(vpiBits(bits)),
      h('p', {}, text),
    );
  }

  private step(step: Step, found: Walk): HTMLElement {
    const unseen = found.huge && step.level === 1;
    const target =
      step.bits === 0
        ? 'no entry: the walk ends here'
        : step.level === 1
          ? `frame ${count(step.pfn)}`
          : isHuge(step)
            ? `2 MiB at once, from frame ${count(step.pfn)} on`
            : `node in frame ${count(step.pfn)}`;
    return h(
      'li',
      {
        'data-testid': `walk-level-${step.level}`,
        'data-index': step.index,
        'data-pfn': step.pfn,
        'data-bits': step.bits,
        class: step.bits === 0 ? 'ends' : null,
      },
      h('span', { class: 'level' }, `${step.level}`),
      h(
        'span',
        { class: 'level-what' },
        h('b', {}, `${LEVEL_NAMES[step.level]}[${step.index}]`),
        ` in frame ${count(step.node.pfn)}`,
        step.owners > 1 && h('span', { class: 'shared-mark' }, `${step.owners} owners`),
      ),
      bitChips(pteBits(step.bits).filter((bit) => bit.letter !== 'G' && (bit.letter !== 'PS' || bit.set))),
      h('span', { class: 'level-to' }, unseen ? `${target} (behind the huge entry; the CPU does not look)` : target),
    );
  }

  private arrival(found: Walk): HTMLElement[] {
    if (found.frame === null || found.physical === null)
      return [h('p', { class: 'arrives', 'data-testid': 'walk-frame' }, 'The hardware arrives nowhere: an access faults with P clear.')];
    const base = toBig(this.app.view.hello.direct_map);
    const rights = [`read`, found.writable ? 'write' : 'no write', found.executable ? 'execute' : 'no execute'].join(', ');
    return [
      h('p', { class: 'arrives' }, `Rights along the walk: ${rights}.`),
      this.frame(found.frame),
      this.formula('physical', hex(found.va), `frame ${hex(found.frame)} · 4096 + ${hex(found.va % PAGE)}`, hex(found.physical)),
      h(
        'div',
        { 'data-testid': 'walk-p2v' },
        this.formula('P2V', hex(found.physical), `${hex(found.physical)} + KERNBASE`, hex(found.physical + base)),
      ),
      h(
        'p',
        { class: 'hint' },
        'V2P of the user’s address would be wrong: it holds for addresses of the kernel only. That is why a walk is needed.',
      ),
    ];
  }

  private frame(pfn: number): HTMLElement {
    const { view } = this.app;
    return h(
      'p',
      { 'data-testid': 'walk-frame', 'data-pfn': pfn },
      h('button', { type: 'button', class: 'link', onclick: () => this.app.select({ pfn }) }, `Frame ${count(pfn)}`),
      `: ${view.kindName(pfn)}, ${plural(view.refs[pfn] ?? 0, 'reference')}`,
    );
  }

  private formula(name: string, of: string, how: string, result: string): HTMLElement {
    return h(
      'p',
      { class: 'formula' },
      h('b', {}, name),
      '(',
      h('code', {}, of),
      ') = ',
      h('span', { class: 'dim' }, how),
      ' = ',
      h('code', {}, result),
    );
  }
}
