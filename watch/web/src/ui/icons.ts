// SPDX-License-Identifier: MIT
/** Small drawings, in the colour of the text around them. */
import { svg } from './dom';

const PATHS = {
  gaur: 'M2 3c0 3 1.5 4.6 3.6 4.9C5 9.2 5 10.5 6 12l2 2.5L10 12c1-1.5 1-2.8.4-4.1C12.5 7.6 14 6 14 3c-1 1.7-2.2 2.3-4 2.5-1.3-.5-2.7-.5-4 0C4.2 5.3 3 4.7 2 3z',
  pause: 'M4 3h3v10H4zM9 3h3v10H9z',
  go: 'M4 2.5v11l9-5.5z',
  step: 'M3 2.5v11l7-5.5zM11 3h2.5v10H11z',
  theme: 'M8 1.5a6.5 6.5 0 1 0 0 13zM8 3a5 5 0 0 1 0 10z',
  back: 'M10 3 5 8l5 5z',
  forward: 'M6 3l5 5-5 5z',
  live: 'M3 3l6 5-6 5zM10.5 3H13v10h-2.5z',
};

export type IconName = keyof typeof PATHS;

export function icon(name: IconName): SVGSVGElement {
  return svg(
    'svg',
    { viewBox: '0 0 16 16', width: 14, height: 14, 'aria-hidden': 'true', class: 'icon-drawing' },
    svg('path', { d: PATHS[name], fill: 'currentColor', 'fill-rule': 'evenodd' }),
  );
}
