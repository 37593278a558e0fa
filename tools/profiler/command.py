# SPDX-License-Identifier: MIT
"""The command `profile`: guest instructions by kernel function, exactly."""

import csv
import getopt
import os
import re
import sys
import tempfile
from dataclasses import dataclass, field

from bench import guest, rows
from launcher import cli, common, root
from launcher.common import GuestFailed, Usage, say
from profiler.symbols import Symbols, read_counts

HELP = """\
usage: ./gaur profile [options] ROW...
       ./gaur profile [options] -- PROGRAM [ARG...]

Guest instructions by kernel function, counted exactly: for rows of the benchmark (see ./gaur bench --list) in the part
that is measured, or for the whole life of a program, which runs as with `gaur run --quiet --icount`.

  -m SIZE          memory (default: what the row needs, or 64M)
  -n LINES         how many functions to show (default 30)
  --source NAME    the source lines of function NAME instead, with inlined ones
  --marks          of a program, only what lies between its marks (user/mark.h)
  --csv FILE       all functions as CSV there, too
  -h, --help       this text
"""

PLUGIN = 'build/profile/plugin.so'

@dataclass
class Wishes:
    """What the user asked for."""
    memory: str = ''
    lines: int = 30
    source: str = ''
    csv: str = ''
    marks: bool = False
    words: list = field(default_factory=list)
    program: list = field(default_factory=list)

def parse(arguments):
    """The wishes; None if help was all that was wanted."""
    program = []
    if '--' in arguments:
        at = arguments.index('--')
        arguments, program = arguments[:at], arguments[at + 1:]
    try:
        pairs, words = getopt.gnu_getopt(arguments, 'hm:n:', ['help', 'version', 'source=', 'csv=', 'marks'])
    except getopt.GetoptError as error:
        raise Usage(str(error)) from None
    wishes = Wishes(words=words, program=program)
    for name, text in pairs:
        if name in ('-h', '--help', '--version'):
            sys.stdout.write(f'gaur {common.VERSION}\n' if name == '--version' else HELP)
            return None
        if name == '-m':
            wishes.memory = cli.parse_memory(text)
        elif name == '-n':
            if not re.fullmatch(r'[1-9][0-9]{0,5}', text):
                raise Usage(f'-n {text}: a number of lines is wanted')
            wishes.lines = int(text)
        else:
            setattr(wishes, name[2:], text or name == '--marks')
    if bool(words) == bool(program):
        raise Usage('rows of the benchmark or -- PROGRAM is wanted; see ./gaur profile --help')
    return wishes

# --- running

def run_rows(wishes, plugin):
    """Runs the rows; returns what they reported: {name: value}."""
    picked, unknown = rows.chosen(wishes.words)
    picked = [row for row in picked if row.name != 'boot' and row.kind == 'counted']
    if unknown or not picked:
        raise Usage(f'no row to profile begins with {(unknown or wishes.words)[0]}; see ./gaur bench --list')
    memory = wishes.memory or f'{max(row.memory for row in picked) << 10}K'
    boot = guest.Boot('Gaur', common.kernel_file('release'), memory, extra=plugin)
    runs = dict.fromkeys(row.measured_by() for row in picked)
    found = {}
    for line in guest.lines(boot, ['/bench/micro', *runs]):
        result = re.fullmatch(r'([a-z]\w*) (\d+)', line)
        if result and result[1] not in ('first', 'exit'):
            found[result[1]] = int(result[2])
    return found

def run_program(wishes, plugin):
    """Runs the program, its input and output ours; returns its exit status."""
    from launcher.run import Guest, Streams
    options = cli.Options(memory=wishes.memory or '65536K', icount=True, quiet=True, command=wishes.program)
    root.check(options)
    running = Guest(options, False, Streams(), plugin)
    try:
        running.start()
        running.wait()
    finally:
        running.stop()
    return running.verdict()

# --- showing

def show(wishes, user, counts, symbols):
    total = user + sum(counts.values())
    functions = symbols.functions(counts)
    out = sys.stderr if wishes.program else sys.stdout      # standard output is the program's
    if not total:
        raise GuestFailed('nothing was counted: the guest ended before the region to profile')
    if wishes.source:
        print_source(symbols.lines(counts, wishes.source), total, out)
    else:
        print_functions(functions[:wishes.lines], len(functions), user, total, out)
    if wishes.csv:
        with open(wishes.csv, 'w', encoding='utf-8', newline='') as file:
            writer = csv.writer(file, lineterminator='\n')
            writer.writerow(['function', 'instructions', 'calls'])
            writer.writerow(['(user)', user, ''])
            writer.writerows([function.name, function.count, function.calls] for function in functions)

def print_functions(shown, known, user, total, out):
    print(f'{"instructions":>14} {"share":>6} {"calls":>10} {"each":>8}  function', file=out)
    for function in shown:
        each = f'{function.count / function.calls:,.1f}' if function.calls else '-'
        print(f'{function.count:>14,} {function.count / total:>6.1%} {function.calls:>10,} {each:>8}  {function.name}',
              file=out)
    print(f'{user:>14,} {user / total:>6.1%} {"":>10} {"":>8}  (user code)', file=out)
    print(f'{total:>14,} {"100%":>6} {"":>10} {"":>8}  in all; {known} kernel functions', file=out)

def print_source(lines, total, out):
    if not lines:
        print('no instruction of that function ran', file=out)
    for (path, line), count in lines:
        print(f'{count:>14,} {count / total:>6.1%}  {path}:{line}: {source_text(path, line)}', file=out)

def source_text(path, line):
    try:
        with open(os.path.join(common.TOP, path), encoding='utf-8') as file:
            return file.read().split('\n')[line - 1].strip()
    except (OSError, IndexError):
        return ''

def run(arguments):
    """The command: returns the exit status, which is the program's if there was one."""
    wishes = parse(arguments)
    if wishes is None:
        return 0
    common.build('all', 'bench-programs', PLUGIN, quiet=True)
    symbols = Symbols(common.kernel_file('release'))
    with tempfile.TemporaryDirectory(prefix='gaur-profile-') as folder:
        counted = os.path.join(folder, 'counts')
        marks = 'program' if wishes.program and not wishes.marks else 'region'
        plugin = ['-plugin', f'file={os.path.join(common.TOP, PLUGIN)},out={counted},marks={marks}']
        status = 0
        if wishes.program:
            status = run_program(wishes, plugin)
        else:
            for name, value in run_rows(wishes, plugin).items():
                print(f'{name} {value:,}')
        if not os.path.exists(counted):
            raise GuestFailed('QEMU has written no counts; is it built with plugins?')
        show(wishes, *read_counts(counted), symbols)
    return status
