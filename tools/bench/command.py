# SPDX-License-Identifier: MIT
"""The command `bench`: options, and the order of things."""

import getopt
import hashlib
import json
import os
import re
import statistics
import subprocess
import sys
from dataclasses import dataclass, field, replace

from bench import chart, disks, guest, least, linux, report, rows
from debian import Unavailable
from launcher import common
from launcher.common import GuestFailed, Usage, say

HELP = """\
usage: ./gaur bench [options] [ROW...]

What operations cost, on Gaur and on Linux (Debian's cloud kernel, downloaded, not installed): the same static
program on the same machine, in guest instructions. ROW chooses rows by their names or the beginnings of names.

  --list          name the rows
  --gaur-only     leave Linux out
  --cached        Linux's figures of last time, where the program and the kernel are the same
  --before FILE   Gaur's figures of an earlier run (its results.csv): names those that have moved
  --csv FILE      the results as CSV there, too
  -o FOLDER       where results.csv and results.svg go (default build/bench)
  -h, --help      this text

Environment: GAUR_NO_BUILD=1 takes what is built already; GAUR_KERNEL=FILE measures another kernel of Gaur's.
"""

# How the machine runs for the rows of a kind. What is timed depends on the host's other work: it is never kept, the systems take
# turns, and of the figures of all turns the median counts.
TIMED_TURNS = {'timed': 5, 'swapped': 3}
KINDS = {'counted': {}, 'timed': {'icount': False, 'cpus': 2}, 'tried': {}, 'swapped': {'icount': False},
         'beside': {'icount': False}}

OUT = os.path.join(common.BUILD, 'bench')
CACHE = os.path.join(OUT, 'linux.json')
LINUX = os.path.join(OUT, 'linux')
LINUX_OWN = 80      # MiB: with less it does not come up; what is given beyond that its programs have

@dataclass
class Wishes:
    """What the user asked for."""
    words: list = field(default_factory=list)
    gaur_only: bool = False
    cached: bool = False
    list: bool = False
    csv: str = ''
    before: str = ''
    out: str = OUT

def parse(arguments):
    """The wishes; None if help was all that was wanted."""
    try:
        pairs, words = getopt.gnu_getopt(arguments, 'ho:', ['help', 'version', 'list', 'gaur-only', 'cached', 'csv=', 'before='])
    except getopt.GetoptError as error:
        raise Usage(str(error)) from None
    wishes = Wishes(words)
    for name, text in pairs:
        if name in ('-h', '--help', '--version'):
            sys.stdout.write(f'gaur {common.VERSION}\n' if name == '--version' else HELP)
            return None
        if name in ('-o', '--csv', '--before'):
            setattr(wishes, 'out' if name == '-o' else name[2:], text)
        else:
            setattr(wishes, name[2:].replace('-', '_'), True)
    return wishes

class Progress:
    """What is going on, on standard error: on a terminal one line that changes, elsewhere a line for each boot."""

    def __init__(self):
        self.live = sys.stderr.isatty()

    def boot(self, boot, count):
        text = f'{boot.system}, {int(boot.memory[:-1]) >> 10} MiB: {count} row{"s" if count != 1 else ""}'
        self._show(f'\r\033[K{text} ...' if self.live else f'gaur: {text}\n')

    def attempt(self, system, size):
        self._show(f'\r\033[K{system}, a shell in {size} KiB ...' if self.live else f'gaur: {system}, {size} KiB\n')

    def value(self, boot, name, value):
        if self.live:
            self._show(f'\r\033[K{boot.system}: {name} {value:,}')

    def end(self):
        if self.live:
            self._show('\r\033[K')

    def _show(self, text):
        sys.stderr.write(text)
        sys.stderr.flush()

