#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`./gaur snapshot`: what it prints, when, and what it says when it cannot."""

import json
import os
import socket
import subprocess
import xml.dom.minidom

from harness import TOP, compile_c, equal, folder, gaur, ok, done

PROGRAM = compile_c('owner', r'''
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int count, char **arguments)
{
    int written[2];
    char byte;

    pipe(written);
    char *area = mmap((void *)0x8000000000, 64 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    memset(area, 1, 16 * 4096);
    (void)*(volatile char *)(area + 20 * 4096);
    if (fork() == 0) {
        memset(area, 2, 4 * 4096);
        write(written[1], "x", 1);
        pause();
    }
    read(written[0], &byte, 1);
    if (count > 1 && strcmp(arguments[1], "stop") == 0)
        raise(SIGSTOP);
    printf("here I am\n");
    fflush(stdout);
    for (;;)
        if (count == 1)
            pause();
}
''')

def snapshot(*words, **more):
    return gaur('snapshot', '--quiet', *words, **more)

def page_states(text, pid):
    """The columns of the region at 0x8000000000 in the space of a process."""
    space = text.split(f'({pid}): root', 1)[1].split('\nspace', 1)[0]
    line = next(line for line in space.splitlines() if line.lstrip().startswith('008000000000-'))
    return [int(word) for word in line.split()[4:10]]

def text():
    result = snapshot('--', PROGRAM)
    ok(result.status == 0 and b'here I am' in result.err and b'here I am' not in result.out,
       'a snapshot goes to standard output, and what the program writes to standard error', result.notes())
    said = result.text()
    ok(' anonymous\n' in said and ' node\n' in said and 'owner' in said, 'it tells frames by kind, and processes', said)
    equal(page_states(said, 2), [4, 12, 1, 0, 0, 0], 'after fork, 4 pages that the child has written are its parent\'s own, 12 are shared', said)
    equal(page_states(said, 3), [4, 12, 1, 0, 0, 0], 'and 4 of the child\'s are its own', said)

def moments():
    result = snapshot('--at', 'stop', '--pid', '2', '--', PROGRAM, 'stop')
    ok(result.status == 0 and '  T ' in result.text() and 'pages of 008000000000' in result.text(),
       '--at stop: when the program has stopped itself; --pid tells its pages', result.notes())
    result = snapshot('--at', '=here I', '--', PROGRAM, 'busy')
    ok(result.status == 0 and b'here I' in result.err, '--at =TEXT: when it has been written, though the program runs on', result.notes())
    result = snapshot('--at', '0.5', '--', PROGRAM, 'busy')
    ok(result.status == 0 and 'owner' in result.text(), '--at N: some time after the program has begun', result.notes())
    result = snapshot('--timeout', '6', '--', PROGRAM, 'busy')
    ok(result.status == 125 and b'did not come' in result.err, 'a moment that does not come ends with the time', result.notes())
    result = snapshot('--', 'false')
    ok(result.status == 125 and b'ended, with status 1' in result.err, 'so does a program that ends before', result.notes())

def json_lines(*words):
    path = os.path.join(folder(), 'snapshot.json')
    result = snapshot('--format', 'json', '--out', path, *words, '--', PROGRAM)
    if not ok(result.status == 0 and b'here I am' in result.out, f'json {" ".join(words)}: with --out the program has standard output', result.notes()):
        return
    with open(path, encoding='utf-8') as file:
        hello, picture = [json.loads(line) for line in file]
    ok(hello['type'] == 'hello' and hello['format'] == 1 and picture['full'] and picture['torn'] == [], 'two messages; nothing is torn', hello)
    equal(sum(picture['kinds']), hello['frames'], 'frames by kind are all frames')
    equal(sum(count for _, count, _, _ in picture['frames']), hello['frames'], 'and so are the runs')
    ids = {space['id'] for space in picture['spaces']}
    equal({process['space'] for process in picture['processes']}, ids, 'every process has a space')
    references(hello, picture)

def references(hello, picture):
    """Every frame of kind node and anonymous has as many references as nodes have entries for it."""
    kinds, refs, found = {}, {}, {}
    for first, count, kind, number in picture['frames']:
        for pfn in range(first, first + count):
            kinds[pfn], refs[pfn] = hello['kinds'][kind], number
    for space in picture['spaces']:
        found[space['root']] = 1
    for node in picture['nodes']:
        for entry in node['entries']:
            if node['level'] > 1:
                found[entry[1]] = found.get(entry[1], 0) + 1
            else:
                index, count, step, ppn, bits, _, _ = entry
                for i in range(count if bits & 1 else 0):
                    found[ppn + i * step] = found.get(ppn + i * step, 0) + 1
    wrong = [pfn for pfn, kind in kinds.items() if kind in ('node', 'anonymous') and found.get(pfn) != refs[pfn]]
    equal(wrong, [], 'nodes hold as many references as frames have')

def drawing():
    result = snapshot('--format', 'svg', '--', PROGRAM)
    try:
        document = xml.dom.minidom.parseString(result.out)
        words = ' '.join(node.data for text in document.getElementsByTagName('text') for node in text.childNodes)
    except Exception as error:      # whatever a parser may say
        words = str(error)
    ok(result.status == 0 and 'owner (process 2)' in words and '0x8000000000' in words and '4 own, 12 copy-on-write' in words,
       'svg: a drawing of the program\'s address space', words)
    result = snapshot('--format', 'svg', '--pid', '77', '--', PROGRAM)
    ok(result.status == 125 and b'no process 77' in result.err, 'a process that is not there', result.notes())

def bad_input():
    for words in (['--at', 'never'], ['--format', 'png'], ['--pid', 'x'], ['--pid', '0'], ['--nonsense']):
        result = snapshot(*words)
        ok(result.status == 2 and len(result.err.splitlines()) == 1, f'snapshot {" ".join(words)} is refused in one line', result.notes())
    result = snapshot('--out', '/nonexistent/x', '--', PROGRAM)
    ok(result.status == 125 and b'/nonexistent/x' in result.err, 'a file that cannot be written', result.notes())

def run_viewer(memory, kernel, kind='release'):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(b'now\n')
        return subprocess.run([os.path.join(TOP, 'build', 'watch', kind, 'gaur-watch'), 'snapshot', '--memory', str(memory), '--kernel', kernel,
                               '--control', str(theirs.fileno()), '--qmp', str(theirs.fileno())], pass_fds=[memory, theirs.fileno()],
                              capture_output=True, timeout=60, check=False)

def other_kernels():
    """The viewer by itself, with memory that is not of its kernel."""
    memory = os.memfd_create('memory')
    os.truncate(memory, 16 << 20)
    os.pwrite(memory, b'\xff' * (8 << 20), 1 << 20)
    kernel = os.path.join(TOP, 'build', 'release', 'gaur.elf')
    for name, path, words in (('an ELF of another build', kernel, b'different builds'), ('no ELF', __file__, b'no kernel of'),
                              ('an ELF of another kind', kernel.replace('release', 'debug'), b'of kind debug'),
                              ('a program', PROGRAM, b'')):
        done_ = run_viewer(memory, path)
        ok(done_.returncode == 125 and words in done_.stderr and len(done_.stderr.splitlines()) == 1, f'{name} is told in one line', done_)

text()
moments()
json_lines()
json_lines('-m', '5G', '-c', '2')
drawing()
bad_input()
other_kernels()
done()
