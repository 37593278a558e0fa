# SPDX-License-Identifier: MIT
"""What the guest finds in its root: the base archive, and a second one with the launcher's wishes.

The second archive holds the folder /gaur, which user/init.c describes, and the user's program."""

import os
import shutil
import sys

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

def check(options):
    """What is wrong with the user's wishes is said before anything is built."""
    if options.root and not os.path.isdir(options.root):
        raise GuestFailed(f'--root {options.root}: no such folder')
    program_entries(options.command)

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
        if options.root:
            pack_root.write(folder_entries(options.root), out)
        else:
            copy_base(out)
        try:
            pack_root.write(wish_entries(options, terminal), out)
        except ValueError as error:
            raise GuestFailed(str(error)) from None
    return descriptor
