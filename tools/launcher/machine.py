# SPDX-License-Identifier: MIT
"""The machine: QEMU's command line.

The serial ports, which the kernel knows by their addresses:

  COM1  0x3f8  irq 4  the console: kernel log and /dev/console
  COM2  0x2f8  irq 3  /dev/hostio: the program's input, in frames (see pump.py), and its output
  COM3  0x3e8  irq 5  /dev/hosterr: the program's standard error, out only
  COM4  0x2e8  irq 7  /dev/hostctl: lines to the launcher, out only (see run.py)

All but a terminal's console are sockets that the launcher has connected beforehand, so that no name in the
file system is needed, and nothing is left behind.
"""

import functools
import os
import re
import struct

from launcher import disk
from launcher.common import GuestFailed

PORTS = {'console': (0x3f8, 4), 'io': (0x2f8, 3), 'err': (0x3e8, 5), 'ctl': (0x2e8, 7)}

PT_LOAD = 1
FIRMWARE_RESERVE = 192 * 1024   # what QEMU and SeaBIOS keep at the top of memory

@functools.cache
def has_kvm():
    """Does this machine offer hardware virtualisation in earnest?"""
    try:
        with open('/proc/cpuinfo', encoding='utf-8') as info:
            flags = next((line for line in info if line.startswith('flags')), '')
        if not re.search(r'\b(vmx|svm)\b', flags):
            return False
        os.close(os.open('/dev/kvm', os.O_RDWR | os.O_CLOEXEC))
        return True
    except OSError:
        return False

def processor(options):
    """CPU model and accelerator. Under --icount the time-stamp counter counts instructions, and string
    instructions run as their single steps, so that figures repeat to the last digit."""
    if options.icount:
        return ['-accel', 'tcg,thread=single', '-cpu', 'max,erms=off,fsrm=off', '-icount', 'shift=0']
    accelerator = 'kvm' if has_kvm() else 'tcg,thread=multi'
    return ['-accel', accelerator, '-cpu', 'max']

def image_end(kernel):
    """The first physical address behind the kernel, from its ELF program headers; 0 for another kind of file."""
    with open(kernel, 'rb') as image:
        header = image.read(64)
        if len(header) < 64 or header[:5] != b'\x7fELF\x02':
            return 0
        offset, = struct.unpack_from('<Q', header, 32)
        size, count = struct.unpack_from('<HH', header, 54)
        image.seek(offset)
        table = image.read(size * count)
    segments = (struct.unpack_from('<IIQQQQQ', table, i * size) for i in range(count))
    return max((physical + memory for kind, _, _, _, physical, _, memory in segments if kind == PT_LOAD), default=0)

def check_memory(options, kernel, archive):
    """QEMU would put the archive over the kernel, which then could not even say so."""
    needed = image_end(kernel) + os.fstat(archive).st_size + FIRMWARE_RESERVE
    if int(options.memory.removesuffix('K')) << 10 < needed:
        raise GuestFailed(f'{options.memory} of memory is too little: the kernel and the root take '
                          f'{-(-needed // 1024)}K before anything runs; give more with -m')

def serial_port(name, backend):
    base, irq = PORTS[name]
    return ['-chardev', f'{backend},id={name}',
            '-device', f'isa-serial,iobase={base:#x},irq={irq},chardev={name}']

def command_line(options, kernel, archive, sockets, append):
    """QEMU's arguments. `sockets` maps a port's name to the descriptor of its socket; a console without
    one is the user's terminal, and any other port without one leads nowhere."""
    kind = disk.MICROVM if options.machine == 'microvm' else options.machine
    line = ['qemu-system-x86_64', '-M', kind, *processor(options),
            '-m', options.memory, '-smp', str(options.cpus),
            '-kernel', kernel, '-initrd', archive,
            '-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none', '-monitor', 'none',
            '-device', 'isa-debug-exit,iobase=0xf4,iosize=4', *disk.arguments(options)]
    if append:
        line += ['-append', append]
    for name in PORTS:
        if name in sockets:
            line += serial_port(name, f'socket,fd={sockets[name]}')
        elif name == 'console':
            line += serial_port(name, 'stdio,mux=on,signal=off')
        else:
            line += serial_port(name, 'null')
    return line
