# SPDX-License-Identifier: MIT
"""Reads the commands that make would run, and prints those that compile a C file as compile_commands.json."""

import json
import os
import re
import shlex
import sys

COMPILER = re.compile(r'(^|/)(musl-gcc|([\w.-]+-)?(gcc|clang)(-\d+)?)$')

def entry(line):
    """The database's entry for one command; None if it compiles nothing."""
    try:
        words = shlex.split(line)
    except ValueError:
        return None
    if not words or not COMPILER.search(words[0]):
        return None
    sources = [word for word in words[1:] if word.endswith(('.c', '.S')) and not word.startswith('-')]
    if len(sources) != 1:
        return None
    return {'directory': os.getcwd(), 'file': sources[0], 'arguments': words}

def main():
    joined = sys.stdin.read().replace('\\\n', ' ')
    entries = [found for line in joined.splitlines() if (found := entry(line.lstrip('@ ')))]
    json.dump(entries, sys.stdout, indent=1)
    print()

main()
