#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Disks: what is read and written, on each machine; partitions; errors; and a network block device whose server goes and comes."""

import hashlib
import json
import os
import random
import shutil
import socket
import struct
import subprocess
import threading

from harness import NbdServer, TalkingGuest, compile_c, done, equal, folder, free_port, ok, run, skip, wait_until, write

MIB = 1 << 20
SECTOR = 512
noise = random.Random(1).randbytes

def digest(data):
    return hashlib.md5(data).hexdigest()

def contents(path):
    with open(path, 'rb') as image:
        return image.read()

def lines(result):
    return result.text().split('\n')[:-1]

# ---- Reading, on each machine

data = noise(3 * MIB + 5 * SECTOR)
image = write('image', data)
for options in (['--debug'], ['--machine', 'pc'], ['--machine', 'microvm', '--debug', '-c', '2']):
    result = run(*options, '--disk', image, '--', 'md5sum', '/dev/vda')
    equal(result.text(), f'{digest(data)}  /dev/vda\n', f'a disk is read to its end: {" ".join(options)}', result.notes())

other = write('other', noise(MIB))
result = run('--disk', image, '--disk', other, '--', 'md5sum', '/dev/vdb', '/dev/vda')
equal(result.text(), f'{digest(contents(other))}  /dev/vdb\n{digest(data)}  /dev/vda\n', 'disks come in their order', result.notes())

result = run('--', 'sh', '-c', 'ls /dev/vd*; cat /proc/partitions /proc/diskstats')
ok(result.out == b'' and b'No such file' in result.err, 'without a disk there is none', result.notes())

# ---- Writing

result = run('--debug', '--disk', image, '--', 'sh', '-c', '''
    printf here | dd of=/dev/vda bs=1 seek=1000 conv=notrunc 2>/dev/null
    yes | head -c 300000 | dd of=/dev/vda bs=70001 seek=10 conv=notrunc 2>/dev/null
    sync; cat /proc/gaur/verify''')
expected = bytearray(data)
expected[1000:1004] = b'here'
expected[700010:1000010] = b'y\n' * 150000
equal(result.text(), 'verify: ok\n', 'a disk is written to', result.notes())
ok(contents(image) == expected, 'just those bytes have changed, within sectors too')

# Several at once: each writes its part, in pieces that share sectors with its neighbours', and reads it.
image = write('shared', bytes(MIB))
result = run('--debug', '-c', '4', '--disk', image, '--', 'sh', '-c', '''
    for i in 0 1 2 3 4 5 6 7; do
        (yes $i | head -c 100001 | dd of=/dev/vda bs=100001 seek=$i iflag=fullblock conv=notrunc 2>/dev/null
         dd if=/dev/vda bs=100001 skip=$i count=1 2>/dev/null | grep -vc $i) &
    done; wait; cat /proc/gaur/verify''')
equal(result.text(), '0\n' * 8 + 'verify: ok\n', 'eight at once on four CPUs read what they wrote', result.notes())
ok(contents(image) == b''.join((b'%d\n' % i * 50001)[:100001] for i in range(8)) + bytes(MIB - 800008), 'and all of it is there')

# ---- Calls that answer as Linux's

