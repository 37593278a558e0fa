# SPDX-License-Identifier: MIT
"""Commands and options."""

import getopt
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass, field

from launcher import common, disk
from launcher.common import EXIT_GUEST, EXIT_USAGE, GuestFailed, ProgramFailed, Usage, say

HELP = """\
Gaur, a small Unix kernel, and the machine to try it on.

usage: ./gaur COMMAND [options]

  run     boot, and run a program or a shell
  test    run all tests
  soak    run random mixtures of everything for a long time, with all checks on
  memory  where the memory of a booted guest is, by kind
  gdb     boot under the debugger
  bench   what operations cost, here and on Linux
  profile guest instructions by kernel function, for rows of the benchmark or a program
  watch   see the guest's memory in the browser, while it happens
  snapshot  the same as text, JSON or a picture, at one moment

`./gaur COMMAND --help` tells more. `make help` lists what can be built.
"""

HELP_RUN = """\
usage: ./gaur run [options] [--] [PROGRAM [ARG...]]

Boots Gaur and runs PROGRAM on it, or a BusyBox shell on the console. A PROGRAM with a slash that is a
file here is taken into the guest; any other is looked up there. Input, output and exit status pass
through: 128 + N if signal N killed the program, 125 if the guest itself failed, 2 for a wrong option.

  -m SIZE         memory: 16M (default), 4096K, 1G; a plain number counts MiB
  -c N            CPUs (default 1)
  --root ROOT     root file system: a folder (default: the BusyBox root built here), or an ext2
                  image or other disk, as for --disk. A folder that would take more than half
                  of the memory is packed into a disk that is thrown away afterwards
  --disk DISK     a disk, /dev/vda, then vdb, ...: an image, or nbd://HOST[:PORT][/NAME];
                  ",format=qcow2" and ",readonly" may follow
  --swap SIZE     a disk of that size, as swap; or nbd://HOST[:PORT][/NAME], which is overwritten
  --machine M     q35 (default), pc or microvm
  --icount        deterministic instruction counting
  --timeout SEC   stop the guest after SEC seconds
  --append ARGS   kernel arguments
  --debug         the kernel with assertions
  --sanitize      the kernel with assertions and sanitizers; give it 64M or more
  --quiet         only the program's own output
  -h, --help      this text
  --version       the version

On a terminal, Ctrl-A X ends the guest. With input or output elsewhere, the program has no terminal.
Environment: GAUR_NO_BUILD=1 takes what is built already; GAUR_KERNEL=FILE boots another kernel,
GAUR_ROOT=FILE another root (an archive of tools/pack_root.py, or any of cpio's format "newc").
"""

HELP_TEST = """\
usage: ./gaur test [NAME...]

Runs all tests, or those whose names contain one of NAME. The last line counts: "N passed, N failed".
"""

HELP_GDB = """\
usage: ./gaur gdb [options of run] [--batch SCRIPT] [--] [PROGRAM [ARG...]]

Boots the debug kernel, stopped in kernel_main, with gdb attached and these commands added:
  gaur-vspace [PID]        regions of an address space, and how much of each is there
  gaur-walk ADDRESS [PID]  the page-table entries on the way to an address
  gaur-frame ADDR|PFN      what the kernel knows of a frame
  gaur-threads [PID]       what each thread that is off the CPUs is doing
With --batch, gdb runs SCRIPT without a person, and its output is all that is printed.
"""

@dataclass
class Options:
    """What the user asked for."""
    memory: str = '16384K'      # always in KiB
    cpus: int = 1
    root: str = ''              # a folder, or, if root_disk is set, nothing
    root_disk: object = None    # the first of the disks, if the root is on it
    machine: str = 'q35'
    disks: list = field(default_factory=list)
    swap: object = None         # bytes, or a disk.Disk
    icount: bool = False
    timeout: float = 0
    append: str = ''
    kernel: str = 'release'     # its kind: common.GOALS has all
    quiet: bool = False
    lessons: bool = False       # put their programs into the root
    batch: str = ''
    command: list = field(default_factory=list)     # PROGRAM and its arguments

def parse_size(text, option='-m', limits=(1 << 20, 1 << 40), range_text='from 1M to 1024G'):
    """A size in bytes; QEMU's rule: a plain number counts MiB."""
    match = re.fullmatch(r'([0-9]+)([KMGkmg]?)', text)
    if not match:
        raise Usage(f'{option} {text}: no size; try 16M')
    size = int(match[1]) << {'K': 10, 'M': 20, 'G': 30, '': 20}[match[2].upper()]
    if not limits[0] <= size <= limits[1]:
        raise Usage(f'{option} {text}: {range_text}')
    return size

def parse_memory(text):
    """The size as QEMU takes it without rounding, in KiB."""
    size = parse_size(text)
    return f'{size >> 10}K'

def parse_cpus(text):
    if not re.fullmatch(r'[0-9]{1,3}', text) or not 1 <= int(text) <= 255:
        raise Usage(f'-c {text}: a number of CPUs from 1 to 255 is wanted')
    return int(text)

