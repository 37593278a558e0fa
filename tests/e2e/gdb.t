#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`./gaur gdb`: a script stops the kernel in its fault handler, and looks at an address space, a walk and a frame."""

import os
import re

from harness import done, gaur, ok, qemus_of, wait_until, write

SCRIPT = '''
break vspace_fault
ignore $bpnum 25
continue
echo stopped in vspace_fault\\n
bt 3
echo == vspace\\n
gaur-vspace
gaur-vspace 1
echo == walk\\n
gaur-walk fault->address
gaur-walk kernel_main
echo == frame\\n
gaur-frame space->root - core_map
gaur-frame kernel_main
python
order = max(order for order in range(12) if int(gdb.parse_and_eval(f"kmem.head[{order}]")))
gdb.execute(f"gaur-frame kmem.head[{order}]")
print("order", order)
end
echo == errors\\n
python
for command in ('gaur-vspace 31999', 'gaur-frame 0xfffffffffff', 'gaur-walk', 'gaur-walk nosuchsymbol'):
    try:
        gdb.execute(command)
    except gdb.error as error:
        print('told:', error)
end
echo == threads\\n
delete
break process_exit
continue
gaur-threads 1
'''

def part(text, name):
    return text.partition(f'== {name}\n')[2].partition('\n== ')[0]

def scripted():
    marker = f'gdb.{os.getpid()}'
    result = gaur('gdb', '--timeout', '100', '--append', marker, '--batch', write('script', SCRIPT), '--', 'true')
    text = result.text()

    def shows(name, pattern, what):
        ok(re.search(pattern, part(text, name) if name else text, re.DOTALL), what, text, result.err.decode())
    ok('stopped in vspace_fault' in text, 'a breakpoint in the fault handler is hit', result.notes())
    shows('', r'#0 .*vspace_fault.*#1 ', 'with a backtrace')
    shows('vspace', r'process 1 \(.*\n.*[0-9a-f]{12}-[0-9a-f]{12} r.x[ps] .*pages, \d+ used', 'gaur-vspace prints regions')
    shows('vspace', r'stack +anonymous: \d+ pages, [1-9]\d* used', 'among them the stack, which has pages in use')
    shows('walk', r'level 4: entry .*level 3', 'gaur-walk shows the levels of a user address')
    shows('walk', r'level 4: entry 256 .*physical 0x[1-9a-f]', 'and where a kernel address lies')
    shows('frame', r'frame 0x.*: node, .*level 4', 'gaur-frame knows the root node')
    shows('frame', r'frame 0x1..?.? \(.*image', 'and the kernel image')
    shows('frame', r'free, .*heads a run of order (\d+)\n.*\norder \1\b', 'and the first one of a free run')
    shows('errors', r'told: no process 31999.*outside of memory.*told: usage.*told: .*nosuchsymbol',
          'what is not there is told')
    shows('threads', r'process 1 \(.*, thread 1: (asleep|ready).*syscall_entry', 'gaur-threads shows where init waits')
    ok('Traceback' not in text + result.err.decode(), 'without a traceback', result.notes())
    ok(wait_until(lambda: not qemus_of(marker)), 'nothing is left running')

def refused():
    result = gaur('gdb', '--batch', '/no/such/script')
    ok(result.status == 2 and b'no such file' in result.err, 'a script that is not there', result.notes())

scripted()
refused()
done()
