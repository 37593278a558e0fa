#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the viewer sees of a guest under load, against what the guest's verify finds, and against itself. One argument: how many of verify's
moments are compared, and one for the options of the machine."""

import os
import subprocess
import sys

from harness import TOP, compile_c, ok, done

sys.path.insert(0, os.path.join(TOP, 'tools'))
from launcher import cli, viewer                       # noqa: E402  (needs the path above)
from launcher.run import Guest, Streams                # noqa: E402

MOMENTS = int(sys.argv[1]) if len(sys.argv) > 1 else 40
SECONDS = 120 + MOMENTS

def load():
    with open(os.path.join(TOP, 'tests', 'watch', 'load.c'), encoding='utf-8') as source:
        return compile_c('load', source.read())

def check(options):
    """(whether the guest ended well, the viewer's exit status, what it said)"""
    machine = viewer.Machine(options)
    null = os.open(os.devnull, os.O_RDONLY)
    guest = Guest(options, False, Streams(null, 2, 2), machine.arguments(), machine.descriptors())
    look = viewer.Viewer(options, machine, ['check'], stdout=subprocess.PIPE)
    try:
        guest.start()
        machine.started()
        guest.wait()
        look.tell('ended')
        said = look.process.communicate(timeout=60)[0].decode()
        return guest.status, look.process.returncode, said
    finally:
        guest.stop()
        look.stop()

def compare(name, *words):
    options = cli.parse([*words, '--timeout', str(SECONDS), '--quiet', '--append', 'watch', '--', load(), str(MOMENTS), '3'], '')
    viewer.build(options)
    status, code, said = check(options)
    numbers = [int(word) for word in said.replace('(', '').split() if word.isdigit()]
    sys.stderr.write(f'{name}: {said}')
    ok(status == 0 and code == 0, f'{name}: in each moment of verify, and at random ones, the numbers agree', f'{status} {code}', said)
    compared, looks, clean = numbers[-6:-3] if len(numbers) >= 6 else (0, 0, 0)
    ok(compared > MOMENTS * 9 // 10, f'{name}: {MOMENTS} moments of verify were compared', said)   # verify does not wait for ever
    ok(clean > 0 or 0 < looks < 100, f'{name}: at some random moments nothing was under way', said)

compare('2 CPUs', '-c', '2', '-m', '32M')
compare('debug kernel, 1 CPU, swap', '--debug', '-m', '16M', '--swap', '32M')
done()
