# SPDX-License-Identifier: MIT
"""The house rules about who may know whom, as TAP.

Floors, from below: lib < arch < sync < mm < fs = dev < proc < sys < main.c and trap.c. A file includes headers of its
own floor and of lower ones; no header leads back to itself; a source file includes its own header first. Where object
files are at hand, the same is checked for calls, which a declaration by hand could smuggle past the includes.
"""

import glob
import os
import re
import subprocess
import sys

FLOORS = {'lib': 0, 'arch': 1, 'sync': 2, 'mm': 3, 'fs': 4, 'dev': 4, 'proc': 5, 'sys': 6}
TOP_FLOOR = 7
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)

def floor(path):
    """The floor of a path below kernel/."""
    head = path.split('/')[0]
    return FLOORS.get(head, TOP_FLOOR)

def sources():
    for where, _, names in os.walk('kernel'):
        for name in names:
            if name.endswith(('.c', '.h', '.S')):
                yield os.path.relpath(os.path.join(where, name), 'kernel')

def resolve(path, name):
    """The included file, below kernel/; None for a header that is not ours (generated, or the compiler's)."""
    beside = os.path.normpath(os.path.join(os.path.dirname(path), name))
    for candidate in (os.path.normpath(name), beside):
        if os.path.isfile(os.path.join('kernel', candidate)):
            return candidate
    return None

def includes():
    """path -> the files of ours that it includes, in order."""
    graph = {}
    for path in sources():
        with open(os.path.join('kernel', path), encoding='utf-8') as source:
            found = [resolve(path, name) for name in INCLUDE.findall(source.read())]
        graph[path] = [name for name in found if name]
    return graph

def upward(graph):
    return [f'kernel/{path} includes {name}, which stands on a higher floor'
            for path, names in sorted(graph.items()) for name in names if floor(name) > floor(path)]

def cycles(graph):
    """Include cycles, each as its path; a walk that remembers what it is inside of."""
    found, done = [], set()

    def walk(path, trail):
        if path in trail:
            found.append(' -> '.join(trail[trail.index(path):] + [path]))
            return
        if path in done:
            return
        for name in graph.get(path, []):
            walk(name, trail + [path])
        done.add(path)

    for path in sorted(graph):
        walk(path, [])
    return found

def own_header_not_first(graph):
    return [f'kernel/{path} includes {names[0]} before its own header'
            for path, names in sorted(graph.items())
            if path.endswith('.c') and path[:-2] + '.h' in names and names[0] != path[:-2] + '.h']

def symbols(objects):
    """Per object file below kernel/: the symbols that it defines for others, and those that it wants."""
    defined, wanted = {}, {}
    listing = subprocess.run(['nm', '-A', *objects], capture_output=True, text=True, check=False).stdout
    for line in listing.splitlines():
        where, _, rest = line.partition(':')
        words = rest.split()
        path = re.sub(r'^.*?/kernel/', '', where)
        if not path.endswith(('.c.o', '.S.o')):
            continue    # made by the build: the table of symbols
        if len(words) == 2 and words[0] == 'U':
            wanted.setdefault(path, set()).add(words[1])
        elif len(words) == 3 and words[1] in 'TDBRVW':
            defined[words[2]] = path
    return defined, wanted

def upward_calls():
    """None if there are no objects to look at."""
    objects = [path for path in glob.glob('build/release/**/*.o', recursive=True) if '/kernel/' in path]
    if not objects:
        return None
    defined, wanted = symbols(objects)
    # The floor where everything starts is called by the boot entry; that is what it is for.
    return [f'kernel/{path} uses {name} of {defined[name]}, which stands on a higher floor'
            for path, names in sorted(wanted.items()) for name in sorted(names)
            if name in defined and floor(defined[name]) > floor(path)
            and not (name in ENTRIES and path.startswith('arch/'))]

# What the entry code in assembly jumps up to, by design.
ENTRIES = {'main', 'kernel_main', 'trap', 'trap_dispatch', 'syscall_dispatch', 'syscall_entry'}

def report(number, name, problems):
    if problems is None:
        print(f'ok {number} - {name} # SKIP no object files')
        return True
    print(f'{"not ok" if problems else "ok"} {number} - {name}')
    for problem in problems[:40]:
        print(f'# {problem}')
    return not problems

def main():
    os.chdir(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    graph = includes()
    checks = [('lower floors include nothing from above', upward(graph)),
              ('no include cycles', cycles(graph)),
              ('a source file includes its own header first', own_header_not_first(graph)),
              ('lower floors call nothing above', upward_calls())]
    print(f'1..{len(checks)}')
    results = [report(number, name, problems) for number, (name, problems) in enumerate(checks, 1)]
    return 0 if all(results) else 1

sys.exit(main())
