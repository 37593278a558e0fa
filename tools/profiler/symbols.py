# SPDX-License-Identifier: MIT
"""From the addresses that ran to functions and source lines of the kernel."""

import bisect
import os
import re
import subprocess
from dataclasses import dataclass

from launcher import common
from launcher.common import GuestFailed

@dataclass
class Function:
    """What a function did: instructions, and how often its first one ran."""
    name: str
    count: int = 0
    calls: int = 0

def tool(*words, text=None):
    try:
        return subprocess.run(words, input=text, capture_output=True, text=True, check=True).stdout
    except (FileNotFoundError, subprocess.CalledProcessError) as why:
        raise GuestFailed(f'{words[0]}: {why}') from None

class Symbols:
    """The functions of a kernel, by their addresses."""

    def __init__(self, kernel):
        self.kernel = kernel
        pairs = re.findall(r'^([0-9a-f]+) [tT] (\S+)$', tool('nm', kernel), re.MULTILINE)
        known = {}
        for address, name in pairs:
            known.setdefault(int(address, 16), name)
        self.starts = sorted(known)
        self.names = [known[start] for start in self.starts]

    def functions(self, counts):
        """Functions with what they did, the busiest first; parts that the compiler split off count with their whole."""
        found = {}
        for address, count in counts.items():
            at = bisect.bisect_right(self.starts, address) - 1
            name = self.names[at] if at >= 0 else '?'
            whole = re.sub(r'\.(cold|part|isra|constprop).*', '', name)
            function = found.setdefault(whole, Function(whole))
            function.count += count
            if at >= 0 and self.starts[at] == address and name == whole:
                function.calls += count
        return sorted(found.values(), key=lambda function: -function.count)

    def lines(self, counts, name):
        """(place, count) for each source line in the code of function `name`, inlined ones too; in the order of the file."""
        addresses = [address for address in counts if self.within(address, name)]
        said = tool('addr2line', '-e', self.kernel, text=''.join(f'{address:#x}\n' for address in addresses)).split('\n')
        found = {}
        for address, place in zip(addresses, said):
            path, _, line = re.sub(r' \(discriminator \d+\)', '', place).rpartition(':')
            key = (os.path.relpath(path, common.TOP) if path.startswith('/') else path, int(line) if line.isdigit() else 0)
            found[key] = found.get(key, 0) + counts[address]
        return sorted(found.items())

    def within(self, address, name):
        at = bisect.bisect_right(self.starts, address) - 1
        return at >= 0 and re.sub(r'\.(cold|part|isra|constprop).*', '', self.names[at]) == name

def read_counts(path):
    """What the plugin wrote: the count of user code, and {address: count}."""
    user, counts = 0, {}
    with open(path, encoding='utf-8') as file:
        for line in file:
            where, count = line.split()
            if where == 'user':
                user = int(count)
            else:
                counts[int(where, 16)] = int(count)
    return user, counts