calls = compile_c('calls', r'''
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define SAY(call) do { errno = 0; long r = (call); printf("%s = %ld %d\n", #call, r, r < 0 ? errno : 0); } while (0)

int main(int argc, char **argv)
{
    int fd = open("/dev/vda", O_RDWR), number = -1;
    uint64_t size = 0, range[2] = {0, 4096};
    static char buffer[8192];
    struct stat status;

    SAY(fd >= 0);
    SAY(fstat(fd, &status));
    SAY(S_ISBLK(status.st_mode));
    SAY(major(status.st_rdev));
    SAY(status.st_size);
    SAY(ioctl(fd, BLKGETSIZE64, &size)); SAY(size);
    SAY(ioctl(fd, BLKGETSIZE, &size)); SAY(size);
    SAY(ioctl(fd, BLKSSZGET, &number)); SAY(number);
    SAY(ioctl(fd, BLKROGET, &number)); SAY(number);
    SAY(ioctl(fd, BLKGETSIZE64, (void *)8));
    SAY(ioctl(fd, BLKFLSBUF, 0));
    SAY(ioctl(fd, BLKDISCARD, range));
    SAY(ioctl(fd, 0x1234, 0));
    SAY(lseek(fd, 0, SEEK_END));
    SAY(read(fd, buffer, 10));
    SAY(write(fd, buffer, 10));
    SAY(pread(fd, buffer, 4096, 1048576 - 100));
    SAY(pwrite(fd, buffer, 4096, 1048576 - 100));
    SAY(pwrite(fd, buffer, 1, 1048576));
    SAY(lseek(fd, 1048577, SEEK_SET));
    SAY(lseek(fd, -1, SEEK_SET));
    SAY(ftruncate(fd, 4096));
    SAY(fsync(fd));
    SAY(fdatasync(fd));
    SAY(pread(fd, (void *)8, 512, 0));
    char *two = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(two + 4096, 4096);
    SAY(pwrite(fd, two, 8192, 0));
    SAY(pwrite(fd, two + 4096 - 700, 1024, 0));
    SAY(close(fd));
    mknod("/dev/none", S_IFBLK | 0600, makedev(254, 200));
    SAY(open("/dev/none", O_RDONLY));
    return 0;
}
''', '-idirafter', '/usr/include', '-idirafter', '/usr/include/x86_64-linux-gnu')
image = write('small', bytes(MIB))
expected = '''fd >= 0 = 1 0
fstat(fd, &status) = 0 0
S_ISBLK(status.st_mode) = 1 0
major(status.st_rdev) = 254 0
status.st_size = 0 0
ioctl(fd, BLKGETSIZE64, &size) = 0 0
size = 1048576 0
ioctl(fd, BLKGETSIZE, &size) = 0 0
size = 2048 0
ioctl(fd, BLKSSZGET, &number) = 0 0
number = 512 0
ioctl(fd, BLKROGET, &number) = 0 0
number = 0 0
ioctl(fd, BLKGETSIZE64, (void *)8) = -1 14
ioctl(fd, BLKFLSBUF, 0) = 0 0
ioctl(fd, BLKDISCARD, range) = -1 95
ioctl(fd, 0x1234, 0) = -1 25
lseek(fd, 0, SEEK_END) = 1048576 0
read(fd, buffer, 10) = 0 0
write(fd, buffer, 10) = -1 28
pread(fd, buffer, 4096, 1048576 - 100) = 100 0
pwrite(fd, buffer, 4096, 1048576 - 100) = 100 0
pwrite(fd, buffer, 1, 1048576) = -1 28
lseek(fd, 1048577, SEEK_SET) = -1 22
lseek(fd, -1, SEEK_SET) = -1 22
ftruncate(fd, 4096) = -1 22
fsync(fd) = 0 0
fdatasync(fd) = 0 0
pread(fd, (void *)8, 512, 0) = -1 14
pwrite(fd, two, 8192, 0) = 4096 0
pwrite(fd, two + 4096 - 700, 1024, 0) = 512 0
close(fd) = 0 0
open("/dev/none", O_RDONLY) = -1 6
'''
result = run('--disk', image, '--', calls)
ok(result.text() == expected, 'calls on a disk answer as they must', *[f'wanted {a}\ngot    {b}' for a, b in
   zip(expected.split('\n'), result.text().split('\n')) if a != b], result.err.decode())

result = run('--disk', image + ',readonly', '--', 'sh', '-c', 'blockdev --getro /dev/vda; echo x > /dev/vda; md5sum /dev/vda')
ok(lines(result)[0] == '1' and b'not permitted' in result.err and digest(contents(image)) in result.text(),
   'a disk that is only to be read is not written to', result.notes())

# ---- Partitions

def entry(kind, start, size):
    return struct.pack('<B3sB3sII', 0, b'', kind, b'', start, size)

table = entry(0x83, 100, 1000) + entry(0x82, 1100, 500) + entry(0, 1600, 10) + entry(0x83, 2000, 5000)
data = noise(446) + table + b'\x55\xaa' + noise(MIB - SECTOR)
image = write('parts', data)
result = run('--disk', image, '--', 'sh', '-c', 'cd /dev; echo vda*; md5sum vda1 vda2; cat /proc/partitions; printf end | dd of=vda2 '
             'bs=1 seek=255997 conv=notrunc 2>/dev/null')
