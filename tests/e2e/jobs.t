#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a person does at the shell besides running commands: edit a file, stop a job and go on, watch top."""

import os
import time

from harness import Terminal, done, equal, ok, skip

PROMPT = r'[#$] $'
SECONDS = 60        # generous: for any one answer

def shell(*options):
    terminal = Terminal('run', '--timeout', '600', *options)
    ok(terminal.read_until(PROMPT) is not None, 'a prompt', terminal.seen[-600:])
    return terminal

def sees(terminal, wanted, name):
    text = terminal.read_until(wanted, SECONDS)
    ok(text is not None, name, terminal.seen[-900:])
    return text or ''

def answer(terminal, command, wanted, name):
    """Types a command, and waits for what it should say and for the next prompt."""
    terminal.type(command + '\r')
    terminal.read_until(r'\n', SECONDS)
    return sees(terminal, wanted + r'.*' + PROMPT, name)

def insert(terminal, keys):
    """An insertion ends with Escape, which means itself only when nothing follows at once: vi's status line shows it."""
    terminal.type(keys)
    terminal.read_until('I /tmp/letter', SECONDS)
    terminal.type('\x1b')
    sees(terminal, r'- /tmp/letter \[Modified\]', 'vi takes ' + repr(keys))

def editing(terminal):
    terminal.type('vi /tmp/letter\r')
    sees(terminal, r'- /tmp/letter 1/1 100%', 'vi shows its status line')
    insert(terminal, 'ifirst lime\rsecond line')
    insert(terminal, '1GA of two')          # append to the first line
    terminal.type(':1s/lime/line/\r')
    terminal.type('1GyyGp:w\r')             # copy it below the last
    sees(terminal, r"letter' 3L, \d+C", 'vi says what it has saved')
    terminal.type('\x1a')
    sees(terminal, r'Stopped.*' + PROMPT, '^Z stops vi')
    answer(terminal, 'cat /tmp/letter', r'first line of two\nsecond line\nfirst line of two\n', 'the file is as edited')
    answer(terminal, 'stty -a', r' icanon .*echo ', 'the shell has its terminal back as it was')
    terminal.type('fg\r')
    sees(terminal, r'second line.*- /tmp/letter', 'fg brings vi back, and it draws its text again')
    terminal.type('2Gdd:wq\r')
    sees(terminal, PROMPT, 'vi saves and leaves')
    answer(terminal, 'wc -l < /tmp/letter', r'2\n', 'with one line less')

def jobs(terminal):
    answer(terminal, 'sleep 1000 & sleep 2000 &', '', 'two jobs in the background')
    answer(terminal, 'jobs', r'\[2\]\+ +Running +sleep 2000\n\[1\]- +Running +sleep 1000\n', 'jobs lists them, the last first')
    terminal.type('fg %1\r')
    sees(terminal, r'sleep 1000\n', 'fg %1 takes the first one')
    time.sleep(0.5)
    terminal.type('\x1a')
    sees(terminal, r'\[1\]\+.*Stopped.*' + PROMPT, '^Z stops it')
    answer(terminal, 'jobs', r'\[1\]\+.*Stopped.*sleep 1000\n\[2\].*Running', 'jobs tells which one is stopped')
    answer(terminal, 'bg', r'\[1\].*sleep 1000', 'bg lets it go on in the background')
    answer(terminal, 'jobs', r'\[1\].*Running', 'where it runs')
    answer(terminal, 'kill %1 %2; wait %1; echo "status $?"', r'status 143', 'kill ends both, and wait tells how')
    answer(terminal, 'jobs; jobs; echo "left: $(jobs)"', r'left: \n', 'no job is left')

def background(terminal):
    answer(terminal, '(sleep 1; exit 7) & wait $!; echo "status $?"', r'status 7', 'wait for a job gives its status')
    answer(terminal, 'cat &', '', 'a job in the background that reads the terminal')
    time.sleep(0.5)
    answer(terminal, 'jobs', r'Stopped \(tty input\).*cat', 'is stopped')
    answer(terminal, 'stty tostop; (echo loud) & sleep 1; jobs', r'Stopped \(tty output\)', 'one that writes, too, after stty tostop')
    answer(terminal, 'stty -tostop; kill -9 %1 %2; wait; echo all "gone"', r'all gone', 'and all end')
    terminal.type('sleep 1000 | cat\r')
    time.sleep(1)
    terminal.type('\x1a')
    sees(terminal, r'Stopped.*' + PROMPT, '^Z stops a whole pipeline')
    terminal.type('fg\r')
    sees(terminal, r'sleep 1000 \| cat\n', 'fg lets it go on')
    time.sleep(0.5)
    terminal.type('\x03')
    sees(terminal, PROMPT, '^C ends it')

def watching(terminal):
    terminal.type('top -d 1\r')
    for number in ('shows', 'shows again', 'and again'):
        sees(terminal, r'Mem: +\d+K used.*PID +PPID.*COMMAND.*\btop\b', f'top {number} who runs')
    terminal.type('q')
    sees(terminal, PROMPT, 'q ends top')
    answer(terminal, 'echo still "here"', 'still here', 'and leaves the terminal as it was')

def size(terminal):
    answer(terminal, 'stty size', r'30 100\n', 'stty size')
    answer(terminal, 'stty rows 20 cols 70; stty size', r'20 70\n', 'and it can be told another one')

os.environ['TERM'] = 'xterm'
try:
    for end in os.openpty():
        os.close(end)
except OSError as error:
    skip('jobs on a terminal', f'no terminals to be had here: {error}')
    done()
terminal = shell()
editing(terminal)
jobs(terminal)
background(terminal)
watching(terminal)
size(terminal)
terminal.type('exit 5\r')
equal(terminal.end(), 5, "the shell's exit status", terminal.seen[-600:])
done()
