#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The soak, for ten seconds: on Linux, which shows that its checks are right, and on Gaur with four CPUs."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'e2e'))
from harness import TOP, Result, done, gaur, ok  # noqa: E402  (needs the path above)

PROGRAM = os.path.join(TOP, 'build', 'user', 'soak', 'soak')

def linux(*arguments):
    process = subprocess.run([PROGRAM, '--linux', *arguments], capture_output=True, timeout=400, check=False)
    return Result(process.returncode, process.stdout, process.stderr)

def clean(result, name):
    lines = result.text().splitlines()
    ok(result.status == 0 and lines and lines[-1].startswith('soak: clean: '), name, result.notes())

clean(linux('--seconds', '5'), 'the mixtures find nothing wrong with Linux')
result = gaur('soak', '--seconds', '10', '--seed', '7', seconds=500)
clean(result, 'ten seconds of all mixtures on four CPUs')
ok('seed 7,' in result.text().splitlines()[0], 'the seed is the one that was asked for', result.notes())
result = gaur('soak', '--seconds', '1', 'no-such-mixture', seconds=200)
ok(result.status == 2 and b'mixtures:' in result.err, 'a mixture that is not there is refused', result.notes())
done()
