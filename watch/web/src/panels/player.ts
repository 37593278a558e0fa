// SPDX-License-Identifier: MIT
/** Plays a recording at the pace at which it happened, or goes through it picture by picture. */
import type { App } from '../app';

/** Longer waits are cut: nobody wants to watch a guest that sleeps. */
const LONGEST = 1000;
const SHORTEST = 16;

export class Player {
  playing = false;
  speed = 1;
  private timer = 0;

  constructor(private app: App) {}

  play(): void {
    const { app } = this;
    if (this.playing || !app.hello) return;
    if (app.shown >= app.history.end - 1) app.seek(app.history.first);
    this.playing = true;
    this.wait();
    app.mark('state');
  }

  pause(): void {
    clearTimeout(this.timer);
    this.playing = false;
    this.app.mark('state');
  }

  /** By so many pictures; where it arrives it stays. */
  move(by: number): void {
    this.pause();
    this.app.seek(this.app.shown + by);
  }

  private wait(): void {
    const { app } = this;
    const now = app.history.at(app.shown);
    const next = app.history.at(app.shown + 1);
    if (!now || !next) return this.pause();
    const ticks = next.picture.time - now.picture.time;
    const milliseconds = (ticks / (app.hello?.ticks_per_second || 1e9)) * 1000;
    this.timer = window.setTimeout(
      () => {
        app.seek(app.shown + 1);
        this.wait();
      },
      Math.min(Math.max(milliseconds / this.speed, SHORTEST), LONGEST),
    );
  }
}
