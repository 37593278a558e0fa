#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""BusyBox's own tests: what passes on Linux passes on Gaur, with the same binary in the same root.

The tests come from Debian's source package (fetch.py), in the folder /suite of a root that both get. For each test,
build/busybox/results.txt has what it came to on either. known.txt says why, where they differ.
"""

import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'e2e'))
import fetch  # noqa: E402
from harness import GAUR, TOP, done, ok, skip  # noqa: E402  (needs the path above)

FOLDER = 'build/busybox'
SOURCE = FOLDER + '/source'
ROOT = FOLDER + '/root'
SUITE = ROOT + '/suite'
SILENCE = 100       # seconds without a result, after which a test is taken to hang
SECONDS = {'Linux': 150, 'Gaur': 420}    # for all that it runs
BOOTS = 3           # a test that hangs or crashes the system costs one
ENOUGH = 0.9        # of the tests that pass on Linux

# Names come in $LEAVE_OUT, one a line; the suite's own function has become testing_all.
LEAVE_OUT = '''
testing()
{
  case "
%s
" in
  *"
$1
"*) echo "LEFT OUT: $1" ;;
  *) testing_all "$@" ;;
  esac
}
'''

class Known:
    """known.txt: why tests fail here that pass on Linux."""

    def __init__(self, path):
        self.lines = [line for line in fetch.read(path).splitlines() if line and not line.startswith('#')]
        self.left_out = [line.split(': not run: ')[0] for line in self.lines if ': not run: ' in line]

    def reason(self, name):
        """Of this test; None if there is no line for it."""
        for line in self.lines:
            if line.startswith(name + ': '):
                return line[len(name) + 2:].strip() or None
        return None

class Run:
    """The tests on one system: their results, and how far it got."""

    def __init__(self, title, command, applets):
        self.title, self.results, self.verify, self.trouble = title, {}, '', []
        self.reached = ''
        deadline = time.monotonic() + SECONDS[title]
        with open(f'{FOLDER}/{title}.out', 'wb') as out, open(f'{FOLDER}/{title}.err', 'wb') as errors:
            for _ in range(BOOTS):
                self.reached = ''
                ended = self.boot([*command, *applets], out, errors, deadline)
                if ended or self.reached not in applets:
                    break
                self.trouble.append(f'{self.title} stopped in the tests of {self.reached}: see {FOLDER}/{title}.*')
                applets = applets[applets.index(self.reached) + 1:]
        if not ended and not self.trouble:
            self.trouble.append(f'{self.title} did not start: see {FOLDER}/{title}.err')

    def boot(self, command, out, errors, deadline):
        """Runs the command until all applets are through; false if it stopped before."""
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
                                   start_new_session=True)
        try:
            return self.follow(process.stdout.fileno(), out, deadline)
        finally:
            end_group(process)

    def follow(self, pipe, out, deadline):
        rest = b''
        while (left := deadline - time.monotonic()) > 0 and select.select([pipe], [], [], min(SILENCE, left))[0]:
            data = os.read(pipe, 65536)
            if not data:
                return False
            out.write(data)
            *lines, rest = (rest + data).split(b'\n')
            for line in lines:
                if line == b'END':
                    return True
                self.line(line.decode(errors='replace'))
        return False

    def line(self, text):
        if result := re.match(r'(PASS|FAIL|SKIPPED|UNTESTED|LEFT OUT): (.*)', text):
            name, number = result[2], 1
            while name in self.results:
                number += 1
                name = f'{result[2]} #{number}'
            self.results[name] = result[1]
        elif started := re.match(r'Running test(?:case)? /suite/testsuite/([^/]+?)(?:\.tests)?(?:/|$)', text):
            self.reached = started[1]
        elif text.startswith('VERIFY: '):
            self.verify = text[8:]

    def count(self, result):
        return sum(1 for each in self.results.values() if each == result)

def end_group(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()

def stage(known):
    """The root for both: the ordinary one, and /suite. Returns the applets that there are tests for."""
    shutil.rmtree(ROOT, ignore_errors=True)
    shutil.copytree('build/root', ROOT, symlinks=True)
    shutil.copytree(SOURCE + '/testsuite', SUITE + '/testsuite')
    shutil.copy(SOURCE + '/config', SUITE + '/.config')
    shutil.copy(HERE + '/guest.sh', SUITE)
    os.symlink('/bin/busybox', SUITE + '/busybox')
    change(SUITE + '/testsuite/testing.sh', r'^testing\(\)$', 'testing_all()')
    with open(SUITE + '/testsuite/testing.sh', 'a', encoding='utf-8') as script:
        script.write(LEAVE_OUT % '\n'.join(known.left_out))
    # The suite's own lines that say where it is; they are there, as comments.
    change(SUITE + '/testsuite/runtest', r'^#(\s*echo "Running test)', r'\1')
    names = {re.sub(r'\.tests$', '', name) for name in os.listdir(SUITE + '/testsuite')
             if name.endswith('.tests') or os.path.isdir(f'{SUITE}/testsuite/{name}')}
    return sorted(names - {'all_sourcecode'})

def change(path, pattern, replacement):
    text, times = re.subn(pattern, replacement, fetch.read(path), flags=re.MULTILINE)
    if not times:
        raise fetch.Unavailable(f'{os.path.basename(path)} is not as expected: it has no {pattern}')
    fetch.write(path, text)

def run_linux(applets):
    copy = os.path.abspath(FOLDER + '/linux')
    shutil.rmtree(copy, ignore_errors=True)
    os.makedirs(copy)
    run = Run('Linux', ['sh', 'tests/on_linux.sh', os.path.abspath(ROOT), copy, '/bin/sh', '/suite/guest.sh'],
              applets)
    shutil.rmtree(copy, ignore_errors=True)
    if not run.results:
        raise fetch.Unavailable(fetch.read(f'{FOLDER}/Linux.err').strip().split('\n')[-1] or 'no test ran on Linux')
    return run

def run_gaur(applets):
    return Run('Gaur', [GAUR, 'run', '--quiet', '-m', '256M', '--timeout', str(SECONDS['Gaur']), '--root', ROOT, '--',
                        'sh', '/suite/guest.sh'], applets)

def compare(linux, gaur, known):
    passing = [name for name, result in linux.results.items() if result in ('PASS', 'LEFT OUT')]
    failing = [name for name in passing if gaur.results.get(name) != 'PASS']
    write_results(linux, gaur)
    for run in (linux, gaur):
        print(f'# {run.title}: ' + ', '.join(f'{run.count(result)} {result}' for result in
                                             ('PASS', 'FAIL', 'SKIPPED', 'UNTESTED', 'LEFT OUT')))
    share = 1 - len(failing) / len(passing)
    print(f'# {len(passing) - len(failing)} of {len(passing)} tests that pass on Linux pass on Gaur: {share:.1%}')

    ok(not linux.trouble and linux.count('FAIL') < linux.count('PASS') / 10, 'the tests pass on Linux', *linux.trouble,
       *[name for name, result in linux.results.items() if result == 'FAIL'])
    ok(not gaur.trouble, 'Gaur ran to the end of the tests', *gaur.trouble)
    ok(share >= ENOUGH, f'at least {ENOUGH:.0%} of what passes on Linux passes on Gaur', f'{share:.1%}')
    unexplained = [name for name in failing if not known.reason(name)]
    ok(not unexplained, 'known.txt says why, for each of the rest', *unexplained)
    cured = [name for name, result in gaur.results.items() if result == 'PASS' and known.reason(name)]
    ok(not cured, 'known.txt names no test that passes', *cured)
    ok(gaur.verify == 'verify: ok', "after all that, Gaur's memory is in order", gaur.verify or 'nothing was said')

def write_results(linux, gaur):
    names = list(linux.results) + [name for name in gaur.results if name not in linux.results]
    with open(FOLDER + '/results.txt', 'w', encoding='utf-8') as out:
        for name in names:
            print(f'{linux.results.get(name, "-"):<9} {gaur.results.get(name, "-"):<9} {name}', file=out)

def main():
    os.chdir(TOP)
    os.makedirs(FOLDER, exist_ok=True)
    known = Known(HERE + '/known.txt')
    try:
        print(f"# BusyBox's tests of Debian's source package {fetch.source(SOURCE)}", flush=True)
        applets = stage(known)
        linux = run_linux(applets)
    except fetch.Unavailable as why:
        skip("BusyBox's own tests", why)
        done()
    compare(linux, run_gaur(applets), known)
    done()

main()
