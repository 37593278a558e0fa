# SPDX-License-Identifier: MIT
"""The command `soak`: random mixtures of everything in the guest (tests/soak/), for as long as one likes.

When the guest says that it is stuck, or says nothing at all for too long, gdb is attached to QEMU and tells where each CPU
is: a kernel that makes no progress is found there, and nowhere else.
"""

import getopt
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

from launcher import cli, common, gdb
from launcher.common import GuestFailed, Usage, say
from launcher.run import Guest, Interrupted, Streams, interrupt

PROGRAM = os.path.join(common.BUILD, 'user', 'soak', 'soak')
HOLD = 60               # seconds that a stuck guest waits for the debugger
GDB_SECONDS = 60
GRACE_SECONDS = 900     # for the start and the end, on a machine that has other things to do

HELP = """\
usage: ./gaur soak [options] [MIXTURE...]

Runs random mixtures of forks, execs, pipes, signals, faults, exits and kills on the debug kernel; they check all that they
see, and the kernel's memory is verified meanwhile. The last line tells the result; the exit status is 0 if it is "clean".

  --seconds N     how long (default 60)
  --seed S        the choices of an earlier run, whose first line told it
  --workers N     processes at a time (default 8)
  --patience N    seconds after which a round counts as stuck (default 120)
  -c N            CPUs (default 4)
  -m SIZE         memory (default 64M)
  --release       the kernel without assertions
  --sanitize      the kernel with assertions and sanitizers
  -h, --help      this text
  --version       the version

A guest that is stuck is looked at with gdb, if that is installed: the backtraces of its CPUs go to standard error.
`make soak SECONDS=N SEED=S` is the same.
"""

LONG = ['seconds=', 'seed=', 'workers=', 'patience=', 'release', 'sanitize', 'help', 'version']

def number(name, text):
    if not re.fullmatch(r'[0-9]{1,20}', text):
        raise Usage(f'{name} {text}: a number is wanted')
    return text

def parse(arguments):
    """The machine to boot, with the program as its command; None if help was all that was wanted."""
    try:
        pairs, mixtures = getopt.gnu_getopt(arguments, 'm:c:h', LONG)
    except getopt.GetoptError as error:
        raise Usage(str(error)) from None
    options = cli.Options(memory='65536K', cpus=4, kernel='debug', quiet=True)
    numbers = {'--seconds': '60', '--patience': '120'}
    for name, text in pairs:
        if name in ('-h', '--help'):
            sys.stdout.write(HELP)
            return None
        if name == '--version':
            sys.stdout.write(f'gaur {common.VERSION}\n')
            return None
        if name in ('--release', '--sanitize'):
            options.kernel = name[2:]
        elif name in cli.VALUES:
            field, read = cli.VALUES[name]
            setattr(options, field, read(text))
        else:
            numbers[name] = number(name, text)
    options.patience = int(numbers['--patience'])
    options.timeout = int(numbers['--seconds']) + GRACE_SECONDS
    options.command = [PROGRAM, '--hold', str(HOLD), *[word for pair in numbers.items() for word in pair], *mixtures]
    return options

class Lines(threading.Thread):
    """Hands the guest's lines on, and sees whether they still come."""

    def __init__(self, source, silence, kernel, socket):
        super().__init__(daemon=True)
        self.source, self.silence, self.kernel, self.socket = source, silence, kernel, socket
        self.last = time.monotonic()

    def run(self):
        with os.fdopen(self.source, 'r', encoding='utf-8', errors='replace') as lines:
            for line in lines:
                self.last = time.monotonic()
                sys.stdout.write(line)
                sys.stdout.flush()
                if line.startswith('soak: stuck'):
                    self.backtraces()

    def backtraces(self):
        """Where each CPU is, and each thread that is off. The guest stands still meanwhile, and goes on afterwards."""
        if not shutil.which('gdb'):
            say('gdb is not installed; it would tell where the CPUs are')
            return
        line = ['gdb', '-q', '-nx', '-batch', '-ex', 'set pagination off', '-ex', f'target remote {self.socket}',
                '-ex', 'thread apply all backtrace 24', *gdb.scripts(), '-ex', 'gaur-threads', '-ex', 'detach', self.kernel]
        try:
            subprocess.run(line, stdin=subprocess.DEVNULL, stdout=2, timeout=GDB_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            say('gdb did not end')

    def watch(self, guest):
        """For a thread of its own: ends a guest that has fallen silent."""
        while self.is_alive():
            self.join(1)
            if time.monotonic() - self.last < self.silence:
                continue
            say(f'the guest has said nothing for {self.silence} s')
            self.backtraces()
            guest.deadline = time.monotonic()
            guest.wake_up()
            return

def soak(options, folder):
    socket = os.path.join(folder, 'socket')
    source, sink = os.pipe()
    null = os.open(os.devnull, os.O_RDONLY)
    lines = Lines(source, 2 * options.patience + HOLD, common.kernel_file(options.kernel), socket)
    guest = Guest(options, False, Streams(null, sink, 2), ['-gdb', f'unix:{socket},server=on,wait=off'])
    try:
        guest.start()
        lines.start()
        threading.Thread(target=lines.watch, args=[guest], daemon=True).start()
        guest.wait()
    finally:
        guest.stop()
    try:
        return guest.verdict()
    finally:
        os.close(sink)
        lines.join()

def run(arguments):
    """The command: returns the exit status."""
    options = parse(arguments)
    if options is None:
        return 0
    common.build(common.GOALS[options.kernel], 'soak-program', quiet=True)
    if not os.path.isfile(PROGRAM):
        raise GuestFailed('the program of the soak is not built; `make soak-program` builds it')
    for number_ in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number_, interrupt)
    folder = tempfile.mkdtemp(prefix='gaur-soak-')
    try:
        return soak(options, folder)
    except Interrupted as reason:
        return -reason.number
    finally:
        shutil.rmtree(folder, ignore_errors=True)
