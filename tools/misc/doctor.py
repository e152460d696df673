"""Finds what is wrong with this environment, and the commands that fix it.

The same as ``python -m mmseg_ganaug.doctor``, with the same options: see its --help.
"""

import subprocess
import sys

if __name__ == '__main__':
    # By -m, which finds the doctor even where the package itself cannot be imported.
    command = [sys.executable, '-m', 'mmseg_ganaug.doctor', *sys.argv[1:]]
    raise SystemExit(subprocess.call(command))
