# SPDX-License-Identifier: MIT
"""The command `gdb`: the debug kernel, stopped in kernel_main, with gdb attached."""

import os
import shutil
import signal
import subprocess
import tempfile

from launcher import common, disk, root
from launcher.common import GuestFailed, say
from launcher.run import Guest, Interrupted, Streams, interrupt

CONSOLE_LOG = os.path.join(common.BUILD, 'console.log')

def scripts():
    """Options that load our commands."""
    folder = os.path.join(common.TOP, 'tools', 'gdb')
    return [word for name in ('gaur.py', 'threads.py') for word in ('-x', os.path.join(folder, name))]

def gdb_line(options, kernel, socket):
    """gdb's arguments. The breakpoint is the processor's: before paging is on, nothing else would hold."""
    line = ['gdb', '-q']
    if options.batch:
        line += ['-nx', '-batch']
    line += ['-ex', 'set confirm off', '-ex', 'set pagination off' if options.batch else 'set pagination on',
             *scripts(), '-ex', f'target remote {socket}', '-ex', 'thbreak kernel_main', '-ex', 'continue']
    if options.batch:
        line += ['-x', options.batch, '-ex', 'kill']
    return line + [kernel]

def streams(options, console):
    """The terminal is gdb's: the program gets no input, and a script sees none of its output."""
    null = os.open(os.devnull, os.O_RDWR)
    if options.batch:
        return Streams(null, null, null, console)
    return Streams(null, 1, 2, console)

def debug(options, guest, kernel, socket):
    """Starts both, and returns gdb's exit status."""
    guest.start()
    if not options.batch:
        say(f'the console goes to {os.path.relpath(CONSOLE_LOG)}')
    with subprocess.Popen(gdb_line(options, kernel, socket)) as gdb:
        # ^C is for gdb alone, which stops the guest then.
        if not options.batch:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            return gdb.wait(options.timeout or None)
        except subprocess.TimeoutExpired:
            gdb.kill()
            raise GuestFailed(f'gdb did not end within {options.timeout:g} s, and was stopped') from None
        except Interrupted:
            gdb.kill()
            raise

def run(options):
    """The command: returns the exit status."""
    if options.batch and not os.path.isfile(options.batch):
        raise common.Usage(f'--batch {options.batch}: no such file')
    if not shutil.which('gdb'):
        raise GuestFailed('gdb is not installed; tools/setup.sh installs it')
    options.kernel = 'debug'
    root.check(options)
    disk.check(options)
    common.build('debug', quiet=bool(options.batch))
    kernel = common.kernel_file('debug')
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, interrupt)
    folder = tempfile.mkdtemp(prefix='gaur-gdb-')
    socket = os.path.join(folder, 'socket')
    with open(CONSOLE_LOG, 'wb', buffering=0) as console:
        guest = Guest(options, False, streams(options, console.fileno()),
                      ['-S', '-gdb', f'unix:{socket},server=on,wait=off'])
        try:
            status = debug(options, guest, kernel, socket)
            return status if status >= 0 else 128 - status
        except Interrupted as reason:
            return -reason.number
        finally:
            guest.stop()
            shutil.rmtree(folder, ignore_errors=True)
