# SPDX-License-Identifier: MIT
"""The Linux to compare with: Debian's cloud kernel, downloaded once, never installed."""

import glob
import os
import re
import shutil
import subprocess

from debian import Apt, Unavailable, complaint, read, write

PACKAGE = 'linux-image-cloud-amd64'     # depends on the one of the day
DOWNLOAD_SECONDS = 300

# The driver of a virtio disk, which Debian has as modules.
MODULES = [f'{name}.ko' for name in
           ('virtio_ring', 'virtio', 'virtio_pci_legacy_dev', 'virtio_pci_modern_dev', 'virtio_pci', 'virtio_blk')]

def modules(folder):
    return [os.path.join(folder, name) for name in MODULES]

def kernel(folder):
    """The kernel's file and version, from `folder` or from Debian."""
    mark = os.path.join(folder, 'version')
    if not (os.path.exists(mark) and glob.glob(os.path.join(folder, 'vmlinuz-*')) and all(map(os.path.exists, modules(folder)))):
        fetch(folder, mark)
    return glob.glob(os.path.join(folder, 'vmlinuz-*'))[0], read(mark)

def fetch(folder, mark):
    shutil.rmtree(folder, ignore_errors=True)
    apt = Apt(os.path.join(folder, 'apt'), 'deb')
    updated = apt.run('update')
    name = todays(apt)
    fetched = apt.run('download', name, seconds=DOWNLOAD_SECONDS) if name else updated
    packages = glob.glob(os.path.join(apt.packed, '*.deb'))
    if not packages:
        raise Unavailable(f"Debian's package {name or PACKAGE} cannot be fetched: {complaint(updated, fetched)}")
    tree = os.path.join(folder, 'tree')
    unpacked = subprocess.run(['dpkg', '-x', packages[0], tree], capture_output=True, text=True, check=False)
    found = glob.glob(os.path.join(tree, 'boot', 'vmlinuz-*'))
    if unpacked.returncode or not found:
        raise Unavailable(f'{os.path.basename(packages[0])} has no kernel: {unpacked.stderr.strip()}')
    shutil.move(found[0], folder)
    for path in glob.glob(os.path.join(tree, 'lib', 'modules', '**', 'virtio*.ko'), recursive=True):
        shutil.move(path, folder)
    write(mark, os.path.basename(packages[0]).split('_')[1])
    shutil.rmtree(tree)
    shutil.rmtree(apt.folder)

def todays(apt):
    """The package that PACKAGE depends on; None if APT does not know it."""
    depends = apt.run('depends', PACKAGE, tool='apt-cache').stdout
    found = re.search(r'Depends: (linux-image-\S+)', depends)
    return found[1] if found else None
