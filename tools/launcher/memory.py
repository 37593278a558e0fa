# SPDX-License-Identifier: MIT
"""The command `memory`: where the memory of a booted guest is when its shell waits for a command."""

import os
import re
import subprocess
import sys

from launcher import common
from launcher.common import GuestFailed

HELP = """\
usage: ./gaur memory [options of run]

Boots a guest, and tells what each of its frames (4 KiB) is used for while the shell waits for a command, and how many of them are
the kernel's own: all but what is free, anonymous memory of programs, content of files, or reserved by the firmware.
"""

SCRIPT = b'while read kind count; do echo "$kind $count"; done < /proc/gaur/frames\n'
OTHERS = {'free': 'free', 'anonymous': 'memory of programs', 'huge': 'the first frames of 2 MiB of it each',
          'file': 'content of files; the root unpacked',
          'reserved': 'firmware, and holes in the map of memory'}
OWN = {'image': 'the kernel, core_map, the first page tables', 'kernel': 'buffers and tables', 'slab': 'small objects',
       'stack': 'kernel stacks', 'node': 'page tables', 'vpi': 'what is known of each page of a leaf',
       'zero': 'the frame of zeros'}

def frames(arguments):
    """Frames by kind, as the guest's shell reads them itself: no other program runs then."""
    line = [os.path.join(common.TOP, 'gaur'), 'run', '--quiet', *arguments]
    done = subprocess.run(line, input=SCRIPT, stdout=subprocess.PIPE, check=False)
    found = {kind: int(count) for kind, count in re.findall(r'^(\w+) (\d+)$', done.stdout.decode(), re.M)}
    if done.returncode or 'free' not in found:
        raise GuestFailed('the guest did not tell its frames')
    return found

def row(kind, count, what):
    return f'{kind:<12} {count:7} {count * 4:8}  {what}'.rstrip()

def image_parts(kernel):
    """(section, KiB) of the kernel's image, as the ELF file has it."""
    listed = subprocess.run(['readelf', '-SW', kernel], capture_output=True, text=True, check=False).stdout
    loaded = re.findall(r'\] \.(\w+)\s+(?:PROGBITS|NOBITS)\s+0*[1-9a-f][0-9a-f]* [0-9a-f]+ ([0-9a-f]+) ', listed)
    return [(name, int(size, 16) + 1023 >> 10) for name, size in loaded]

def table(found, kernel):
    own = {kind: count for kind, count in found.items() if kind not in OTHERS}
    lines = [f'{"kind":<12} {"frames":>7} {"KiB":>8}']
    for kind, count in sorted(own.items(), key=lambda pair: -pair[1]):
        lines.append(row(kind, count, OWN.get(kind, '')))
        if kind == 'image':
            lines += [f'{"":12} {"":7} {size:8}    {part}' for part, size in image_parts(kernel)]
    lines.append(row("kernel's own", sum(own.values()), 'at most 1024 KiB are wanted'))
    lines += [row(kind, found[kind], what) for kind, what in OTHERS.items() if kind in found]
    return lines

def run(arguments):
    """The command: returns the exit status."""
    if arguments and arguments[0] in ('-h', '--help'):
        sys.stdout.write(HELP)
        return 0
    if arguments == ['--version']:
        sys.stdout.write(f'gaur {common.VERSION}\n')
        return 0
    found = frames(arguments)
    kinds = [word[2:] for word in arguments if word.startswith('--') and word[2:] in common.GOALS]
    print('\n'.join(table(found, common.kernel_file((kinds or ['release'])[-1]))))
    return 0
