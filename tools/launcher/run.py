# SPDX-License-Identifier: MIT
"""One boot: start QEMU, carry input and output, learn how the program ended.

Lines that come from the guest on the control port:
  start            the program is about to run, and may be given its input
  exit N           the program ended with status N
  signal N         signal N killed it
  panic MESSAGE    the kernel gave up
"""

import ctypes
import os
import re
import select
import signal
import subprocess
import sys
import termios
import time
from dataclasses import dataclass

from launcher import common, disk, machine, pump, root
from launcher.common import EXIT_GUEST, GuestFailed, say

GRACE = 3.0         # seconds in which the guest may power off after its last word
LOG_SHOWN = 30      # lines of the console that are shown when --quiet meets a failure
PR_SET_PDEATHSIG = 1

class Interrupted(Exception):
    """A signal that asks us to stop."""

    def __init__(self, number):
        super().__init__()
        self.number = number

def interrupt(number, _frame):
    raise Interrupted(number)

def die_with_parent(parent):
    """For QEMU before it starts: be killed when the launcher is gone, however it goes."""
    libc = ctypes.CDLL(None, use_errno=True)

    def prepare():
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(EXIT_GUEST)
    return prepare

def on_terminal():
    return all(os.isatty(fd) for fd in (0, 1)) if _is_open(0) and _is_open(1) else False

def _is_open(fd):
    try:
        os.fstat(fd)
        return True
    except OSError:
        return False

@dataclass
class Streams:
    """Descriptors of ours that the guest is connected to, when it has no terminal."""
    stdin: int = 0
    stdout: int = 1
    stderr: int = 2
    console: int = None     # None: the log is only kept

