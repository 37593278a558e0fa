# SPDX-License-Identifier: MIT
"""As much of a WebSocket as the tests of the viewer need (RFC 6455): one client, text messages."""

import base64
import json
import os
import socket
import struct
import time

class Refused(Exception):
    """The server did not want to talk."""

class WebSocket:
    """Messages to and from ws://127.0.0.1:PORT/stream, as JSON."""

    def __init__(self, port, path='/stream', **headers):
        self.socket = socket.create_connection(('127.0.0.1', port), 60)
        key = base64.b64encode(os.urandom(16)).decode()
        wanted = {'Host': f'127.0.0.1:{port}', 'Upgrade': 'websocket', 'Connection': 'Upgrade', 'Sec-WebSocket-Key': key,
                  'Sec-WebSocket-Version': '13', **headers}
        lines = [f'GET {path} HTTP/1.1', *(f'{name}: {value}' for name, value in wanted.items()), '', '']
        self.socket.sendall('\r\n'.join(lines).encode())
        answer = b''
        while b'\r\n\r\n' not in answer:
            piece = self.socket.recv(1)
            if not piece:
                raise Refused(answer)
            answer += piece
        if not answer.startswith(b'HTTP/1.1 101'):
            raise Refused(answer)

    def _bytes(self, count):
        data = b''
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data

    def read(self):
        """The next message. EOFError: the server has closed."""
        data = b''
        while True:
            first, second = self._bytes(2)
            length = second & 127
            if length == 126:
                length, = struct.unpack('>H', self._bytes(2))
            elif length == 127:
                length, = struct.unpack('>Q', self._bytes(8))
            piece = self._bytes(length)
            if first & 15 == 8:
                raise EOFError
            data += piece
            if first & 128:
                return json.loads(data)

    def read_until(self, wanted, seconds=60):
        """The first message for which wanted(message) is true; None if it does not come in time."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                message = self.read()
            except (EOFError, OSError):
                return None
            if wanted(message):
                return message
        return None

    def send(self, message):
        """An object, or bytes as they are."""
        data = message if isinstance(message, bytes) else json.dumps(message).encode()
        mask = os.urandom(4)
        length = bytes([0x80 | len(data)]) if len(data) < 126 else bytes([0x80 | 126]) + struct.pack('>H', len(data))
        self.socket.sendall(b'\x81' + length + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(data)))

    def close(self):
        self.socket.close()
