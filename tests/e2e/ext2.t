#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Files on a disk: what mke2fs has made is read and written, a root is on it, and a machine that is killed leaves what was fsynced.

GAUR_KILLS=N: kill the machine so often (3).
"""

import hashlib
import os
import random
import signal
import subprocess
import threading

from ext2_image import clean, file_of, make_image, repaired
from harness import GAUR, SECONDS, TOP, compile_c, done, equal, folder, ok, run, write

dice = random.Random(int(os.environ.get('GAUR_SEED', '1')))

# ---- Mounting, reading, writing

tree = os.path.join(folder(), 'tree')
os.mkdir(tree)
subprocess.run(['cp', '-r', os.path.join(TOP, 'kernel', 'mm'), tree], check=True)
for size in ('1024', '4096'):
    image = make_image('image', 16, '-b', size, '-d', tree)
    result = run('--debug', '--disk', image, '--', 'sh', '-c', '''
        mkdir /x && mount -t ext2 /dev/vda /x && cp -r /x/mm /x/copy && cd /x && md5sum copy/*.c | head -2 >sums &&
        md5sum -c sums && mv copy moved && ln -s moved/fault.c link && ln link hard && rm -r mm && sync && cd / &&
        cat /x/link | md5sum && umount /x && cat /proc/gaur/verify && mount -t ext2 -o ro /dev/vda /x && wc -l </x/sums; touch /x/y
        dmesg | grep EXT2''')
    with open(os.path.join(tree, 'mm', 'fault.c'), 'rb') as source:
        wanted = source.read()
    lines = result.text().splitlines()
    ok(lines[0:2] and all(line.endswith(': OK') for line in lines[0:2]), f'a tree of files is copied, with blocks of {size}', result.notes())
    equal(lines[3:], ['verify: ok', '2'], 'unmounted and mounted again it is there, and there is nothing in the log', result.notes())
    ok(b'Read-only file system' in result.err, 'a read-only mount refuses a new name', result.notes())
    clean(image, 'e2fsck finds nothing')
    equal(file_of(image, '/moved/fault.c'), wanted, 'another implementation reads the same')

result = run('--disk', make_image('new', 8, '-O', 'extents'), '--', 'sh', '-c', 'mkdir /x; mount -t ext2 /dev/vda /x; dmesg | tail -1')
ok(b'features that are not supported (0x40)' in result.out, 'a file system that is too new is refused, with the reason', result.notes())

image = make_image('open', 8)
result = run('--disk', image, '--', 'sh', '-c', 'mkdir /x; mount -t ext2 /dev/vda /x; echo here >/x/file')
clean(image, 'a disk that is mounted when the machine ends is left clean', result.notes())
equal(file_of(image, '/file'), b'here\n', 'with all that was written')

big = os.path.join(tree, 'big')
write(big, dice.randbytes(4 << 20))
result = run('--disk', make_image('forward', 16, '-d', tree), '--', 'sh', '-c', '''
    reads() { awk '$3 == "vda" { print $4 }' /proc/diskstats; }
    mkdir /x && mount -t ext2 /dev/vda /x && before=$(reads) && md5sum </x/big && echo $(($(reads) - before))''')
lines = result.text().splitlines()
with open(big, 'rb') as source:
    equal(lines[:1], [hashlib.md5(source.read()).hexdigest() + '  -'], 'a large file is read', result.notes())
ok(lines[1:] and 0 < int(lines[1]) < 200, 'many pages at a time', result.notes())

# ---- Programs that use it

mounting = r"""
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
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

