#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""More memory than there is: the guest's test of swap, its rows of the fault table, a sort, and memory and swap that run out."""

import os
import re
import shutil
import threading

from harness import NbdServer, TalkingGuest, done, equal, folder, free_port, gaur, ok, run, skip

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
