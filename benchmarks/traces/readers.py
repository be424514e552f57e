"""Ordinary clients that read streams of calls, as processes of their own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from subprocess import PIPE, Popen

from benchmarks.contest import ROOT

CORE = min(os.sched_getaffinity(0))
"""Where readers run: not where contestants do."""


def start(address: str, form: str, sessions: int) -> Popen[str]:
    """A client that reads so many sessions in that form."""
    command = (sys.executable, "-m", "benchmarks.ways.reader", address, form, str(sessions), str(CORE))
    return subprocess.Popen(command, cwd=ROOT, stdout=PIPE, text=True)


def tenths(reader: Popen[str]) -> Iterator[tuple[int, float]]:
    """How many calls it has read, and in how many seconds, at each tenth of the sessions; the last is all of it."""
    assert reader.stdout is not None
    with reader:
        for line in reader.stdout:
            calls, seconds = json.loads(line)
            yield calls, seconds
    if reader.returncode:
        raise RuntimeError("the stream broke off")
