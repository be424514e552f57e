"""Installs a lock with pip into the environment that runs this script, and shows how far it is: install.py LOCK."""

import re
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

# Modules are compiled when they are first imported; to compile all of them now would take half of the time.
PIP = ("-m", "pip", "install", "--disable-pip-version-check", "--no-compile", "--require-hashes", "--requirement")


def show(text: str) -> None:
    """Replace the line on a terminal; print nothing elsewhere."""
    if sys.stdout.isatty():
        print(f"\r\x1b[K{text}", end="", flush=True)


def install(lock: Path) -> int:
    """Run pip, show its progress, and return its exit status."""
    wanted = len(re.findall(r"^[\w.-]+(?:\[.*\])?==", lock.read_text(), re.MULTILINE))
    print(f"Installing {wanted} packages from {lock}, once.", flush=True)
    with subprocess.Popen([sys.executable, *PIP, str(lock)], stdout=subprocess.PIPE, text=True) as pip:
        assert pip.stdout is not None
        found = 0
        for line in pip.stdout:
            if line.startswith("Installing collected packages"):
                break
            if collected := re.match(r"Collecting ([\w.-]+)", line):
                found += 1
                show(f"{found} of {wanted} found: {collected[1]}")
        while pip.poll() is None:
            show(f"{len(list(Path(sysconfig.get_path('purelib')).glob('*.dist-info')))} of {wanted} installed")
            time.sleep(0.2)
        show("")
        return pip.returncode


if __name__ == "__main__":
    sys.exit(install(Path(sys.argv[1])))
