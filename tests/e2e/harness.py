# SPDX-License-Identifier: MIT
"""What the end-to-end tests share: TAP, running the launcher, a terminal to run it on, small C programs.

GAUR names another launcher than this tree's ./gaur, to try the tests on another kernel.
"""

import atexit
import fcntl
import os
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GAUR = os.environ.get('GAUR', os.path.join(TOP, 'gaur'))
SECONDS = 120       # more than any one boot here takes

_results = {'number': 0, 'failed': 0}
_folder = []

def ok(condition, name, *notes):
    """One result; the notes are shown if it is a bad one."""
    _results['number'] += 1
    if not condition:
        _results['failed'] += 1
    print(f'{"ok" if condition else "not ok"} {_results["number"]} - {name}')
    if not condition:
        for note in notes:
            for line in str(note).splitlines()[-25:]:
                print(f'# {line}')
    sys.stdout.flush()
    return bool(condition)

def equal(got, wanted, name, *notes):
    return ok(got == wanted, name, f'wanted {shown(wanted)}', f'got    {shown(got)}', *notes)

def skip(name, why):
    _results['number'] += 1
    print(f'ok {_results["number"]} - {name} # SKIP {why}')

def shown(value):
    text = repr(value)
    return text if len(text) < 600 else text[:300] + ' ... ' + text[-300:]

def done():
    """The plan, at the end; and the exit status."""
    print(f'1..{_results["number"]}')
    sys.stdout.flush()
    sys.exit(1 if _results['failed'] else 0)

def folder():
    """A folder of this test's own."""
    if not _folder:
        _folder.append(tempfile.mkdtemp(prefix='gaur-test-'))
        atexit.register(shutil.rmtree, _folder[0], ignore_errors=True)
    return _folder[0]

def write(name, data, mode=0o644):
    """A file in that folder; returns its path."""
    path = os.path.join(folder(), name)
    with open(path, 'wb') as out:
        out.write(data if isinstance(data, bytes) else data.encode())
    os.chmod(path, mode)
    return path

def compile_c(name, source, *flags):
    """A static program from C source; returns its path."""
    path = os.path.join(folder(), name)
    subprocess.run(['musl-gcc', '-static', '-O1', '-w', '-xc', '-', '-o', path, *flags],
                   input=source.encode(), check=True)
    return path

class Result:
    """How one run of the launcher ended."""

    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    def text(self):
        return self.out.decode(errors='replace')

    def notes(self):
        return f'status {self.status}\nstdout: {shown(self.out)}\nstderr: {self.err.decode(errors="replace")}'

def gaur(*arguments, stdin=b'', seconds=SECONDS, environment=None, cwd=None):
    """Runs the launcher to its end. A status above 1000 means that it did not come to one."""
    process = subprocess.Popen([GAUR, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, cwd=cwd, env={**os.environ, **(environment or {})})
    try:
        out, err = process.communicate(stdin, timeout=seconds)
    except subprocess.TimeoutExpired:
        process.terminate()
        out, err = process.communicate()
        return Result(1001, out, err + b'\n(the launcher did not end in time)')
    return Result(process.returncode, out, err)

def run(*arguments, **more):
    """`gaur run --quiet` with these arguments."""
    return gaur('run', '--quiet', *arguments, **more)

class Terminal:
    """The launcher on a terminal of its own, as a person would use it."""

    def __init__(self, *arguments):
        self.seen = b''
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', 30, 100, 0, 0))
            os.execv(GAUR, [GAUR, *arguments])

    def read_until(self, pattern, seconds=SECONDS):
        """Reads on until the text matches; returns it, or None if it does not in time."""
        deadline = time.monotonic() + seconds
        wanted = re.compile(pattern.encode(), re.DOTALL)
        while not (match := wanted.search(self.seen)):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0] or not self._read():
                return None
        taken, self.seen = self.seen[:match.end()], self.seen[match.end():]
        return taken.decode(errors='replace')

    def _read(self):
        try:
            piece = os.read(self.fd, 65536)
        except OSError:
            piece = b''
        # Carriage returns, colours, and the shell's questions about the cursor are not part of the text.
        self.seen = re.sub(rb'\x1b\[[0-9;]*[A-Za-z]|\r', b'', self.seen + piece)
        return bool(piece)

    def type(self, text):
        os.write(self.fd, text.encode())

    def end(self, seconds=SECONDS):
        """Waits for the launcher; returns its exit status as a shell would."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if select.select([self.fd], [], [], 0.05)[0]:
                self._read()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else 128 - code
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        return 1001

def qemus_of(marker):
    """Process numbers of QEMUs whose command line contains the marker."""
    found = []
    for name in os.listdir('/proc'):
        try:
            with open(f'/proc/{name}/cmdline', 'rb') as line:
                words = line.read()
        except (OSError, ValueError):
            continue
        if name.isdigit() and words.startswith(b'qemu-system') and marker.encode() in words:
            found.append(int(name))
    return found

def wait_until(condition, seconds=30):
    """Polls; true as soon as the condition is."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True

def free_port():
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]

class NbdServer:
    """qemu-nbd with an image, on a port of this machine or on a socket in a file."""

    def __init__(self, image, port=None):
        self.image, self.port = image, port
        self.socket = os.path.join(folder(), 'nbd')
        self.process = None
        atexit.register(self.stop)

    def start(self):
        """It listens; returns its address."""
        where = ['--socket', self.socket]
        if self.port:
            where = ['--bind', '127.0.0.1', '--port', str(self.port)]
        elif os.path.exists(self.socket):
            os.remove(self.socket)
        self.process = subprocess.Popen(['qemu-nbd', '--persistent', '--shared=0', '--export-name=disk', '--format=raw', *where,
                                         self.image], stderr=subprocess.DEVNULL)
        wait_until(self.listens, SECONDS)
        return f'nbd://127.0.0.1:{self.port}/disk' if self.port else f'nbd+unix:///disk?socket={self.socket}'

    def listens(self):
        if not self.port:
            return os.path.exists(self.socket)
        with socket.socket() as probe:
            return probe.connect_ex(('127.0.0.1', self.port)) == 0

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()

class TalkingGuest:
    """A guest that is talked to while it runs: lines out, lines in."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([GAUR, 'run', '--quiet', '--timeout', '300', *arguments], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def line(self):
        return self.process.stdout.readline().rstrip('\n')

    def say(self, text):
        self.process.stdin.write(text + '\n')
        self.process.stdin.flush()

    def end(self):
        """The rest of what it says."""
        rest, _ = self.process.communicate(timeout=SECONDS)
        return rest
