"""Ordinary clients that read streams of calls, each in its own process."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from subprocess import PIPE, Popen

from benchmarks.contest import ROOT

CORE = min(os.sched_getaffinity(0))
"""Readers run on the first core; contestants run on the last."""


def start(address: str, form: str, sessions: int) -> Popen[str]:
    """Start a client that reads this many sessions in a format."""
    command = (sys.executable, "-m", "benchmarks.ways.reader", address, form, str(sessions), str(CORE))
    return subprocess.Popen(command, cwd=ROOT, stdout=PIPE, text=True)


def tenths(reader: Popen[str]) -> Iterator[tuple[int, float]]:
    """The calls that the reader has read and the seconds it took, after each tenth of the sessions."""
    assert reader.stdout is not None
    with reader:
        for line in reader.stdout:
            calls, seconds = json.loads(line)
            yield calls, seconds
    if reader.returncode:
        raise RuntimeError("the stream broke off")
