# SPDX-License-Identifier: MIT
"""The disks of a machine whose rows need one."""

import contextlib
import os
import subprocess
import tempfile

from launcher.common import GuestFailed
from launcher.disk import Disk

SWAP = 4            # times memory
STREAM = 4          # times memory: a file that is read from end to end

@contextlib.contextmanager
def of(kind, memory):
    """The disks for rows of that kind, in a machine of so many MiB, while they are needed."""
    with tempfile.TemporaryDirectory(prefix='gaur-bench-') as folder:
        swap, stream = (os.path.join(folder, name) for name in ('swap', 'stream'))
        if kind in ('swapped', 'beside'):
            empty(swap, SWAP * memory)
        if kind == 'beside':
            with_stream(stream, folder, STREAM * memory)
        yield [Disk(image) for image in (swap, stream) if os.path.exists(image)]

def empty(image, mib):
    with open(image, 'wb') as file:
        file.truncate(mib << 20)

def with_stream(image, folder, mib):
    """An ext2 with one large file."""
    tree = os.path.join(folder, 'tree')
    os.mkdir(tree)
    with open(os.path.join(tree, 'stream'), 'wb') as file:
        for _ in range(mib):
            file.write(b'stream\n\0' * (1 << 17))
    empty(image, mib + mib // 16 + 4)
    path = os.environ.get('PATH', '') + ':/usr/sbin:/sbin'
    made = subprocess.run(['mke2fs', '-q', '-F', '-t', 'ext2', '-d', tree, image], capture_output=True, text=True, check=False, env={**os.environ, 'PATH': path})
    if made.returncode:
        raise GuestFailed(f'mke2fs: {made.stderr.strip()}')
