#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/experiment.md: the change that it shows applies, builds, and moves the row that it names, and no other."""

import os
import re
import shutil
import subprocess

from harness import TOP, done, folder, gaur, ok

COPIED = ('Makefile', 'kernel', 'tests/host/host.mk', 'tests/guest/guest.mk', 'bench', 'user', 'build/release')
OUTPUT = os.path.join(folder(), 'tree')

def clean_environment():
    return {name: value for name, value in os.environ.items() if name not in ('MAKEFLAGS', 'MAKELEVEL', 'DEBUG')}

def copy_tree():
    """What the kernel is built from, and what is built already, so that little is built again."""
    for name in COPIED:
        source, target = os.path.join(TOP, name), os.path.join(OUTPUT, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if os.path.isdir(source):
            shutil.copytree(source, target, symlinks=True)
        elif os.path.exists(source):
            shutil.copy2(source, target)

def change_of(text):
    """The file, the old and the new lines of the one change that the page shows."""
    block = re.search(r'```diff\n(.*?)```', text, re.DOTALL)[1].splitlines()
    path = re.fullmatch(r'\+\+\+ b/(\S+)', block[1])[1]
    old = [line[1:] for line in block[2:] if not line.startswith('+')]
    new = [line[1:] for line in block[2:] if not line.startswith('-')]
    return path, '\n'.join(old) + '\n', '\n'.join(new) + '\n'

def apply(path, old, new):
    """Whether the code still has the old lines, once; then it has the new ones."""
    with open(os.path.join(OUTPUT, path), encoding='utf-8') as file:
        code = file.read()
    with open(os.path.join(OUTPUT, path), 'w', encoding='utf-8') as file:
        file.write(code.replace(old, new))
    return code.count(old) == 1

def build(goals, where):
    made = subprocess.run(['make', '-s', '-C', where, *goals], capture_output=True, text=True, check=False,
                          env=clean_environment())
    return made.returncode == 0, made.stdout + made.stderr

def measure(name, *more, kernel=None):
    environment = {'GAUR_NO_BUILD': '1', **({'GAUR_KERNEL': kernel} if kernel else {})}
    return gaur('bench', '--gaur-only', 'cow_1', 'cow_last_owner', '-o', os.path.join(folder(), name), *more,
                environment=environment)

def main():
    with open(os.path.join(TOP, 'docs/experiment.md'), encoding='utf-8') as page:
        text = page.read()
    built, said = build(['kernel', 'bench-programs'], TOP)
    ok(built, 'the kernel as it is', said)
    copy_tree()
    path, old, new = change_of(text)
    ok(apply(path, old, new), f'the page shows lines that {path} has; if it has changed, the page must, too', old)
    built, said = build(['kernel'], OUTPUT)
    ok(built, 'with the change it builds', said)
    before = measure('before')
    ok(before.status == 0, 'measured before', before.notes())
    csv = os.path.join(folder(), 'before/results.csv')
    same = measure('same', '--before', csv)
    ok('nothing has moved' in same.text(), 'what has not changed has not moved', same.notes())
    after = measure('after', '--before', csv, kernel=os.path.join(OUTPUT, 'build/release/gaur.elf'))
    moved = {name: (int(was.replace(',', '')), int(now.replace(',', '')))
             for name, was, now in re.findall(r'^moved: (\w+) ([\d,]+) -> ([\d,]+)', after.text(), re.MULTILINE)}
    was, now = moved.get('cow_last_owner', (0, 0))
    ok(now - was > 513, 'cow_last_owner has moved by more than the copying of a page', after.notes())
    was, now = moved.get('cow_1', (100, 100))
    ok(abs(now - was) <= was / 50, 'cow_1 has not', moved)
    refused = measure('refused', '--before', os.path.join(TOP, 'README.md'))
    ok(refused.status == 2 and b'README.md' in refused.err, 'another file is no earlier result', refused.notes())

main()
done()
