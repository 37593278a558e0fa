# SPDX-License-Identifier: MIT
"""gdb commands that print Gaur's structures: gaur-vspace, gaur-walk, gaur-frame.

Everything is read from the stopped guest by the kernel's own types, so a changed field needs no change here as long
as its name stays. The bits of page-table entries are the processor's (Intel SDM volume 3, 4.5)."""

import struct

import gdb

PAGE = 4096
ENTRIES = 512
ADDRESS_BITS = 0x000ffffffffff000
FLAGS = ((0, 'P'), (1, 'W'), (2, 'U'), (5, 'A'), (6, 'D'), (7, 'large'), (8, 'G'), (63, 'NX'))
PRESENT, LARGE = 1 << 0, 1 << 7

class NotThere(gdb.GdbError):
    """Something to tell the user instead of a Python traceback."""

# ---- reading the kernel's memory

def evaluate(expression):
    try:
        return gdb.parse_and_eval(expression)
    except gdb.error as error:
        raise NotThere(f'{expression}: {error}') from None

def address_of(expression):
    """An expression's value as an unsigned number; a function means where it begins."""
    value = evaluate(expression)
    if value.type.strip_typedefs().code == gdb.TYPE_CODE_FUNC:
        value = value.address
    try:
        return int(value.cast(gdb.lookup_type('unsigned long')))
    except gdb.error as error:
        raise NotThere(f'{expression}: {error}') from None

def kernbase():
    """Where physical memory is mapped: the image is linked inside that map, at its physical address."""
    return int(evaluate('(unsigned long)&image_start')) & 0xffffff8000000000

def read_words(address, count):
    """`count` 64-bit words at a kernel address."""
    try:
        return struct.unpack(f'<{count}Q', gdb.selected_inferior().read_memory(address, 8 * count).tobytes())
    except gdb.MemoryError:
        raise NotThere(f'cannot read memory at {address:#x}; is paging on already?') from None

def container(pointer, kind, field):
    """The structure of type `kind` whose `field` the pointer points to."""
    outer = gdb.lookup_type(kind)
    offset = next(member.bitpos for member in outer.fields() if member.name == field) // 8
    return (int(pointer) - offset, outer)

def contained(pointer, kind, field):
    address, outer = container(pointer, kind, field)
    return gdb.Value(address).cast(outer.pointer()).dereference()

def tree_nodes(node):
    """A tree's nodes in order."""
    stack = []
    while stack or int(node):
        while int(node):
            stack.append(node)
            node = node['left']
        node = stack.pop()
        yield node
        node = node['right']

def static(name, file):
    """A variable that only its own source file sees."""
    return evaluate(f"'{file}'::{name}")

# ---- processes and spaces

def processes():
    """(number, process) of each process that lives."""
    for node in tree_nodes(static('pids', 'kernel/proc/pid.c')['root']):
        pid = contained(node, 'struct pid', 'node')
        if int(pid['process']):
            yield int(pid['number']), pid['process'].dereference()

def current_process():
    """The process whose thread runs on the first CPU; None for a thread of the kernel's own."""
    kthread = evaluate('cpus[0].current')
    if not int(kthread) or bool(kthread['owns_itself']) or bool(kthread['is_idle']):
        return None
    process = contained(kthread, 'struct thread', 'kthread')['process']
    return process.dereference() if int(process) else None

def space_of(text):
    """The address space that an argument means: a process number, or nothing for the running one."""
    if not text:
        process = current_process()
        if process is None:
            raise NotThere('a thread of the kernel runs now; name a process: ' +
                           ', '.join(str(number) for number, _ in processes()))
        return space_in(process)
    number = address_of(text)
    for candidate, process in processes():
        if candidate == number:
            return space_in(process)
    raise NotThere(f'no process {number}')

def space_in(process):
    if not int(process['vspace']):
        raise NotThere(f'process {int(process["id"])} has no address space any more')
    print(f'process {int(process["id"])} ({process["comm"].string()})')
    return process['vspace'].dereference()

# ---- frames

def frame_entry(pfn):
    if pfn >= int(evaluate('core_map_frames')):
        return None
    return evaluate('core_map')[pfn]

def frame_number(entry_pointer):
    first = evaluate('core_map')
    return (int(entry_pointer) - int(first)) // first.dereference().type.sizeof