static int disk(void)
{
    mkdir("/x", 0755);
    return mount("/dev/vda", "/x", "ext2", 0, NULL);
}
"""

mapping = compile_c('mapping', mounting + r"""
int main(void)
{
    if (disk())
        return 1;
    int fd = open("/x/map", O_RDWR | O_CREAT, 0644);
    if (ftruncate(fd, 40000))
        return 2;
    char *at = mmap(NULL, 40000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    memset(at + 10000, 'm', 20000);
    if (msync(at, 40000, MS_SYNC))
        return 3;
    at[0] = 'z';                // cleaned pages become dirty again
    at[39999] = 'e';
    at[20000] = 'n';
    if (pwrite(fd, "w", 1, 4096) != 1 || at[4096] != 'w')
        return 4;
    if (fork() == 0) {          // through a node that is shared
        at[30001] = 'f';
        _exit(0);
    }
    sleep(0);
    while (at[30001] != 'f')
        usleep(1000);
    munmap(at, 40000);
    close(fd);
    return umount("/x") ? 5 : 0;
}
""")
expected = bytearray(b'\0' * 10000 + b'm' * 20000 + b'\0' * 10000)
expected[0], expected[39999], expected[20000], expected[4096], expected[30001] = b'zenwf'
for size in ('1024', '4096'):
    image = make_image('mapped', 8, '-b', size)
    result = run('--debug', '--disk', image, '--', mapping)
    equal(result.status, 0, f'a shared mapping of a file, blocks of {size}', result.notes())
    clean(image, 'e2fsck finds nothing')
    ok(file_of(image, '/map') == expected, 'what was written through the mapping is on the disk')

# Two programs change more than there is memory for, one of them through the node that it has from its parent.
flood = compile_c('flood', mounting + r"""
enum { PAGES = 2 * 1024 };

static int touch(unsigned char *at, int half)
{
    for (int i = half; i < PAGES; i += 2)
        memset(at + i * 4096, (unsigned char)(i * 7 + 1), 4096);
    for (int i = half; i < PAGES; i += 2)
        if (at[i * 4096 + i] != (unsigned char)(i * 7 + 1))
            return 1;
    return 0;
}

int main(void)
{
    if (disk())
        return 1;
    int fd = open("/x/map", O_RDWR | O_CREAT, 0644), status = 0;
    if (ftruncate(fd, PAGES * 4096))
        return 2;
    unsigned char *at = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    pid_t child = fork();
    int bad = touch(at, child != 0);
    if (child == 0)
        _exit(bad);
    if (waitpid(child, &status, 0) != child || status || bad)
        return 3;
    munmap(at, PAGES * 4096);
    close(fd);
    return umount("/x") ? 5 : 0;
}
""")
for size in ('1024', '4096'):
    image = make_image('flooded', 16, '-b', size)
    result = run('--debug', '-m', '6M', '-c', '2', '--disk', image, '--', flood)
    equal(result.status, 0, f'a file is changed through mappings that is larger than memory, blocks of {size}', result.notes())
    clean(image, 'e2fsck finds nothing')
    ok(file_of(image, '/map') == b''.join(bytes([(i * 7 + 1) & 255]) * 4096 for i in range(2 * 1024)), 'and all of it is on the disk')

# What programs say that they will need is read.
expecting = compile_c('expecting', mounting + r"""
enum { PAGES = 64 };

static void drop(void)
{
    int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

    sync();
    if (write(fd, "1\n", 2) != 2)
        exit(1);
    close(fd);
}

static int resident(void *at)
{
    unsigned char there[PAGES];
    int count = 0;

    if (mincore(at, PAGES * 4096, there))
        exit(2);
    for (int i = 0; i < PAGES; i++)
        count += there[i] & 1;
    return count;
}

int main(void)
{
    static char bytes[PAGES * 4096] = "x";
    if (disk())
        return 1;
    int fd = open("/x/file", O_RDWR | O_CREAT, 0644);
    if (write(fd, bytes, sizeof bytes) != sizeof bytes || fsync(fd))
        return 3;
    void *at = mmap(NULL, sizeof bytes, PROT_READ, MAP_SHARED, fd, 0);
    drop(); printf("%d ", resident(at));
    readahead(fd, 4096, 7 * 4096); printf("%d ", resident(at));
    drop(); posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED); printf("%d ", resident(at));
    drop(); madvise((char *)at + 4096, 10 * 4096, MADV_WILLNEED); printf("%d\n", resident(at));
    return 0;
}
""")
result = run('--disk', make_image('read-before', 8), '--', expecting)
equal(result.out, b'0 7 64 10\n', 'readahead, posix_fadvise and madvise bring in what they are asked for', result.notes())

calls = compile_c('calls', mounting + r"""
#define SAY(call) do { errno = 0; long r = (call); printf("%s = %ld %d\n", #call, r, r < 0 ? errno : 0); } while (0)

