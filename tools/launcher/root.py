# SPDX-License-Identifier: MIT
"""What the guest finds in its root: the base archive, and a second one with the launcher's wishes.

The second archive holds the folder /gaur, which user/init.c describes, and the user's program. If the root is on a disk, the
first archive has only what brings the guest there."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

import pack_root
from launcher import common, disk
from launcher.common import GuestFailed, ProgramFailed

INIT = os.path.join(common.BUILD, 'user', 'init')
BASE = os.path.join(common.BUILD, 'root.cpio')

def program_entries(command):
    """The entries that make the user's PROGRAM run: its arguments, and itself if it is a file here."""
    if not command:
        return []
    program = command[0]
    arguments = b''.join(os.fsencode(word) + b'\0' for word in command)
    entries = [pack_root.file('gaur/argv', arguments)]
    if not program:
        raise ProgramFailed("'': not found", 127)
    if '/' not in program or not os.path.exists(program):
        return entries
    if os.path.isdir(program):
        raise ProgramFailed(f'{program}: is a folder', 126)
    if not os.stat(program).st_mode & 0o111:
        raise ProgramFailed(f'{program}: Permission denied (not executable)', 126)
    if not os.access(program, os.R_OK):
        raise ProgramFailed(f'{program}: Permission denied (not readable)', 126)
    inside = 'gaur/prog/' + os.path.basename(program)
    return entries + [pack_root.file('gaur/exe', os.fsencode('/' + inside) + b'\n'),
                      pack_root.folder('gaur/prog'), pack_root.host_file(inside, program)]

def lesson_entries():
    """The lessons' programs, in /lessons."""
    top = os.path.join(common.BUILD, 'user', 'lessons')
    return [pack_root.folder('lessons')] + [pack_root.host_file(f'lessons/{name}', os.path.join(top, name), 0o755)
                                            for name in sorted(os.listdir(top))]

def terminal_entries():
    """The kind and size of the user's terminal."""
    entries = [pack_root.file('gaur/mode', b'console\n')]
    term = os.environ.get('TERM')
    if term:
        entries.append(pack_root.file('gaur/term', os.fsencode(term) + b'\n'))
    try:
        size = os.get_terminal_size(sys.stdin.fileno())
        entries.append(pack_root.file('gaur/winsize', b'%d %d\n' % (size.lines, size.columns)))
    except (OSError, ValueError):
        pass
    return entries

def wish_entries(options, terminal):
    """The second archive. Without a terminal, a shell that is not named reads standard input."""
    entries = [pack_root.folder('gaur')]
    command = options.command
    if options.lessons:
        entries += lesson_entries()
    if options.swap is not None:
        entries.append(pack_root.file('gaur/swap', os.fsencode(disk.swap_name(options)) + b'\n'))
    if terminal:
        entries += terminal_entries()
    else:
        entries.append(pack_root.file('gaur/mode', b'ports\n'))
        command = command or ['sh']
    return entries + program_entries(command)

def inside(top, path):
    """Where `path` lies within the folder `top`, whose folders may be links to others of it."""
    head, name = os.path.split(path)
    link = os.path.join(top, head)
    if head and os.path.islink(link):
        return inside(top, os.path.join(os.readlink(link).lstrip('/'), name))
    return path

def folder_entries(top):
    """A user's folder as the root: with our init, and with the folders that it mounts on."""
    init = inside(top, 'sbin/init')
    entries = [entry for entry in pack_root.from_folder(top) if entry.path != init]
    there = {entry.path for entry in entries}
    needed = ['dev', 'proc', os.path.dirname(init)]
    entries += [pack_root.folder(path) for path in needed if path not in there]
    return entries + [pack_root.host_file(init, INIT, 0o755)]

def take_disk(options, found):
    options.root_disk, options.root = found, ''
    options.disks.insert(0, found)

def folder_size(top):
    return sum(os.lstat(os.path.join(where, name)).st_size + 4096
               for where, dirs, names in os.walk(top) for name in dirs + names)

def pack_disk(top, size):
    """A disk with an ext2 that holds the folder, and half as much room again. Its file goes when we end."""
    image = tempfile.NamedTemporaryFile(prefix='gaur-root-')
    image.truncate(size + size // 2 + (16 << 20))
    path = os.environ.get('PATH', '') + ':/usr/sbin:/sbin'
    try:
        done = subprocess.run(['mke2fs', '-q', '-F', '-t', 'ext2', '-E', 'root_owner=0:0', '-d', top, image.name],
                              env={**os.environ, 'PATH': path}, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise GuestFailed('mke2fs is not installed; tools/setup.sh installs it') from None
    if done.returncode:
        raise GuestFailed(f'--root {top}: ' + (done.stderr.strip().splitlines() or ['mke2fs fails'])[-1])
    return disk.Disk(image.name, file=image)

def check(options):
    """What is wrong with the user's wishes is said before anything is built. A root that is no folder is the first disk."""
    program_entries(options.command)
    if not options.root:
        return
    if not os.path.isdir(options.root):
        if not re.match('(json|nbd|nbd[+]unix):', options.root) and not os.path.exists(options.root.split(',')[0]):
            raise GuestFailed(f'--root {options.root}: no such folder or image')
        take_disk(options, disk.parse(options.root, '--root'))
        return
    size = folder_size(options.root)
    if size > int(options.memory.removesuffix('K')) << 9:
        take_disk(options, pack_disk(options.root, size))

def kernel_arguments(options):
    """Where init finds a root that is on a disk."""
    if not options.root_disk:
        return ''
    return 'root=/dev/vda' + (' ro' if options.root_disk.readonly else '')

def first_entries():
    """What brings the guest to a root on a disk."""
    return [pack_root.folder(name) for name in ('dev', 'proc', 'sbin')] + [pack_root.host_file('sbin/init', INIT, 0o755)]

def copy_base(out):
    """The BusyBox root that was built here, or the archive GAUR_ROOT; up to a multiple of the frame size."""
    path = os.environ.get('GAUR_ROOT') or BASE
    try:
        with open(path, 'rb') as base:
            shutil.copyfileobj(base, out, 1 << 20)
    except FileNotFoundError:
        raise GuestFailed(f'no root at {path}; `make` builds it') from None
    out.write(bytes(-out.tell() % pack_root.FRAME))

def archive(options, terminal):
    """A descriptor of a file, without a name, that holds the whole root."""
    descriptor = os.memfd_create('gaur-root')
    with os.fdopen(os.dup(descriptor), 'wb') as out:
        if options.root_disk:
            pack_root.write(first_entries(), out)
        elif options.root:
            pack_root.write(folder_entries(options.root), out)
        else:
            copy_base(out)
        try:
            pack_root.write(wish_entries(options, terminal), out)
        except ValueError as error:
            raise GuestFailed(str(error)) from None
    return descriptor
