# SPDX-License-Identifier: MIT
"""The rows: what is measured, by which row of bench/main.c, in how much memory, and what is wanted of Gaur."""

from dataclasses import dataclass
from typing import Callable

@dataclass(frozen=True)
class Limit:
    """What is wanted: a value that is not passed (or, if more is better, that is reached)."""
    value: float
    more_is_better: bool = False

    def met(self, value):
        return value >= self.value if self.more_is_better else value <= self.value

    def text(self):
        return f'{">=" if self.more_is_better else "<="} {self.value:,.0f}'

@dataclass(frozen=True)
class Row:
    """One line of the table."""
    name: str
    title: str
    run: str = ''                   # the row of bench/main.c that measures it, if its name is another
    wanted: Callable = None         # from the values of both systems to a Limit; None: nothing is
    memory: int = 1024              # MiB of the guest
    unit: str = 'instructions'
    needs: tuple = ()               # rows that `wanted` looks at
    of: tuple = ()                  # the names that the value has in what (Linux, Gaur) say, if it is another
    only_gaur: bool = False
    kind: str = 'counted'           # how the machine runs; see command.KINDS

    def more_is_better(self):
        return self.unit in ('processes', 'a second', 'percent', 'operations a second')

    def measured_by(self):
        return self.run or self.name

    def value(self, values, system):
        return values[system].get(self.of[system == 'Gaur'] if self.of else self.name)

    def limit(self, values):
        """What is wanted, given the values {system: {name: value}}; None if that cannot be said."""
        try:
            return self.wanted(values) if self.wanted else None
        except KeyError:
            return None

def at_most(value):
    return lambda _values: Limit(value)

def at_least(value):
    return lambda _values: Limit(value, True)

def like_tiny(name, most):
    """Within a fifth of the tiny process, and `most` in any case."""
    return lambda values: Limit(min(most, int(1.2 * values['Gaur'][name])))

def for_regions(name, regions, each):
    return lambda values: Limit(values['Gaur'][name] + regions * each)

