// SPDX-License-Identifier: MIT
/** What the guest's console says, up to the picture that is shown. */
import type { App } from '../app';
import { plainText } from '../model/console';
import type { History } from '../model/history';

const MOST_TEXT = 100_000;

export class Transcript {
  private text = '';
  private next = 0; // the position of the history that comes next
  private of: History | null = null;

  constructor(private app: App) {}

  read(): string {
    const { history, shown } = this.app;
    if (history !== this.of || shown + 1 < this.next || this.next < history.first) {
      this.text = '';
      this.next = history.first;
      this.of = history;
    }
    for (; this.next <= shown; this.next++) this.text += history.at(this.next)?.text ?? '';
    this.text = this.text.slice(-MOST_TEXT);
    return plainText(this.text + (this.next === history.end ? history.pending.text : ''));
  }
}
