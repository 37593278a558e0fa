# SPDX-License-Identifier: MIT
"""Recordings of the viewer: JSON, one message a line (docs/watch.md). Whether a file is one; and a page that holds one."""

import json
import os

from launcher.common import GuestFailed

FORMAT = 1
MARK = '<!-- recording -->'     # where a page has room for one

def check_line(path, number, line):
    """The message in a line."""
    try:
        message = json.loads(line)
    except ValueError:
        message = None
    if not isinstance(message, dict) or not isinstance(message.get('type'), str):
        raise GuestFailed(f'{path}: line {number} is no message of a recording')
    return message

def check_hello(path, message):
    if message['type'] != 'hello':
        raise GuestFailed(f'{path}: is no recording, which would begin with a hello')
    if message.get('format') != FORMAT:
        raise GuestFailed(f'{path}: a recording of format {message.get("format")}; this viewer knows {FORMAT}')

def check(path):
    """Ends with one clear line if the file is not a whole recording of our format."""
    try:
        check_lines(path)
    except OSError as error:
        raise GuestFailed(f'{path}: {error.strerror}') from None

def check_lines(path):
    number, line = 0, b'\n'
    with open(path, 'rb') as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b'\n'):
                raise GuestFailed(f'{path}: cut short in line {number}')
            message = check_line(path, number, line)
            if number == 1:
                check_hello(path, message)
    if number == 0:
        raise GuestFailed(f'{path}: is empty')

def export(path, page, target):
    """Writes one file that is the page with the recording in it. A "<" in it can only be in a string; escaped, it ends no element."""
    with open(page, encoding='utf-8') as file:
        before, mark, after = file.read().partition(MARK)
    if not mark:
        raise GuestFailed(f'{page}: has no room for a recording; build it again')
    unfinished = target + '.new'
    with open(path, encoding='utf-8') as lines, open(unfinished, 'w', encoding='utf-8') as out:
        out.write(before + '<script type="application/x-ndjson" id="recording">\n')
        for line in lines:
            out.write(line.replace('<', '\\u003c'))
        out.write('</script>' + after)
    os.replace(unfinished, target)
