# SPDX-License-Identifier: MIT
"""One boot, of Gaur or of Linux, with the same machine, the same first process (bench/init.c) and the same program."""

import os
import re
import select
import subprocess
import tempfile
import time
from dataclasses import dataclass, field

import pack_root
from launcher import common, machine, pump
from launcher.common import GuestFailed
from launcher.run import die_with_parent

PROGRAMS = os.path.join(common.BUILD, 'user')
INIT = os.path.join(PROGRAMS, 'bench', 'init')
RESET = os.path.join(PROGRAMS, 'bench', 'reset')
MICRO = os.path.join(PROGRAMS, 'micro')

APPEND = {
    'Linux': 'console=ttyS0 quiet mitigations=off norandmaps panic=-1',
    'Gaur': 'init=/init quiet norandmaps',
}

@dataclass
class Boot:
    """What to boot, and how."""
    system: str                 # 'Linux' or 'Gaur'
    kernel: str                 # its file
    memory: str = '1048576K'
    cpus: int = 1
    icount: bool = True
    machine: str = 'q35'
    seconds: float = 600        # without a line from the guest
    disks: list = field(default_factory=list)   # as those of the launcher's options
    files: list = field(default_factory=list)   # for the guest's folder /bench, besides the program
    extra: list = field(default_factory=list)   # more arguments for QEMU

def archive(arguments, programs):
    """A descriptor of a file, without a name, that holds the root: the same for both kernels."""
    words = b''.join(os.fsencode(word) + b'\0' for word in arguments)
    entries = [pack_root.folder(name) for name in ('dev', 'proc', 'sys', 'tmp', 'bench')]
    entries += [pack_root.host_file('init', INIT, 0o755), pack_root.file('bench/arguments', words)]
    entries += [pack_root.host_file('bench/' + os.path.basename(path), path, 0o755) for path in programs]
    entries.append(pack_root.node('dev/console', 0o600, 'c', 5, 1))     # Linux opens it before devtmpfs is there
    descriptor = os.memfd_create('gaur-bench')
    with os.fdopen(os.dup(descriptor), 'wb') as out:
        pack_root.write(entries, out)
    return descriptor

def command_line(boot, root, sockets, log):
    line = machine.command_line(boot, boot.kernel, f'/dev/fd/{root}', sockets, APPEND.get(boot.system, ''))
    at = line.index('stdio,mux=on,signal=off,id=console')
    line[at] = f'file,path=/dev/fd/{log.fileno()},id=console'
    if boot.icount:     # time passes in no time while the guest waits, so that what depends on time repeats as well
        line[line.index('shift=0')] += ',sleep=off'
    return line + boot.extra

def lines(boot, arguments, programs=(MICRO,)):
    """Boots, and yields what init and the program say, line by line, until the machine is off."""
    pairs = {name: pump.pair() for name in ('io', 'ctl')}
    root = archive(arguments, [*programs, *boot.files])
    with tempfile.TemporaryFile() as log:
        line = command_line(boot, root, {name: pair[1].fileno() for name, pair in pairs.items()}, log)
        theirs = [pair[1] for pair in pairs.values()]
        with subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              pass_fds=[root, log.fileno(), *(port.fileno() for port in theirs)],
                              preexec_fn=die_with_parent(os.getpid())) as process:
            os.close(root)
            for port in theirs:
                port.close()
            try:
                yield from read_lines(boot, pairs['io'][0])
            except GuestFailed as why:
                process.kill()
                raise GuestFailed(f'{why}; {last_words(process, pairs["ctl"][0], log)}') from None
            finally:
                end(process)
                for port, _ in pairs.values():
                    port.close()

def read_lines(boot, port):
    """Until init says how the program ended. GuestFailed if it does not say, or the program failed."""
    rest, ended = b'', None
    deadline = time.monotonic() + boot.seconds
    while ended is None:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([port], [], [], left)[0]:
            raise GuestFailed(f'{boot.system}: nothing was heard for {boot.seconds:g} s')
        piece = pump.receive(port)
        if not piece:
            raise GuestFailed(f'{boot.system} ended without saying how')
        *whole, rest = (rest + piece.replace(b'\r', b'')).split(b'\n')
        for text in (line.decode(errors='replace') for line in whole):
            deadline = time.monotonic() + boot.seconds
            ended = re.fullmatch(r'(exit|signal) (\d+)', text) or ended
            yield text
    if ended[0] != 'exit 0':
        raise GuestFailed(f'{boot.system}: the program ended with {ended[0]}')

def end(process, seconds=10):
    """The machine powers off by itself, or is ended."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

def last_words(process, control, log):
    """Why it panicked; or what QEMU complained of; or else the last line of the console."""
    process.wait()
    complaint = process.stderr.read().decode(errors='replace').strip()
    if panic := re.search(r'panic .*', pump.receive(control).decode(errors='replace')):
        return panic[0]
    log.seek(0)
    said = log.read().decode(errors='replace').split('\n')
    return complaint or next((line.strip() for line in reversed(said) if line.strip()), 'the console is empty')

def firmware(boot):
    """Instructions that the firmware takes before a kernel's first one."""
    stub = Boot('the firmware', RESET, boot.memory, boot.cpus, boot.icount, boot.machine, seconds=120)
    try:
        for line in lines(stub, ['none'], ()):
            if found := re.fullmatch(r'firmware (0x[0-9a-f]{16})', line):
                return int(found[1], 16)
    except GuestFailed:
        pass
    return None