def enum_word(kind, value):
    """The word of an enum for a field that is only a number, in lower case and without its prefix."""
    names = {field.enumval: field.name for field in gdb.lookup_type(f'enum {kind}').fields()}
    return names.get(int(value), f'{kind} {int(value)}').partition('_')[2].lower()

def kind_name(entry):
    return enum_word('frame_kind', entry['kind'])

def frame_line(pfn):
    """What core_map says of a frame, in one line."""
    entry = frame_entry(pfn)
    if entry is None:
        return f'frame {pfn:#x}: outside of memory'
    kind = kind_name(entry)
    text = f'frame {pfn:#x} ({pfn << 12:#x}): {kind}, {int(entry["refs"])} references'
    if kind == 'node':
        node = entry['node']
        text += f', level {int(entry["level"])}, {int(node["live"])} entries in use'
        if int(node['vpi']):
            text += f', vpi_page {int(node["vpi"]):#x}'
        text += ', locked' if int(entry['lock']) else ''
    elif kind == 'file':
        text += f', page {int(entry["file"]["index"])} of cache {int(entry["file"]["cache"]):#x}'
    elif kind == 'huge':
        text += f', the first of a run behind whose entry the leaf in frame {leaf_behind(pfn):#x} waits'
    elif kind == 'free':
        text += f', heads a run of order {int(entry["run"]) - 1}' if int(entry['run']) else ''
    return text + owner(entry)

def owner(entry):
    """Who took or gave back the frame last; debug kernels know."""
    offset = int(entry['owner'])
    if not offset:
        return ''
    symbol = gdb.execute(f'info symbol {kernbase() + offset:#x}', to_string=True).split(' in section')[0].strip()
    return f'; last touched by {symbol}'

# ---- pages

def flags_text(entry):
    return ' '.join(name for bit, name in FLAGS if entry >> bit & 1) or 'empty'

def table(pfn):
    """The 512 entries of the page-table page in a frame."""
    return read_words(kernbase() + pfn * PAGE, ENTRIES)

def leaf_behind(run_pfn):
    """The frame number of the leaf behind a huge entry."""
    return frame_number(frame_entry(run_pfn)['huge']['leaf'])

