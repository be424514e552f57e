"""The tools that Greenroom is measured beside, each in a virtual environment of its own.

They are neither dependencies nor shipped, some for their licence: the first benchmark that needs one installs it below
the user's cache folder, and later ones find it there.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

PEERS = {
    "hmmlearn": ("hmmlearn==0.3.3", "numpy==2.4.6"),
    "pydtmc": ("PyDTMC==8.7.0", "numpy==1.26.4"),
    "pm4py": ("pm4py==2.7.23", "numpy==2.4.6", "pandas==3.1.1"),
}
"""What is installed for each. pm4py is AGPL; PyDTMC does not run on NumPy 2."""


def python(peer: str) -> Path:
    """The interpreter that has the peer, installed if need be; a failed installation raises CalledProcessError."""
    pins = PEERS[peer]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "greenroom" / "peers" / "-".join((peer, *(pin.partition("==")[2] for pin in pins)))
    interpreter, done = folder / "bin" / "python", folder / ".installed"
    if not done.exists():
        print(f"Installing {', '.join(pins)} in {folder}", file=sys.stderr)
        if uv := shutil.which("uv"):
            subprocess.run((uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder), check=True)
            subprocess.run((uv, "pip", "install", "--quiet", "--python", interpreter, *pins), check=True)
        else:
            subprocess.run((sys.executable, "-m", "venv", "--clear", folder), check=True)
            subprocess.run((interpreter, "-m", "pip", "install", "--quiet", *pins), check=True)
        done.touch()
    return interpreter