class Bench:
    """One run of the command: the values {system: {name: value}}, and why some are not there."""

    def __init__(self, kernels, cached):
        self.kernels = kernels      # {system: (file, version)}
        self.values = {'Linux': {}, 'Gaur': {}}
        self.failures = []
        self.progress = Progress()
        self.cache = load_cache() if cached else {}

    def measure(self, group, system):
        """The rows of one group on one system."""
        wanted = list(dict.fromkeys(row.measured_by() for row in group
                                    if not (row.only_gaur and system == 'Linux')))
        if system not in self.kernels or not wanted:
            return
        if group[0].kind == 'tried':
            self.try_memory(system)
            return
        kind, memory = group[0].kind, group[0].memory
        with disks.of(kind, memory) as attached:
            if attached and system == 'Linux':
                memory += LINUX_OWN
            boot = guest.Boot(system, self.kernels[system][0], f'{memory << 10}K', disks=attached,
                              files=linux.modules(LINUX) if attached and system == 'Linux' else [], **KINDS[kind])
            self.measure_boot(boot, group, wanted)

    def measure_boot(self, boot, group, wanted):
        system = boot.system
        key = self.key(boot)
        if system == 'Linux' and all(row.value({system: self.cache.get(key, {})}, system) for row in group):
            self.values[system].update(self.cache[key])
            return
        self.progress.boot(boot, len(wanted))
        found = {}
        try:
            self.follow(boot, wanted, found)
        except GuestFailed as why:
            self.failures.append(str(why))
        if system == 'Linux' and boot.icount:
            self.cache.setdefault(key, {}).update(found)
        self.values[system].update(found)

    def measure_in_turns(self, group):
        """Timed rows: the systems one after the other, several times."""
        turns = {system: [] for system in self.values}
        for _ in range(TIMED_TURNS[group[0].kind]):
            for system, found in turns.items():
                self.measure(group, system)
                found.append({row.name: self.values[system][row.name] for row in group if row.name in self.values[system]})
        for system, found in turns.items():
            for name in found[0]:
                self.values[system][name] = statistics.median_low(turn[name] for turn in found if name in turn)

    def try_memory(self, system):
        """The least memory, which takes some boots; too little of it is no failure."""
        found = least.least(system, self.kernels[system][0], lambda size: self.progress.attempt(system, size))
        if found is None:
            self.failures.append(f'{system}: no shell runs')
        else:
            self.values[system]['least_memory'] = found

    def follow(self, boot, wanted, found):
        """Boots, and takes in NAME VALUE lines; the boot itself is a row, too."""
        words = [name for name in wanted if name != 'boot'] or ['--nothing']
        for line in guest.lines(boot, ['/bench/micro', *words]):
            if first := re.fullmatch(r'first (\d+)', line):
                if 'boot' in wanted:
                    found['boot'] = int(first[1]) - (guest.firmware(boot) or 0)
            elif result := re.fullmatch(r'([a-z]\w*) (\d+)', line):
                if result[1] not in ('exit', 'signal'):
                    found[result[1]] = int(result[2])
                    self.progress.value(boot, result[1], int(result[2]))
            else:
                self.failures.append(f'{boot.system}: {line}')

    def key(self, boot):
        """Of Linux's figures of last time: all that they depend on."""
        parts = [self.kernels.get('Linux', ('', ''))[1], qemu_version(), repr(replace(boot, kernel=''))]
        for path in (guest.MICRO, guest.INIT):
            with open(path, 'rb') as program:
                parts.append(hashlib.sha256(program.read()).hexdigest())
        return hashlib.sha256('\n'.join(parts).encode()).hexdigest()

def load_cache():
    try:
        with open(CACHE, encoding='utf-8') as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}

def save_cache(cache):
    known = {**load_cache()}
    for key, found in cache.items():
        known[key] = {**known.get(key, {}), **found}
    with open(CACHE + '.new', 'w', encoding='utf-8') as file:
        json.dump(known, file, indent=1)
    os.replace(CACHE + '.new', CACHE)

def qemu_version():
    try:
        said = subprocess.run(['qemu-system-x86_64', '--version'], capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        raise GuestFailed('qemu-system-x86_64 is not installed; tools/setup.sh installs it') from None
    return said.split('\n')[0].replace('QEMU emulator version', 'QEMU')

def kernels(gaur_only):
    """The kernels to measure; and a line that says why Linux is not among them, if so."""
    found = {'Gaur': (common.kernel_file('release'), common.VERSION)}
    if gaur_only:
        return found, ''
    try:
        found['Linux'] = linux.kernel(LINUX)
    except (Unavailable, OSError) as why:
        return found, f'without Linux: {why}'
    return found, ''

def groups(picked):
    """The rows that one boot measures, for each boot."""
    found = {}
    for row in picked:
        found.setdefault((row.kind, row.memory), []).append(row)
    return list(found.values())

def show(bench, picked, wishes, earlier):
    """Everything that is printed and written."""
    bench.progress.end()
    names = [f'Gaur {common.VERSION}'] + [f'Linux {version}' for _, version in [bench.kernels.get('Linux')] if version] \
        if 'Linux' in bench.kernels else [f'Gaur {common.VERSION}']
    note = ', '.join([*names, qemu_version().split(' (')[0]])
    print(note)
    print('\n'.join(report.table(picked, bench.values)))
    print()
    print(report.summary(picked, bench.values))
    if earlier is not None:
        print('\n'.join(report.moved(picked, bench.values, earlier)))
    os.makedirs(wishes.out, exist_ok=True)
    files = [os.path.join(wishes.out, 'results.csv')] + ([wishes.csv] if wishes.csv else [])
    for path in files:
        report.write_csv(path, picked, bench.values)
    picture = os.path.join(wishes.out, 'results.svg')
    if chart.write(picture, picked, bench.values, note):
        files.append(picture)
    print('written: ' + ', '.join(os.path.relpath(path) for path in files))

def run(arguments):
    """The command: returns the exit status, 1 if a row could not be measured."""
    wishes = parse(arguments)
    if wishes is None:
        return 0
    picked, unknown = rows.chosen(wishes.words)
    if unknown:
        raise Usage(f'no row begins with {unknown[0]}; see ./gaur bench --list')
    if wishes.list:
        print('\n'.join(f'{row.name:<24} {row.title.strip()}' for row in picked))
        return 0
    earlier = report.read_csv(wishes.before) if wishes.before else None
    common.build('all', 'bench-programs', quiet=True)
    os.makedirs(OUT, exist_ok=True)
    found, why = kernels(wishes.gaur_only)
    if why:
        say(why)
    bench = Bench(found, wishes.cached)
    picked = rows.with_needs(picked)
    for group in groups(picked):
        if group[0].kind in TIMED_TURNS:
            bench.measure_in_turns(group)
            continue
        for system in ('Gaur', 'Linux'):
            bench.measure(group, system)
    save_cache(bench.cache)
    show(bench, picked, wishes, earlier)
    for failure in bench.failures:
        say(failure)
    return 1 if bench.failures else 0
