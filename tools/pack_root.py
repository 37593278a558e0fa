#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Pack a folder as a root file system: a cpio archive ("newc") whose files a kernel can adopt in place.

What is special, and still a cpio archive that Linux and cpio(1) read:

- The data of every regular file starts at a multiple of 4096 bytes from the start of the archive, and the
  rest of its last frame is zero. So the kernel takes the frames over as the file's pages and copies nothing.
  The start is moved by ending the file's name with more than one NUL byte; the zero bytes after the data lie
  between two entries, where an unpacker skips them.
- What has no data comes first (folders in front of what is in them), so that little space is lost.
- Owner and group are 0, whoever packs.
- Hard links share an inode number; the first of them carries the data, the others have a size of 0.
  Inode numbers are unique within one archive only: an unpacker forgets them at the trailer.
- The archive ends with a whole frame. Archives may follow one another; later entries replace earlier ones.

Usage: pack_root.py [--spec FILE] FOLDER OUTPUT

A spec adds what a folder cannot hold without privileges, one per line:
    dir PATH MODE | node PATH MODE c|b MAJOR MINOR | link PATH TARGET | file PATH MODE HOST_FILE
"""

import os
import stat
import sys
from dataclasses import dataclass, field

FRAME = 4096
HEADER = 110        # bytes of a newc header, without the name
NAME_MAX = 4096     # Linux refuses a longer name field

@dataclass
class Entry:
    """One name in the archive."""
    path: str               # without a leading slash
    mode: int               # type and permissions, as in st_mode
    data: bytes = b''       # of a file, or the target of a symbolic link
    host: str = ''          # the file to take the data from, instead
    size: int = 0           # of that file
    mtime: int = 0
    rdev: tuple = (0, 0)
    nlink: int = 1
    same_as: object = field(default=None, repr=False)   # (st_dev, st_ino) that hard links share

    def length(self):
        return self.size if self.host else len(self.data)

def folder(path, mode=0o755):
    return Entry(path, stat.S_IFDIR | mode, nlink=2)

def file(path, data, mode=0o644):
    return Entry(path, stat.S_IFREG | mode, data=data)

def host_file(path, host, mode=None):
    """The file `host` of this machine, under the name `path`."""
    status = os.stat(host)
    permissions = stat.S_IMODE(status.st_mode) if mode is None else mode
    return Entry(path, stat.S_IFREG | permissions, host=host, size=status.st_size, mtime=int(status.st_mtime))

def symlink(path, target):
    return Entry(path, stat.S_IFLNK | 0o777, data=os.fsencode(target))

def node(path, mode, kind, major, minor):
    return Entry(path, (stat.S_IFCHR if kind == 'c' else stat.S_IFBLK) | mode, rdev=(major, minor))

def from_status(path, host):
    """The entry for what lies at `host`, whatever it is; None for sockets."""
    status = os.lstat(host)
    entry = Entry(path, status.st_mode, mtime=int(status.st_mtime), nlink=status.st_nlink)
    if stat.S_ISREG(status.st_mode):
        entry.host, entry.size = host, status.st_size
        if status.st_nlink > 1:
            entry.same_as = (status.st_dev, status.st_ino)
    elif stat.S_ISLNK(status.st_mode):
        entry.data = os.fsencode(os.readlink(host))
    elif stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
        entry.rdev = (os.major(status.st_rdev), os.minor(status.st_rdev))
    elif stat.S_ISSOCK(status.st_mode):
        return None
    return entry

def from_folder(top):
    """All entries of the folder `top`, each folder in front of what is in it."""
    entries = []
    for where, dirs, names in os.walk(top, onerror=_raise):
        dirs.sort()
        for name in sorted(dirs + names):
            host = os.path.join(where, name)
            entry = from_status(os.path.relpath(host, top), host)
            if entry:
                entries.append(entry)
    return entries

def _raise(error):
    raise error

def from_spec(lines):
    """The entries that a spec names; see the top of this file."""
    makers = {
        'dir': lambda path, mode: folder(path, int(mode, 8)),
        'node': lambda path, mode, kind, major, minor: node(path, int(mode, 8), kind, int(major), int(minor)),
        'link': symlink,
        'file': lambda path, mode, host: host_file(path, host, int(mode, 8)),
    }
    entries = []
    for number, line in enumerate(lines, 1):
        words = line.split('#')[0].split()
        if not words:
            continue
        try:
            entries.append(makers[words[0]](words[1].lstrip('/'), *words[2:]))
        except (KeyError, IndexError, TypeError, ValueError):
            raise ValueError(f'spec, line {number}: cannot read "{line.strip()}"') from None
    return entries

class Writer:
    """Writes entries to a binary stream that starts at a multiple of FRAME."""

    def __init__(self, out):
        self.out = out
        self.at = 0
        self.inode = 0
        self.linked = {}    # (st_dev, st_ino) -> inode number here

    def _write(self, data):
        self.out.write(data)
        self.at += len(data)

    def _pad(self, unit):
        self._write(bytes(-self.at % unit))

    def _header(self, entry, inode, length, name_size):
        fields = (inode, entry.mode, 0, 0, entry.nlink, entry.mtime, length, 0, 0,
                  entry.rdev[0], entry.rdev[1], name_size, 0)
        self._write(b'070701' + b''.join(b'%08X' % (value & 0xffffffff) for value in fields))

    def _name_size(self, name, align):
        """The length of a name field after which data is aligned, with at least one NUL byte."""
        least = self.at + HEADER + len(name) + 1
        return least + -least % align - self.at - HEADER

    def _inode_of(self, entry):
        """The entry's inode number, and whether it has been written before."""
        known = self.linked.get(entry.same_as) if entry.same_as else None
        if known:
            return known, True
        self.inode += 1
        if entry.same_as:
            self.linked[entry.same_as] = self.inode
        return self.inode, False

    def add(self, entry):
        inode, again = self._inode_of(entry)
        length = 0 if again else entry.length()
        if length >> 32:
            raise ValueError(f'{entry.path}: larger than this archive format can say')
        name = os.fsencode(entry.path)
        adopted = stat.S_ISREG(entry.mode) and length > 0
        if adopted and self._name_size(name, FRAME) > NAME_MAX:
            self._pad(FRAME)
        name_size = self._name_size(name, FRAME) if adopted else len(name) + 1
        self._header(entry, inode, length, name_size)
        self._write(name.ljust(name_size, b'\0'))
        self._pad(4)
        self._data(entry, length)
        self._pad(FRAME if adopted else 4)

    def _data(self, entry, length):
        if not entry.host or not length:
            self._write(entry.data[:length])
            return
        with open(entry.host, 'rb') as source:
            left = length
            while left:
                piece = source.read(min(left, 1 << 20))
                if not piece:
                    raise ValueError(f'{entry.host}: became shorter while it was read')
                self._write(piece)
                left -= len(piece)

    def end(self):
        trailer = Entry('TRAILER!!!', 0)
        self._header(trailer, 0, 0, len(trailer.path) + 1)
        self._write(b'TRAILER!!!\0')
        self._pad(FRAME)

def write(entries, out):
    """Write one archive; returns its length. A stable sort keeps folders in front of what is in them."""
    writer = Writer(out)
    for entry in sorted(entries, key=lambda entry: stat.S_ISREG(entry.mode)):
        writer.add(entry)
    writer.end()
    return writer.at

def main(arguments):
    spec = []
    if arguments[:1] == ['--spec'] and len(arguments) > 1:
        with open(arguments[1], encoding='utf-8') as lines:
            spec = from_spec(lines)
        arguments = arguments[2:]
    if len(arguments) != 2:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    source, target = arguments
    partial = f'{target}.{os.getpid()}'     # two builds at once do not meet
    with open(partial, 'wb') as out:
        write(from_folder(source) + spec, out)
    os.replace(partial, target)
    return 0

if __name__ == '__main__':
    try:
        sys.exit(main(sys.argv[1:]))
    except (OSError, ValueError) as error:
        print(f'pack_root: {error}', file=sys.stderr)
        sys.exit(1)