int main(void)
{
    struct statfs fs;
    struct stat st;
    static char text[1100];

    SAY(disk());
    SAY(mount("/dev/vda", "/x", "ext2", MS_RDONLY, NULL));
    SAY(mount("/dev/null", "/x", "ext2", 0, NULL));
    SAY(mount("/dev/nothing", "/x", "ext2", 0, NULL));
    SAY(mount(NULL, "/x", NULL, MS_REMOUNT, "errors=nonsense"));
    SAY(statfs("/x", &fs));
    SAY(fs.f_type); SAY(fs.f_bsize); SAY(fs.f_blocks); SAY(fs.f_bavail < fs.f_bfree); SAY(fs.f_files); SAY(fs.f_namelen);
    int fd = open("/x/file", O_RDWR | O_CREAT | O_EXCL, 0640);
    SAY(pwrite(fd, "x", 1, 100000));
    SAY(stat("/x/file", &st));
    SAY(st.st_size); SAY(st.st_blocks); SAY(st.st_blksize); SAY(st.st_nlink);
    SAY(pwrite(fd, "x", 1, 1L << 42));
    SAY(ftruncate(fd, 1L << 42));
    SAY(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
    SAY(mount(NULL, "/x", NULL, MS_REMOUNT | MS_RDONLY, NULL));
    SAY(umount("/x"));
    SAY(close(fd));
    memset(text, 'l', 1099);
    SAY(symlink(text, "/x/long"));
    text[59] = 0;
    SAY(symlink(text, "/x/fast")); SAY(lstat("/x/fast", &st)); SAY(st.st_blocks);
    SAY(mkdir("/x/d", 0755)); SAY(stat("/x/d", &st)); SAY(st.st_size); SAY(st.st_nlink);
    SAY(link("/x/d", "/x/e"));
    SAY(rmdir("/x/lost+found"));
    SAY(mkdir("/x/d/e", 0755)); SAY(rmdir("/x/d"));
    SAY(rename("/x/d", "/x/d/e/f"));
    SAY(mount(NULL, "/x", NULL, MS_REMOUNT | MS_RDONLY, NULL));
    SAY(mkdir("/x/f", 0755));
    SAY(open("/x/file", O_RDWR));
    SAY(umount("/x"));
    return 0;
}
""")
image = make_image('called', 8, '-b', '1024')
result = run('--debug', '--disk', image, '--', calls)
equal(result.text(), """disk() = 0 0
mount("/dev/vda", "/x", "ext2", MS_RDONLY, NULL) = -1 16
mount("/dev/null", "/x", "ext2", 0, NULL) = -1 15
mount("/dev/nothing", "/x", "ext2", 0, NULL) = -1 2
mount(NULL, "/x", NULL, MS_REMOUNT, "errors=nonsense") = -1 22
statfs("/x", &fs) = 0 0
fs.f_type = 61267 0
fs.f_bsize = 1024 0
fs.f_blocks = 7675 0
fs.f_bavail < fs.f_bfree = 1 0
fs.f_files = 2048 0
fs.f_namelen = 255 0
pwrite(fd, "x", 1, 100000) = 1 0
stat("/x/file", &st) = 0 0
st.st_size = 100001 0
st.st_blocks = 4 0
st.st_blksize = 1024 0
st.st_nlink = 1 0
pwrite(fd, "x", 1, 1L << 42) = -1 27
ftruncate(fd, 1L << 42) = -1 27
fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) = -1 95
mount(NULL, "/x", NULL, MS_REMOUNT | MS_RDONLY, NULL) = -1 16
umount("/x") = -1 16
close(fd) = 0 0
symlink(text, "/x/long") = -1 36
symlink(text, "/x/fast") = 0 0
lstat("/x/fast", &st) = 0 0
st.st_blocks = 0 0
mkdir("/x/d", 0755) = 0 0
stat("/x/d", &st) = 0 0
st.st_size = 1024 0
st.st_nlink = 2 0
link("/x/d", "/x/e") = -1 1
rmdir("/x/lost+found") = 0 0
mkdir("/x/d/e", 0755) = 0 0
rmdir("/x/d") = -1 39
rename("/x/d", "/x/d/e/f") = -1 22
mount(NULL, "/x", NULL, MS_REMOUNT | MS_RDONLY, NULL) = 0 0
mkdir("/x/f", 0755) = -1 30
open("/x/file", O_RDWR) = -1 30
umount("/x") = 0 0
""", 'calls answer as Linux\'s', result.notes())
clean(image, 'e2fsck finds nothing')

# ---- A root on a disk

image = make_image('root', 8, '-d', os.path.join(TOP, 'build', 'root'))
result = run('--debug', '--root', image, '-m', '4M', '--', 'sh', '-c', 'head -1 /proc/mounts; ls / | wc -l; echo hello | tr h H; echo new >/root/new')
equal(result.text(), '/dev/vda / ext2 rw 0 0\n10\nHello\n', 'a shell with pipes, from a root on a disk, in 4 MB', result.notes())
clean(image, 'it is left clean')
equal(file_of(image, '/root/new'), b'new\n', 'with what was written')
own = compile_c('own', '#include <stdio.h>\nint main(int c, char **v) { puts(v[1]); return 7; }')
result = run('--root', image + ',readonly', '--', own, 'word')
equal((result.status, result.out), (7, b'word\n'), 'a program of the host runs on such a root', result.notes())
result = run('--root', write('empty', bytes(1 << 20)), '--', 'ls')
ok(result.status == 125 and b'root /dev/vda cannot be mounted' in result.err, 'a root that is none is told', result.notes())
big = os.path.join(folder(), 'big')
subprocess.run(['cp', '-r', os.path.join(TOP, 'build', 'root'), big], check=True)
with open(os.path.join(big, 'much'), 'wb') as much:
    much.write(random.Random(1).randbytes(9 << 20))
result = run('--root', big, '--', 'sh', '-c', 'head -1 /proc/mounts; md5sum </much')
ok(b'ext2' in result.out and result.out.split()[-2].decode() == hashlib.md5(random.Random(1).randbytes(9 << 20)).hexdigest(), 'a folder too large for memory becomes a disk', result.notes())

# ---- A machine that is killed

# Each file is made anew, fsynced, and then told; two are renamed over others. Other files come and go meanwhile.
writer = compile_c('writer', mounting + r"""
static char data[60000];

