"""Programs that CI installs (grpcurl, buf, minio, Maven, Node packages); elsewhere tests that need one are skipped."""

import asyncio
import os
import shutil
import sys
from pathlib import Path

import pytest


def program(name: str) -> str:
    """The path of a program, from PATH or beside this Python. If missing, skips the test, or fails it in CI."""
    found = shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))
    if found is None and "GREENROOM_REQUIRE_PROGRAMS" not in os.environ:
        pytest.skip(f"{name} is not installed; .ci/run installs it")
    assert found is not None, f"{name} is not installed"
    return found


CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "greenroom"
"""Where .ci/run keeps what it installs."""


def cached_file(name: str) -> Path:
    """A file in the cache folder. If missing, skips the test, or fails it in CI."""
    if not (CACHE / name).exists() and "GREENROOM_REQUIRE_PROGRAMS" not in os.environ:
        pytest.skip(f"{name} is not installed; .ci/run installs it")
    assert (CACHE / name).exists(), f"{CACHE / name} is missing"
    return CACHE / name


def node_module(*names: str) -> Path:
    """The folder whose node_modules has these packages. If one is missing: skips the test, or fails it in CI."""
    folder = CACHE / "node"
    missing = [name for name in names if not (folder / "node_modules" / name).is_dir()]
    if missing and "GREENROOM_REQUIRE_PROGRAMS" not in os.environ:
        pytest.skip(f"{', '.join(missing)} is not installed; .ci/run installs it")
    assert not missing, f"{', '.join(missing)} is not installed in {folder}"
    return folder


async def run(name: str, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
    """Run a program; returns its exit status, standard output and standard error."""
    process = await asyncio.create_subprocess_exec(
        *(program(name), *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    stdout, stderr = await process.communicate(stdin.encode())
    assert process.returncode is not None
    return process.returncode, stdout.decode(), stderr.decode()
