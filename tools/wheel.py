"""Builds the wheel `greenroom` from client/ and the contracts: python tools/wheel.py FOLDER

The wheel has the contracts without their validation rules, which only servers check. So it needs no module `buf`, whose
files and descriptors other packages bring too, in other versions.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def build(out: Path) -> None:
    """Build the wheel into the folder out."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(ROOT / "client", folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        protos = (ROOT / ".venv-protos/bin/python", ROOT / "tools/protos.py", "generate-plain", folder)
        subprocess.run(protos, check=True)
        # Type checkers differ in where they look for the marker of a namespace package.
        for package in (folder / "greenroom", *(folder / "greenroom").iterdir()):
            (package / "py.typed").touch()
        shutil.copy(ROOT / "LICENSE", folder)
        hatchling = (sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", out.absolute())
        subprocess.run(hatchling, cwd=folder, check=True)


if __name__ == "__main__":
    build(Path(sys.argv[1]))
