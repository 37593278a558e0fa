#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Input and output are byte-exact, whatever the bytes, however many, however slow the reader."""

import hashlib
import os
import re
import subprocess
import time

from harness import GAUR, compile_c, done, equal, ok, run

def digest(data):
    return hashlib.sha256(data).hexdigest()

def through_cat(data, name):
    result = run('--', 'cat', stdin=data, seconds=400)
    ok(result.status == 0 and digest(result.out) == digest(data) and not result.err, name,
       f'{len(data)} bytes in, {len(result.out)} out', result.err.decode(errors='replace'))

def piped(command, name, wanted_status, wanted_out, seconds=60):
    """A shell pipeline that ends with the launcher's status on its standard error."""
    started = time.monotonic()
    result = subprocess.run(['bash', '-c', command], capture_output=True, timeout=120, check=False)
    quick = time.monotonic() - started < seconds
    ok(quick and result.stdout == wanted_out and result.stderr.split()[-1:] == [b'%d' % wanted_status], name,
       result.stdout[:200], result.stderr[-500:])

through_cat(os.urandom(1 << 20), 'a megabyte of random bytes through cat')
through_cat(bytes(range(256)) * 16, 'every byte value')
through_cat(b'\r\n\x03\x04\x11\x13\x1a\x1c\x7f\xff' * 100, 'bytes that a terminal would act on')
for size in (1, 15, 16, 17, 4095, 4096, 4097, 65534, 65535, 65536):
    through_cat(os.urandom(size), f'{size} bytes')

COUNT = compile_c('count', r'''
#include <unistd.h>
#include <stdio.h>
int main(void) {
    static char buffer[70000]; long total = 0; int n;
    while ((n = read(0, buffer, sizeof buffer)) > 0) total += n;
    n = read(0, buffer, sizeof buffer);
    printf("%ld %d\n", total, n); }''')
equal(run('--', COUNT, stdin=bytes(200000)).out, b'200000 0\n', 'after the end of input, the end again')

# Slow and vanishing readers and writers.
piped(f'{GAUR} run --quiet -- yes | head -c 10; echo ${{PIPESTATUS[0]}} >&2', 'a reader that goes away ends the guest',
      141, b'y\ny\ny\ny\ny\n')
piped(f'{GAUR} run --quiet -- seq 1 20000 | (sleep 3; tail -n 1); echo ${{PIPESTATUS[0]}} >&2', 'a slow reader',
      0, b'20000\n')
piped(f'(echo one; sleep 2; echo two) | {GAUR} run --quiet -- cat; echo ${{PIPESTATUS[1]}} >&2', 'a slow writer',
      0, b'one\ntwo\n')
piped(f'{GAUR} run --quiet -- sh -c "echo early; sleep 2; echo late" | (read a; echo $a; read b; echo $b);'
      'echo ${PIPESTATUS[0]} >&2', 'output comes as it is written', 0, b'early\nlate\n')

# More than all pipes on the way take. The kernel's log has no buffer of its own on its way out.
LOG = compile_c('log', r'''
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
int main(void) {
    char line[400];
    int log = open("/dev/kmsg", O_WRONLY);
    write(1, "begun\n", 6);
    for (int i = 1; i <= 2000; i++) {
        int size = sprintf(line, "%d %0350d", i, 0);
        if (write(log, line, size) != size) return 1;
    }
    return 0;
}
''')

def late_reader():
    with subprocess.Popen([GAUR, 'run', '--', LOG], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        time.sleep(4)   # what lies between fills up meanwhile; the kernel waits for it longer
        log = process.communicate(timeout=400)[1]
    seen = [int(number) for number in re.findall(rb'^\[ *[0-9.]+\] (\d+) 0{350}$', log.replace(b'\r', b''), re.M)]
    equal(seen, list(range(1, 2001)), 'a log that is read late is whole')

late_reader()
done()
