# SPDX-License-Identifier: MIT
"""Images with an ext2 in them, for the tests: made, checked and repaired, and read by e2fsprogs."""

import os
import subprocess

from harness import folder, ok, write

PATH = os.environ.get('PATH', '') + ':/usr/sbin:/sbin'

def tool(*words):
    """A program of e2fsprogs: its status, and what it said."""
    result = subprocess.run(words, env={**os.environ, 'PATH': PATH}, capture_output=True, check=False)
    return result.returncode, result.stdout + result.stderr

def make_image(name, mib, *options):
    path = write(name, b'')
    os.truncate(path, mib << 20)
    status, said = tool('mke2fs', '-q', '-F', '-t', 'ext2', *options, path)
    assert status == 0, said
    return path

def clean(image, name, *notes):
    status, said = tool('e2fsck', '-fn', image)
    return ok(status == 0, name, said.decode(errors='replace'), *notes)

def repaired(image, name, *notes):
    """What a machine leaves that was killed, or whose disk failed: e2fsck -p does it, without a question, and finds nothing then."""
    status, said = tool('e2fsck', '-p', image)
    ok(status <= 1, f'e2fsck -p repairs {name}', said.decode(errors='replace'), *notes)
    clean(image, 'and finds nothing then')

def file_of(image, name):
    """The content of a file of the image, by debugfs."""
    copy = os.path.join(folder(), 'copy')
    if os.path.exists(copy):
        os.unlink(copy)
    tool('debugfs', '-R', f'dump {name} {copy}', image)
    if not os.path.exists(copy):
        return None
    with open(copy, 'rb') as data:
        return data.read()
