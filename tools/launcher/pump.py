# SPDX-License-Identifier: MIT
"""The program's input and output: one thread per stream, each of which may wait as long as it likes.

Output is bytes as they are. Input goes to the guest in frames, since a serial line knows no end of file:
two bytes of length, low byte first, and as many bytes; a length of 0 is the end. Nothing is sent before the
guest says that it listens: what arrives at a port that is being set up would be lost."""

import os
import socket
import threading

PIECE = 1 << 16
FRAME_MAX = 0xffff

class Output:
    """Copies what the guest sends to a descriptor of ours, until the guest is gone.

    `broken()` is called once if our reader has gone; what comes later is dropped."""

    listener = None     # is shown each piece as well

    def __init__(self, port, target, broken=None):
        self.port, self.target, self.broken = port, target, broken
        self.thread = threading.Thread(target=self._copy, daemon=True)
        self.thread.start()

    def _copy(self):
        open_still = True
        while piece := receive(self.port):
            if open_still:
                open_still = self._write(piece)
            if self.listener:
                self.listener(piece)

    def _write(self, piece):
        try:
            view = memoryview(piece)
            while view:
                view = view[os.write(self.target, view):]
            return True
        except OSError:
            if self.broken:
                self.broken()
            return False

    def join(self, seconds=None):
        self.thread.join(seconds)

class Log:
    """Keeps the last of what the guest's console says, and shows all of it if there is a target."""

    KEPT = 1 << 16

    def __init__(self, port, target=None):
        self.port, self.target = port, target
        self.text = b''
        self.thread = threading.Thread(target=self._copy, daemon=True)
        self.thread.start()

    def _copy(self):
        while piece := receive(self.port):
            piece = piece.replace(b'\r', b'')
            self.text = (self.text + piece)[-self.KEPT:]
            if self.target is not None:
                try:
                    os.write(self.target, piece)
                except OSError:
                    self.target = None

    def last_lines(self, count):
        return self.text.decode(errors='replace').splitlines()[-count:]

    def join(self, seconds=None):
        self.thread.join(seconds)

class Input:
    """Sends a descriptor of ours to the guest, from start() on."""

    def __init__(self, port, source):
        self.port, self.source = port, source
        self.thread = threading.Thread(target=self._copy, daemon=True)

    def start(self):
        if not self.thread.ident:
            self.thread.start()

    def _copy(self):
        try:
            while piece := self._read():
                self.port.sendall(len(piece).to_bytes(2, 'little') + piece)
            self.port.sendall(b'\0\0')
        except OSError:
            pass    # the guest has gone

    def _read(self):
        try:
            return os.read(self.source, FRAME_MAX)
        except OSError:
            return b''      # closed, or a folder: an end of file is all that can be told

def receive(port):
    """Some bytes; none when the other side has gone."""
    try:
        return port.recv(PIECE)
    except OSError:
        return b''

class Lines:
    """The control port, read line by line without waiting."""

    def __init__(self, port):
        self.port, self.rest = port, b''
        port.setblocking(False)

    def fileno(self):
        return self.port.fileno()

    def read(self):
        """Whole lines that have come; None when there will be no more."""
        try:
            piece = self.port.recv(PIECE)
        except BlockingIOError:
            return []
        except OSError:
            piece = b''
        if not piece:
            return None
        *lines, self.rest = (self.rest + piece.replace(b'\r', b'')).split(b'\n')
        return [line.decode(errors='replace') for line in lines]

def pair():
    """Two connected sockets: ours, and one for the guest."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
