#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs that take all memory of 16 MB: the log says whom the kernel ended and why, and the shell goes on.

Fork bombs in the shell's own words; and the one that everybody knows, whose function no shell but Bash accepts, in this system's Bash.
"""

import os
import re
import shutil
import subprocess
import time

from harness import TOP, Terminal, done, equal, folder, ok, skip

PROMPT = r'[#$] $'
SECONDS = 300       # generous: a storm of processes on a slow machine
KILLED = r'Out of memory: Killed process \d+ \({}\) total-vm:\d+kB, anon-rss:\d+kB, .*; its share of memory is the largest'
GROUP_KILLED = r'Killed process group \d+ \({}\), \d+ processes more: it grew again each time one of it was killed\n'
FEW = 9             # processes, when nothing but the shell runs

def root_with_bash():
    """The guest's root and Bash with its libraries, or None."""
    bash = shutil.which('bash')
    if not bash:
        return None
    root = os.path.join(folder(), 'root')
    shutil.copytree(os.path.join(TOP, 'build/root'), root, symlinks=True)
    libraries = re.findall(r'(/\S+) \(0x', subprocess.run(['ldd', bash], capture_output=True, text=True, check=False).stdout)
    for path in libraries:
        os.makedirs(root + os.path.dirname(path), exist_ok=True)
        shutil.copy(path, root + path)
    shutil.copy(bash, root + '/bin/bash')
    return root

def shell(*options):
    terminal = Terminal('run', '--timeout', '1200', '-m', '16M', *options)
    ok(terminal.read_until(PROMPT) is not None, 'a prompt ' + ' '.join(options[:2]), terminal.seen[-600:])
    return terminal

def sees(terminal, wanted, name):
    ok(terminal.read_until(wanted, SECONDS) is not None, name, terminal.seen[-900:])

def goes_on(terminal, name):
    """The shell runs programs, and soon they are few. A command typed while memory is short may fail, as any program's fork may."""
    deadline = time.monotonic() + SECONDS
    few = False
    while not few and time.monotonic() < deadline:
        terminal.type('echo "there: $(ls /proc | grep -c ^[0-9])"\r')
        text = terminal.read_until(r'(\nthere: \d*|fork[^\n]*)\n.*' + PROMPT, SECONDS / 20) or ''
        few = any(0 < int(count) <= FEW for count in re.findall(r'\nthere: (\d+)\n', text))
    ok(few, name, terminal.seen[-900:])

def limits(terminal):
    terminal.type('cat /proc/sys/kernel/threads-max; grep processes /proc/self/limits\r')
    text = terminal.read_until(r'Max processes[^\n]*\n.*' + PROMPT, SECONDS) or ''
    found = re.search(r'\n(\d+)\nMax processes +(\d+) +(\d+) +processes', text)
    ok(found and int(found[1]) >= 1024 and int(found[2]) >= 512, 'there may be hundreds of processes', text)

def hogs(terminal):
    for program, command in (('tail', 'head -c 100m /dev/zero | tail | wc -c'),
                             ('awk', """awk 'BEGIN { s = "x"; while (1) s = s s }'""")):
        terminal.type(command + '\r')
        sees(terminal, KILLED.format(program), f'{program} takes all memory, and the log says that it was ended')
        goes_on(terminal, f'the shell goes on after {program}')
        terminal.type('dmesg | grep -c "Killed process"\r')
        sees(terminal, r'\n[1-9]\n.*' + PROMPT, 'and dmesg has it, too')

def bomb(terminal, name, command, program='sh'):
    terminal.type(command + '\r')
    sees(terminal, KILLED.format(program), f'{name} takes all memory, and the log says who was ended')
    sees(terminal, GROUP_KILLED.format(program), 'and that the job was, when that did not help')
    goes_on(terminal, f'the shell goes on after {name}')

def bombs(terminal, bash):
    bomb(terminal, 'a fork bomb', 'f() { f | f & }; f')
    bomb(terminal, 'the same once more', 'f')
    bomb(terminal, 'one in the foreground', 'g() { g | g; }; g')
    terminal.type(':(){ :|:& };:\r')
    sees(terminal, 'syntax error: bad function name.*' + PROMPT, 'a function named : is none to this shell')
    if bash:
        bomb(terminal, ':(){ :|:& };: in Bash', "bash -c ':(){ :|:& };:'", 'bash')
    else:
        skip(':(){ :|:& };: in Bash', 'there is no Bash here')

def survive(bash, *options):
    terminal = shell(*options, *(['--root', bash] if bash else []))
    limits(terminal)
    hogs(terminal)
    bombs(terminal, bash)
    terminal.type('cat /proc/gaur/verify; echo ver"if"ied\r')
    sees(terminal, r'\nverify: ok\nverified\n', 'every reference and every entry is right')
    terminal.type('exit 4\r')
    equal(terminal.end(), 4, "the shell's exit status", terminal.seen[-600:])

os.environ['TERM'] = 'xterm'
try:
    for end in os.openpty():
        os.close(end)
except OSError as error:
    skip('surviving without memory', f'no terminals to be had here: {error}')
    done()
ROOT = root_with_bash()
survive(ROOT, '-c', '1')
survive(ROOT, '-c', '4')
done()
