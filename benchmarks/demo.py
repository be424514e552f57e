"""How long `make demo` takes in a fresh clone with pip, when the packages are in pip's cache."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.results import gates, limited, report

TOPIC = "demo"
ROOT = Path(__file__).parents[1]
FINDING = "customers left without a return or a voucher:"
"""What the demo says of the agent at its end."""


def run(quick: bool) -> bool:
    """Measure, report, and return whether the gates held. The first demo fills the cache and is not measured."""
    gate = gates(TOPIC)
    times, silent = [], 0
    with TemporaryDirectory() as folder:
        environment = os.environ | {"PATH": path_without_uv(Path(folder))}
        for number in range(1 + gate["quick" if quick else "full"]["rounds"]):
            clone = Path(folder, f"clone-{number}")
            subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
            start = time.monotonic()
            said = subprocess.run(["make", "demo"], cwd=clone, env=environment, check=True, stdout=subprocess.PIPE)
            times.append(time.monotonic() - start)
            silent += FINDING not in said.stdout.decode()
            shutil.rmtree(clone)
    first, *warm = times
    return report(
        TOPIC,
        [limited(gate["time"], "s", warm, samples={"first": [first]}), limited(gate["finding"], "", [silent])],
    )


def path_without_uv(folder: Path) -> str:
    """The search path, where links in `folder` stand for each directory that also holds uv."""
    parts = []
    for number, part in enumerate(os.environ["PATH"].split(os.pathsep)):
        if shutil.which("uv", path=part):
            links = folder / f"path-{number}"
            links.mkdir()
            for program in Path(part).iterdir():
                if program.name != "uv":
                    (links / program.name).symlink_to(program)
            part = str(links)  # noqa: PLW2901
        parts.append(part)
    return os.pathsep.join(parts)


if __name__ == "__main__":
    sys.exit(not run("--quick" in sys.argv))
