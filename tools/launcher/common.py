# SPDX-License-Identifier: MIT
"""What all parts of the launcher know: where things lie, and the ways to fail."""

import fcntl
import os
import re
import subprocess
import sys

VERSION = '0.1'
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, 'build')

# What make is asked for, for each kind of kernel; each with the root.
GOALS = {'release': 'all', 'debug': 'debug', 'sanitize': 'sanitize'}

EXIT_USAGE = 2      # the command line makes no sense
EXIT_GUEST = 125    # the guest itself failed, or could not be started

class Usage(Exception):
    """A wrong command line; the text says what is wrong with it."""

class GuestFailed(Exception):
    """The guest could not be started or did not end well; the text says why, in one line."""

class ProgramFailed(Exception):
    """The user's program cannot be run at all: a text, and the status that a shell would give."""

    def __init__(self, text, status):
        super().__init__(text)
        self.status = status

def say(text):
    """One line to the user, on standard error. That it cannot be written is no reason to fail."""
    try:
        sys.stderr.write(f'gaur: {text}\n')
        sys.stderr.flush()
    except OSError:
        pass

def make(*goals):
    """The command that makes goals, and the environment for it. A make that started us hands down the variables
    of its command line, such as CC=clang; its bookkeeping is not ours to take part in, nor which kernel it makes."""
    handed = re.findall(r'(?:^|\s)([A-Z]\w*=\S*)', os.environ.get('MAKEFLAGS', ''))
    variables = [word for word in handed if not word.startswith(('DEBUG=', 'SANITIZE=', 'ARGS=', 'ONLY=', 'ROWS=', 'SECONDS=', 'SEED='))]
    environment = {name: value for name, value in os.environ.items()
                   if name not in ('MAKEFLAGS', 'MAKELEVEL', 'MFLAGS', 'MAKEOVERRIDES', 'DEBUG', 'SANITIZE', 'ARGS', 'ONLY', 'ROWS')}
    return ['make', '--no-print-directory', f'-j{os.cpu_count()}', '-C', TOP, *variables, *goals], environment

def build(*goals, quiet=False):
    """Bring the kernel and the root up to date. Whatever make says goes to standard error."""
    if os.environ.get('GAUR_NO_BUILD'):
        return
    command, environment = make(*(['-s'] if quiet else []), *goals)
    os.makedirs(BUILD, exist_ok=True)
    # Two launchers at once build one after the other. The lock ends with this process, if not before.
    with open(os.path.join(BUILD, 'lock'), 'wb') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        run_make(command, environment)

def run_make(command, environment):
    if subprocess.run(command, stdin=subprocess.DEVNULL, stdout=2, env=environment, check=False).returncode:
        raise GuestFailed('the build failed; see above')

def kernel_file(kind):
    """The kernel to boot, of a kind in GOALS: GAUR_KERNEL, if that is set."""
    path = os.environ.get('GAUR_KERNEL') or os.path.join(BUILD, kind, 'gaur.elf')
    if not os.path.isfile(path):
        raise GuestFailed(f'no kernel at {path}; `make` builds it')
    with open(path, 'rb') as kernel:
        start = kernel.read(0x206)
    # Ours is an ELF file; Linux's, which may stand in for it, has its mark further back.
    if not (start.startswith(b'\x7fELF') or start.endswith(b'HdrS')):
        raise GuestFailed(f'{path} is no kernel')
    return path
