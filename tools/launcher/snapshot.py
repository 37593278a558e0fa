# SPDX-License-Identifier: MIT
"""The command `snapshot`: what the viewer sees at one moment, as text, JSON, or a picture of one address space."""

import re
import signal
import threading
from dataclasses import dataclass

from launcher import cli, disk, root, viewer
from launcher.common import GuestFailed, Usage
from launcher.run import Guest, Interrupted, Streams, interrupt

HELP = """\
usage: ./gaur snapshot [options of run] [options] [--] [PROGRAM [ARG...]]

Boots Gaur, runs PROGRAM on it (or a shell that reads standard input), and when the moment has come prints what memory looks
like: frames by kind, processes, their regions, and what lies behind each page. Then the guest ends. It looks from outside, so that the
guest does not know. For a guest that goes on, use `./gaur watch --record`.

  --at MOMENT     rest (default): for a third of a second nothing in the guest has run, since all
                  wait, sleep or have ended
                  stop: a process has stopped itself, with raise(SIGSTOP)
                  N: N seconds after PROGRAM began
                  =TEXT: PROGRAM has written TEXT
  --format F      text (default); json: two lines of the viewer's stream, which `./gaur watch --replay`
                  shows; svg: a picture of one address space
  --pid N         only this process, and in the text all of its pages; for svg, another one than
                  PROGRAM
  --out FILE      write to FILE. Without it the snapshot goes to standard output, and what
                  PROGRAM writes there to standard error
  -h, --help      this text, `./gaur run --help` has the other options
  --version       the version

Exit status: 0; 125 if the moment did not come: PROGRAM ended before, or the time was over (--timeout, 60 s if not given).
"""

@dataclass
class Options(cli.Options):
    """What the user asked for, besides a machine."""
    timeout: float = 60
    at: str = 'rest'
    format: str = 'text'
    pid: int = 0
    out: str = ''

def parse_at(text):
    if text in ('rest', 'stop') or (text.startswith('=') and len(text) > 1):
        return text
    if re.fullmatch(r'[0-9]*\.?[0-9]+|[0-9]+\.', text):
        return float(text)
    raise Usage(f'--at {text}: rest, stop, a number of seconds, or =TEXT is wanted')

def parse_format(text):
    if text not in ('text', 'json', 'svg'):
        raise Usage(f'--format {text}: text, json or svg is wanted')
    return text

def parse_pid(text):
    if not re.fullmatch(r'[0-9]{1,9}', text) or int(text) == 0:
        raise Usage(f'--pid {text}: the number of a process is wanted')
    return int(text)

VALUES = {'--at': ('at', parse_at), '--format': ('format', parse_format), '--pid': ('pid', parse_pid), '--out': ('out', str)}

class Search:
    """Finds a text in what is written piece by piece."""

    def __init__(self, wanted, found):
        self.wanted, self.found, self.rest = wanted, found, b''

    def feed(self, piece):
        self.rest += piece
        if self.wanted in self.rest:
            self.found()
        self.rest = self.rest[-len(self.wanted):]

class Watched(Guest):
    """A guest that tells when its program begins, and what that writes."""

    begun = searched = None

    def _control_line(self, line):
        super()._control_line(line)
        if line == 'start':
            self.begun()

    def _carry(self, ours):
        super()._carry(ours)
        self.outputs[0].listener = self.searched

def moment_words(options):
    """What the viewer is to wait for by itself."""
    return ['--at', options.at if options.at in ('rest', 'stop') else 'now']

def take(options):
    machine = viewer.Machine(options)
    streams = Streams(stdout=1 if options.out else 2, console=None if options.quiet else 2)
    guest = Watched(options, False, streams, machine.arguments(), machine.descriptors())
    words = ['snapshot', *moment_words(options), '--format', options.format, '--pid', str(options.pid)]
    look = None

    def begun():
        look.tell('start')
        if isinstance(options.at, float):
            timer = threading.Timer(options.at, look.tell, ['now'])
            timer.daemon = True
            timer.start()

    if isinstance(options.at, str) and options.at.startswith('='):
        guest.searched = Search(options.at[1:].encode(), lambda: look.tell('now')).feed
    guest.begun = begun
    try:
        look = viewer.Viewer(options, machine, words + (['--output', options.out] if options.out else []))
        guest.start()
        machine.started()
        ended = threading.Thread(target=lambda: (look.process.wait(), guest.leave()), daemon=True)
        ended.start()
        guest.wait()
        look.tell('ended')
        look.process.wait()
        return verdict(options, guest, look)
    finally:
        guest.stop()
        if look:
            look.stop()

def verdict(options, guest, look):
    code = look.status()
    if code != viewer.NO_MOMENT:
        return code     # it has said why, if anything was wrong
    if guest.timed_out:
        raise GuestFailed(f'the moment for the snapshot did not come within {options.timeout:g} s')
    guest.left = False
    status = guest.verdict()    # a panic is told as such
    raise GuestFailed(f'the program ended, with status {status}, before the moment for the snapshot came; see --at')

def run(arguments):
    """The command: returns the exit status."""
    options = cli.parse(arguments, HELP, Options(), VALUES)
    if options is None:
        return 0
    viewer.open_standard()
    root.check(options)
    disk.check(options)
    viewer.build(options)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, interrupt)
    try:
        return take(options)
    except Interrupted as reason:
        return -reason.number