def leaves(root_pfn):
    """(first address, frame number) of each leaf node of a space's user half."""
    def below(pfn, level, base, span):
        entries = table(pfn)[:ENTRIES // 2 if level == 4 else ENTRIES]
        for index, entry in enumerate(entries):
            if not entry & PRESENT:
                continue
            child, address = (entry & ADDRESS_BITS) >> 12, base + index * span
            if level == 2:
                yield address, leaf_behind(child) if entry & LARGE else child
            else:
                yield from below(child, level - 1, address, span // ENTRIES)
    yield from below(root_pfn, 4, 0, PAGE * ENTRIES ** 3)

def info_fields():
    """Where the bits of a vpage_info lie: name -> (shift, mask)."""
    return {field.name: (field.bitpos, (1 << (field.bitsize or 64)) - 1)
            for field in gdb.lookup_type('struct vpage_info').fields()}

def page_infos(leaf_pfn):
    """The raw vpage_infos beside a leaf."""
    return read_words(int(frame_entry(leaf_pfn)['node']['vpi']), ENTRIES)

def field_of(info, fields, name):
    shift, mask = fields[name]
    return info >> shift & mask

# ---- regions

def region_range(region):
    base, size = int(region['va_base']), int(region['size'])
    return (base - size, base) if enum_word('vr_direction', region['dir']) == 'down' else (base, base + size)

def regions(space):
    for node in tree_nodes(space['regions']['root']):
        yield contained(node, 'struct vregion', 'link')

def region_text(region):
    start, end = region_range(region)
    prot = int(region['prot'])
    rights = ''.join(letter if prot & bit else '-' for letter, bit in (('r', 1), ('w', 2), ('x', 4)))
    rights += 's' if region['shared'] else 'p'
    what = enum_word('vr_purpose', region['purpose'])
    behind = f'cache {int(region["file"]):#x}+{int(region["file_offset"]):#x}' if int(region['file']) else 'anonymous'
    return f'{start:012x}-{end:012x} {rights} {what:<8} {behind}'

def pages_by_region(space, ranges):
    """Per region: pages that are used, present, and writable."""
    fields = info_fields()
    counts = [[0, 0, 0] for _ in ranges]
    for base, pfn in leaves(frame_number(space['root'])):
        for index, info in enumerate(page_infos(pfn)):
            address = base + index * PAGE
            if not field_of(info, fields, 'used'):
                continue
            for number, (start, end) in enumerate(ranges):
                if start <= address < end:
                    for column, name in enumerate(('used', 'present', 'writable')):
                        counts[number][column] += field_of(info, fields, name)
    return counts

# ---- commands

class VspaceCommand(gdb.Command):
    """gaur-vspace [PID]: regions of a process's address space, and how much of each is there."""

    def __init__(self):
        super().__init__('gaur-vspace', gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        space = space_of(argument.strip())
        print(f'vspace {int(space.address):#x}, {int(space["refs"])} references, '
              f'heap {int(space["brk_start"]):#x}-{int(space["brk"]):#x}')
        print('root: ' + frame_line(frame_number(space['root'])))
        found = list(regions(space))
        counts = pages_by_region(space, [region_range(region) for region in found])
        for region, (used, present, writable) in zip(found, counts):
            start, end = region_range(region)
            print(f'  {region_text(region)}: {(end - start) // PAGE} pages, '
                  f'{used} used, {present} present, {writable} writable')

class WalkCommand(gdb.Command):
    """gaur-walk ADDRESS [PID]: the page-table entries on the way to an address, as the processor reads them.
Without PID the walk begins at CR3."""

    def __init__(self):
        super().__init__('gaur-walk', gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        words = gdb.string_to_argv(argument)
        if not 1 <= len(words) <= 2:
            raise NotThere('usage: gaur-walk ADDRESS [PID]')
        address = address_of(words[0])
        if len(words) == 2:
            root = frame_number(space_of(words[1])['root'])
        else:
            root = (int(evaluate('$cr3')) & ADDRESS_BITS) >> 12
        self.walk(address, root)

    def walk(self, address, pfn):
        writable = True
        for level in (4, 3, 2, 1):
            index = address >> 12 + 9 * (level - 1) & ENTRIES - 1
            entry = read_words(kernbase() + pfn * PAGE + 8 * index, 1)[0]
            print(f'level {level}: entry {index:3} of frame {pfn:#x}: {entry:#018x}  {flags_text(entry)}')
            if address < 1 << 47:
                print('         ' + frame_line(pfn))
            if level == 1 and address < 1 << 47:
                self.info(pfn, index)
            if not entry & PRESENT:
                print('not mapped')
                return
            writable &= bool(entry & 2)
            pfn = (entry & ADDRESS_BITS) >> 12
            if level > 1 and entry & LARGE:
                if address < 1 << 47:
                    self.info(leaf_behind(pfn), address >> 12 & ENTRIES - 1)
                pfn += (address & (1 << 12 + 9 * (level - 1)) - 1) >> 12
                break
        print(f'physical {pfn * PAGE + address % PAGE:#x}, {"writable" if writable else "read-only"} along the walk')
        print(frame_line(pfn))

    def info(self, leaf_pfn, index):
        entry = frame_entry(leaf_pfn)
        if entry is None or not int(entry['node']['vpi']):
            return
        fields, info = info_fields(), page_infos(leaf_pfn)[index]
        print('         vpage_info: ' + ', '.join(f'{name} {field_of(info, fields, name):#x}' for name in fields))

class FrameCommand(gdb.Command):
    """gaur-frame ADDR|PFN: what the kernel knows of a frame. A number below the count of frames is a frame number,
a kernel address is one in the direct map, anything else is a physical address."""

    def __init__(self):
        super().__init__('gaur-frame', gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        if not argument.strip():
            raise NotThere('usage: gaur-frame ADDR|PFN')
        number = address_of(argument)
        if number >= kernbase():
            number = number - kernbase() >> 12
        elif number >= int(evaluate('core_map_frames')):
            number >>= 12
        print(frame_line(number))
        entry = frame_entry(number)
        if entry is not None:
            print(entry)

VspaceCommand()
WalkCommand()
FrameCommand()
