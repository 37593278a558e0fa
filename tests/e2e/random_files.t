#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""10,000 random operations on files: Gaur's ext2, in so little memory that pages leave it all the time, says and keeps what the host's
own file system does.

The same program (random_files.c) with the same seeds runs in both, four times one after the other; on Gaur the disk is unmounted and mounted in between.

GAUR_OPERATIONS=N: so many (10000).  GAUR_SEED=N: others.
"""

import difflib
import os
import subprocess

from ext2_image import clean, make_image, tool
from harness import compile_c, done, folder, ok, run

OPERATIONS = int(os.environ.get('GAUR_OPERATIONS', '10000'))
SEED = int(os.environ.get('GAUR_SEED', '1'))
ROUNDS = 4
HERE = os.path.dirname(os.path.abspath(__file__))

def random_files():
    """The program, in a folder of its own with one for the files."""
    with open(os.path.join(HERE, 'random_files.c'), encoding='utf-8') as source:
        program = compile_c('random_files', source.read())
    for name in ('tree/files', 'host'):
        os.makedirs(os.path.join(folder(), name))
    os.rename(program, os.path.join(folder(), 'tree', 'random_files'))
    return os.path.join(folder(), 'tree', 'random_files')

def said_by(program, where, *words):
    return subprocess.run([program, *words], cwd=where, stdout=subprocess.PIPE, check=True).stdout.decode()

def on_host(program):
    where = os.path.join(folder(), 'host')
    os.umask(0o022)
    return ''.join(said_by(program, where, str(SEED + i), str(OPERATIONS // ROUNDS)) for i in range(ROUNDS)), said_by(program, where, 'list')

def on_gaur(image, *options):
    return run(*options, '--timeout', '500', '--disk', image, '--', 'sh', '-c', f'''
        umask 022; mkdir /x
        for i in {' '.join(str(SEED + i) for i in range(ROUNDS))}; do
            mount -t ext2 /dev/vda /x && cd /x/files && /x/random_files $i {OPERATIONS // ROUNDS} && cd / && umount /x
        done
        cat /proc/gaur/verify; dmesg | grep EXT2''', seconds=510)

def on_image(program, image):
    """What e2fsprogs finds there, copied out and listed."""
    where = os.path.join(folder(), 'dumped')
    subprocess.run(['rm', '-rf', where], check=True)
    os.mkdir(where)
    tool('debugfs', '-R', f'rdump /files {where}', image)
    return said_by(program, where + '/files', 'list')

def same(wanted, got, name, *notes):
    lines = difflib.unified_diff(wanted.splitlines()[:200000], got.splitlines(), 'host', 'Gaur', n=3, lineterm='') if wanted != got else ()
    return ok(wanted == got, name, *[line[:200] for line in lines][:25], *notes)

def main():
    program = random_files()
    wanted, files = on_host(program)
    for size, options in (('1024', ('-m', '8M', '--debug')), ('4096', ('-m', '10M', '-c', '2'))):
        image = make_image('image', 64, '-b', size, '-d', os.path.join(folder(), 'tree'))
        result = on_gaur(image, *options)
        same(wanted + 'verify: ok\n', result.text(), f'{OPERATIONS} operations as on the host, blocks of {size}', result.err.decode())
        clean(image, 'e2fsck finds nothing')
        same(files, on_image(program, image), 'another implementation reads the same')
    done()

main()
