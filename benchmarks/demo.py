"""How long `make demo` takes in a fresh clone with pip, when the packages were downloaded before."""

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
    """Measure, report, and return whether the gates held."""
    gate = gates(TOPIC)
    times, processor, silent = [], [], 0
    with TemporaryDirectory() as folder:
        environment = os.environ | {"PATH": path_without_uv(Path(folder)), **downloaded(Path(folder, "packages"))}
        for number in range(gate["quick" if quick else "full"]["rounds"]):
            clone = Path(folder, f"clone-{number}")
            subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
            start, before = time.monotonic(), _processor_seconds()
            said = subprocess.run(["make", "demo"], cwd=clone, env=environment, check=True, stdout=subprocess.PIPE)
            times.append(time.monotonic() - start)
            processor.append(_processor_seconds() - before)
            silent += FINDING not in said.stdout.decode()
            shutil.rmtree(clone)
    return report(TOPIC, [limited(gate["time"], "s", times, beside=processor), limited(gate["finding"], "", [silent])])


def _processor_seconds() -> float:
    """What this process's children have used."""
    used = os.times()
    return used.children_user + used.children_system


def downloaded(folder: Path) -> dict[str, str]:
    """Download the packages into folder; returns the environment in which pip takes them from there.

    pip's own cache would do where the index allows caching, which not every mirror does.
    """
    python = subprocess.run([ROOT / "tools" / "find-python"], check=True, capture_output=True, text=True).stdout.strip()
    pip = (python, "-m", "pip", "download", "--quiet", "--require-hashes", "--dest", folder)
    subprocess.run([*pip, "--requirement", ROOT / "requirements.lock"], check=True)
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder)}


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
            parts.append(str(links))
        else:
            parts.append(part)
    return os.pathsep.join(parts)


if __name__ == "__main__":
    sys.exit(not run("--quick" in sys.argv))
