# SPDX-License-Identifier: MIT
"""Fetch BusyBox's tests: from Debian's source package, in the version that is installed here.

APT gets a configuration of its own: this machine's sources, each asked for source packages, with lists and caches
in a private folder. The machine's configuration, lists and packages stay as they are. What was fetched is kept, and
needs no network the next time.
"""

import glob
import os
import re
import shutil
import subprocess
import tarfile

APT_SECONDS = 90
PACKAGE = 'busybox-static'

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
    """The tests cannot be had here; the text says why."""

def source(folder):
    """Sees to it that `folder` has testsuite/ and config, as Debian built its static BusyBox; returns the version."""
    version = installed_version()
    mark = os.path.join(folder, 'version')
    if not (os.path.exists(mark) and read(mark) == version):
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        packed = download(version, os.path.abspath(os.path.join(folder, 'apt')))
        unpack(one_of(packed, 'busybox_*.orig.tar.*'), folder, r'[^/]+/(testsuite/.+)')
        unpack(one_of(packed, 'busybox_*.debian.tar.*'), folder, r'debian/(config/pkg/static)')
        os.rename(os.path.join(folder, 'config/pkg/static'), os.path.join(folder, 'config.new'))
        shutil.rmtree(os.path.join(folder, 'config'))
        os.rename(os.path.join(folder, 'config.new'), os.path.join(folder, 'config'))
        shutil.rmtree(os.path.join(folder, 'apt'))
        write(mark, version)
    return version

def installed_version():
    """Of the source package that the installed static BusyBox was built from."""
    if not (shutil.which('apt-get') and shutil.which('dpkg-query')):
        raise Unavailable('there is no APT here, and the tests come from a Debian source package')
    asked = subprocess.run(['dpkg-query', '-W', '-f', '${source:Version}', PACKAGE], capture_output=True, text=True,
                           check=False)
    if asked.returncode or not asked.stdout:
        raise Unavailable(f"Debian's package {PACKAGE} is not installed")
    return asked.stdout

def download(version, folder):
    """The folder with the archives of the source package; a newer version if this one is gone."""
    packed = os.path.join(folder, 'packed')
    for name in ('lists/partial', 'cache/archives/partial', 'sources.list.d', 'packed'):
        os.makedirs(os.path.join(folder, name))
    write(os.path.join(folder, 'apt.conf'), SETTINGS.format(folder=folder))
    derive_sources(folder)
    settings = os.path.join(folder, 'apt.conf')
    updated = apt(settings, packed, 'update')
    for name in (f'busybox={version}', 'busybox'):
        fetched = apt(settings, packed, 'source', '--download-only', name)
        if not fetched.returncode:
            return packed
    raise Unavailable('the source package cannot be fetched: '
                      + (complaint(updated) or complaint(fetched) or 'APT does not say why'))

def derive_sources(folder):
    """This machine's sources, all of them asked for source packages."""
    found = [path for path in ['/etc/apt/sources.list', *glob.glob('/etc/apt/sources.list.d/*.list'),
                               *glob.glob('/etc/apt/sources.list.d/*.sources')] if os.access(path, os.R_OK)]
    if not found:
        raise Unavailable('APT has no sources here')
    for path in found:
        if path.endswith('.sources'):
            text = re.sub(r'^Types:.*', 'Types: deb-src', read(path), flags=re.MULTILINE | re.IGNORECASE)
        else:
            text = re.sub(r'^(\s*)deb\s', r'\1deb-src ', read(path), flags=re.MULTILINE)
        write(os.path.join(folder, os.path.relpath(path, '/etc/apt')), text)

def apt(settings, where, *words):
    try:
        return subprocess.run(['apt-get', '-qq', '-c', settings, *words], cwd=where, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=APT_SECONDS, check=False,
                              env={**os.environ, 'LC_ALL': 'C'})
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(words, 1, '', f'E: apt-get {words[0]} took more than {APT_SECONDS} s')

def complaint(run):
    """The first error that APT named, or the first warning."""
    said = run.stderr.splitlines()
    return next((line[2:].strip() for kind in ('E:', 'W:') for line in said if line.startswith(kind)), '')

def one_of(folder, pattern):
    found = glob.glob(os.path.join(folder, pattern))
    if not found:
        raise Unavailable(f'the source package has no {pattern}')
    return found[0]

def unpack(archive, folder, pattern):
    """Takes the files whose names match out of an archive, under the first group of the match."""
    with tarfile.open(archive) as packed:
        for member in packed:
            taken = re.fullmatch(pattern, member.name)
            if taken and member.isfile() and '..' not in member.name.split('/'):
                member.name = taken[1]
                packed.extract(member, folder)

def read(path):
    with open(path, encoding='utf-8') as file:
        return file.read()

def write(path, text):
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)
