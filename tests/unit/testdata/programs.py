"""Run programs in a fresh interpreter, to test which modules they import."""

import subprocess
import sys


def run(program: str) -> str:
    """The output of a program."""
    return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.strip()
