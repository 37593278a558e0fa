# SPDX-License-Identifier: MIT
"""The picture: bars in log scale, two for each row, as SVG for light and dark pages."""

import math
from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT, TOP = 1040, 400, 100, 64
STEP, BAR = 30, 10      # height of a row, and of a bar in it

STYLE = '''
  text { font: 13px system-ui, sans-serif; fill: #222 }
  .small { font-size: 11px; fill: #666 }
  .grid { stroke: #ddd }
  .back { fill: #fff }
  .linux { fill: #9aa3ad }
  .gaur { fill: #a0522d }
  .wanted { stroke: #111; stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    text { fill: #ddd } .small { fill: #999 } .grid { stroke: #333 } .back { fill: #161616 }
    .linux { fill: #6b737c } .gaur { fill: #d2814f } .wanted { stroke: #fff }
  }
'''

class Scale:
    """From a value to a place on the page."""

    def __init__(self, values):
        self.low = math.floor(math.log10(min(values)))
        self.high = max(self.low + 1, math.ceil(math.log10(max(values))))

    def x(self, value):
        share = (math.log10(max(value, 10 ** self.low)) - self.low) / (self.high - self.low)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def powers(self):
        return [10 ** power for power in range(self.low, self.high + 1)]

def short(value):
    for power, letter in ((9, ' G'), (6, ' M'), (3, ' k')):
        if value >= 10 ** power:
            return f'{value / 10 ** power:g}{letter}'
    return f'{value:g}'

def bar(kind, value, scale, top, mark=0):
    """A bar and its number, which stands behind the mark if that is further right."""
    if not value:
        return ''
    x = scale.x(value)
    return (f'<rect class="{kind}" x="{LEFT}" y="{top}" width="{max(x - LEFT, 1):.1f}" height="{BAR}"/>'
            f'<text class="small" x="{max(x, mark) + 4:.1f}" y="{top + BAR - 1}">{value:,.0f}</text>')

def line_of(row, values, scale, top):
    """One row: its title, its bars, and a mark at what is wanted."""
    limit = row.limit(values)
    x = scale.x(limit.value) if limit and limit.value > 0 else 0
    parts = [f'<text x="{LEFT - 10}" y="{top + BAR + 4}" text-anchor="end">{escape(row.title.strip())}</text>',
             bar('linux', row.value(values, 'Linux'), scale, top),
             bar('gaur', row.value(values, 'Gaur'), scale, top + BAR + 1, x)]
    if x:
        parts.append(f'<line class="wanted" x1="{x}" x2="{x}" y1="{top + BAR - 1}" y2="{top + 2 * BAR + 3}"/>')
    return '\n'.join(filter(None, parts))

def key(note):
    return (f'<rect class="linux" x="{LEFT}" y="14" width="12" height="12"/><text x="{LEFT + 18}" y="25">Linux</text>'
            f'<rect class="gaur" x="{LEFT + 80}" y="14" width="12" height="12"/>'
            f'<text x="{LEFT + 98}" y="25">Gaur</text>'
            f'<line class="wanted" x1="{LEFT + 160}" x2="{LEFT + 160}" y1="13" y2="27"/>'
            f'<text x="{LEFT + 168}" y="25">wanted of Gaur</text>'
            f'<text class="small" x="{WIDTH - RIGHT}" y="25" text-anchor="end">log scale; less is better</text>'
            f'<text class="small" x="16" y="25">{escape(note)}</text>')

def write(path, rows, values, note):
    """The rows counted in instructions, as far as they have values; not the parts of others."""
    rows = [row for row in rows if row.unit == 'instructions' and not row.title.startswith(' ')
            and (row.value(values, 'Linux') or row.value(values, 'Gaur'))]
    numbers = [row.value(values, system) for row in rows for system in values if row.value(values, system)]
    if not numbers:
        return False
    scale, bottom = Scale(numbers), TOP + len(rows) * STEP
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{bottom + 16}" '
             f'viewBox="0 0 {WIDTH} {bottom + 16}">', f'<style>{STYLE}</style>',
             f'<rect class="back" width="{WIDTH}" height="{bottom + 16}"/>', key(note)]
    for power in scale.powers():
        x = scale.x(power)
        lines.append(f'<line class="grid" x1="{x}" x2="{x}" y1="{TOP - 8}" y2="{bottom}"/>'
                     f'<text class="small" x="{x}" y="{TOP - 12}" text-anchor="middle">{short(power)}</text>')
    lines += [line_of(row, values, scale, TOP + i * STEP) for i, row in enumerate(rows)]
    with open(path, 'w', encoding='utf-8') as out:
        out.write('\n'.join(lines + ['</svg>', '']))
    return True
