#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The models hold, and each step that is left out is missed."""

import glob
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'e2e'))
from harness import done, ok  # noqa: E402  (needs the path above)
from run import HERE, check, steps  # noqa: E402

for path in sorted(glob.glob(os.path.join(HERE, '*.pml'))):
    model = os.path.basename(path)
    name = model[:-4]
    ok(check(model) is True, f'{name} holds')
    for step in steps(model):
        ok(check(model, step) is False, f'{name} fails with {step}')
done()
