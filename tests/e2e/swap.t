#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""More memory than there is: the guest's test of swap, its rows of the fault table, a sort, and memory and swap that run out."""

import os
import re
import shutil
import subprocess
import threading

from ext2_image import clean, make_image
from harness import NbdServer, TalkingGuest, done, equal, folder, free_port, gaur, ok, run, skip, write

MINUTES = '900'     # generous: two forks of four times memory, on a slow machine

def passes(name, *options):
    """A guest test of ours, by itself."""
    result = run('--debug', '--timeout', MINUTES, '-m', '16M', *options, '--', f'build/user/guest/{name}', seconds=1000)
    results = re.findall(r'^(not )?ok \d+ - (.*)$', result.text(), re.M)
    return result, results

for cpus in ('1', '4'):
    result, results = passes('swap', '-c', cpus, '--swap', '128M')
    good = result.status == 0 and len(results) == 10 and not any(wrong for wrong, _ in results)
    ok(good, f'64 MB of checked content in 16 MB, twice forked, -c {cpus}', result.notes())
    result, results = passes('swap_files', '-c', cpus, '--swap', '128M')
    good = result.status == 0 and len(results) == 8 and not any(wrong for wrong, _ in results)
    ok(good, f'32 MB of shared memory, and a file of tmpfs as large, in 16 MB, -c {cpus}', result.notes())

result, results = passes('faults', '--swap', '32M')
swapped = [name for wrong, name in results if name.endswith(('in_swap_user', 'in_swap_kernel')) and not wrong]
ok(result.status == 0 and len(swapped) == 4, 'the rows of the fault table for pages in swap', result.notes())

SORT = r'''
    line=$(printf "%0390d" 0)
    awk -v line=$line 'BEGIN { srand(1); for (i = 0; i < 100000; i++) printf "%08d %s\n", rand() * 100000000, line }' |
        sort | awk '{ if ($1 "" < last "") wrong++; last = $1; bytes += length($0) + 1 } END { print NR, bytes, wrong + 0 }'
    cat /proc/gaur/verify'''
result = run('--timeout', MINUTES, '-m', '16M', '--swap', '128M', '--', 'sh', '-c', SORT, seconds=1000)
equal(result.text(), '100000 40000000 0\nverify: ok\n', "BusyBox's sort of 40 MB in 16 MB", result.notes())

HOG = r'''
    head -c 100m /dev/zero | tail | wc -c
    dmesg | grep -c "Out of memory: Killed process"
    grep -c . /proc/swaps; cat /proc/gaur/verify
    awk '/^pswpout/ { if ($2 > 1000) print "swap was used" }' /proc/vmstat'''
result = run('--timeout', MINUTES, '-m', '16M', '--swap', '8M', '--', 'sh', '-c', HOG, seconds=1000)
equal(result.text(), '0\n1\n2\nverify: ok\nswap was used\n', 'when swap is full, too, a process is ended', result.notes())

# ---- In a file, and on a partition

for size in ('4096', '1024'):
    image = make_image('disk', 16, '-b', size)
    result, results = passes('swap_file', '-c', '2', '--disk', image)
    good = result.status == 0 and len(results) == 14 and not any(wrong for wrong, _ in results)
    ok(good, f'a file of ext2 as swap, blocks of {size}', result.notes())
    clean(image, 'e2fsck finds nothing then')

tree = os.path.join(folder(), 'tree')
os.mkdir(tree)
shutil.copy('build/user/guest/swap', tree)
image = make_image('disk', 160, '-b', '1024', '-d', tree)
result = run('--debug', '--timeout', MINUTES, '-m', '16M', '-c', '2', '--disk', image, '--', 'sh', '-c', r"""
    mkdir /x; mount -t ext2 /dev/vda /x
    dd if=/dev/zero of=/x/area bs=64k count=2048 2>/dev/null; mkswap /x/area >/dev/null; chmod 600 /x/area; swapon /x/area
    /x/swap | grep -c '^ok'
    umount /x 2>/dev/null || echo busy
    swapoff /x/area; grep -c . /proc/swaps; umount /x; cat /proc/gaur/verify""", seconds=1000)
