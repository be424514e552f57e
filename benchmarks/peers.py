"""The tools that Greenroom is compared with, each in its own virtual environment.

They are not dependencies and are not shipped, in part because of their licences. The first benchmark that needs a tool
installs it below the user's cache folder; later benchmarks reuse it.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

PEERS = {
    "faker": ("Faker==40.63.0", "pyarrow==26.0.1", "numpy==2.4.6"),
    "mimesis": ("mimesis==22.2.0", "pyarrow==26.0.1", "numpy==2.4.6"),
    "sdmetrics": ("sdmetrics==0.32.0", "numpy==2.4.6", "pandas==2.3.3"),
    "hmmlearn": ("hmmlearn==0.3.3", "numpy==2.4.6"),
    "pydtmc": ("PyDTMC==8.7.0", "numpy==1.26.4"),
    "sdv": (
        "rdt==2.0.0",
        "copulas==0.14.1",
        "sdmetrics==0.32.0",
        "boto3==1.44.8",
        "cloudpickle==3.1.3",
        "graphviz==0.21",
        "platformdirs==4.14.8",
        "PyYAML==6.0.4",
        "pandas==2.3.3",
        "pyarrow==26.0.1",
        "numpy==2.4.6",
    ),
    "agreement": ("krippendorff==0.9.0", "statsmodels==0.15.0", "numpy==2.4.6"),
    "networkx": ("networkx==3.6.1",),
    "pm4py": ("pm4py==2.7.23", "numpy==2.4.6", "pandas==3.1.1"),
}
"""The packages installed for each tool. pm4py is AGPL, SDV BUSL; PyDTMC does not run on NumPy 2."""
ALONE = {"sdv": ("sdv==2.0.0",)}
"""Packages installed without those that they need. SDV needs PyTorch, gigabytes of it, only for what we do not run."""


def python(peer: str) -> Path:
    """Return the interpreter that has the peer; install the peer first if it is missing.

    Raises CalledProcessError if the installation fails.
    """
    pins, alone = PEERS[peer], ALONE.get(peer, ())
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "greenroom" / "peers" / "-".join((peer, *(pin.partition("==")[2] for pin in (*alone, *pins))))
    interpreter, done = folder / "bin" / "python", folder / ".installed"
    if not done.exists():
        print(f"Installing {', '.join((*alone, *pins))} in {folder}", file=sys.stderr)
        if uv := shutil.which("uv"):
            subprocess.run((uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder), check=True)
            install: tuple[str | Path, ...] = (uv, "pip", "install", "--quiet", "--python", interpreter)
        else:
            subprocess.run((sys.executable, "-m", "venv", "--clear", folder), check=True)
            install = (interpreter, "-m", "pip", "install", "--quiet")
        subprocess.run((*install, *pins), check=True)
        if alone:
            subprocess.run((*install, "--no-deps", *alone), check=True)
        done.touch()
    return interpreter
