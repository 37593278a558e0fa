#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""BusyBox's shell and tools on Gaur say what they say on Linux, in 16 MB."""

import os
import subprocess

from harness import TOP, done, equal, folder, ok, run

with open(os.path.join(TOP, 'tests', 'e2e', 'shell.sh'), encoding='utf-8') as script:
    SOURCE = script.read()

def sections(output):
    """Name of a section -> what it printed."""
    found = {}
    for part in output.decode(errors='replace').split('== ')[1:]:
        name, _, text = part.partition('\n')
        found[name] = text
    return found

def first_difference(here, there):
    ours, theirs = here.splitlines(), there.splitlines()
    for number, (a, b) in enumerate(zip(ours + [None] * len(theirs), theirs + [None] * len(ours)), 1):
        if a != b:
            return f'line {number}: Linux {a!r}, Gaur {b!r}'
    return 'no difference'

def compare():
    tools = os.path.join(TOP, 'build', 'root')
    path = ':'.join(os.path.join(tools, name) for name in ('sbin', 'usr/sbin', 'bin', 'usr/bin'))
    here = subprocess.run(['/bin/busybox', 'sh', '-c', SOURCE, 'sh', os.path.join(folder(), 'work')], capture_output=True,
                          env={'PATH': path}, check=False)
    there = run('-m', '16M', '--timeout', '110', '--', 'sh', '-c', SOURCE, 'sh', '/tmp/work')
    linux, gaur = sections(here.stdout), sections(there.out)
    for name, text in linux.items():
        got = gaur.get(name, '')
        ok(got == text, f'shell: {name}', first_difference(text, got))
    equal(there.status, here.returncode, 'the exit status of it all', there.err.decode(errors='replace')[-1500:])

LOOKS = '''
section() { echo "== $1"; }
section ls; ls -l / | wc -l; ls -l /
section cat; cat /etc/passwd
section find; find / -xdev | xargs ls -d | wc -l
section ps; ps
section ps-wide; ps -o pid,ppid,comm
section free; free
section dmesg; dmesg
section mount; mount
section uname; uname -s; uname -m; uname -a
section uptime; uptime
section id; id
section date; date +%Y
section missing; cat /proc/gaur/missing
section verify; cat /proc/gaur/verify
'''

def looks():
    """What differs from Linux, but has to look right."""
    result = run('-m', '16M', stdin=LOOKS.encode())
    seen = sections(result.out)

    def has(name, *words):
        text = seen.get(name, '')
        ok(all(word in text for word in words), f'{name} shows {", ".join(words)}', text or result.notes())
    has('ls', 'bin', 'etc', 'proc', 'tmp')
    has('cat', 'root:x:0:0:')
    ok(int(seen.get('find', '0').strip() or 0) > 250, 'find | xargs finds the whole root', seen.get('find', ''))
    has('ps', 'PID', 'init', 'ps')
    has('ps-wide', 'PPID', 'init')
    has('free', 'Mem:')
    has('dmesg', 'Gaur')
    has('mount', '/proc', '/dev')
    has('uname', 'x86_64')
    has('uptime', 'load average')
    has('id', 'uid=0')
    ok(seen.get('date', '0').strip() >= '2025', 'date knows the year', seen.get('date', ''))
    equal(result.status, 0, 'the exit status', result.notes())

compare()
looks()
done()
