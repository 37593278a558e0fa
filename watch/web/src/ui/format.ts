// SPDX-License-Identifier: MIT
/** Numbers for people. Thousands are set apart by a thin space that does not break. */
import type { Hello } from '../model/messages';

export function count(n: number): string {
  return Math.round(n)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

export function plural(n: number, one: string, many = one + 's'): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

export function bytes(n: number): string {
  let unit = 0;
  while (n >= 1024 && unit < UNITS.length - 1) {
    n /= 1024;
    unit++;
  }
  return `${n >= 100 || Number.isInteger(n) ? Math.round(n) : n.toFixed(1)}\u00a0${UNITS[unit]}`;
}

export function cost(hello: Hello, ticks: number): string {
  return hello.ticks === 'instructions' ? `${count(ticks)} instr.` : `${count(ticks)} ns`;
}

export function seconds(hello: Hello, ticks: number): string {
  return `${(ticks / (hello.ticks_per_second || 1e9)).toFixed(3)}\u00a0s`;
}
