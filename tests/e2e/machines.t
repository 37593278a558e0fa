#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The machines that --machine names: each boots, in little memory too, with several CPUs, and is turned off and started again."""

import os
import subprocess
import threading

from harness import SECONDS, TOP, done, equal, ok, run

BUILD = os.path.join(TOP, 'build')
MACHINES = {'q35': 'q35', 'pc': 'pc', 'microvm': 'microvm,ioapic2=off'}     # as QEMU is told

def alone(machine, command):
    """A guest with nothing that a launcher adds, whose shell gets this command; the status of QEMU, and what was seen."""
    process = subprocess.Popen(
        ['qemu-system-x86_64', '-M', MACHINES[machine], '-cpu', 'max', '-m', '16M', '-nodefaults', '-no-reboot', '-display', 'none',
         '-serial', 'stdio', '-kernel', f'{BUILD}/release/gaur.elf', '-initrd', f'{BUILD}/root.cpio', '-append', 'init=/bin/sh'],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    guard = threading.Timer(SECONDS, process.kill)
    guard.start()
    seen = b''
    while b'# ' not in seen and (piece := os.read(process.stdout.fileno(), 4096)):
        seen += piece
    out, _ = process.communicate(command.encode() + b'\n')
    guard.cancel()
    return process.returncode, (seen + out).decode(errors='replace')

for machine in MACHINES:
    result = run('--machine', machine, '-c', '3', '--debug', '--', 'sh', '-c', 'nproc; cat | tr a-z A-Z; cat /proc/gaur/verify; exit 7',
                 stdin=b'input\n')
    equal((result.status, result.text()), (7, '3\nINPUT\nverify: ok\n'), f'{machine}: three CPUs, input, output and status',
          result.notes())
    result = run('--machine', machine, '-m', '4M', '--', 'sh', '-c', 'echo 4 MB | cat | cat')
    equal(result.text(), '4 MB\n', f'{machine}: a pipeline in 4 MB', result.notes())
    for command in ('poweroff -f', 'reboot -f'):
        status, seen = alone(machine, command)
        ok(status == 0, f'{machine}: {command} ends the machine', f'status {status}', seen)
done()
