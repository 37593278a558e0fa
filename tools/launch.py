# SPDX-License-Identifier: MIT
"""The launcher's entry: `./gaur COMMAND ...`. What each command does is in launcher/."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from launcher import cli  # noqa: E402  (needs the path above)

if __name__ == '__main__':
    cli.finish(cli.main(sys.argv[1:]))
