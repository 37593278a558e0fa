# SPDX-License-Identifier: MIT
"""docs/questions.md keeps its promises, as TAP: 42 questions, each with a function to read and something to see that exist,
and each identifier of the course's slides in the kernel or in the table of names."""

import glob
import re
import sys

QUESTIONS = 42
SLIDE_NAMES = '''core_map core_map_entry available user va kalloc kfree kmem.lock kalloc.c KERNBASE V2P P2V PGNUM page2pa vspace
vregion vr_direction dir va_base size pages vpi_page vpage_info used ppn present writable va2vpage_info vpi_info
tf->err'''.split()


def text_of(*patterns):
    """All files that the patterns name, as one text."""
    texts = []
    for pattern in patterns:
        for path in glob.glob(pattern, recursive=True):
            with open(path, encoding='utf-8') as source:
                texts.append(source.read())
    return '\n'.join(texts)


def sections(document):
    """(number, text) of each question."""
    parts = re.split(r'^### (\d+)\. ', document, flags=re.MULTILINE)
    return [(int(number), text.split('\n## ')[0]) for number, text in zip(parts[1::2], parts[2::2])]


def faults_of(number, text, kernel, tests):
    """What is wrong with one answer."""
    wrong = []
    read = re.search(r'^Read `(\w+)`', text, re.MULTILINE)
    see = re.search(r'See (.+)', text)
    if not read or not re.search(r'\b%s\(' % read.group(1), kernel):
        wrong.append(f'question {number}: no function to read, or it does not exist')
    if not see:
        return wrong + [f'question {number}: nothing to see']
    for name in re.findall(r'`(\w+)`', see.group(1)):
        if not re.search(r'\b%s\b' % name, tests):
            wrong.append(f'question {number}: no test is called {name}')
    return wrong


def main():
    document = text_of('docs/questions.md')
    kernel = text_of('kernel/**/*.[ch]')
    names = '\n'.join(glob.glob('tests/**/*.c', recursive=True)).replace('/', ' ').replace('.c', '')
    tests = names + text_of('tests/**/*.[ch]', 'tools/gdb/*.py')
    asked = sections(document)
    wrong = [line for number, text in asked for line in faults_of(number, text, kernel, tests)]
    table = document.split('## Names')[-1]
    missing = [name for name in SLIDE_NAMES if f'`{name}' not in table and f'{name}`' not in table and name not in kernel]
    results = [
        ('all_questions_are_answered', [] if [n for n, _ in asked] == list(range(1, QUESTIONS + 1)) else
         [f'{len(asked)} questions, not {QUESTIONS} in order']),
        ('what_the_answers_name_exists', wrong),
        ('each_name_of_the_slides_is_known', [f'{name} is neither in the kernel nor in the table' for name in missing]),
    ]
    print(f'1..{len(results)}')
    for number, (claim, complaints) in enumerate(results, 1):
        for line in complaints:
            print('#', line)
        print('not ok' if complaints else 'ok', number, '-', claim)
    return any(complaints for _, complaints in results)


if __name__ == '__main__':
    sys.exit(main())