said = lines(result)
equal(said[0], 'vda vda1 vda2 vda4', 'partitions are those that begin within the disk', result.notes())
equal(said[1:3], [f'{digest(data[100 * SECTOR:1100 * SECTOR])}  vda1', f'{digest(data[1100 * SECTOR:1600 * SECTOR])}  vda2'],
      'a partition is its part of the disk', result.notes())
equal(said[3:], ['major minor  #blocks  name', '', ' 254        0       1024 vda', ' 254        1        500 vda1',
                 ' 254        2        250 vda2', ' 254        4         24 vda4'], '/proc/partitions, one that ends beyond the disk cut there',
      result.notes())
ok(contents(image)[1600 * SECTOR - 3:1600 * SECTOR] == b'end', 'what is written to a partition lies in it')

result = run('--disk', write('junk', noise(SECTOR - 2) + b'\x55\xaa' + bytes(MIB)), '--', 'sh', '-c', 'echo /dev/vd*')
equal(result.text(), '/dev/vda\n', 'a boot sector with code in it is no table', result.notes())
result = run('--disk', write('empty', b''), '--', 'sh', '-c', 'echo /dev/vd*; wc -c < /dev/vda')
equal(result.text(), '/dev/vda\n0\n', 'an empty disk', result.notes())

def divided(name, script):
    """An image of noise, 8 MiB, and a table of partitions that sfdisk makes of the script."""
    data = noise(8 * MIB - 64 * 1024)
    image = write(name, bytes(32 * 1024) + data + bytes(32 * 1024))
    subprocess.run(['sfdisk', '-q', '--no-reread', '--no-tell-kernel', image], input=script.encode(), check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, 'PATH': os.environ.get('PATH', '') + ':/usr/sbin:/sbin'})
    return image

