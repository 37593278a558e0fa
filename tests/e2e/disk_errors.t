#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Disks on which sectors fail, chosen at random: under files, and under swap. Nobody panics, who asked is told, what is read is right, and what
an fsync promised is there when the disk has been repaired.

GAUR_SEED=N: other sectors.  GAUR_ERRORS=N: so many disks of each kind (1).
"""

import json
import os
import random
import re
import subprocess

from ext2_image import PATH, file_of, make_image, repaired
from harness import compile_c, done, equal, folder, ok, run, write

SECTOR = 512
EIO, EROFS, EUCLEAN = 5, 30, 117
SEED = int(os.environ.get('GAUR_SEED', '1'))
dice = random.Random(SEED)

def failing(image, reads, writes, first=64, always=True):
    """The image, as a disk on which reading some sectors fails, and writing others: once, or every second one always. What is needed
    to mount it, before sector `first`, is spared."""
    end = os.path.getsize(image) // SECTOR
    faults = [{'event': 'none', 'iotype': kind, 'errno': EIO, 'sector': dice.randrange(first, end), 'once': not always or i % 2 == 0}
              for kind, count in (('read', reads), ('write', writes)) for i in range(count)]
    debug = {'driver': 'blkdebug', 'image': {'driver': 'file', 'filename': image}, 'inject-error': faults}
    return 'json:' + json.dumps({'driver': 'raw', 'file': debug})

# ---- Files

# What it says: "errno N COUNT", "wrong N" (contents that are none of what was written), and of each file that was
# fsynced and not touched since "keep NUMBER BYTE SIZE".
user = compile_c('user', r"""
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES 40

static char data[80000];
static struct { int byte, size, sure; } files[FILES];
static int errors[200], wrong;

static long note(long result)
{
    if (result < 0)
        errors[errno]++;
    return result;
}

static void write_file(int i, const char *name)
{
    int size = 1 + rand() % sizeof data, byte = 'a' + rand() % 26, sync = rand() % 3;
    int fd = note(open(name, O_RDWR | O_CREAT | O_TRUNC, 0644));

    if (fd >= 0 || errno != EROFS)
        files[i].sure = 0;
    if (fd < 0)
        return;
    files[i].byte = byte;
    files[i].size = size;
    memset(data, byte, size);
    long done = note(write(fd, data, size));
    int synced = sync && note(fsync(fd)) == 0;
    files[i].sure = note(close(fd)) == 0 && synced && done == size;
}

/* An error in the middle ends a read early, and is told by the next, unless that finds the disk well again. */
static void read_file(int i, const char *name)
{
    int fd = note(open(name, O_RDONLY)), error = fd < 0 ? errno : 0, size = 0;
    long got = 0;

    while (fd >= 0 && (got = note(read(fd, data + size, sizeof data - size))) > 0)
        size += got;
    for (long at = 0; at < size && files[i].sure; at++)
        if (data[at] != files[i].byte)
            size = -1;
    if (files[i].sure && (fd < 0 ? error != EIO : got < 0 ? size > files[i].size : size != files[i].size))
        wrong++;
    if (fd >= 0)
        close(fd);
}

/* So that files are read from the disk again. */
static void forget(void)
{
    int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

    write(fd, "3", 1);
    close(fd);
}

int main(int argc, char **argv)
{
    char name[40], other[40];

    srand(atoi(argv[1]));
    mkdir("/x", 0755);
    if (mount("/dev/vda", "/x", "ext2", 0, argv[2]))
        return 1;
    for (int i = 0; i < 8; i++) {
        snprintf(name, sizeof name, "/x/d%d", i);
        note(mkdir(name, 0755));
    }
    for (int round = 0; round < 1500; round++) {
        int i = rand() % FILES;
        snprintf(name, sizeof name, "/x/d%d/f%d", i % 8, i);
        snprintf(other, sizeof other, "/x/d%d/o%d", rand() % 8, rand() % 20);
        switch (rand() % 8) {
        case 0: case 1: case 2:
            write_file(i, name);
            break;
        case 3: case 4: case 5:
            read_file(i, name);
            break;
        case 6:
            close(note(open(other, O_WRONLY | O_CREAT, 0644)));
            note(rename(other, "/x/moved"));
            break;
        case 7:
            if (rand() % 4 == 0)
                forget();
            note(unlink(rand() % 2 ? other : "/x/moved"));
        }
    }
    for (int i = 0; i < 200; i++)
        if (errors[i])
            printf("errno %d %d\n", i, errors[i]);
    printf("wrong %d\n", wrong);
    for (int i = 0; i < FILES; i++)
        if (files[i].sure)
            printf("keep %d %d %d\n", i, files[i].byte, files[i].size);
    note(umount("/x"));
    fflush(stdout);
    execlp("cat", "cat", "/proc/gaur/verify", NULL);
}
""")

def counts(result):
    """errno -> how often."""
    return {int(number): int(count) for number, count in re.findall(r'^errno (\d+) (\d+)$', result.text(), re.M)}

def lost(result, image):
    """Files that were fsynced, and are not there."""
    kept = [[int(word) for word in words] for words in re.findall(r'^keep (\d+) (\d+) (\d+)$', result.text(), re.M)]
    return len(kept), [number for number, byte, size in kept if file_of(image, f'/d{number % 8}/f{number}') != bytes([byte]) * size]

def files(options, size, reads, writes, allowed):
    """Files on one disk, used until many a sector has failed."""
    image = make_image('files', 8, '-b', size)
    result = run('--debug', '-m', '12M', '--disk', failing(image, reads, writes), '--', user, str(dice.randrange(10000)), options)
    found = counts(result)
    ok(result.status == 0 and set(found) <= allowed and EIO in found, f'files on a disk that fails, {options}, blocks of {size}: {found}', result.notes())
    ok('wrong 0' in result.text() and 'verify: ok' in result.text(), 'what can be read is right, and the system goes on', result.notes())
    repaired(image, 'it')
    count, gone = lost(result, image)
    ok(not gone, f'all {count} files that were fsynced are there', f'lost: {gone}', result.notes())

# ---- Swap

hog = compile_c('hog', r"""
#include <stdlib.h>
#include <sys/mman.h>

