# SPDX-License-Identifier: MIT
"""What `watch` and `snapshot` share: a guest whose memory is in a file, and the program that looks at it (watch/).

The file has no name (memfd_create), so that nothing is left behind however we end; QEMU and the viewer get a descriptor each. The viewer
has a second socket, to QEMU's monitor, and a third to us, for lines:

  from us       start            the program is about to run
                now              the moment for a snapshot has come
                ended REASON     the guest is gone
  to us         quit             the person wants the guest to end
"""

import os
import socket
import subprocess
import sys

from launcher import common, pump
from launcher.common import GuestFailed
from launcher.run import die_with_parent

GRACE = 5.0         # seconds for the viewer's last words
NO_MOMENT = 3       # the viewer's exit status: the moment for a snapshot did not come

GOALS = {'release': [], 'debug': ['DEBUG=1'], 'sanitize': ['SANITIZE=1']}

def build_program(options):
    """The viewer for a kernel of that kind."""
    common.build(*GOALS[options.kernel], 'watch-program', quiet=True)

def build(options):
    """The kernel, the root and the viewer."""
    common.build(common.GOALS[options.kernel], quiet=options.quiet)
    build_program(options)

def program(kind):
    path = os.path.join(common.BUILD, 'watch', kind, 'gaur-watch')
    if not os.path.isfile(path):
        raise GuestFailed(f'no viewer at {path}; `make watch` builds it')
    return path

def open_standard():
    """Whoever started us may have closed 0, 1 or 2: then something else has their places by now, or would take them."""
    for descriptor, (name, mode) in enumerate((('stdin', 'r'), ('stdout', 'w'), ('stderr', 'w'))):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_RDWR)
            if null != descriptor:
                os.dup2(null, descriptor)
                os.close(null)
            os.set_inheritable(descriptor, True)
            setattr(sys, name, open(descriptor, mode, encoding='utf-8', closefd=False))

class Machine:
    """The descriptors that QEMU and the viewer have in common, and QEMU's arguments for them."""

    def __init__(self, options):
        self.size = int(options.memory.removesuffix('K')) << 10
        self.memory = os.memfd_create('gaur-memory')
        os.truncate(self.memory, self.size)
        self.qmp, self.qemu_qmp = pump.pair()

    def arguments(self):
        return ['-object', f'memory-backend-file,id=ram,size={self.size},mem-path=/dev/fd/{self.memory},share=on',
                '-machine', 'memory-backend=ram',
                '-chardev', f'socket,fd={self.qemu_qmp.fileno()},id=qmp', '-mon', 'chardev=qmp,mode=control']

    def descriptors(self):
        return [self.memory, self.qemu_qmp.fileno()]

    def started(self):
        """QEMU has its own copies."""
        self.qemu_qmp.close()

class Viewer:
    """The program that looks; `words` are its command and options, `machine` what it looks at, if anything."""

    def __init__(self, options, machine, words, descriptors=(), **more):
        self.control, theirs = pump.pair()
        line, handed = [program(options.kernel), *words, '--control', str(theirs.fileno())], [theirs.fileno(), *descriptors]
        if machine:
            line += self.guest_words(options, machine)
            handed += [machine.memory, machine.qmp.fileno()]
        self.process = subprocess.Popen(line, pass_fds=handed, preexec_fn=die_with_parent(os.getpid()), **more)
        theirs.close()
        if machine:
            machine.qmp.close()

    @staticmethod
    def guest_words(options, machine):
        return ['--memory', str(machine.memory), '--qmp', str(machine.qmp.fileno()), '--machine', options.machine,
                '--cpus', str(options.cpus), '--icount', str(int(options.icount)),
                '--kernel', common.kernel_file(options.kernel)]

    def tell(self, line):
        """It may have gone; then its exit status says why."""
        try:
            self.control.sendall(line.encode() + b'\n')
        except OSError:
            pass

    def status(self):
        """Its exit status, when it has ended."""
        code = self.process.wait()
        if code < 0:
            raise GuestFailed(f'the viewer was killed by signal {-code}')
        return code

    def end(self):
        """Let it write what it still has to, when we are interrupted."""
        try:
            self.control.shutdown(socket.SHUT_WR)
            self.process.wait(GRACE)
        except (OSError, subprocess.TimeoutExpired):
            pass

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
