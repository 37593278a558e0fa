#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A kernel that is watched from outside: the control page, faults step by step, verify's moment, rings (docs/watch-kernel.md).

The guest's memory is a file that this program reads and writes as a viewer would: nothing of watch/ is used.
"""

import mmap
import os
import shutil
import struct
import subprocess
import time

from harness import TOP, TalkingGuest, compile_c, done, equal, folder, ok, wait_until, write

KERNEL = os.environ.get('GAUR_KERNEL', os.path.join(TOP, 'build/release/gaur.elf'))
KERNBASE = 0xffff800000000000
MEMORY = os.path.join(folder(), 'memory')
SIZE = 32 << 20

# A QEMU whose memory is that file.
QEMU = shutil.which('qemu-system-x86_64')
write('qemu-system-x86_64', f'#!/bin/sh\nexec {QEMU} "$@" '
      f'-object memory-backend-file,id=ram,size={SIZE},mem-path={MEMORY},share=on -machine memory-backend=ram\n', 0o755)
os.environ['PATH'] = folder() + ':' + os.environ['PATH']

TOUCHES = compile_c('touches', '''
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
int main(int argc, char **argv) {
    volatile char *map = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    usleep(100000); // init, which has forked us, goes to sleep meanwhile, and faults no more
    if (argc > 1) {
        struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
        struct itimerspec when = {.it_value.tv_sec = atoi(argv[1])};
        timer_t timer;
        timer_create(CLOCK_MONOTONIC, &event, &timer);
        timer_settime(timer, 0, &when, 0);
    }
    printf("%d %p\\n", getpid(), map);
    fflush(stdout);
    for (;;) {
        *map = 1;
        madvise((void *)map, 4096, MADV_DONTNEED);
    } }''')

RECOUNTS = compile_c('recounts', '''
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
static char text[4096], page[4][4096];
int main(void) {
    puts("");
    fflush(stdout);
    getchar(); // the host holds verify from now on
    for (int i = 0; i < 30; i++) {
        pid_t child = fork();
        if (child == 0) {
            for (int j = 0; j < 4; j++) page[j][i] = 1;
            pause();
        }
        int fd = open("/proc/gaur/verify", O_RDONLY);
        long size = read(fd, text, sizeof text - 1);
        close(fd);
        if (size <= 0 || strncmp(text, "verify: ok", 10)) return printf("%s\\n", text), 1;
        if (i % 3 == 0) kill(child, 9), waitpid(child, 0, 0);
    }
    puts("30 times ok");
    return 0; }''')

class Guest:
    """A guest, and what is in its memory."""

    def __init__(self, *arguments):
        if os.path.exists(MEMORY):
            os.remove(MEMORY)
        self.talk = TalkingGuest('-m', '32M', *arguments)
        self.memory = None
        self.symbols = {}
        for line in subprocess.run(['nm', KERNEL], capture_output=True, text=True, check=True).stdout.splitlines():
            address, _, name = line.split()
            self.symbols[name] = int(address, 16)

    def look(self):
        """From when the guest says something, its memory is there."""
        with open(MEMORY, 'r+b') as file:
            self.memory = mmap.mmap(file.fileno(), SIZE)
        self.control = self.number(self.symbols['watch_control'], 'Q')

    def number(self, address, kind):
        return struct.unpack_from('<' + kind, self.memory, address - KERNBASE)[0]

    def set(self, field, value):
        struct.pack_into('<' + CONTROL[field][1], self.memory, self.control - KERNBASE + CONTROL[field][0], value)

    def get(self, field):
        return self.number(self.control + CONTROL[field][0], CONTROL[field][1])

    def counter(self, index):
        """Of the first CPU."""
        return self.number(self.symbols['vm_counters'] + 8 * index, 'Q')

    def end(self):
        self.talk.process.terminate()
        self.talk.process.communicate()

# struct watch_control of kernel/mm/watch.h, version 1.
CONTROL = {'magic': (0, 'Q'), 'version': (8, 'I'), 'cpus': (12, 'I'), 'ticks': (16, 'Q'), 'step': (24, 'I'), 'hold_verify': (28, 'I'),
           'allowed': (32, 'Q'), 'passed': (40, 'Q'), 'held_sequence': (48, 'I'), 'waiting': (52, 'I'), 'held_pid': (56, 'I'),
           'held_tid': (60, 'I'), 'held_address': (64, 'Q'), 'held_ip': (72, 'Q'), 'held_code': (80, 'I'), 'moment': (88, 'Q'),
           'moment_seen': (96, 'Q')}
PGFAULT = 2 # enum vm_event

def control_page():
    guest = Guest('--append', 'watch', '--', TOUCHES)
    guest.talk.line()
    guest.look()
    equal(guest.memory[guest.control - KERNBASE:][:8], b'GurWatch', 'booted with `watch` the kernel has a control page')
    equal((guest.get('version'), guest.get('cpus')), (1, 1), '... of this version, for one CPU')
    ok(guest.get('ticks') > 1000000, '... that tells how fast the counter ticks', guest.get('ticks'))
    guest.end()
    guest = Guest('--', TOUCHES)
    guest.talk.line()
    guest.look()
    equal(guest.control, 0, 'without `watch` it has none')
    guest.end()

def begin_stepping(guest):
    guest.set('allowed', guest.get('passed'))
    guest.set('step', 1)
    return wait_until(lambda: guest.get('waiting') == 1 and guest.get('held_sequence') % 2 == 0) # odd while the rest is written

def stepping():
    guest = Guest('--append', 'watch', '--', TOUCHES)
    pid, page = guest.talk.line().split()
    guest.look()
    ok(begin_stepping(guest), 'a fault waits while the host steps')
    equal((guest.get('held_pid'), guest.get('held_tid'), guest.get('held_address'), guest.get('held_code')),
          (int(pid), int(pid), int(page, 16), 6), 'who is held, and at which fault')
    before = guest.counter(PGFAULT)
    for steps in (1, 25, 3):
        passed = guest.get('passed') + steps
        guest.set('allowed', passed)
        ok(wait_until(lambda passed=passed: guest.get('passed') == passed and guest.get('waiting') == 1),
           f'as many faults go on as are let: {steps}', guest.get('passed'))
    time.sleep(0.2)
    equal(guest.counter(PGFAULT), before + 29, 'pgfault has gone up by exactly as many')
    guest.set('step', 0)
    ok(wait_until(lambda: guest.counter(PGFAULT) > before + 200), 'all go on when stepping ends')
    equal(guest.get('passed'), guest.get('allowed'), '... and are not counted')
    guest.end()

def killed():
    guest = Guest('--append', 'watch', '--', TOUCHES, '2')
    pid, _ = guest.talk.line().split()
    guest.look()
    ok(begin_stepping(guest) and guest.get('held_pid') == int(pid), 'a program is held')
    ok(wait_until(lambda: not (guest.get('waiting') and guest.get('held_pid') == int(pid)), 60),
       'SIGKILL takes it out of the line')
    guest.set('step', 0)
    guest.talk.end()
    equal(guest.talk.process.returncode, 137, '... and ends it')

KINDS = ('node', 'vpi', 'anonymous', 'huge')

def kinds(guest):
    """Which numbers frames of KINDS have: the order of frame_kind_name."""
    names = ('reserved', 'image', 'free', 'kernel', 'slab', 'stack', 'node', 'vpi', 'anonymous', 'huge', 'file', 'zero', 'swap')
    return {names.index(kind) for kind in KINDS}

def moment_of(guest):
    """Frames whose references are not those that verify has found, and how many were compared."""
    core_map, frames = guest.number(guest.symbols['core_map'], 'Q'), guest.number(guest.symbols['core_map_frames'], 'Q')
    at, wanted, wrong, seen = core_map - KERNBASE, kinds(guest), [], 0

    for pfn in range(frames):
        refs, kind, _, _, _, low, high = struct.unpack_from('<IBBHBBH', guest.memory, at + 32 * pfn)
        if kind in wanted:
            seen += 1
            if refs != low + 256 * high:
                wrong.append((pfn, kind, refs, low + 256 * high))
    return wrong, seen

def verify_waits():
    guest = Guest('--append', 'watch', '-c', '2', '--', RECOUNTS)
    guest.talk.line()
    guest.look()
    guest.set('hold_verify', 1)
    guest.talk.say('')
    moments, wrong, fewest = 0, [], 1 << 30
    deadline = time.monotonic() + 120
    while guest.talk.process.poll() is None and time.monotonic() < deadline:
        moment = guest.get('moment')
        if moment % 2 == 0:
            time.sleep(0.001)
            continue
        found, seen = moment_of(guest)
        still = guest.get('moment') == moment
        wrong += found if still else ['verify did not wait']
        moments, fewest = moments + 1, min(fewest, seen)
        guest.set('moment_seen', moment)
        wait_until(lambda moment=moment: guest.get('moment') != moment)
    equal(guest.talk.end(), '30 times ok\n', 'verify finds nothing while it is looked at')
    equal((moments, wrong), (30, []), 'in each of its moments all references of nodes and memory are recounted, and nothing moves')
    ok(fewest > 20, 'they were some', fewest)

def host_is_gone():
    guest = Guest('--append', 'watch', '--', 'sh', '-c', 'echo; read line; cat /proc/gaur/verify')
    guest.talk.line()
    guest.look()
    guest.set('hold_verify', 1)
    guest.talk.say('')
    equal(guest.talk.end(), 'verify: ok\n', 'verify does not wait for ever for a host that is gone')
    equal(guest.get('moment'), 2, '... and its moment is over')

def rings():
    guest = Guest('--append', 'watch=8K', '--', TOUCHES)
    pid, page = guest.talk.line().split()
    guest.look()
    at = guest.symbols['event_rings']
    wait_until(lambda: guest.number(at, 'Q') > 1000)
    ok(begin_stepping(guest), 'the guest stands still')
    count, records, mask = (guest.number(at + 8 * i, 'Q') for i in range(3))
    equal(mask + 1, 8192 // 64, 'the ring has the size that was asked for')
    good = []
    for number in range(count - mask - 1, count):
        record = records + 64 * (number & mask)
        good.append(guest.number(record, 'Q') == number + 1)
    ok(count > mask and all(good), 'all records are whole, and have their numbers', count, good)
    last = [records + 64 * (number & mask) for number in range(count - 8, count)]
    seen = [(guest.number(record + 56, 'B'), guest.number(record + 16, 'Q'), guest.number(record + 40, 'I')) for record in last]
    ok((0, int(page, 16), int(pid)) in seen and (7, int(page, 16), int(pid)) in seen, 'faults and madvise are among them', seen)
    guest.end()

for test in (control_page, stepping, killed, verify_waits, host_is_gone, rings):
    test()
done()
