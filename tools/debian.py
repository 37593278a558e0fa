# SPDX-License-Identifier: MIT
"""Packages of Debian's, fetched but not installed.

APT gets a configuration of its own: this machine's sources, each asked for the kind of packages that is wanted, with
lists and caches in a private folder. The machine's configuration, lists and packages stay as they are.
"""

import glob
import os
import re
import shutil
import subprocess

SETTINGS = '''\
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Dir::Etc::sourcelist "{folder}/sources.list";
Dir::Etc::sourceparts "{folder}/sources.list.d";
Dir::State::lists "{folder}/lists";
Dir::Cache "{folder}/cache";
Acquire::Retries "1";
Acquire::http::Timeout "15";
Acquire::https::Timeout "15";
APT::Get::List-Cleanup "false";
APT::Sandbox::User "";
'''

class Unavailable(Exception):
    """Something cannot be had here; the text says why."""

class Apt:
    """APT with a configuration of its own in `folder`; `kind` is deb or deb-src. What is downloaded lands in `packed`."""

    def __init__(self, folder, kind, seconds=90):
        if not shutil.which('apt-get'):
            raise Unavailable('there is no APT here')
        self.folder, self.kind, self.seconds = os.path.abspath(folder), kind, seconds
        self.packed = os.path.join(self.folder, 'packed')
        self.settings = os.path.join(self.folder, 'apt.conf')
        for name in ('lists/partial', 'cache/archives/partial', 'sources.list.d', 'packed'):
            os.makedirs(os.path.join(self.folder, name), exist_ok=True)
        write(self.settings, SETTINGS.format(folder=self.folder))
        self._derive_sources()

    def _derive_sources(self):
        """This machine's sources, all of them asked for packages of our kind."""
        found = [path for path in ['/etc/apt/sources.list', *glob.glob('/etc/apt/sources.list.d/*.list'),
                                   *glob.glob('/etc/apt/sources.list.d/*.sources')] if os.access(path, os.R_OK)]
        if not found:
            raise Unavailable('APT has no sources here')
        for path in found:
            text = read(path)
            if path.endswith('.sources'):
                text = re.sub(r'^Types:.*', f'Types: {self.kind}', text, flags=re.MULTILINE | re.IGNORECASE)
            elif self.kind == 'deb-src':
                text = re.sub(r'^(\s*)deb\s', r'\1deb-src ', text, flags=re.MULTILINE)
            write(os.path.join(self.folder, os.path.relpath(path, '/etc/apt')), text)

    def run(self, *words, tool='apt-get', seconds=None):
        """One command, in the folder `packed`."""
        seconds = seconds or self.seconds
        try:
            return subprocess.run([tool, '-qq', '-c', self.settings, *words], cwd=self.packed, capture_output=True,
                                  text=True, stdin=subprocess.DEVNULL, timeout=seconds, check=False,
                                  env={**os.environ, 'LC_ALL': 'C'})
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(words, 1, '', f'E: {tool} {words[0]} took more than {seconds} s')

def complaint(*runs):
    """The first error that APT named in these runs, or the first warning."""
    said = [line for run in runs for line in run.stderr.splitlines()]
    return next((line[2:].strip() for kind in ('E:', 'W:') for line in said if line.startswith(kind)),
                'APT does not say why')

def read(path):
    with open(path, encoding='utf-8') as file:
        return file.read()

def write(path, text):
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)