def partitions_of(image, expected, name):
    """What the guest sees of them: name, first sector and number of sectors of each."""
    data = contents(image)
    result = run('--debug', '--disk', image, '--', 'sh', '-c', 'cd /dev; echo vda*; for i in vda?*; do md5sum $i; done; awk "/vda./ { print \\$3 }" /proc/partitions; '
                 'awk "/vda1/ && \\$6 { print \\"counted\\" }" /proc/diskstats')
    names = sorted(each for each, _, _ in expected)
    sums = {each: digest(data[start * SECTOR:(start + size) * SECTOR]) for each, start, size in expected}
    equal(lines(result), [' '.join(['vda', *names])] + [f'{sums[each]}  {each}' for each in names] +
          [str(size // 2) for _, _, size in expected] + ['counted'] * sum(each.startswith('vda1') for each in names), name, result.notes())

partitions_of(divided('logical', 'label: dos\nstart=2048, size=2048\nstart=4096, size=8192, type=5\nstart=6144, size=1024\n'
                      'start=9216, size=2048\n'),
              [('vda1', 2048, 2048), ('vda2', 4096, 2), ('vda5', 6144, 1024), ('vda6', 9216, 2048)], 'logical partitions')
many = '\n'.join(f'{i}: start={2048 + i * 32}, size=16' for i in (1, 2, 15, 16, 128))
image = divided('gpt', f'label: gpt\ngrain: 512\n{many}\n')
gpt = [(f'vda{i}', 2048 + i * 32, 16) for i in (1, 2, 15, 16, 128)]
partitions_of(image, gpt, 'partitions of a GPT')
with open(image, 'r+b') as table:
    table.seek(2 * SECTOR)
    table.write(bytes(128))
partitions_of(image, gpt, 'and of its copy where it is damaged')
with open(image, 'r+b') as table:
    table.seek(-33 * SECTOR, os.SEEK_END)
    table.write(bytes(128))
result = run('--disk', image, '--', 'sh', '-c', 'echo /dev/vd*; dmesg | grep -c "table of partitions cannot be read"')
equal(result.text(), '/dev/vda\n1\n', 'a GPT that is damaged twice has none', result.notes())

# ---- Errors

def broken(path):
    """An image on which the reading of one sector fails, the writing of another, and the first flush."""
    faults = [{'iotype': 'read', 'errno': 5, 'sector': 200}, {'iotype': 'write', 'errno': 28, 'sector': 400},
              {'iotype': 'flush', 'errno': 5, 'once': True}]
    image = {'driver': 'file', 'filename': path}
    debug = {'driver': 'blkdebug', 'image': image, 'inject-error': [{'event': 'none', **fault} for fault in faults]}
    return 'json:' + json.dumps({'driver': 'raw', 'file': debug})

result = run('--debug', '--disk', broken(write('broken', noise(MIB))), '--', 'sh', '-c', '''
    dd if=/dev/vda of=/dev/null bs=512 count=200 2>&1 | grep -c error
    dd if=/dev/vda of=/dev/null bs=512 skip=200 count=1 2>&1 | grep -o "Input/output error"
    dd if=/dev/vda of=/dev/null bs=512 skip=201 2>&1 | grep -c error
    dd if=/dev/zero of=/dev/vda bs=512 seek=400 count=1 conv=notrunc 2>&1 | grep -o "Input/output error"
    dd if=/dev/zero of=/dev/vda bs=512 seek=401 count=1 conv=notrunc 2>&1 | grep -c error
    dd if=/dev/null of=/dev/vda conv=notrunc,fsync 2>&1 | grep -o "Input/output error"
    dd if=/dev/null of=/dev/vda conv=notrunc,fsync 2>/dev/null && echo synced
    dmesg | grep -o "vda: error 5.*"; cat /proc/gaur/verify''')
said = lines(result)
equal(said[:7], ['0', 'Input/output error', '0', 'Input/output error', '0', 'Input/output error', 'synced'],
      'errors of the disk reach who asked, and nobody else', result.notes())
ok(len(said) > 10 and all(line.startswith('vda: error 5 ') for line in said[7:-1]) and said[-1] == 'verify: ok',
   'the log tells of them, and the system goes on', result.notes())

# ---- Servers that go

def server_comes_back():
    """It is gone while requests are under way, and comes back: they wait, and nothing is lost."""
    image = write('remote', noise(2 * MIB))
    before = digest(contents(image))
    server = NbdServer(image, free_port())
    guest = TalkingGuest('--disk', server.start(), '--', 'sh', '-c', '''
        md5sum < /dev/vda; read go; md5sum < /dev/vda
        yes new | head -c 1048576 | dd of=/dev/vda bs=64k conv=fsync 2>/dev/null && echo written''')
    equal(guest.line(), f'{before}  -', 'a disk over the network is read')
    server.stop()
    guest.say('go')
    back = threading.Timer(2, server.start)
    back.start()
    equal(guest.line(), f'{before}  -', 'a server that was away for a while is waited for')
    equal(guest.line(), 'written', 'and written to')
    guest.end()
    back.join()
    server.stop()
    ok(contents(image).startswith((b'new\n' * MIB)[:MIB]) and len(contents(image)) == 2 * MIB, 'to the byte')

def server_stays_away():
    """Requests fail in the end; the system goes on, and so does the disk when the server is there again."""
    image = write('remote', noise(MIB))
    server = NbdServer(image)
    guest = TalkingGuest('--disk', server.start(), '--', 'sh', '-c', '''
        echo up; read go; dd if=/dev/vda of=/dev/null 2>&1 | grep -o "Input/output error"
        ls / > /dev/null && echo "goes on"; read go
        until dd if=/dev/vda of=/dev/null 2>/dev/null; do sleep 1; done; md5sum < /dev/vda''')
    guest.line()
    server.stop()
    guest.say('go')
    equal(guest.line(), 'Input/output error', 'a server that stays away: requests fail')
    equal(guest.line(), 'goes on', 'and the system goes on')
    server.start()
    guest.say('go')
    equal(guest.line(), f'{digest(contents(image))}  -', 'when it is back, so is the disk')
    guest.end()
    server.stop()

if shutil.which('qemu-nbd'):
    server_comes_back()
    server_stays_away()
else:
    skip('servers that go', 'there is no qemu-nbd (package qemu-utils)')
done()
