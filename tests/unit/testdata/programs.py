"""Programs in an interpreter of their own, for what depends on what was imported."""

import subprocess
import sys


def run(program: str) -> str:
    """What a fresh interpreter prints."""
    return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.strip()
