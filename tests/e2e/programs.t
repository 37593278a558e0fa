#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The contract of `gaur run -- PROGRAM`: arguments, input, output and exit status are as on Linux."""

import os
import signal
import subprocess

from harness import compile_c, done, equal, folder, gaur, ok, qemus_of, run, wait_until, write, GAUR

ARGS = compile_c('args', r'''
#include <stdio.h>
int main(int argc, char **argv) {
    for (int i = 0; i < argc; i++) printf("[%s]", argv[i]);
    return argc; }''')

DIE = compile_c('die', r'''
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv) {
    printf("before\n"); fflush(stdout);
    if (!strcmp(argv[1], "segv")) *(volatile int *)8 = 1;
    if (!strcmp(argv[1], "exit")) exit(atoi(argv[2]));
    if (!strcmp(argv[1], "abort")) abort();
    if (!strcmp(argv[1], "ill")) __builtin_trap();
    if (!strcmp(argv[1], "fpe")) { volatile int zero = 0; return 1000 / zero; }
    kill(getpid(), atoi(argv[2])); pause(); }''')

BOTH = compile_c('both', r'''
#include <unistd.h>
int main(void) {
    write(1, "out1 ", 5); write(2, "err1 ", 5); write(1, "out2", 4); write(2, "err2", 4); return 3; }''')

def statuses():
    for status in (0, 1, 7, 42, 127, 128, 255):
        result = run('--', DIE, 'exit', str(status))
        ok(result.status == status and result.out == b'before\n' and result.err == b'', f'exit status {status}',
           result.notes())
    for name, word, number in (('SIGSEGV', ['segv'], 11), ('SIGABRT', ['abort'], 6), ('SIGILL', ['ill'], 4),
                               ('SIGFPE', ['fpe'], 8), ('SIGKILL', ['kill', '9'], 9), ('SIGTERM', ['kill', '15'], 15)):
        result = run('--', DIE, *word)
        ok(result.status == 128 + number and result.out == b'before\n', f'{128 + number} after {name}', result.notes())

def arguments():
    words = ['a b', '', '  ', '*', "it's", '"', '\\', '--quiet', '-m', 'é', '\n', 'x' * 5000]
    result = run('--', ARGS, *words)
    here = subprocess.run([ARGS, *words], capture_output=True, check=False)
    equal(result.out, here.stdout, 'arguments arrive as they were given', result.notes())
    equal(result.status, here.returncode, 'their number too')
    os.chdir(folder())
    equal(run('./args', 'one').out, b'[./args][one]', 'argv[0] stays as typed; -- may be left out')
    equal(run('--', 'echo', 'a  b', '', 'c').out, b'a  b  c\n', 'a bare name is looked up in the guest')
    equal(run('--', '/bin/echo', 'x').status in (0, 127), True, 'a path may be one of this machine')
    result = run('-m', '32M', '-c', '1', '--machine', 'pc', '--append', 'a=b c=d', '--', 'cat', '/proc/cmdline')
    ok(b'a=b c=d' in result.out and result.status == 0, 'machine pc; --append reaches the kernel', result.notes())
    result = run('--icount', '--', 'echo', 'counted')
    ok(result.out == b'counted\n' and result.status == 0, '--icount', result.notes())

def streams():
    result = run('--', BOTH)
    ok((result.status, result.out, result.err) == (3, b'out1 out2', b'err1 err2'),
       'standard output and standard error arrive apart', result.notes())
    equal(run('--', 'cat').out, b'', 'no input is an end of file')
    equal(run('--', 'cat', stdin=b'no newline').out, b'no newline', 'a last line without its end')
    result = run('--', 'sh', '-c', 'test -t 0 || test -t 1 || test -t 2; echo $?')
    equal(result.out, b'1\n', 'nothing of it is a terminal')
    result = run('--', 'true', stdin=bytes(300000))
    ok((result.status, result.out) == (0, b''), 'input that nobody reads does no harm', result.notes())
    result = gaur('run', '--', 'echo', 'out')
    ok(result.out == b'out\n' and len(result.err.splitlines()) > 1, 'without --quiet the log goes to standard error',
       result.notes())
    with open('/dev/null', 'rb') as null:
        result = subprocess.run([GAUR, 'run', '--quiet', '--', 'cat'], stdin=null, capture_output=True, check=False)
        equal((result.returncode, result.stdout, result.stderr), (0, b'', b''), 'input from /dev/null')
    closed = subprocess.run(['sh', '-c', f'{GAUR} run --quiet -- echo x <&- 2>&-'], capture_output=True, check=False)
    equal((closed.returncode, closed.stdout), (0, b'x\n'), 'standard input and standard error closed')