equal(result.text(), '10\nbusy\n1\nverify: ok\n', '64 MB of checked content in 16 MB and a file', result.notes())
clean(image, 'e2fsck finds nothing then')

def with_partitions():
    """A GPT disk: an ext2, and a swap area that mkswap has made on the host."""
    parts = [(make_image('files', 4), 2048), (write('area', b''), 2048 + (4 << 11))]
    os.truncate(parts[1][0], 32 << 20)
    path = {**os.environ, 'PATH': os.environ.get('PATH', '') + ':/usr/sbin:/sbin'}
    subprocess.run(['mkswap', '-q', parts[1][0]], env=path, check=True, stderr=subprocess.DEVNULL)
    disk = write('disk', b'')
    os.truncate(disk, 40 << 20)
    script = ''.join(f'start={start}, size={os.path.getsize(part) // 512}\n' for part, start in parts)
    subprocess.run(['sfdisk', '-q', '--no-reread', '--no-tell-kernel', disk], input=f'label: gpt\n{script}'.encode(), env=path, check=True)
    with open(disk, 'r+b') as whole:
        for part, start in parts:
            whole.seek(start * 512)
            with open(part, 'rb') as content:
                whole.write(content.read())
    return disk

result = run('--debug', '--timeout', MINUTES, '-m', '16M', '-c', '2', '--disk', with_partitions(), '--', 'sh', '-c', r"""
    mkdir /x; mount -t ext2 /dev/vda1 /x; swapon /dev/vda2; cat /proc/swaps
    swapon /dev/vda 2>/dev/null || echo busy; swapon /dev/vda1 2>/dev/null || echo mounted; mount -t ext2 /dev/vda2 /mnt 2>/dev/null || echo swap
    awk 'BEGIN { for (i = 0; i < 150000; i++) a[i] = sprintf("%0100d", i); for (i = 0; i < 150000; i++) wrong += a[i] != sprintf("%0100d", i); print wrong + 0 }'
    awk '$3 == "vda2" && $8 > 1000 { print "written" } $3 == "vda" && $8 > 1000 { print "and told of the disk" }' /proc/diskstats
    swapoff /dev/vda2; umount /x; mount -t ext2 /dev/vda1 /x && umount /x; cat /proc/gaur/verify""", seconds=1000)
equal(result.text(), 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/dev/vda2                               partition\t32764\t\t0\t\t-2\n'
      'busy\nmounted\nswap\n0\nand told of the disk\nwritten\nverify: ok\n', 'swap on a partition of a GPT, beside one that is mounted', result.notes())

# ---- Over the network

FILL = r"""awk 'BEGIN { for (i = 0; i < 150000; i++) a[i] = sprintf("%0100d", i)
    print "filled"; fflush(); getline < "/dev/stdin"
    for (i = 0; i < 150000; i++) wrong += a[i] != sprintf("%0100d", i)
    print "wrong:", wrong + 0 }'; cat /proc/gaur/verify"""

def over_the_network():
    """A server that holds what is swapped, and is gone for a while."""
    with open(os.path.join(folder(), 'swap'), 'wb') as image:
        image.truncate(64 << 20)
    server = NbdServer(image.name, free_port())
    guest = TalkingGuest('-m', '16M', '--swap', server.start(), '--', 'sh', '-c', FILL)
    equal(guest.line(), 'filled', 'swap over the network')
    server.stop()
    guest.say('go')
    back = threading.Timer(2, server.start)
    back.start()
    equal(guest.line(), 'wrong: 0', 'and nothing is lost while the server is away')
    equal(guest.end(), 'verify: ok\n', 'every reference and slot is right')
    back.join()

if shutil.which('qemu-nbd'):
    over_the_network()
else:
    skip('swap over the network', 'there is no qemu-nbd (package qemu-utils)')

for size in ('0', '63K', '17G', 'x', '-1M', ''):
    result = gaur('run', '--swap', size, '--', 'true')
    ok(result.status == 2 and b'--swap' in result.err, f'--swap {size!r} is refused', result.notes())
result = run('--swap', '64K', '--', 'tail', '-n', '1', '/proc/swaps')
ok(result.text().startswith('/dev/vda') and '\t60\t' in result.text(), '--swap 64K is the least', result.notes())
done()
