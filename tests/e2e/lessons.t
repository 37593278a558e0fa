#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The lessons: what their programs claim is so, on Gaur with one CPU and several, in half the memory, and on Linux; each has a text."""

import glob
import os
import re
import shutil
import subprocess

from harness import TOP, done, equal, folder, ok, run, shown

NOT_HERE = 77
NAMES = sorted(os.path.basename(path)[:-2] for path in glob.glob(os.path.join(TOP, 'user', 'lessons', '*.c')))
BUILT = os.path.join(TOP, 'build', 'user', 'lessons')
ALL = 'for name in /lessons/*; do echo "begin ${name#/lessons/}"; $name --run; echo "end $?"; done; cat /proc/gaur/verify'

def stage():
    """The guest's root, with the lessons where `./gaur watch` has them."""
    root = os.path.join(folder(), 'root')
    shutil.copytree(os.path.join(TOP, 'build', 'root'), root, symlinks=True)
    shutil.copytree(BUILT, os.path.join(root, 'lessons'))
    return root

def lines_that_are_wrong(text):
    return '\n'.join(line for line in text.splitlines() if 'NOT SO' in line)

def on_gaur(root, *options):
    where = ' '.join(options) or 'in 16 MB'
    result = run('--root', root, '--timeout', '100', *options, '--', 'sh', '-c', ALL)
    text = result.text()
    told = dict(re.findall(r'^begin (\w+)\n(?:.*?\n)?end (\d+)$', text, re.M | re.S))
    swap = '--swap' in options
    for name in NAMES:
        wanted = NOT_HERE if name == 'swap' and not swap else 0
        equal(told.get(name), str(wanted), f'{name}, {where}', lines_that_are_wrong(text) or shown(text), result.err.decode(errors='replace'))
    ok(text.endswith('verify: ok\n'), f'and nothing is wrong afterwards, {where}', text[-400:])

def on_linux():
    for name in NAMES:
        result = subprocess.run([os.path.join(BUILT, name), '--run'], capture_output=True, text=True, timeout=60, check=False)
        ok(result.returncode in (0, NOT_HERE), f'{name} on Linux', result.stdout, result.stderr)

def enter():
    """Without --run it waits for a line between its steps, and for no more of them when input has ended."""
    result = run('--', os.path.join(BUILT, 'demand_zero'), stdin=b'\n\n')
    text = result.text()
    ok(result.status == 0 and text.count('[Enter]') == text.count('Step ') + 1, 'each step waits for Enter, and the end', text)
    result = run('--', os.path.join(BUILT, 'heap'), '--help')
    ok(result.status == 2 and 'usage' in result.text(), 'a wrong argument is told', result.notes())

def not_in_the_kernel(text):
    """Of what a text names in the kernel's sources, that which is not there."""
    wrong = []
    for functions, path in re.findall(r'((?:`\w+`(?: and |, )?)*)(?: in )?`(kernel/[\w/.]+)`', text.split('In the kernel:')[-1]):
        path = os.path.join(TOP, path)
        source = open(path, encoding='utf-8').read() if os.path.exists(path) else ''
        wrong += [name for name in re.findall(r'`(\w+)`', functions) if not re.search(rf'^[\w].*\b{name}\(', source, re.M)]
        wrong += [] if source else [path]
    return wrong

def texts():
    """Each lesson has a text: its title, its program, a question, and the answer out of sight."""
    programs = set()
    for path in sorted(glob.glob(os.path.join(TOP, 'watch', 'lessons', '*.md'))):
        name = os.path.basename(path)
        with open(path, encoding='utf-8') as source:
            text = source.read()
        head = re.match(r'# (.+)\n\nprogram: /lessons/(\w+)\n\n', text)
        ok(head and head[2] in NAMES, f'{name} has a title and a program that is there')
        ok(re.search(r'\?\n.*<details>\n<summary>The answer</summary>\n\n.*In the kernel:.*\n\n</details>\n$', text, re.S),
           f'{name} asks first and answers then')
        equal(not_in_the_kernel(text), [], f'{name} names what is in the kernel')
        programs.add(head and head[2])
    equal(sorted(programs), NAMES, 'each program has its text')

if not os.environ.get('GAUR_NO_BUILD'):
    subprocess.run(['make', '-s', '-C', TOP, 'lessons'], check=True)
root = stage()
on_gaur(root, '--swap', '32M', '--debug')
on_gaur(root, '-c', '4')
on_gaur(root, '-m', '8M', '-c', '2')
on_linux()
enter()
texts()
done()
