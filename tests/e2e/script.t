#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""script(1), which keeps what a session on a pseudo-terminal of its own shows, in the guest: at a person's terminal, and without.

It is this system's own, with its loader and libraries, in a root beside BusyBox.
"""

import os
import re
import shutil
import subprocess

from harness import TOP, Terminal, done, equal, folder, ok, run, skip

PROMPT = r'[#$] $'

def stage(program):
    """A root that holds the program and what it is linked with; returns the folder."""
    root = os.path.join(folder(), 'root')
    shutil.copytree(os.path.join(TOP, 'build/root'), root, symlinks=True)
    listing = subprocess.run(['ldd', program], capture_output=True, text=True, check=True).stdout
    for path in [program, *re.findall(r'(/\S+) \(0x', listing)]:
        os.makedirs(root + os.path.dirname(path), exist_ok=True)
        shutil.copy(path, root + path)
    return root

def alone(root):
    """Without a terminal outside there is one inside."""
    result = run('-m', '32M', '--root', root, '--', 'script', '-q', '-c', 'tty; stty rows 9 cols 40; stty size; exit 7', '-e', '/dev/null')
    equal(result.out.replace(b'\r\n', b'\n'), b'/dev/pts/0\n9 40\n', 'script gives a program a terminal', result.notes())
    equal(result.status, 7, 'and its exit status')

def at_a_terminal(root):
    terminal = Terminal('run', '-m', '32M', '--root', root)
    ok(terminal.read_until(PROMPT) is not None, 'a prompt', terminal.seen[-600:])
    terminal.type('script -q /tmp/kept\r')
    ok(terminal.read_until(r'kept\n.*' + PROMPT, 60) is not None, 'a shell inside script', terminal.seen[-600:])
    terminal.type('tty; stty size\r')
    ok(terminal.read_until(r'/dev/pts/0\n30 100\n.*' + PROMPT, 60) is not None, 'the terminal inside has the size of that outside',
       terminal.seen[-600:])
    terminal.type('echo beg""un; cat\r')
    ok(terminal.read_until(r'\nbegun\n', 60) is not None, 'a program runs inside', terminal.seen[-600:])
    terminal.type('to and fro\r')
    ok(terminal.read_until(r'to and fro\nto and fro\n', 60) is not None, 'which reads lines', terminal.seen[-600:])
    terminal.type('\x1a')
    ok(terminal.read_until('Stopped.*' + PROMPT, 60) is not None, '^Z reaches the job inside', terminal.seen[-600:])
    terminal.type('fg\r')
    terminal.read_until(r'fg\n.*cat\n', 60)
    terminal.type('again\r')
    ok(terminal.read_until(r'again\nagain\n', 60) is not None, 'it goes on', terminal.seen[-600:])
    terminal.type('\x04')
    ok(terminal.read_until(PROMPT, 60) is not None, '^D ends it', terminal.seen[-600:])
    terminal.type('exit 5\r')
    ok(terminal.read_until(r'exit 5\n.*' + PROMPT, 60) is not None, 'the shell outside comes back', terminal.seen[-600:])
    terminal.type('grep -c pts/0 /tmp/kept; ls -1 /dev/pts; cat /proc/sys/kernel/pty/nr\r')
    ok(terminal.read_until(r'nr\n1\nptmx\n0\n.*' + PROMPT, 60) is not None, 'what was shown is kept, and the terminal is gone',
       terminal.seen[-600:])
    terminal.type('exit 0\r')
    equal(terminal.end(), 0, 'the end')

PROGRAM = '/usr/bin/script'
if os.path.exists(PROGRAM):
    ROOT = stage(PROGRAM)
    alone(ROOT)
    at_a_terminal(ROOT)
else:
    skip('script in the guest', 'this system has none')
done()
