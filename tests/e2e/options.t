#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The launcher's command line: what it refuses, and how it says so. Nothing here boots."""

import os

from harness import TOP, done, equal, folder, gaur, ok, write

def one_line(result, status, name, *wanted):
    """The run ended with this status and one line on standard error, which contains the words."""
    error = result.err.decode(errors='replace')
    good = result.status == status and error.startswith('gaur: ') and error.count('\n') == 1
    ok(good and not result.out and all(word in error for word in wanted), name, result.notes())

def refused(arguments, *wanted):
    one_line(gaur(*arguments), 2, f'`gaur {" ".join(arguments)}` is refused', *wanted)

for word in ('--help', '-h', 'help'):
    result = gaur(word)
    ok(result.status == 0 and b'usage' in result.out, f'gaur {word}', result.notes())
for command in ('run', 'test', 'gdb', 'bench', 'profile', 'soak', 'memory', 'watch', 'snapshot'):
    result = gaur(command, '--help')
    ok(result.status == 0 and b'usage: ./gaur ' + command.encode() in result.out, f'{command} --help', result.notes())
    result = gaur(command, '--version')
    ok(result.status == 0 and result.out.startswith(b'gaur '), f'{command} --version', result.notes())
ok(gaur('--version').out.startswith(b'gaur '), '--version')

refused([], 'command')
refused(['nonsense'], 'nonsense')
refused(['run', '--nonsense'], 'nonsense')
refused(['run', '-m'], '-m')
for size in ('', 'x', '16X', '-5', '1.5G', '0', '0M', '1K', '99999999G'):
    refused(['run', '-m', size], '-m')
for count in ('', '0', 'x', '-1', '1000'):
    refused(['run', '-c', count], '-c')
for machine in ('', 'isapc', 'q36'):
    refused(['run', '--machine', machine], '--machine')
for seconds in ('', '0', '-1', 'x', 'nan', 'inf'):
    refused(['run', '--timeout', seconds], '--timeout')
refused(['soak', '--seconds', 'x'], '--seconds')
for disk in ('', ',readonly', 'x,format=', 'x,format=ext2', 'x,readwrite', 'nbd:', 'nbd://', 'nbd://host:port/name',
             'nbd+unix:///name'):
    refused(['run', '--disk', disk], '--disk')
refused(['run', '--swap', '1K'], '--swap')

plain = {'GAUR_NO_BUILD': '1'}
for disk, why in (('absent', 'No such file'), (folder(), 'neither a file'), ('/dev/null', 'neither a file')):
    one_line(gaur('run', '--disk', disk, '--', 'ls', environment=plain), 125, f'no disk: {disk}', '--disk', why)
one_line(gaur('run', *['--disk', write('disk', bytes(4096))] * 13, '--', 'ls', environment=plain), 125, 'thirteen disks', '12')
one_line(gaur('run', '--root', os.path.join(folder(), 'absent'), '--', 'ls', environment=plain), 125,
         'a root that is not there', 'absent')
one_line(gaur('run', '--', 'ls', environment={**plain, 'GAUR_KERNEL': folder() + '/none'}), 125,
         'a kernel that is not there', 'none')
for name, data in (('empty', b''), ('text', b'not a kernel\n' * 1000), ('cut', b'\x7fELF\x02\x01\x01')):
    path = write(name, data)
    one_line(gaur('run', '--quiet', '--timeout', '20', '--', 'ls', environment={**plain, 'GAUR_KERNEL': path}), 125,
             f'a kernel file that is none: {name}')

link = os.path.join(folder(), 'gaur')
os.symlink(os.path.join(TOP, 'gaur'), link)
equal(gaur('--version').out, gaur('--version', cwd='/').out, 'works from any folder')
done()