def parse_machine(text):
    if text not in ('q35', 'pc', 'microvm'):
        raise Usage(f'--machine {text}: q35, pc or microvm is wanted')
    return text

def parse_timeout(text):
    if not re.fullmatch(r'[0-9]*\.?[0-9]+|[0-9]+\.', text) or float(text) <= 0:
        raise Usage(f'--timeout {text}: a number of seconds above 0 is wanted')
    return float(text)

def parse_swap(text):
    """A size in bytes, or the disk that is to be swap."""
    if re.match(r'nbd(\+unix)?:', text):
        return disk.parse(text, '--swap')
    return parse_size(text, '--swap', (64 << 10, 16 << 30), 'from 64K to 16G')

# option: the field it sets, and how its text is read, or, of a flag, to what it sets it
VALUES = {
    '-m': ('memory', parse_memory),
    '-c': ('cpus', parse_cpus),
    '--root': ('root', str),
    '--machine': ('machine', parse_machine),
    '--timeout': ('timeout', parse_timeout),
    '--append': ('append', str),
    '--disk': ('disks', disk.parse),
    '--swap': ('swap', parse_swap),
}
FLAGS = {'--icount': ('icount', True), '--quiet': ('quiet', True), '--debug': ('kernel', 'debug'),
         '--sanitize': ('kernel', 'sanitize')}

def parse(arguments, help_text, options=None, values=None, flags=None):
    """Options and PROGRAM of `run`, or those of another command, with `values` and `flags` besides; None if help was all
    that was wanted."""
    values, flags = {**VALUES, **(values or {})}, {**FLAGS, **(flags or {})}
    long = [name[2:] + '=' for name in values if name.startswith('--')] + [name[2:] for name in flags]
    try:
        pairs, command = getopt.getopt(arguments, 'm:c:h', long + ['help', 'version'])
    except getopt.GetoptError as error:
        raise Usage(str(error)) from None
    options = options or Options()
    options.command = command
    for name, text in pairs:
        if name in ('-h', '--help'):
            sys.stdout.write(help_text)
            return None
        if name == '--version':
            sys.stdout.write(f'gaur {common.VERSION}\n')
            return None
        if name in flags:
            setattr(options, *flags[name])
        else:
            target, read = values[name]
            if isinstance(getattr(options, target), list):
                getattr(options, target).append(read(text))
            else:
                setattr(options, target, read(text))
    return options

def command_run(arguments):
    options = parse(arguments, HELP_RUN)
    if options is None:
        return 0
    from launcher import run
    return run.run(options)

def command_gdb(arguments):
    options = parse(arguments, HELP_GDB, values={'--batch': ('batch', str)})
    if options is None:
        return 0
    from launcher import gdb
    return gdb.run(options)

def command_memory(arguments):
    from launcher import memory
    return memory.run(arguments)

def command_soak(arguments):
    from launcher import soak
    return soak.run(arguments)

def command_test(arguments):
    if arguments and arguments[0] in ('-h', '--help'):
        sys.stdout.write(HELP_TEST)
        return 0
    if arguments == ['--version']:
        sys.stdout.write(f'gaur {common.VERSION}\n')
        return 0
    command = ['make', '--no-print-directory', '-C', common.TOP, 'test']
    return subprocess.run(command + (['ONLY=' + ' '.join(arguments)] if arguments else []), check=False).returncode

def command_watch(arguments):
    from launcher import watch
    return watch.run(arguments)

def command_snapshot(arguments):
    from launcher import snapshot
    return snapshot.run(arguments)

def command_bench(arguments):
    from bench import command
    return command.run(arguments)

def command_profile(arguments):
    from profiler import command
    return command.run(arguments)

COMMANDS = {'run': command_run, 'gdb': command_gdb, 'test': command_test, 'bench': command_bench,
            'profile': command_profile, 'soak': command_soak, 'memory': command_memory, 'watch': command_watch, 'snapshot': command_snapshot}

def dispatch(arguments):
    if not arguments:
        raise Usage('a command is wanted; see ./gaur --help')
    name, rest = arguments[0], arguments[1:]
    if name in ('-h', '--help', 'help'):
        sys.stdout.write(HELP)
        return 0
    if name == '--version':
        sys.stdout.write(f'gaur {common.VERSION}\n')
        return 0
    if name not in COMMANDS:
        raise Usage(f'{name}: no such command; see ./gaur --help')
    return COMMANDS[name](rest)

def main(arguments):
    """Returns an exit status; a negative one is the signal to die of."""
    try:
        return dispatch(arguments)
    except Usage as error:
        say(str(error))
        return EXIT_USAGE
    except ProgramFailed as error:
        say(str(error))
        return error.status
    except (GuestFailed, OSError) as error:
        say(str(error))
        return EXIT_GUEST
    except KeyboardInterrupt:
        return -signal.SIGINT

def finish(status):
    """End without waiting for threads that hang on somebody else's pipe."""
    try:
        sys.stdout.flush()
    except OSError:
        pass
    if status < 0:
        signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)
