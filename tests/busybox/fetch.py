# SPDX-License-Identifier: MIT
"""Fetch BusyBox's tests: from Debian's source package, in the version that is installed here.

What was fetched (tools/debian.py) is kept, and needs no network the next time.
"""

import glob
import os
import re
import shutil
import subprocess
import sys
import tarfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'tools'))
from debian import Apt, Unavailable, complaint, read, write  # noqa: E402  (needs the path above)

PACKAGE = 'busybox-static'

def source(folder):
    """Sees to it that `folder` has testsuite/ and config, as Debian built its static BusyBox; returns the version."""
    version = installed_version()
    mark = os.path.join(folder, 'version')
    if not (os.path.exists(mark) and read(mark) == version):
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        packed = download(version, os.path.join(folder, 'apt'))
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
    apt = Apt(folder, 'deb-src')
    runs = [apt.run('update')]
    for name in (f'busybox={version}', 'busybox'):
        runs.append(apt.run('source', '--download-only', name))
        if not runs[-1].returncode:
            return apt.packed
    raise Unavailable(f'the source package cannot be fetched: {complaint(runs[0], runs[-1])}')

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