static void put(const char *name, int byte, size_t size, int sync)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    memset(data, byte, size);
    if (write(fd, data, size) != size || (sync && fsync(fd)))
        exit(2);
    close(fd);
}

int main(int argc, char **argv)
{
    char name[40], other[40];

    srand(atoi(argv[1]));
    if (disk())
        return 1;
    setvbuf(stdin, NULL, _IONBF, 0);
    setvbuf(stdout, NULL, _IOLBF, 200);
    for (int i = 0;; i++) {
        int file = rand() % 8, byte = 'a' + rand() % 26;
        size_t size = 1 + rand() % sizeof data;
        snprintf(name, sizeof name, "/x/keep%d", file);
        printf("begin %d\n", file);
        getchar();              // nothing is changed that the host does not know of
        if (file % 2) {
            put("/x/new", byte, size, 1);
            if (rename("/x/new", name))
                return 3;
        } else {
            put(name, byte, size, 1);
        }
        printf("done %d %d %zu\n", file, byte, size);
        snprintf(other, sizeof other, "/x/other%d", rand() % 20);
        put(other, 'o', 1 + rand() % sizeof data, 0);
        snprintf(other, sizeof other, "/x/other%d", rand() % 20);
        unlink(other);
    }
}
""")

def kill_in_the_middle(image, seconds):
    """Lets the writer run for a while after its first word; returns what it said."""
    process = subprocess.Popen([GAUR, 'run', '--quiet', '--timeout', str(SECONDS), '--disk', image, '--', writer, str(dice.randrange(1000))],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    timer = threading.Timer(seconds, process.send_signal, [signal.SIGKILL])
    said = []
    for line in process.stdout:
        if not said:
            timer.start()
        if line.endswith(b'\n'):     # the last one may have been cut off, in the middle of a number
            said.append(line.decode().rstrip('\n'))
        if line.startswith(b'begin'):
            try:
                os.write(process.stdin.fileno(), b'\n')
            except BrokenPipeError:
                pass
    process.wait()
    timer.cancel()
    return said

# What nobody syncs is on the disk after a while, too.
image = make_image('settled', 8)
with subprocess.Popen([GAUR, 'run', '--quiet', '--timeout', str(SECONDS), '--disk', image, '--', 'sh', '-c', '''
        echo 5 >/proc/sys/vm/dirty_writeback_centisecs; echo 10 >/proc/sys/vm/dirty_expire_centisecs
        mkdir /x; mount -t ext2 /dev/vda /x; mkdir /x/folder; yes settled | head -c 300000 >/x/folder/file; exec 3>/x/open; echo open >&3
        while grep -Eq "^(Dirty|Writeback): *[1-9]" /proc/meminfo; do usleep 50000; done; echo settled
        awk '/^nr_(dirty|writeback) / { printf "%s %d ", $1, $2 } /^nr_(dirtied|written) / { printf "%s %d ", $1, ($2 >= 75) }' /proc/vmstat
        echo; sleep 1000'''],
                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
    line, counters = process.stdout.readline(), process.stdout.readline()
    process.kill()
equal(counters, b'nr_dirty 0 nr_writeback 0 nr_dirtied 1 nr_written 1 \n', 'they have been counted as they became so, and were written')
equal(line, b'settled\n', 'changes settle on the disk by themselves')
repaired(image, 'what the machine leaves then')
equal(file_of(image, '/folder/file'), (b'settled\n' * 40000)[:300000], 'a file is there that nobody has synced')
equal(file_of(image, '/open'), b'open\n', 'and so is one that is still open')

def promises(lines):
    """What has to be there: file -> (byte, size); those that were being changed are not known."""
    found = {}
    for words in (line.split() for line in lines if line.endswith(tuple('0123456789'))):
        if words[0] == 'begin':
            found.pop(int(words[1]), None)
        elif len(words) == 4:
            found[int(words[1])] = (int(words[2]), int(words[3]))
    return found

for number in range(int(os.environ.get('GAUR_KILLS', '3'))):
    image = make_image('killed', 8, '-b', ('1024', '4096')[number % 2])
    said = kill_in_the_middle(image, dice.uniform(0.2, 2))
    repaired(image, f'what a killed machine leaves ({len(said)} lines)', said[-3:])
    lost = [file for file, (byte, size) in promises(said).items() if file_of(image, f'/keep{file}') != bytes([byte]) * size]
    ok(not lost and len(said) > 2, 'no file that was fsynced is lost', f'lost: {lost}', said[-20:])

done()
