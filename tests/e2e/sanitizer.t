#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The kernel with sanitizers: each kind of mistake, made on purpose (/proc/gaur/provoke), is found, and the report says what
it is and where."""

import re

from harness import done, ok, run

# mistake: what the report says about it
UNDEFINED = {
    'overflow': r"signed overflow: 2147483647 \+ 1 does not fit into 'int'",
    'shift': r"shift out of bounds: 1 by 70 in 'int'",
    'division': r"division: 2147483647 / 0 has no value in 'int'",
    'index': r"index out of bounds: 70 of '.*int \[8\]'",
    'null': r"null pointer: load from type 'int'",
    'misaligned': r"misaligned pointer: load from 0x[0-9a-f]*[1-9a-f], where type .* wants 8 bytes",
}

def sanitized(*arguments):
    return run('--sanitize', '-m', '64M', '--timeout', '100', '--', *arguments)

def provoke(name):
    return sanitized('sh', '-c', f'echo {name} > /proc/gaur/provoke; echo survived')

def undefined(name, pattern):
    """The last line is the launcher's, and tells it all; the backtrace stands above."""
    result = provoke(name)
    err = result.err.decode(errors='replace')
    last = (err.splitlines() or [''])[-1]
    where = rf'^gaur: the guest panicked: undefined behaviour at kernel/\S+/provoke\.c:\d+: {pattern}$'
    ok(result.status == 125 and re.search(where, last) and f' provoke_{name}+' in err and b'survived' not in result.out,
       f'{name} is reported with its place and a backtrace', result.notes())

def names():
    """Each mistake that the kernel can make is among those above."""
    result = sanitized('cat', '/proc/gaur/provoke')
    ok(result.status == 0 and set(result.text().split()) == set(UNDEFINED), 'each mistake that can be made is tried here',
       result.notes())

def elsewhere():
    """Neither knob nor checks in the other kernels."""
    result = run('--debug', '--timeout', '100', '--', 'ls', '/proc/gaur')
    ok(result.status == 0 and 'provoke' not in result.text(), 'the debug kernel has no such file', result.notes())

names()
for mistake, said in UNDEFINED.items():
    undefined(mistake, said)
elsewhere()
done()
