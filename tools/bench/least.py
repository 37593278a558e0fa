# SPDX-License-Identifier: MIT
"""The row `least_memory`: the least memory in which a BusyBox shell runs a pipeline, by trying."""

import shutil

from bench import guest
from launcher.common import GuestFailed

# KiB: too little for certain, enough for certain, and how fine the answer is
BOUNDS = {'Gaur': (1024, 16384, 128), 'Linux': (16384, 278528, 4096)}
SCRIPT = 'busybox ls / | busybox cat | busybox wc -l'
SILENCE = 60

def works(system, kernel, size, busybox):
    boot = guest.Boot(system, kernel, f'{size}K', icount=False, seconds=SILENCE)
    try:
        said = list(guest.lines(boot, ['/bench/busybox', 'sh', '-c', f'PATH=/bench; {SCRIPT}'], (busybox,)))
    except GuestFailed:
        return False
    return any(line.strip().isdigit() for line in said)

def least(system, kernel, tried):
    """In KiB; None if it runs nowhere. `tried` is called with each size before it is tried."""
    busybox = shutil.which('busybox')
    if not busybox:
        raise GuestFailed('busybox is not installed; tools/setup.sh installs it')
    low, high, step = BOUNDS[system]
    tried(high)
    if not works(system, kernel, high, busybox):
        return None
    while high - low > step:
        middle = (low + high) // 2 // step * step
        tried(middle)
        if works(system, kernel, middle, busybox):
            high = middle
        else:
            low = middle
    return high
