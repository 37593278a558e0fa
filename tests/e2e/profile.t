#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`gaur profile`: the instructions of each kernel function, exactly."""

import csv
import os
import re
import subprocess

from harness import TOP, compile_c, done, equal, folder, gaur, ok

# The suites set GAUR_NO_BUILD, and these are nobody else's.
subprocess.run(['make', '-s', '-C', TOP, 'bench-programs', 'build/profile/plugin.so'], check=True,
               stdout=subprocess.DEVNULL, env={name: value for name, value in os.environ.items()
                                               if name not in ('MAKEFLAGS', 'MAKELEVEL')})

CALLS = compile_c('calls', '''
#include <unistd.h>
#include <sys/syscall.h>
#include "user/mark.h"
int main(int argc, char **argv) {
    for (int i = 0; i < 1000; i++) syscall(SYS_getppid);
    MARK_BEGIN();
    for (int i = 0; i < 234; i++) syscall(SYS_getppid);
    MARK_END();
    write(1, "done\\n", 5);
    return 7; }''', '-I' + TOP)

def functions(path):
    with open(path, encoding='utf-8', newline='') as file:
        return {row['function']: (int(row['instructions']), int(row['calls'] or 0)) for row in csv.DictReader(file)}

def usage():
    ok(gaur('profile', '--help').out.startswith(b'usage: ./gaur profile'), 'profile --help')
    for arguments, word in (([], b'wanted'), (['nonsense'], b'nonsense'), (['null_call', '--', 'ls'], b'wanted'),
                            (['-n', '0', 'null_call'], b'-n'), (['-m', 'x', 'null_call'], b'-m')):
        result = gaur('profile', *arguments)
        ok(result.status == 2 and word in result.err and result.err.count(b'\n') == 1,
           f'`profile {" ".join(arguments)}` is refused', result.notes())

def rows():
    path = os.path.join(folder(), 'null.csv')
    result = gaur('profile', '--csv', path, 'null_call')
    reported = int(re.search(r'null_call ([\d,]+)', result.text())[1].replace(',', ''))
    found = functions(path)
    total = sum(count for count, _ in found.values())
    ok(result.status == 0 and reported == total // 1000, 'the counts add up to what the row reports',
       reported, total, result.notes())
    equal(found.get('sys_getppid', (0, 0))[1], 1000, 'each call of a function is counted', found)
    source = gaur('profile', '--source', 'sys_getppid', 'null_call')
    ok(re.search(r'kernel/sys/\w+\.c:\d+: ', source.text()), '--source shows the lines', source.notes())

def programs():
    path = os.path.join(folder(), 'program.csv')
    result = gaur('profile', '--csv', path, '--', CALLS)
    ok(result.status == 7 and result.out == b'done\n' and b'sys_getppid' in result.err,
       "a program's output and status pass through; the table is on standard error", result.notes())
    found = functions(path)
    equal(found['sys_getppid'][1], 1234, 'the whole life of a program is counted')
    ok('sys_execve' in found and 'sys_exit_group' in found, 'from exec to exit', sorted(found))
    gaur('profile', '--marks', '--csv', path, '--', CALLS)
    found = functions(path)
    ok(found['sys_getppid'][1] == 234 and 'sys_execve' not in found, '--marks counts between the marks only', found)

for part in (usage, rows, programs):
    part()
done()