def shells():
    result = run(stdin=b'echo from a script\nexit 9\n')
    ok((result.status, result.out) == (9, b'from a script\n'), 'without PROGRAM, a script on standard input',
       result.notes())
    equal(run(stdin=b'').status, 0, 'an empty script')
    equal(run('--', 'sh', '-c', 'kill -9 $$').status, 137, 'a shell that kills itself')
    script = write('script.sh', '#!/bin/sh\necho "$0 $1"; exit 4\n', 0o755)
    result = run('--', script, 'word')
    ok(result.status == 4 and result.out.endswith(b'script.sh word\n'), 'a script from here', result.notes())
    result = run('--', 'sh', '-c', '(sleep 100 &) ; (exit 3) & wait $!')
    equal(result.status, 3, 'what still runs in the background is left behind')

def failures():
    def fails(status, name, words, *arguments):
        result = run('--', *arguments)
        error = result.err.decode(errors='replace')
        ok(result.status == status and error.startswith('gaur: ') and error.count('\n') == 1 and words in error, name,
           result.notes())
    fails(127, 'a program that is nowhere', 'nosuchprogram: not found', 'nosuchprogram')
    fails(127, 'a path that is nowhere', '/no/such/thing: not found', '/no/such/thing')
    fails(127, 'an empty name', 'not found', '')
    fails(126, 'a file that is not executable', 'Permission denied', write('plain', 'x'))
    fails(126, 'a folder', 'is a folder', folder())
    fails(126, 'a folder of the guest', 'folder', '/proc/')
    fails(126, 'a file that is no program', 'Exec format error', write('noise', bytes(range(256)) * 9, 0o755))
    fails(126, 'an empty file', 'Exec format error', write('empty', b'', 0o755))
    fails(127, 'a script whose interpreter is nowhere', '/bin/zork', write('zork', '#!/bin/zork -x\n', 0o755))
    dynamic = os.path.join(folder(), 'dynamic')
    subprocess.run(['gcc', '-xc', '-', '-o', dynamic], input=b'int main(void) { return 0; }', check=True)
    fails(127, 'a dynamic program', 'needs the loader /lib64/ld-linux-x86-64.so.2', dynamic)

def endings():
    result = run('--timeout', '5', '--', 'sh', '-c', 'echo started; sleep 1000')
    error = result.err.decode()
    ok(result.status == 125 and result.out == b'started\n' and error.count('\n') == 1 and '5 s' in error,
       'a timeout: 125, one line, and what was written until then', result.notes())
    equal(run('--timeout', '60', '--', 'false').status, 1, 'a timeout that is not reached')
    result = run('--', 'reboot', '-f')
    ok(result.status == 125 and b'without saying how' in result.err, 'a guest that resets itself', result.notes())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL):
        interrupted(number)

def interrupted(number):
    marker = f'marker={os.getpid()}.{number}'
    launcher = subprocess.Popen([GAUR, 'run', '--quiet', '--append', marker, '--', 'sh', '-c', 'echo up; sleep 1000'],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    launcher.stdout.readline()
    launcher.send_signal(number)
    status = launcher.wait(30)
    gone = wait_until(lambda: not qemus_of(marker))
    ok(status == -number and gone, f'after {signal.Signals(number).name} nothing is left running', f'status {status}')

statuses()
arguments()
streams()
shells()
failures()
endings()
done()