def share_of_linux(name, divisor):
    return lambda values: Limit(values['Linux'][name] // divisor)

def reach_linux(name):
    return lambda values: Limit(values['Linux'][name], True)

def times_linux(name, times):
    return lambda values: Limit(values['Linux'][name] * times, True)

def fork_rows():
    """The call alone, and until the child's end is known, for each size of the process."""
    rows = []
    for what, title, most in (('fork_call', 'fork, the call', 8000), ('fork_wait', 'fork + exit + wait', 25000)):
        tiny = f'{what}_tiny'
        rows.append(Row(tiny, f'{title}, tiny process', 'fork_tiny', at_most(most)))
        for size, memory in ((1, 1024), (16, 1024), (256, 1024), (1024, 3072), (4096, 6144)):
            words = f'{size} MiB' if size < 1024 else f'{size // 1024} GiB'
            rows.append(Row(f'{what}_{size}', f'{title}, {words} resident', f'fork_{size}', like_tiny(tiny, most),
                            memory, needs=(tiny,)))
        rows.append(Row(f'{what}_1024_huge', f'{title}, 1 GiB resident in huge pages', 'fork_1024_huge', like_tiny(tiny, most), 3072,
                        needs=(tiny,)))
        rows.append(Row(f'{what}_regions', f'{title}, 1,000 vregions', 'fork_regions',
                        for_regions(tiny, 1000, 100), needs=(tiny,)))
    return rows

def cow_rows():
    rows = [Row(f'cow_{size}', f'copy-on-write fault, average over {size:,} MiB', wanted=at_most(2200), memory=memory)
            for size, memory in ((1, 1024), (64, 1024), (1024, 3072))]
    rows += [Row(f'cow_{size}_huge', f'the same in huge pages, {size:,} MiB', wanted=at_most(2200), memory=memory)
             for size, memory in ((64, 1024), (1024, 3072))]
    rows.append(Row('cow_last_owner', 'write to a page whose other owner has gone'))
    for worst, title in (('cow_worst', 'the worst single one after a fork'), ('cow_worst_huge', 'the worst one in huge pages')):
        rows += [
            Row(worst, title, wanted=at_most(12000)),
            Row(worst + '_page', '  of which the page', worst),
            Row(worst + '_leaf', '  and its leaf node', worst),
            Row(worst + '_path', '  and the nodes above', worst),
        ]
    return rows

def idle_rows():
    """What such a child takes."""
    rows = [Row('idle_bytes', 'one idle forked child', 'idle_children', at_most(48 << 10), 16, 'bytes', only_gaur=True)]
    return rows + [Row(f'idle_{kind}', f'  of which {what}', 'idle_children', memory=16, unit='bytes', only_gaur=True)
                   for kind, what in (('stack', "the kernel's stack"), ('node', 'nodes'), ('vpi', 'vpage_infos'),
                                      ('anonymous', 'pages of its own'), ('slab', 'structures'),
                                      ('kernel', "other kernel's frames"))]

def parallel_rows():
    """Pages faulted in a second, and how many of them by two CPUs there are for a hundred by one."""
    rows = []
    for run, what in (('parallel_threads', 'threads of one process'), ('parallel_processes', 'processes')):
        for cpus in (1, 2):
            rows.append(Row(f'{run}_{cpus}', f'pages faulted in by {cpus} CPU{"s" if cpus > 1 else ""}, {what}', run,
                            unit='a second', kind='timed'))
    for run, what in (('parallel_threads', 'threads of one process'), ('parallel_processes', 'processes')):
        rows.append(Row(f'{run}_gain', f'pages faulted in by 2 CPUs to those by 1, {what}', run, reach_linux(f'{run}_gain'),
                        unit='percent', kind='timed'))
    return rows

def flush_rows():
    """Forgetting pages one by one, and all at once."""
    run = 'flush_threshold'
    rows = [Row(run, 'pages from which on flushing all is cheaper', unit='pages', kind='timed', only_gaur=True)]
    for pages in (1, 8, 32, 64):
        for how, what in (('pages', 'one by one'), ('all', 'with all others')):
            rows.append(Row(f'flush_{how}_{pages}', f'  {pages} pages flushed {what}', run, unit='ns', kind='timed', only_gaur=True))
    return rows

def working_set_rows():
    """More memory in use than there is, with the rest in swap; and a file that is read beside a program that has all it needs."""
    rows = [Row(f'working_set_{how}', f'working set of 1.5 times memory, {what}', 'working_set_swapped', reach_linux(f'working_set_{how}'), 64,
                'operations a second', kind='swapped') for how, what in (('random', 'at random'), ('skewed', '7 of 8 in a quarter'))]
    run = 'working_set_beside_reader'
    return rows + [
        Row('working_set_share', 'working set of half of memory beside a reader, to alone, in CPU time', run, at_least(80), 16, 'percent', only_gaur=True,
            kind='beside'),
        Row('working_set_faults', '  its 2,048 pages that had to come from the disk', run, at_most(204), 16, 'pages', only_gaur=True, kind='beside'),
    ]

ROWS = [
    Row('null_call', 'null system call (getppid, loop included)', wanted=at_most(120)),
    *fork_rows(),
    *cow_rows(),
    Row('anonymous_write_fault', 'anonymous write fault', wanted=at_most(1100)),
    Row('anonymous_write_forward', '  a page, of pages written in order'),
    Row('anonymous_read_fault', 'anonymous read fault', wanted=at_most(450)),
    Row('mmap_munmap_64k', 'mmap + munmap of 64 KiB, untouched', wanted=at_most(1800)),
    Row('mprotect_1m', 'mprotect of 1 MiB resident, there and back', wanted=at_most(12000)),
    Row('brk_64k', 'brk up and down 64 KiB', wanted=at_most(1500)),
    Row('pipe_round_trip', 'pipe round trip between two processes', wanted=at_most(3500)),
    Row('spawn', 'fork + exec + wait of a static program', wanted=at_most(90000)),
    Row('touch_1024_huge', 'touch 1 GiB, Linux with THP=always', memory=3072,
        wanted=share_of_linux('touch_1024_huge', 1)),
    Row('touch_1024', 'touch 1 GiB, Linux with THP=never', memory=3072, needs=('touch_1024_huge',),
        of=('touch_1024', 'touch_1024_huge'), wanted=share_of_linux('touch_1024', 3)),
    Row('boot', "from reset to the first user instruction (kernel's share)", wanted=at_most(30_000_000)),
    Row('dump_pause', 'dump of 512 MiB: longest pause of the parent', memory=2048),
    Row('dump_fork', '  in fork', 'dump_pause', memory=2048),
    Row('dump_transfer', '  in a change of the data', 'dump_pause', memory=2048),
    Row('fork_server', 'fork server with 512 MiB: requests', memory=2048, unit='a second',
        wanted=times_linux('fork_server', 50)),
    Row('idle_children', 'idle forked children in 16 MiB', wanted=at_least(300), memory=16, unit='processes',
        only_gaur=True),
    *idle_rows(),
    Row('least_memory', 'least memory for a BusyBox shell with pipes', wanted=at_most(4096), memory=0, unit='KiB',
        kind='tried'),
    *parallel_rows(),
    *flush_rows(),
    *working_set_rows(),
]

def named(word):
    """The rows of that name, or that are measured under it, or all those whose names begin so."""
    exactly = [row for row in ROWS if word in (row.name, row.run)]
    return exactly or [row for row in ROWS if row.name.startswith(word)]

def chosen(words):
    """The rows that the words name (all without words), and the words that name none."""
    picked = {row.name for word in words for row in named(word)}
    return [row for row in ROWS if not words or row.name in picked], [word for word in words if not named(word)]

def with_needs(rows):
    """These rows, and those that they need to say what is wanted; in the order of the table."""
    names = {row.name for row in rows} | {name for row in rows for name in row.needs}
    return [row for row in ROWS if row.name in names]
