// SPDX-License-Identifier: MIT
/**
 * Colours of frames: hues by Okabe and Ito, which people with any colour vision can tell apart, for what processes have;
 * greys for what the kernel has. More references: brighter on dark ground, stronger on light ground.
 */

export type Theme = 'dark' | 'light';
export type Rgb = [number, number, number];

const HUES: Record<Theme, Record<string, string>> = {
  dark: {
    reserved: '#262c36',
    image: '#4d5663',
    free: '#171d26',
    kernel: '#6f7b8b',
    slab: '#8b97a6',
    stack: '#a9b4c1',
    node: '#c46aa5',
    vpi: '#7f5490',
    anonymous: '#d18f00',
    huge: '#d55e00',
    file: '#3f9bd3',
    zero: '#f0e442',
    swap: '#0fa57a',
    unknown: '#ff00ff',
  },
  light: {
    reserved: '#d3d7db',
    image: '#9aa3ad',
    free: '#eef0f0',
    kernel: '#7d8896',
    slab: '#66717f',
    stack: '#505b68',
    node: '#c06aa4',
    vpi: '#9a78b8',
    anonymous: '#eba81a',
    huge: '#dd6a10',
    file: '#5fb4e6',
    zero: '#e3d200',
    swap: '#2fae86',
    unknown: '#ff00ff',
  },
};

/** How far the colour goes towards white or black, by step of references. */
const RAMP: Record<Theme, number[]> = { dark: [0, 0.24, 0.4, 0.54, 0.68], light: [0, 0.2, 0.36, 0.5, 0.62] };
export const RAMP_WORDS = ['1', '2', '3–4', '5–8', '9+'];

export function rampStep(refs: number): number {
  if (refs <= 1) return 0;
  if (refs <= 2) return 1;
  if (refs <= 4) return 2;
  return refs <= 8 ? 3 : 4;
}

export function rgb(hex: string): Rgb {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)) as Rgb;
}

export function mix(a: Rgb, b: Rgb, part: number): Rgb {
  return a.map((value, i) => Math.round(value + (b[i]! - value) * part)) as Rgb;
}

export function css([r, g, b]: Rgb): string {
  return `rgb(${r} ${g} ${b})`;
}

export function kindColour(theme: Theme, kind: string, refs = 1): Rgb {
  const base = rgb(HUES[theme][kind] ?? HUES[theme]['unknown']!);
  if (kind === 'free' || kind === 'reserved') return base;
  const part = RAMP[theme][rampStep(refs)]!;
  return mix(base, theme === 'dark' ? [255, 255, 255] : mix(base, [0, 0, 30], 0.85), part);
}

/** Every colour of the grid as pixels (as a little-endian word), by kind and step: [kind * 5 + step]. */
export function pixels(theme: Theme, kinds: string[], dim: (kind: string) => boolean): Uint32Array {
  const table = new Uint32Array(256 * RAMP_WORDS.length);
  const ground = rgb(theme === 'dark' ? '#12161d' : '#f7f8f7');
  for (let kind = 0; kind < 256; kind++) {
    const word = kinds[kind] ?? 'unknown';
    [1, 2, 3, 5, 9].forEach((refs, step) => {
      const colour = kindColour(theme, word, refs);
      const [r, g, b] = dim(word) ? mix(colour, ground, 0.8) : colour;
      table[kind * RAMP_WORDS.length + step] = (255 << 24) | (b << 16) | (g << 8) | r;
    });
  }
  return table;
}

let theme: Theme | null = null;
const styles = new Map<string, string>();

export function currentTheme(): Theme {
  return (theme ??= findTheme());
}

function findTheme(): Theme {
  const chosen = document.documentElement.dataset['theme'];
  if (chosen === 'dark' || chosen === 'light') return chosen;
  return matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark';
}

/** A variable of the style sheet, in the theme that is on. */
export function style(name: string): string {
  let value = styles.get(name);
  if (value === undefined) styles.set(name, (value = getComputedStyle(document.documentElement).getPropertyValue(name).trim()));
  return value;
}

/** Forget what was asked: a person or the system has chosen another theme. */
export function themeChanged(): void {
  theme = null;
  styles.clear();
}
