# SPDX-License-Identifier: MIT
"""Small things that a reader would stumble over, as TAP: licence lines, white space, notes to self."""

import os
import re
import sys

FOLDERS = ('kernel', 'user', 'tests', 'tools', 'bench', 'watch')
SOURCES = ('.c', '.h', '.S', '.py', '.mk', '.ld', '.ts', '.mjs', '.css')
TEXTS = SOURCES + ('.md', '.sh', '.t', '.html')
NOT_OURS = ('node_modules', 'dist')     # what npm brings, and what is built from it

def files(suffixes):
    for folder in FOLDERS + ('docs',):
        for where, folders, names in os.walk(folder):
            folders[:] = [name for name in folders if name not in NOT_OURS]
            for name in sorted(names):
                if name.endswith(suffixes):
                    yield os.path.join(where, name)

def lines(path):
    with open(path, encoding='utf-8') as source:
        return source.read().split('\n')

def without_licence():
    return [path for path in files(SOURCES) if not any('SPDX-License-Identifier: MIT' in line
                                                       for line in lines(path)[:3])]

def matching(pattern, suffixes):
    wanted = re.compile(pattern)
    return [f'{path}:{number}' for path in files(suffixes) if os.path.basename(path) != os.path.basename(__file__)
            for number, line in enumerate(lines(path), 1) if wanted.search(line)]

def main():
    os.chdir(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    checks = [('every source names its licence', without_licence()),
              ('no white space at the end of lines', matching(r'[ \t]+$', TEXTS)),
              ('no tabs in C', matching(r'\t', ('.c', '.h'))),
              ('no notes to self', matching(r'\b(TODO|FIXME|XXX)\b', SOURCES))]
    print(f'1..{len(checks)}')
    for number, (name, problems) in enumerate(checks, 1):
        print(f'{"not ok" if problems else "ok"} {number} - {name}')
        for problem in problems[:20]:
            print(f'# {problem}')
    return 1 if any(problems for _, problems in checks) else 0

sys.exit(main())
