#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What cannot work: one clear line that says what and why, status 125, and nothing hangs."""

import os
import sys

from harness import TOP, done, folder, gaur, ok, run, write

sys.path.insert(0, os.path.join(TOP, 'tools'))
import pack_root  # noqa: E402

def fails(result, name, *words):
    """Status 125; the last line on standard error is ours, and contains one of the words."""
    last = (result.err.decode(errors='replace').splitlines() or [''])[-1]
    ok(result.status == 125 and last.startswith('gaur: ') and any(word in last for word in words), name, result.notes())

def with_root(data):
    path = write('root.cpio', data)
    return run('--timeout', '30', '--', 'true', environment={'GAUR_ROOT': path})

def archive(*entries):
    path = os.path.join(folder(), 'made.cpio')
    with open(path, 'wb') as out:
        pack_root.write(list(entries), out)
    with open(path, 'rb') as made:
        return made.read()

def roots():
    with open(os.path.join(TOP, 'build', 'root.cpio'), 'rb') as base:
        good = base.read()
    fails(with_root(b'\x55' * 8192), 'a root that is no archive', 'initramfs')
    fails(with_root(good[:len(good) // 2]), 'a root that is cut off', 'initramfs')
    fails(with_root(good[:300] + b'not a header' + good[312:]), 'a root with a broken header', 'initramfs')
    fails(with_root(good[:54] + b'FFFFFFFF' + good[62:]), 'a file larger than the archive', 'initramfs')
    fails(with_root(good[:94] + b'FFFFFFFF' + good[102:]), 'a name longer than the archive', 'initramfs')
    folders = [pack_root.folder(name) for name in ('dev', 'proc', 'sbin')]
    fails(with_root(archive(*folders)), 'a root without /sbin/init', '/sbin/init')
    noise = pack_root.file('sbin/init', b'no program\n', 0o755)
    fails(with_root(archive(*folders, noise)), 'an init that is no program: a panic', 'panicked')

def own_folders():
    empty = os.path.join(folder(), 'empty')
    os.mkdir(empty)
    result = run('--root', empty, '--timeout', '30', '--', 'ls')
    ok(result.status == 127 and b'ls: not found' in result.err, 'a root without anything', result.notes())
    result = run('--root', empty, '--timeout', '30', stdin=b'echo x\n')
    ok(result.status == 127 and b'not found' in result.err, 'a root without a shell', result.notes())

def memory():
    for size in ('1M', '2M'):
        fails(run('-m', size, '--timeout', '30', '--', 'true'), f'{size} of memory', 'memory', 'too large')

def kernel_arguments():
    result = gaur('run', '--append', 'nonsense.word=1', '--timeout', '30', '--', 'echo', 'up')
    ok(result.status == 0 and result.out == b'up\n' and b'nonsense.word' in result.err,
       'a kernel argument that nobody knows is named in the log', result.notes())
    result = run('--append', 'x' * 3000, '--timeout', '30', '--', 'echo', 'up')
    ok(result.status == 0 and result.out == b'up\n', 'kernel arguments longer than there is room for', result.notes())

def failing_allocations():
    for n in (1, 20, 300):
        fails(run('--append', f'fail={n}', '--timeout', '60', '--', 'true'), f'no memory at allocation {n} of the start',
              'panicked', 'memory')
    result = run('--append', 'fail=1000000', '--timeout', '60', '--', 'echo', 'up')
    ok(result.status == 0 and result.out == b'up\n', 'an allocation that never comes cannot fail', result.notes())

roots()
own_folders()
memory()
kernel_arguments()
failing_allocations()
done()
