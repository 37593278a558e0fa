# SPDX-License-Identifier: MIT
"""The table, for people and as CSV."""

import csv

from launcher.common import Usage

HEADS = ('operation', 'Linux', 'Gaur', 'ratio', 'wanted', 'met')

def number(value):
    return '-' if value is None else f'{value:,.0f}'

def ratio(row, values):
    """How many times better Gaur is; None if either is not known."""
    linux, gaur = row.value(values, 'Linux'), row.value(values, 'Gaur')
    if not linux or not gaur:
        return None
    return gaur / linux if row.more_is_better() else linux / gaur

def met(row, values):
    """'yes', 'no', or nothing where nothing is wanted or known."""
    limit, gaur = row.limit(values), row.value(values, 'Gaur')
    return '' if limit is None or gaur is None else 'yes' if limit.met(gaur) else 'no'

def cells(row, values):
    """What the table says in a row's line, but for its unit."""
    times, limit = ratio(row, values), row.limit(values)
    return (row.title, number(row.value(values, 'Linux')), number(row.value(values, 'Gaur')),
            f'{times:,.1f}' if times else '-', limit.text() if limit else '', met(row, values))

def table(rows, values):
    """The lines of the table. The unit is in the heading; rows in another one come under a heading of their own."""
    lines = []
    body = [cells(row, values) for row in rows]
    widths = [max(len(line[i]) for line in [HEADS, *body]) for i in range(len(HEADS))]
    unit = None
    for row, line in zip(rows, body):
        if row.unit != unit:
            unit = row.unit
            lines += [''] if lines else []
            lines += [aligned((f'{HEADS[0]} ({unit})', *HEADS[1:]), widths), '-' * (sum(widths) + 2 * len(widths) - 2)]
        lines.append(aligned(line, widths))
    return lines

def aligned(line, widths):
    parts = [text.ljust(width) if i in (0, 5) else text.rjust(width) for i, (text, width) in enumerate(zip(line, widths))]
    return '  '.join(parts).rstrip()

def write_csv(path, rows, values):
    with open(path, 'w', encoding='utf-8', newline='') as out:
        writer = csv.writer(out, lineterminator='\n')
        writer.writerow(['name', 'operation', 'unit', 'linux', 'gaur', 'ratio', 'wanted', 'met'])
        for row in rows:
            times, limit = ratio(row, values), row.limit(values)
            writer.writerow([row.name, row.title.strip(), row.unit, row.value(values, 'Linux'),
                             row.value(values, 'Gaur'), f'{times:.2f}' if times else '',
                             limit.text().replace(',', '') if limit else '', met(row, values)])

def read_csv(path):
    """Gaur's figures in such a file: {name: value}."""
    try:
        with open(path, encoding='utf-8', newline='') as file:
            return {row['name']: int(row['gaur']) for row in csv.DictReader(file) if row['gaur']}
    except (KeyError, ValueError, TypeError):
        raise Usage(f'{path}: no results of an earlier run') from None

def moved(rows, values, earlier):
    """Lines that name the figures of Gaur's that are not what they were."""
    lines = []
    for row in rows:
        before, after = earlier.get(row.name), row.value(values, 'Gaur')
        if before and after is not None and after != before:
            lines.append(f'moved: {row.name} {before:,} -> {after:,} ({after / before - 1:+.1%})')
    return lines or ['nothing has moved']

def summary(rows, values):
    """One line: how many figures are met, and the names of those that are not."""
    known = [(row.name, met(row, values)) for row in rows if met(row, values)]
    missed = [name for name, answer in known if answer == 'no']
    text = f'{len(known) - len(missed)} of {len(known)} wanted figures are met'
    return text + ('; not: ' + ', '.join(missed) if missed else '')
