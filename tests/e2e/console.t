#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The shell on the console, as a person meets it: on a terminal."""

import os
import termios
import time

from harness import Terminal, done, equal, ok, skip

PROMPT = r'[#$] $'

def shell(*options):
    terminal = Terminal('run', *options)
    ok(terminal.read_until(PROMPT) is not None, 'a prompt ' + ' '.join(options), terminal.seen[-600:])
    return terminal

def answer(terminal, command, wanted, name):
    """Types a command, and waits for what it should say and for the next prompt."""
    terminal.type(command + '\r')
    echoed = terminal.read_until(r'\n')
    text = terminal.read_until(wanted + r'.*' + PROMPT, 30)
    ok(echoed is not None and text is not None, name, terminal.seen[-600:])

def session():
    terminal = shell()
    answer(terminal, 'tty', '/dev/', 'the shell has a terminal')
    answer(terminal, 'echo $((6 * 7))', '42', 'a command')
    answer(terminal, 'ls -l / | wc -l', r'\d+', 'a pipe')
    answer(terminal, 'ps', 'init', 'ps')
    answer(terminal, 'stty -a | head -n 1', r'rows 30; columns 100', 'the terminal has a size')
    terminal.type('echo wrx\x7fong\x15echo ri\x7fight\r')
    ok(terminal.read_until(r'\nright\n.*' + PROMPT, 30) is not None, 'erase and kill a line', terminal.seen[-300:])
    keys(terminal)
    terminal.type('exit 11\r')
    equal(terminal.end(), 11, "the shell's exit status", terminal.seen[-600:])

def start(terminal, command):
    """Types a command, and waits until it runs: the shell itself reads keys in another way than a program."""
    terminal.type(f'echo beg""un; {command}\r')
    terminal.read_until(r'\nbegun\n', 20)
    time.sleep(0.3)

def keys(terminal):
    start(terminal, 'sleep 1000')
    terminal.type('\x03')
    ok(terminal.read_until(PROMPT, 20) is not None, '^C ends sleep', terminal.seen[-300:])
    answer(terminal, 'echo "status $?"', 'status 130', 'as a signal')
    start(terminal, 'while :; do :; done')
    terminal.type('\x03')
    ok(terminal.read_until(PROMPT, 20) is not None, '^C ends a loop of the shell itself', terminal.seen[-300:])
    start(terminal, 'cat')
    terminal.type('line\r')
    ok(terminal.read_until(r'line\nline\n', 20) is not None, 'cat answers line by line', terminal.seen[-300:])
    terminal.type('\x04')
    ok(terminal.read_until(PROMPT, 20) is not None, '^D ends its input', terminal.seen[-300:])
    start(terminal, 'sleep 1000')
    terminal.type('\x1a')
    ok(terminal.read_until('Stopped.*' + PROMPT, 20) is not None, '^Z stops sleep', terminal.seen[-300:])
    terminal.type('fg\r')
    ok(terminal.read_until(r'fg\n.*sleep 1000\n', 20) is not None, 'fg lets it go on', terminal.seen[-300:])
    time.sleep(0.3)
    terminal.type('\x03')
    ok(terminal.read_until(PROMPT, 20) is not None, 'until ^C', terminal.seen[-300:])

def program():
    terminal = Terminal('run', '--quiet', '--', 'sh', '-c', 'test -t 0 && test -t 1 && echo a terminal; exit 6')
    ok(terminal.read_until('a terminal') is not None, 'a program on a terminal has one', terminal.seen[-300:])
    equal(terminal.end(), 6, 'and its exit status')
    ok(b'Ctrl-A' not in terminal.seen, '--quiet adds nothing', terminal.seen[:300])

def leaving():
    terminal = Terminal('run')
    before = termios.tcgetattr(terminal.fd)
    ok(terminal.read_until('Ctrl-A X') is not None, 'how to leave is said', terminal.seen[-300:])
    ok(terminal.read_until(PROMPT) is not None, 'a prompt again')
    raw = termios.tcgetattr(terminal.fd)
    # The other end, held open, still knows its settings after the launcher has gone.
    terminal.type('\x01x')
    equal(terminal.end(), 125, 'Ctrl-A X ends the guest', terminal.seen[-300:])
    ok(raw[3] & termios.ICANON == 0, 'the terminal was raw meanwhile')
    equal(termios.tcgetattr(terminal.fd)[3], before[3], 'and is as before afterwards')

os.environ['TERM'] = 'xterm'
try:
    for end in os.openpty():
        os.close(end)
except OSError as error:
    skip('the shell on a terminal', f'no terminals to be had here: {error}')
    done()
session()
program()
leaving()
done()
