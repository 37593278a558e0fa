#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The kernel with sanitizers: each kind of mistake, made on purpose (/proc/gaur/provoke), is found, and the report says what
it is and where."""

import re

from harness import done, gaur, ok, run

# mistake: what the report says about it
UNDEFINED = {
    'overflow': r"signed overflow: 2147483647 \+ 1 does not fit into 'int'",
    'shift': r"shift out of bounds: 1 by 70 in 'int'",
    'division': r"division: 2147483647 / 0 has no value in 'int'",
    'index': r"index out of bounds: 70 of '.*int \[8\]'",
    'null': r"null pointer: load from type 'int'",
    'misaligned': r"misaligned pointer: load from 0x[0-9a-f]*[1-9a-f], where type .* wants 8 bytes",
}

# mistake: the name that the report gives it, the access, and what it says about the memory
MEMORY = {
    'slab_use_after_free': ('slab-use-after-free', 'read of 1 bytes',
                            r'it is 40 bytes inside an object of slab general: 0x[0-9a-f]+, 100 bytes$',
                            r'handed out at .*slab_zalloc\+\S+ < provoke_slab_use_after_free\+',
                            r'given back at .*slab_cache_free\+\S+ < provoke_slab_use_after_free\+'),
    'slab_out_of_bounds': ('slab-out-of-bounds', 'write of 1 bytes',
                           r'it is 0 bytes behind the end of an object of slab general: 0x[0-9a-f]+, 100 bytes$'),
    'slab_double_free': ('slab-double-free', 'of',
                         r'given back at .*slab_cache_free\+\S+ < provoke_slab_double_free\+'),
    'frame_use_after_free': ('frame-use-after-free', 'read of 1 bytes',
                             r'it is 24 bytes inside frame 0x[0-9a-f]+000: free, 0 references, given back at '),
    'stack_out_of_bounds': ('stack-out-of-bounds', 'write of 1 bytes', r'it is in kernel stack \d+, sh$',
                            r'it is on the stack of provoke_stack_out_of_bounds\+0',
                            r' buffer:\d+, 13 bytes; the access is 0 bytes behind the end of it$'),
    'stack_use_after_scope': ('stack-use-after-scope', 'write of 1 bytes',
                              r' inner:\d+, 16 bytes; the access is 3 bytes inside it$'),
    'global_out_of_bounds': ('global-out-of-bounds', 'write of 1 bytes',
                             r'it is 0 bytes behind the end of the global global_few: 0x[0-9a-f]+, 10 bytes$'),
    'copy_out_of_bounds': ('stack-out-of-bounds', 'write of 17 bytes',
                           r' buffer:\d+, 16 bytes; the access is 0 bytes behind the end of it$'),
    'user_copy_out_of_bounds': ('slab-out-of-bounds', 'write of 25 bytes',
                                r'it is 0 bytes behind the end of an object of slab general: 0x[0-9a-f]+, 24 bytes$',
                                r' copy_from_user\+'),
}

def sanitized(*arguments):
    """With the whole log on standard error."""
    return gaur('run', '--sanitize', '-m', '64M', '--timeout', '100', '--', *arguments)

def provoke(name):
    return sanitized('sh', '-c', f'echo {name} > /proc/gaur/provoke; echo survived')

def found(result, name, last, *lines):
    """The guest panicked; the last line is the launcher's, others stand above; there is a backtrace."""
    err = re.sub(r'^\[ *[0-9.]+\] ', '', result.err.decode(errors='replace'), flags=re.M)
    wanted = [rf'^gaur: the guest panicked: {last}$', rf'^  [0-9a-f]{{16}} provoke_{name}\+', *lines]
    missing = [pattern for pattern in wanted if not re.search(pattern, err, re.M)]
    ok(result.status == 125 and not missing and b'survived' not in result.out, f'{name} is found, and the report tells all',
       result.notes(), f'missing: {missing}')

def undefined(name, pattern):
    found(provoke(name), name, rf'undefined behaviour at kernel/\S+/provoke\.c:\d+: {pattern}')

def memory(name, called, access, *lines):
    said = rf'{called}: {access}( at)? 0x[0-9a-f]+ in \S+'
    shadow = r'^  [0-9a-f]{16}:.*\[([1-9a-f][0-9a-f]|0[1-7])\]'
    found(provoke(name), name, said, rf'^sanitizer: {said}$', shadow, *lines)

def wild():
    """No shadow, no memory: the address is all that can be said."""
    found(provoke('wild'), 'wild', r'wild-access: to about 0xffffe0000000000[08], which has no shadow, in provoke_wild\+0x[0-9a-f]+')

def user_address():
    found(provoke('user_address'), 'user_address', r'general protection fault in the kernel, in sh, cpu 0',
          r'^sanitizer: perhaps wild-access: user addresses, ')

def deep_recursion():
    found(provoke('deep_recursion'), 'deep_recursion', r'kernel stack overflow in sh, cpu 0')

def names():
    """Each mistake that the kernel can make is among those above."""
    result = sanitized('cat', '/proc/gaur/provoke')
    ok(result.status == 0 and set(result.text().split()) == {*UNDEFINED, *MEMORY, 'wild', 'user_address', 'deep_recursion'}, 'each mistake that can be made is tried here',
       result.notes())

def elsewhere():
    """Neither knob nor checks in the other kernels."""
    result = run('--debug', '--timeout', '100', '--', 'ls', '/proc/gaur')
    ok(result.status == 0 and 'provoke' not in result.text(), 'the debug kernel has no such file', result.notes())

names()
for mistake, said in UNDEFINED.items():
    undefined(mistake, said)
for mistake, told in MEMORY.items():
    memory(mistake, *told)
wild()
user_address()
deep_recursion()
elsewhere()
done()