class Guest:
    """One QEMU, and what it has told us. `extra` are more arguments for it, `descriptors` more open files."""

    def __init__(self, options, terminal, streams=None, extra=(), descriptors=()):
        self.options, self.terminal = options, terminal
        self.streams, self.extra, self.descriptors = streams, extra, descriptors
        self.process = None
        self.status = None          # the program's exit status, once known
        self.panic = None           # the kernel's last words
        self.reader_gone = False    # nobody reads our standard output any more
        self.timed_out = False
        self.left = False           # we have no more use for it
        self.wake, self.waker = os.pipe()
        self.deadline = time.monotonic() + options.timeout if options.timeout else None
        self.grace = None
        self.complaint = b''        # QEMU's own standard error

    # ---- start

    def ports(self):
        """Those that are sockets of ours. The console of a guest with a terminal is QEMU's, if it is not one of them."""
        return ['ctl'] if self.terminal else ['console', 'io', 'err', 'ctl']

    def start(self):
        kernel = common.kernel_file(self.options.kernel)
        swap = disk.add_swap(self.options)
        archive = root.archive(self.options, self.terminal)
        machine.check_memory(self.options, kernel, archive)
        pairs = {name: pump.pair() for name in self.ports()}
        theirs = {name: pair[1].fileno() for name, pair in pairs.items()}
        append = ' '.join(filter(None, [self.options.append, disk.kernel_arguments(self.options),
                                        root.kernel_arguments(self.options),
                                        'norandmaps' if self.options.icount else '',
                                        'quiet' if self.options.quiet and self.terminal else '']))
        line = machine.command_line(self.options, kernel, f'/dev/fd/{archive}', theirs, append)
        self._spawn(line + list(self.extra), [archive, *swap, *theirs.values(), *self.descriptors])
        for descriptor in [archive, *swap]:
            os.close(descriptor)
        for _, other in pairs.values():
            other.close()
        self._carry({name: pair[0] for name, pair in pairs.items()})

    def _spawn(self, line, descriptors):
        owns_terminal = self.terminal and 'console' not in self.ports()
        inherit = None if owns_terminal else subprocess.DEVNULL
        try:
            self.process = subprocess.Popen(
                line, stdin=inherit, stdout=inherit, stderr=subprocess.PIPE, pass_fds=descriptors,
                start_new_session=not owns_terminal, preexec_fn=die_with_parent(os.getpid()))
        except FileNotFoundError:
            raise GuestFailed(f'{line[0]} is not installed; tools/setup.sh installs it') from None

    def _carry(self, ours):
        self.control = pump.Lines(ours['ctl'])
        self.input = self.log = None
        self.outputs = []
        if self.terminal:
            return
        streams = self.streams
        self.input = pump.Input(ours['io'], streams.stdin)
        self.outputs = [pump.Output(ours['io'], streams.stdout, self._reader_gone),
                        pump.Output(ours['err'], streams.stderr)]
        self.log = pump.Log(ours['console'], streams.console)

    def _reader_gone(self):
        self.reader_gone = True
        self.wake_up()

    def wake_up(self):
        """From another thread: look again whether it is time to stop."""
        os.write(self.waker, b'x')

    def leave(self):
        """From another thread: let wait() end the guest."""
        self.left = True
        self.wake_up()

    # ---- while it runs

    def wait(self):
        """Until QEMU has ended, by itself or by us."""
        ended = os.pidfd_open(self.process.pid)
        complaints = self.process.stderr.fileno()
        poll = select.poll()
        for fd in (ended, complaints, self.control.fileno(), self.wake):
            poll.register(fd, select.POLLIN)
        try:
            while True:
                ready = {fd for fd, _ in poll.poll(self._milliseconds())}
                if self.control.fileno() in ready and not self._control():
                    poll.unregister(self.control.fileno())
                if complaints in ready and not self._complaint(complaints):
                    poll.unregister(complaints)
                if ended in ready or self._must_stop():
                    break
        finally:
            os.close(ended)
            self.stop()
        self._drain(complaints)

    def _drain(self, complaints):
        """What was said last is read after the end."""
        while self._control():
            pass
        while self._complaint(complaints):
            pass

    def _milliseconds(self):
        limits = [limit for limit in (self.deadline, self.grace) if limit is not None]
        return max(0, int((min(limits) - time.monotonic()) * 1000) + 1) if limits else None

    def _must_stop(self):
        now = time.monotonic()
        if self.deadline is not None and now >= self.deadline:
            self.timed_out = True
        return self.timed_out or self.reader_gone or self.left or (self.grace is not None and now >= self.grace)

    def _complaint(self, fd):
        piece = os.read(fd, 4096)
        self.complaint = (self.complaint + piece)[-4096:]
        return bool(piece)

    def _control(self):
        """Takes in the lines that have come; false when there will be no more."""
        lines = self.control.read()
        for line in lines or []:
            self._control_line(line)
        return lines is not None

    def _control_line(self, line):
        word, _, rest = line.partition(' ')
        number = int(rest) if re.fullmatch('[0-9]{1,3}', rest) else None
        if word == 'start':
            if self.input:
                self.input.start()
            return
        if word == 'exit' and number is not None:
            self.status = number & 0xff
        elif word == 'signal' and number is not None:
            self.status = 128 + number & 0xff
        elif word == 'panic':
            self.panic = rest or 'no reason given'
        else:
            return
        if self.grace is None:
            self.grace = time.monotonic() + GRACE

    def stop(self):
        """Ends QEMU. No harm if it has ended."""
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()

    # ---- afterwards

    def verdict(self):
        """The exit status for our caller; GuestFailed if it was the guest that failed."""
        for output in [*self.outputs, *([self.log] if self.log else [])]:
            self._finish(output)
        if self.reader_gone:
            return -signal.SIGPIPE
        if self.timed_out and self.status is None:
            raise GuestFailed(f'the guest did not end within {self.options.timeout:g} s, and was stopped')
        if self.panic is not None:
            self._show_log()
            raise GuestFailed(f'the guest panicked: {self.panic}')
        if self.status is not None:
            return self.status
        self._show_log()
        raise GuestFailed(self._why_gone())

    def _finish(self, output):
        """Everything that the guest wrote goes out, unless the time is over or the reader has gone."""
        while output.thread.is_alive() and not self.reader_gone and not self.timed_out:
            output.join(0.1 if self.deadline else 1)
            if self.deadline is not None and time.monotonic() >= self.deadline:
                self.timed_out = True
        if self.timed_out:
            output.join(0.2)

    def _why_gone(self):
        complaint = self.complaint.decode(errors='replace').strip()
        code = self.process.returncode
        if code < 0:
            return f'QEMU was killed by signal {-code}'
        # An odd status is the guest's own doing, by way of the debug exit port.
        if complaint and code == 1:
            return 'QEMU: ' + re.sub(r'^qemu-system-x86_64: ', '', complaint.splitlines()[-1])
        if self.terminal:
            return 'the guest ended without saying how (Ctrl-A X, or a reset)'
        return 'the guest ended without saying how (a reset, most likely)'

    def _show_log(self):
        if self.log and self.options.quiet:
            for line in self.log.last_lines(LOG_SHOWN):
                sys.stderr.write(line + '\n')

def run(options):
    """The command `run`: returns the exit status."""
    root.check(options)
    disk.check(options)
    common.build(common.GOALS[options.kernel], quiet=options.quiet)
    terminal = on_terminal()
    guest = Guest(options, terminal, Streams(console=None if options.quiet else 2))
    saved = termios.tcgetattr(0) if terminal else None
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, interrupt)
    try:
        if terminal and not options.quiet:
            say('Ctrl-A X ends the guest')
        guest.start()
        guest.wait()
    except Interrupted as reason:
        return -reason.number
    finally:
        guest.stop()
        if saved:
            termios.tcsetattr(0, termios.TCSADRAIN, saved)
    try:
        return guest.verdict()
    except Interrupted as reason:
        return -reason.number
