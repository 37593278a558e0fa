#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks the models with Spin: each as it is, where nothing may be found, and with one step left out, where a counterexample must be.

models.t runs them all; `run.py FILE [STEP]` one of them, and shows the counterexample.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))

def steps(model):
    """What can be left out, as the head of the model says."""
    with open(os.path.join(HERE, model), encoding='utf-8') as file:
        text = file.read()
    listed = re.search(r'Left out one at a time: ([^.]*)\.', text).group(1)
    return re.findall(r'[A-Z_0-9]+', listed)

def check(model, step=None, show=False):
    """True if Spin finds nothing wrong; None if it did not finish."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(os.path.join(HERE, model), folder)
        defines = [f'-D{step}'] if step else []
        subprocess.run(['spin', *defines, '-a', model], cwd=folder, check=True, capture_output=True, timeout=120)
        subprocess.run(['gcc', '-O2', '-w', '-DSAFETY', '-o', 'pan', 'pan.c'], cwd=folder, check=True, timeout=120)
        out = subprocess.run(['./pan', '-m200000'], cwd=folder, capture_output=True, text=True, timeout=300, check=False).stdout
        if show and os.path.exists(os.path.join(folder, model + '.trail')):
            subprocess.run(['spin', *defines, '-t', '-p', '-g', model], cwd=folder, check=False, timeout=60)
        if 'pan:' not in out and 'errors:' not in out:
            raise SystemExit(out)
        found = re.search(r'errors: (\d+)', out)
        if not found or 'max search depth too small' in out:
            return None
        return found.group(1) == '0'

if __name__ == '__main__':
    print('nothing found' if check(sys.argv[1], *sys.argv[2:3], show=True) else 'a counterexample')
