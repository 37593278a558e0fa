#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How little memory is enough: the kernel's own share at the prompt of 16 MB, and a shell in 4 MB."""

import os
import re
import subprocess

from harness import TOP, Terminal, folder, gaur, ok, run, done

OWN_FRAMES = 256        # 1 MiB
# The shell reads the file itself: no other program runs meanwhile.
FRAMES = 'while read kind count; do echo "$kind $count"; done < /proc/gaur/frames; echo that is "all"\n'
OTHERS = ('free', 'anonymous', 'huge', 'file', 'reserved')

def own_share(text):
    kinds = {kind: int(count) for kind, count in re.findall(r'^(\w+) (\d+)$', text, re.M)}
    return sum(count for kind, count in kinds.items() if kind not in OTHERS) if 'free' in kinds else None

def at_the_prompt():
    terminal = Terminal('run', '-m', '16M')
    terminal.read_until('# ')
    terminal.type(FRAMES)
    text = terminal.read_until('that is all') or terminal.seen.decode(errors='replace')
    own = own_share(text)
    ok(own and own <= OWN_FRAMES, f"at the prompt of 16 MB, the kernel's own share is at most {OWN_FRAMES} frames",
       f'{own} frames', text)
    terminal.type('exit\n')
    terminal.end()

def told():
    result = gaur('memory')
    own = re.search(r"^kernel's own +(\d+) +(\d+) ", result.text(), re.M)
    ok(result.status == 0 and own and int(own[2]) == 4 * int(own[1]) and int(own[1]) <= OWN_FRAMES,
       '`gaur memory` tells it by kind', result.notes())

def prompt_and_pipeline(where, options, pipeline, answer):
    """A prompt appears, a pipeline runs there, and every reference is right after it."""
    terminal = Terminal('run', *options)
    ok(terminal.read_until('# '), f'a prompt appears in {where}', terminal.seen.decode(errors='replace'))
    terminal.type(pipeline + '; echo "st"atus $?\n')
    ok(terminal.read_until(answer + '\n') and terminal.read_until('status 0'), 'and a pipeline runs there',
       terminal.seen.decode(errors='replace'))
    terminal.type('cat /proc/gaur/verify\n')
    ok(terminal.read_until('verify: ok'), 'and nothing is wrong then', terminal.seen.decode(errors='replace'))
    terminal.type('exit\n')
    ok(terminal.end() == 0, 'the shell ends', terminal.seen.decode(errors='replace'))

def four_megabytes():
    result = run('-m', '4M', '--timeout', '60', '--', 'sh', '-c', 'seq 300 | grep 7 | sort -n | tail -n 1; echo $?')
    ok(result.status == 0 and result.out == b'297\n0\n', 'a pipeline of four programs runs in 4 MB', result.notes())
    prompt_and_pipeline('4 MB', ['-m', '4M'], 'cat /proc/meminfo | head -n 1 | tr a-z A-Z | wc -l', '1')

def two_megabytes():
    """With a root on a disk and swap: both the programs and what they work on leave memory."""
    image = os.path.join(folder(), 'root.ext2')
    path = os.environ.get('PATH', '') + ':/usr/sbin:/sbin'
    subprocess.run(['mke2fs', '-q', '-t', 'ext2', '-d', os.path.join(TOP, 'build', 'root'), image, '16M'], check=True,
                   env={**os.environ, 'PATH': path}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    prompt_and_pipeline('2 MB with a disk and swap', ['-m', '2M', '--root', image, '--swap', '32M'],
                        'seq 300 | grep 7 | sort -n | tail -n 1 | tr 2 x', 'x97')

at_the_prompt()
told()
two_megabytes()
four_megabytes()
done()
