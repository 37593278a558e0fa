#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`./gaur watch` without a browser: what it serves and to whom, the stream, stepping, recordings, and what it says when something is wrong."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess

from harness import GAUR, Terminal, equal, folder, gaur, ok, qemus_of, wait_until, write, done
from websocket import Refused, WebSocket

PAGE = folder()
write('index.html', '<!doctype html><title>a page</title>\n<!-- recording -->\n')
ENVIRONMENT = {'GAUR_PAGE': PAGE}

class Watch:
    """A running `gaur watch`; its standard input is typed at the guest."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([GAUR, 'watch', '--no-browser', '--port', '0', *arguments], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **ENVIRONMENT})
        self.said = b''
        while b'shown at' not in self.said and (line := self.process.stderr.readline()):
            self.said += line
        match = re.search(rb'http://127.0.0.1:(\d+)/', self.said)
        self.port = int(match[1]) if match else 0

    def get(self, path, **headers):
        """(status, body)"""
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=30)
        connection.putrequest('GET', path, skip_host='Host' in headers)
        for name, value in headers.items():
            connection.putheader(name, value)
        try:
            connection.endheaders()
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 0, b''
        finally:
            connection.close()

    def type(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def end(self, seconds=60):
        """(status, standard output, all of standard error)"""
        try:
            out, err = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, err = self.process.communicate()
            return 1001, out, self.said + err
        return self.process.returncode, out, self.said + err

def one_line(words, status, wanted, name, environment=None):
    result = gaur('watch', '--no-browser', *words, environment={**ENVIRONMENT, **(environment or {})}, seconds=60)
    ok(result.status == status and wanted in result.err and len(result.err.splitlines()) == 1, name, result.notes())

def bad_input():
    one_line(['--port', 'x'], 2, b'--port x', 'a port that is no number')
    one_line(['--port', '65536'], 2, b'--port 65536', 'a port that is too large')
    one_line(['--replay', 'x', '--', 'ls'], 2, b'--replay', 'a program and a recording')
    one_line([], 125, b'make watch', 'a page that is not built', {'GAUR_PAGE': '/nonexistent'})
    one_line(['--replay', '/nonexistent'], 125, b'/nonexistent: No such file', 'a recording that is not there')
    hello = '{"type":"hello","format":1}\n'
    for name, content, words in (('nothing', '', b'empty'), ('no JSON', 'what?\n', b'line 1'), ('a number', '1\n', b'line 1'),
                                 ('another version', '{"type":"hello","format":2}\n', b'format 2'),
                                 ('no hello', '{"type":"picture"}\n', b'no recording'),
                                 ('half a line', hello + '{"type":"pic', b'cut short in line 2'),
                                 ('a broken line', hello + '{"type":"pic\n' + hello, b'line 2')):
        one_line(['--replay', write('bad.jsonl', content)], 125, words, f'a recording that has {name}')
    one_line(['--record', '/nonexistent/x', '--port', '0'], 125, b'/nonexistent/x', 'a recording that cannot be written')

def port_in_use():
    with socket.create_server(('127.0.0.1', 0)) as other:
        port = str(other.getsockname()[1])
        one_line(['--port', port, '--append', 'gaur-watch-mark'], 125, b'port ' + port.encode() + b' is in use', 'a port that is in use')
        ok(wait_until(lambda: not qemus_of('gaur-watch-mark')), 'no guest is left behind')

def served(watch):
    equal(watch.get('/')[0], 200, 'the page is served')
    ok(b'a page' in watch.get('/')[1], 'it is the one that was built')
    equal(watch.get('/recording')[0], 204, 'there is no recording beside a living guest')
    for path in ('/nonsense', '/../watch.t', '/..%2f..%2fetc/passwd', '/stream'):
        equal(watch.get(path)[0], 404, f'{path} is not served')
    equal(watch.get('/', Host='example.com')[0], 0, 'who calls us by another name gets no answer')
    for name, headers in (('another site\'s page', {'Origin': 'http://example.com'}), ('another name', {'Host': 'example.com'})):
        try:
            WebSocket(watch.port, **headers)
            ok(False, f'{name} does not get the stream')
        except Refused:
            ok(True, f'{name} does not get the stream')
    addresses = subprocess.run(['ss', '-ltn'], capture_output=True, text=True, check=False).stdout
    ok(f'127.0.0.1:{watch.port} ' in addresses or not addresses, 'only 127.0.0.1 is listened at', addresses)
    ok(f'0.0.0.0:{watch.port} ' not in addresses and f'*:{watch.port} ' not in addresses, 'and no other address', addresses)

def stream(watch):
    page = WebSocket(watch.port, Origin=f'http://127.0.0.1:{watch.port}')
    hello = page.read()
    ok(hello['type'] == 'hello' and hello['format'] == 1 and hello['live'] and 'cow_write' in hello['causes'] and 'fault' in hello['types'],
       'hello comes first', hello)
    picture = page.read_until(lambda message: message['type'] == 'picture')
    ok(picture and picture['full'] and sum(picture['kinds']) == hello['frames'], 'then a full picture', picture)
    watch.type('echo typed-$((6*7))\n')
    ok(page.read_until(lambda message: 'typed-42' in message.get('text', '')), 'what the console says comes to the page')
    page.send({'type': 'input', 'text': 'echo paged-$((6*7))\n'})
    ok(page.read_until(lambda message: 'paged-42' in message.get('text', '')), 'and what the page types goes to the console')
    for wrong in (b'garbage', b'[]', {'type': 'nonsense'}, {'type': 'input'}, {'type': 'step', 'n': 0}, {'type': 'step', 'n': 'x'}):
        page.send(wrong)
        ok(page.read_until(lambda message: message['type'] == 'error'), f'{wrong} is answered with an error')
    return page

def is_state(run, held=None):
    return lambda message: message['type'] == 'state' and message['run'] == run and (held is None or bool(message['held']) == held)

def pausing(page):
    page.send({'type': 'pause'})
    ok(page.read_until(is_state('paused')), 'the page lets the guest pause')
    page.send({'type': 'go'})
    ok(page.read_until(is_state('running')), 'and go on')

class Faults:
    """Reads on, and remembers the last count of page faults."""

    def __init__(self, page):
        self.page, self.count = page, None

    def until_held(self, other_than=None):
        def wanted(message):
            if message['type'] == 'picture' and 'counters' in message:
                self.count = message['counters']['pgfault']
            return is_state('stepping', True)(message) and message['held'] != other_than
        return self.page.read_until(wanted)

def stepping(page):
    """With one CPU, a step is a fault."""
    faults = Faults(page)
    page.send({'type': 'step', 'n': 1})
    page.send({'type': 'input', 'text': 'cat /proc/self/maps > /dev/null\n'})
    state = faults.until_held()
    ok(state and state['held']['address'].startswith('0x'), 'the guest waits at a fault', state)
    for steps in (1, 1, 5):
        before = faults.count
        page.send({'type': 'step', 'n': steps})
        state = None
        while faults.count is not None and before is not None and faults.count < before + steps:
            state = faults.until_held()
            if not state:
                break
        equal(faults.count, before + steps if before is not None else None, f'{steps} more of them raise pgfault by as many', state)
    page.send({'type': 'go'})
    ok(page.read_until(is_state('running')), 'then it goes on')

def session(record):
    watch = Watch('--record', record)
    if not ok(watch.port, 'the page\'s address is told', watch.said):
        return
    served(watch)
    page = stream(watch)
    pausing(page)
    stepping(page)
    page.send({'type': 'input', 'text': 'exit 3\n'})
    state = page.read_until(is_state('ended'))
    ok(state and 'status 3' in state['reason'], 'the end is told, with its reason', state)
    equal(watch.get('/')[0], 200, 'the page is still there')
    ok(watch.process.poll() is None, 'and so is the launcher, while a page is connected')
    page.close()
    status, out, err = watch.end()
    equal(status, 3, 'then the exit status is the program\'s', err)
    ok(b'typed-42' in out and b'paged-42' in out, 'the console goes to standard output', out)

def recorded(record):
    with open(record, encoding='utf-8') as file:
        messages = [json.loads(line) for line in file]
    kinds = [message['type'] for message in messages]
    ok(kinds[0] == 'hello' and messages[1]['type'] == 'picture' and messages[1]['full'] and kinds[-1] == 'state', 'a recording begins and ends as it should', kinds)
    ok({'events', 'console', 'picture'} <= set(kinds), 'everything is in it', set(kinds))
    watch = Watch('--replay', record)
    with open(record, 'rb') as file:
        equal(watch.get('/recording'), (200, file.read()), 'a replay serves it')
    equal(watch.get('/')[0], 200, 'and the page')
    watch.process.send_signal(signal.SIGINT)
    equal(watch.end()[0], 0, 'Ctrl-C ends it')
    target = os.path.join(folder(), 'exported.html')
    result = gaur('watch', '--replay', record, '--export', target, environment=ENVIRONMENT)
    ok(result.status == 0 and os.path.exists(target), 'it can be exported', result.notes())
    with open(target, encoding='utf-8') as file:
        text = file.read()
    inside = re.search(r'<script type="application/x-ndjson" id="recording">\n(.*)</script>', text, re.DOTALL)
    ok(text.startswith('<!doctype') and inside and [json.loads(line) for line in inside[1].splitlines()] == messages,
       'as one page with the recording inside')

def guest_dies():
    watch = Watch('--append', 'gaur-watch-mark')
    page = WebSocket(watch.port)
    page.read_until(lambda message: message['type'] == 'picture')
    for qemu in qemus_of('gaur-watch-mark'):
        os.kill(qemu, signal.SIGKILL)
    state = page.read_until(is_state('ended'))
    ok(state and 'killed' in state['reason'], 'a guest that dies is told to the page', state)
    page.close()
    status, _, err = watch.end()
    ok(status == 125 and b'QEMU was killed' in err, 'and to the person', err)

def on_a_terminal():
    os.environ.update(ENVIRONMENT)
    terminal = Terminal('watch', '--no-browser', '--port', '0')
    ok(terminal.read_until('shown at.*# |# .*shown at'), 'on a terminal there is a prompt', terminal.seen)
    terminal.type('echo on-$((6*7))\r')
    ok(terminal.read_until('on-42'), 'it is the guest\'s', terminal.seen)
    terminal.type('\1x')
    equal(terminal.end(), 0, 'Ctrl-A X ends it')

def nothing_open():
    """With 0 and 1 closed, as some daemons start their children."""
    line = 'exec "$0" watch --no-browser --port 0 -- sh -c "exit 5" <&- >&-'
    done_ = subprocess.run(['sh', '-c', line, GAUR], stderr=subprocess.PIPE, timeout=120, check=False, env={**os.environ, **ENVIRONMENT})
    equal(done_.returncode, 5, 'without standard input and output it works as well', done_.stderr)

def panic():
    watch = Watch('--append', 'init=/nonexistent')
    status, _, err = watch.end()
    ok(status == 125 and b'panicked' in err, 'a panic is told', err)

def program_ends():
    result = gaur('watch', '--no-browser', '--port', '0', '--', 'sh', '-c', 'exit 7', environment=ENVIRONMENT)
    equal(result.status, 7, 'without a page it ends with its program', result.notes())

bad_input()
port_in_use()
RECORD = os.path.join(folder(), 'session.jsonl')
session(RECORD)
recorded(RECORD)
guest_dies()
on_a_terminal()
nothing_open()
panic()
program_ends()
done()