#define PAGES 6000L     // 24 MB

int main(int argc, char **argv)
{
    unsigned long *at = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    for (long i = 0; i < PAGES; i++)
        at[i * 512] = at[i * 512 + 511] = i ^ 0x5555;
    for (long i = 0; i < 3 * PAGES; i++) {
        long page = i < PAGES ? i : rand() % PAGES;
        if (at[page * 512] != (page ^ 0x5555) || at[page * 512 + 511] != (page ^ 0x5555))
            return 3;
    }
    return 0;
}
""")
BUS, KILLED = 128 + 7, 128 + 9

def swap(reads, writes, allowed, always=False):
    """A program that needs swap, six times on one such disk."""
    image = write('swap', b'')
    os.truncate(image, 32 << 20)
    result = run('--debug', '-m', '16M', '--timeout', '300', '--disk', programs, '--disk', failing(image, reads, writes, always=always), '--', 'sh', '-c', """
        mkdir /x; mount -t ext2 /dev/vda /x; mkswap /dev/vdb >/dev/null && swapon /dev/vdb
        for i in 1 2 3 4 5 6; do /x/hog; echo status $?; done
        cat /proc/gaur/verify; awk '/^pswpin/ { if ($2 > 1000) print "pages came back" }' /proc/vmstat; swapoff /dev/vdb; cat /proc/gaur/verify""", seconds=310)
    found = [int(status) for status in re.findall(r'^status (\d+)$', result.text(), re.M)]
    ok(len(found) == 6 and set(found) <= allowed, f'swap of which {reads} sectors cannot be read, {writes} not written{", every second one never" if always else ""}: {found}', result.notes())
    ok(result.text().count('verify: ok') == 2 and (writes or 'pages came back' in result.text()), 'the system goes on', result.notes())

for _ in range(int(os.environ.get('GAUR_ERRORS', '1'))):
    for size in ('1024', '4096'):
        files('errors=remount-ro', size, 4, 60, {2, EIO, EROFS, EUCLEAN})
        files('errors=continue', size, 60, 60, {2, EIO, EUCLEAN})
os.mkdir(os.path.join(folder(), 'tree'))
os.rename(hog, os.path.join(folder(), 'tree', 'hog'))
programs = make_image('programs', 2, '-d', os.path.join(folder(), 'tree'))
swap(3, 0, {0, BUS}) # BUS: where it is not a neighbour that could not be read
swap(0, 40, {0})
swap(0, 200, {0}, always=True)

image = write('dead', b'')
os.truncate(image, 32 << 20)
subprocess.run(['mkswap', '-q', image], env={**os.environ, 'PATH': PATH}, check=True, stderr=subprocess.DEVNULL)
debug = {'driver': 'blkdebug', 'image': {'driver': 'file', 'filename': image}, 'inject-error': [{'event': 'none', 'iotype': 'write', 'errno': EIO}]}
result = run('--debug', '-m', '16M', '--timeout', '300', '--disk', programs, '--disk', 'json:' + json.dumps({'driver': 'raw', 'file': debug}), '--', 'sh', '-c', """
    mkdir /x; mount -t ext2 /dev/vda /x; swapon /dev/vdb
    for i in 1 2 3; do /x/hog; echo status $?; done
    [ $(dmesg | grep -c Write-error) -lt 20 ] && echo few lines
    cat /proc/gaur/verify; swapoff /dev/vdb && echo off; cat /proc/gaur/verify""", seconds=310)
equal(result.text(), f'status {KILLED}\n' * 3 + 'few lines\nverify: ok\noff\nverify: ok\n', 'swap that can never be written: what needs it is ended, the system goes on',
      result.notes())
done()
