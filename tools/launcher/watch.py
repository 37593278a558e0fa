# SPDX-License-Identifier: MIT
"""The command `watch`: a guest whose memory is shown in the browser while it runs; recordings of that."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import termios
import threading
from dataclasses import dataclass

from launcher import cli, common, disk, recording, root, viewer
from launcher.common import GuestFailed, Usage, say
from launcher.run import Guest, Interrupted, interrupt, on_terminal

HELP = """\
usage: ./gaur watch [options of run] [options] [--] [PROGRAM [ARG...]]
       ./gaur watch --replay FILE [--port N] [--no-browser]
       ./gaur watch --replay FILE --export HTML

Boots Gaur as `./gaur run` does, and shows its memory in the browser while things happen there: every frame, every address space,
every fault. The page is served to this machine only. The terminal is the guest's console, as in `run`; what it says is on the page as
well, where one can type, too. When the guest ends the page keeps the last picture, and this command ends when the page is closed.

  --port N        the page's port (default 8014); 0: any that is free
  --record FILE   write all that a page would see to FILE
  --replay FILE   show a recording; no guest is started
  --export HTML   write a page that shows the recording by itself, without Gaur: with --replay,
                  or when the guest has ended
  --no-browser    only tell the page's address
  -h, --help      this text, `./gaur run --help` has the other options
  --version       the version

Exit status: the program's, as in `run`; 125 if something failed, 2 for a wrong option.
Environment: as for `run`; GAUR_PAGE=FOLDER has another page than the one that `make watch` builds.
"""

PORT = 8014
PAGE = os.environ.get('GAUR_PAGE') or os.path.join(common.TOP, 'watch', 'web', 'dist')
LESSONS_NEED = 8192     # KiB of memory
LESSONS = os.path.join(common.TOP, 'watch', 'lessons')

@dataclass
class Options(cli.Options):
    """What the user asked for, besides a machine."""
    port: int = PORT
    record: str = ''
    replay: str = ''
    export: str = ''
    browser: bool = True
    lessons: bool = True

def parse_port(text):
    if not re.fullmatch(r'[0-9]{1,5}', text) or int(text) > 65535:
        raise Usage(f'--port {text}: a number from 0 to 65535 is wanted')
    return int(text)

VALUES = {'--port': ('port', parse_port), '--record': ('record', str), '--replay': ('replay', str), '--export': ('export', str)}
FLAGS = {'--no-browser': ('browser', False)}

class Watched(Guest):
    """A guest whose console is a socket, also where it has a terminal: the viewer has the other end."""

    console = None

    def ports(self):
        return ['console', 'ctl']

    def _carry(self, ours):
        super()._carry(ours)
        self.console = ours['console']

def open_browser(options, url):
    say(f'memory is shown at {url}')
    seen = any(os.environ.get(name) for name in ('DISPLAY', 'WAYLAND_DISPLAY', 'BROWSER'))
    if options.browser and seen:
        subprocess.Popen([sys.executable, '-m', 'webbrowser', url], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL, start_new_session=True)

class Listener(threading.Thread):
    """Does what the viewer asks for; and lets the guest end if the viewer does."""

    def __init__(self, options, look, guest):
        super().__init__(daemon=True)
        self.options, self.look, self.guest = options, look, guest

    def run(self):
        with self.look.control.makefile(encoding='utf-8', errors='replace') as lines:
            for line in lines:
                word, _, rest = line.strip().partition(' ')
                if word == 'ready':
                    open_browser(self.options, f'http://127.0.0.1:{rest}/')
                elif word == 'quit':
                    self.guest.leave()
        if self.guest:
            self.guest.leave()

def build_page():
    """Ours, not one that the user has."""
    if not os.environ.get('GAUR_PAGE'):
        common.build('watch-page', quiet=True)

def page_words(options):
    if not os.path.isfile(os.path.join(PAGE, 'index.html')):
        raise GuestFailed(f'no page in {PAGE}; `make watch` builds it')
    return ['--port', str(options.port), '--page', PAGE]

def live_words(options, guest, terminal):
    words = ['live', *page_words(options), '--console', str(guest.console.fileno()), '--terminal', str(int(terminal))]
    if options.lessons:
        words += ['--lessons', LESSONS]
    return words + (['--record', options.record] if options.record else [])

def how_it_ended(guest):
    """(a status or None, in words)"""
    try:
        status = guest.verdict()
    except GuestFailed as error:
        return error, str(error)
    if guest.status is None:
        return None, 'it was ended'
    return status, f'the program ended with status {status}'

def watch(options):
    """Starts both; returns the exit status."""
    terminal = on_terminal()
    options.append = f'{options.append} watch'.lstrip()     # the kernel records events
    machine = viewer.Machine(options)
    guest = Watched(options, True, None, machine.arguments(), machine.descriptors())
    saved = termios.tcgetattr(0) if terminal else None
    look = None
    try:
        guest.start()
        machine.started()
        look = viewer.Viewer(options, machine, live_words(options, guest, terminal), [guest.console.fileno()])
        guest.console.close()
        Listener(options, look, guest).start()
        guest.wait()
        return finish(options, guest, look)
    except Interrupted:
        guest.stop()
        if look:
            look.end()
        raise
    finally:
        guest.stop()
        if look:
            look.stop()
        if saved:
            termios.tcsetattr(0, termios.TCSADRAIN, saved)

def finish(options, guest, look):
    """The guest has ended, or the viewer has."""
    left = guest.left
    if look.process.poll() not in (None, 0):
        return look.status()     # it has said why
    status, words = (0, 'it was ended') if left else how_it_ended(guest)
    look.tell('ended ' + words)
    code = look.status()
    if isinstance(status, GuestFailed):
        raise status
    return code or status

# ---- recordings

def serve_recording(options):
    """Until the person has enough."""
    null = os.open(os.devnull, os.O_RDWR)
    look = viewer.Viewer(options, None, ['replay', *page_words(options), '--replay', options.replay], stdin=null)
    try:
        Listener(options, look, None).start()
        return look.process.wait()
    except Interrupted as reason:
        if reason.number == signal.SIGINT:
            return 0
        raise
    finally:
        look.stop()

def replay(options):
    if options.command or options.record:
        raise Usage('--replay shows a recording: no guest is started, so there is no PROGRAM, and nothing to record')
    recording.check(options.replay)
    build_page()
    page_words(options)
    if options.export:
        recording.export(options.replay, os.path.join(PAGE, 'index.html'), options.export)
        return 0
    viewer.build_program(options)
    return serve_recording(options)

def has_lessons(options):
    """A small guest has no room for their programs, and a disk has what its owner put there."""
    return not options.root_disk and int(options.memory.removesuffix('K')) >= LESSONS_NEED

def live(options):
    """A guest, and perhaps a page that holds its recording afterwards."""
    root.check(options)
    disk.check(options)
    build_page()
    page_words(options)
    options.lessons = has_lessons(options)
    viewer.build(options)
    common.build('lessons', quiet=True)
    if not options.export:
        return watch(options)
    with tempfile.NamedTemporaryFile(prefix='gaur-recording-') as kept:
        options.record = options.record or kept.name
        try:
            return watch(options)
        finally:
            if os.path.getsize(options.record) > 0:
                recording.export(options.record, os.path.join(PAGE, 'index.html'), options.export)

def run(arguments):
    """The command: returns the exit status."""
    options = cli.parse(arguments, HELP, Options(), VALUES, FLAGS)
    if options is None:
        return 0
    viewer.open_standard()
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, interrupt)
    try:
        return replay(options) if options.replay else live(options)
    except Interrupted as reason:
        return -reason.number
