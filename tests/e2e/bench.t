#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`gaur bench`: rows are chosen, measured, repeat, and are written as a table, as CSV and as a picture."""

import csv
import os
import subprocess
import xml.etree.ElementTree as xml

from harness import TOP, done, equal, folder, gaur, ok, write

# The suites set GAUR_NO_BUILD, and the programs of bench/ are nobody else's.
subprocess.run(['make', '-s', '-C', TOP, 'bench-programs'], check=True, stdout=subprocess.DEVNULL,
               env={name: value for name, value in os.environ.items() if name not in ('MAKEFLAGS', 'MAKELEVEL')})

def bench(*arguments, **more):
    return gaur('bench', '--gaur-only', '-o', os.path.join(folder(), 'out'), *arguments, **more)

def results(name='out/results.csv'):
    """The rows of a CSV file: {name: row}."""
    with open(os.path.join(folder(), name), encoding='utf-8', newline='') as file:
        return {row['name']: row for row in csv.DictReader(file)}

def usage():
    ok(gaur('bench', '--help').out.startswith(b'usage: ./gaur bench'), 'bench --help')
    ok(gaur('bench', '--version').out.startswith(b'gaur '), 'bench --version')
    for arguments, word in ((['nonsense'], b'nonsense'), (['--nonsense'], b'nonsense'), (['-o'], b'-o')):
        result = gaur('bench', *arguments)
        ok(result.status == 2 and word in result.err and result.err.count(b'\n') == 1,
           f'`bench {" ".join(arguments)}` is refused', result.notes())
    names = gaur('bench', '--list').text().splitlines()
    ok(len(names) > 20 and any(name.startswith('null_call ') for name in names), 'bench --list names the rows')

def counted():
    result = bench('null_call', 'anonymous', 'boot', '--csv', os.path.join(folder(), 'again.csv'))
    found = results()
    equal(sorted(found), ['anonymous_read_fault', 'anonymous_write_fault', 'anonymous_write_forward', 'boot', 'null_call'],
          'the beginning of a name chooses rows', result.notes())
    ok(result.status == 0 and b'null system call' in result.out and b'wanted figures are met' in result.out,
       'the table is printed', result.notes())
    equal(results('again.csv'), found, '--csv writes the same to a file of one\'s own')
    ok(all(row['gaur'].isdigit() and not row['linux'] and row['met'] in ('yes', 'no', '') for row in found.values()),
       'each row has a figure, and whether it is what was wanted', found)
    root = xml.parse(os.path.join(folder(), 'out', 'results.svg')).getroot()
    texts = ' '.join(text.text or '' for text in root.iter('{http://www.w3.org/2000/svg}text'))
    ok('null system call' in texts, 'the picture is an SVG with the rows in it', texts)
    again = bench('null_call', 'anonymous', 'boot')
    equal({name: row['gaur'] for name, row in results().items()}, {name: row['gaur'] for name, row in found.items()},
          'the figures repeat to the last digit', again.notes())

def needs():
    bench('fork_call_1')
    ok('fork_call_tiny' in results(), 'a row that is compared with another measures that one, too')

def tried():
    result = bench('least_memory')
    least = results().get('least_memory', {}).get('gaur', '')
    ok(least.isdigit() and 2048 <= int(least) <= 8192, 'the least memory is found by trying', result.notes())

def without():
    """An empty path has no apt-get; nothing else is looked up there but QEMU and make."""
    tools = os.path.join(folder(), 'bin')
    os.makedirs(tools)
    for name in ('qemu-system-x86_64', 'sh', 'dirname', 'readlink'):
        os.symlink(subprocess.run(['which', name], capture_output=True, text=True, check=True).stdout.strip(),
                   os.path.join(tools, name))
    out = os.path.join(folder(), 'out')
    code = f'import sys; sys.path.insert(0, {TOP + "/tools"!r}); from bench import command, linux; ' \
           f'command.OUT = {out!r}; command.LINUX = {out + "/linux"!r}; command.CACHE = {out + "/linux.json"!r}; ' \
           f'sys.exit(command.run(["null_call", "-o", {out!r}]))'
    run = subprocess.run(['/usr/bin/python3', '-c', code], capture_output=True, text=True, check=False,
                         env={**os.environ, 'PATH': tools, 'GAUR_NO_BUILD': '1'})
    ok(run.returncode == 0 and 'without Linux: there is no APT here' in run.stderr and 'null system call' in run.stdout,
       'where Linux cannot be had, Gaur is measured alone, and why is said', run.stdout, run.stderr)

def broken():
    kernel = write('kernel', b'\x7fELF\x02' + bytes(5000))
    result = bench('null_call', environment={'GAUR_NO_BUILD': '1', 'GAUR_KERNEL': kernel})
    ok(result.status == 1 and b'gaur: ' in result.err, 'a kernel that does not come up is told of', result.notes())

for part in (usage, counted, needs, tried, without, broken):
    part()
done()
