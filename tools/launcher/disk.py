# SPDX-License-Identifier: MIT
"""Disks: what --disk says, and QEMU's arguments for it.

  FILE                     an image; format by its name (.qcow2, .qcow, .vmdk, .vdi, .vhdx), else raw
  nbd://HOST[:PORT][/NAME] a disk on another machine, by the network block device protocol
  nbd+unix:///[NAME]?socket=PATH

After either: ,format=FORMAT and ,readonly. A comma in a name is written twice, as for QEMU.

  json:{"driver": ...}     a node of QEMU's block layer, whatever it can do besides (iSCSI, Ceph, errors on purpose)
"""

import json
import os
import re
import stat
import urllib.parse
from dataclasses import dataclass

from launcher.common import GuestFailed, Usage

FORMATS = ('raw', 'qcow2', 'qcow', 'vmdk', 'vdi', 'vhdx', 'vpc')
NBD_PORT = 10809
RECONNECT_SECONDS = 30  # an NBD server that has gone may come back within this; then requests fail until it does

# The windows of the microvm machine's virtio devices, and their inputs at its one I/O APIC. (It has a second one if asked,
# for more devices; but what should come in at the first input of that, QEMU 7.2 has come in at the third.)
MICROVM = 'microvm,ioapic2=off'
MMIO_BASE, MMIO_SIZE, MMIO_INPUT, MMIO_COUNT = 0xfeb00000, 512, 16, 8
DISKS_MAX = 12          # the kernel has interrupts for as many

@dataclass
class Disk:
    """One disk, as the user named it."""
    name: str
    format: str = 'raw'
    readonly: bool = False
    node: dict = None       # QEMU's own description, from json:
    file: object = None     # a temporary one, which goes with this

    def is_remote(self):
        return bool(re.match(r'nbd(\+unix)?:', self.name))

def parse_node(text):
    try:
        node = json.loads(text)
    except ValueError as error:
        raise Usage(f'--disk json:{text}: {error}') from None
    if not isinstance(node, dict):
        raise Usage(f'--disk json:{text}: an object is wanted')
    return Disk(text, node=node)

def parse(text, option='--disk'):
    """The Disk that an option means."""
    if text.startswith('json:'):
        return parse_node(text[5:])
    name, *settings = re.split(r'(?<!,),(?!,)', text)
    disk = Disk(name.replace(',,', ','), format='')
    for setting in settings:
        if setting == 'readonly':
            disk.readonly = True
        elif setting.startswith('format=') and setting[7:] in FORMATS:
            disk.format = setting[7:]
        else:
            raise Usage(f'{option} {text}: {setting!r} is neither "readonly" nor "format=" with one of {", ".join(FORMATS)}')
    if not disk.name:
        raise Usage(f'{option} {text}: a file or nbd://HOST/NAME is wanted')
    if disk.is_remote():
        nbd_server(disk.name)
    ending = os.path.splitext(disk.name)[1][1:]
    disk.format = disk.format or (ending if ending in FORMATS else 'raw')
    return disk

def nbd_server(url):
    """QEMU's description of the server, and the name of what it exports."""
    parts = urllib.parse.urlsplit(url)
    name = urllib.parse.unquote(parts.path[1:])
    if parts.scheme == 'nbd+unix':
        path = urllib.parse.parse_qs(parts.query).get('socket', [''])[0]
        if not path:
            raise Usage(f'--disk {url}: ?socket=PATH is missing')
        return {'type': 'unix', 'path': path}, name
    try:
        host, port = parts.hostname, parts.port or NBD_PORT
    except ValueError:
        raise Usage(f'--disk {url}: the port is no number') from None
    if not host or parts.scheme != 'nbd':
        raise Usage(f'--disk {url}: nbd://HOST[:PORT][/NAME] or nbd+unix:///[NAME]?socket=PATH is wanted')
    return {'type': 'inet', 'host': host, 'port': str(port)}, name

def add_swap(options):
    """The disk behind --swap becomes the last one. What is to be inherited for it: descriptors."""
    if options.swap is None:
        return []
    descriptors = []
    swap = options.swap
    if not isinstance(swap, Disk):
        descriptors.append(os.memfd_create('gaur-swap'))
        os.ftruncate(descriptors[0], swap)
        swap = Disk(f'/dev/fd/{descriptors[0]}')
    options.disks.append(swap)
    return descriptors

def swap_name(options):
    """The guest's name for it, once it has been added."""
    return f'/dev/vd{chr(ord("a") + len(options.disks) - 1)}'

def check(options):
    """What is wrong with the disks is said before anything is built."""
    most = MMIO_COUNT if options.machine == 'microvm' else DISKS_MAX
    count = len(options.disks) + (options.swap is not None)
    if count > most:
        raise GuestFailed(f'--disk: {count} disks are more than the {most} that this machine takes')
    for disk in options.disks:
        if not disk.node and not disk.is_remote():
            check_file(disk)

def check_file(disk):
    try:
        mode = os.stat(disk.name).st_mode
    except OSError as error:
        raise GuestFailed(f'--disk {disk.name}: {error.strerror}') from None
    if not (stat.S_ISREG(mode) or stat.S_ISBLK(mode)):
        raise GuestFailed(f'--disk {disk.name}: is neither a file nor a block device')
    if not os.access(disk.name, os.R_OK):
        raise GuestFailed(f'--disk {disk.name}: Permission denied')
    if not disk.readonly and not os.access(disk.name, os.W_OK):
        raise GuestFailed(f'--disk {disk.name}: may not be written to; with ",readonly" the guest will not try')

def storage(disk):
    """Where the bytes are, for QEMU."""
    if disk.is_remote():
        server, name = nbd_server(disk.name)
        return {'driver': 'nbd', 'server': server, 'export': name, 'reconnect-delay': RECONNECT_SECONDS}
    driver = 'host_device' if stat.S_ISBLK(os.stat(disk.name).st_mode) else 'file'
    return {'driver': driver, 'filename': os.path.abspath(disk.name)}

def arguments(options):
    """QEMU's arguments for all disks. Errors are the guest's to deal with: the machine does not stop for them."""
    line = []
    microvm = options.machine == 'microvm'
    if options.disks and microvm:
        line += ['-global', 'virtio-mmio.force-legacy=false']
    for i, disk in enumerate(options.disks):
        node = disk.node or {'driver': disk.format, 'read-only': disk.readonly, 'file': storage(disk)}
        device = f'virtio-blk-device,bus=virtio-mmio-bus.{i}' if microvm else 'virtio-blk-pci'
        line += ['-blockdev', json.dumps({**node, 'node-name': f'disk{i}'}), '-device', f'{device},drive=disk{i},werror=report,rerror=report']
    return line

def kernel_arguments(options):
    """What the kernel has to be told: on a microvm there is no bus to ask."""
    if options.machine != 'microvm':
        return ''
    return ' '.join(f'virtio_mmio.device={MMIO_SIZE}@{MMIO_BASE + i * MMIO_SIZE:#x}:{MMIO_INPUT + i}'
                    for i in range(len(options.disks)))
