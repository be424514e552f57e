"""grpcurl, buf, ghz and minio: programs that CI installs; elsewhere tests that drive them may be skipped."""

import asyncio
import os
import shutil
import sys
from pathlib import Path

import pytest


def program(name: str) -> str:
    """Where name is installed: on the path, or beside this Python. Nowhere: skips the test, or fails it in CI."""
    found = shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))
    if found is None and "GREENROOM_REQUIRE_PROGRAMS" not in os.environ:
        pytest.skip(f"{name} is not installed; .ci/run installs it")
    assert found is not None, f"{name} is not installed"
    return found


async def run(name: str, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
    """What a program ended with, said and complained about."""
    process = await asyncio.create_subprocess_exec(
        *(program(name), *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    stdout, stderr = await process.communicate(stdin.encode())
    assert process.returncode is not None
    return process.returncode, stdout.decode(), stderr.decode()
