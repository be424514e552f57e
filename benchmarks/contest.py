"""Compare several ways of doing the same work: they take turns on one core within one run."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import PIPE
from typing import Any, Self

from shared.compute.pool import KEEP_MEMORY

ROOT = Path(__file__).parent.parent
CORE = max(os.sched_getaffinity(0))
"""Contestants run on the last core, because the first one serves most interrupts."""


@dataclass(frozen=True)
class Contestant:
    """One way of doing the work.

    way: a function of `benchmarks.ways`, as `module:function`. python: the interpreter that runs it. given: the
    function's argument.
    """

    way: str
    python: Path = Path(sys.executable)
    given: Mapping[str, Any] = field(default_factory=dict)


def race(contestants: Sequence[Contestant], rounds: int, seconds: float) -> list[list[float]]:
    """Return the rates of each contestant, one per round, in units per second of processor time.

    All contestants warm up before the first round, and only one works at a time. seconds: work time per round.
    """
    with ExitStack() as stack:
        running = [stack.enter_context(_Process(contestant)) for contestant in contestants]
        taken = [[process.rate(seconds) for process in running] for _ in range(rounds)]
    return [list(rates) for rates in zip(*taken, strict=True)]


class _Process:
    """The process of a contestant; its errors go to standard error."""

    def __init__(self, contestant: Contestant) -> None:
        module, function = contestant.way.split(":")
        self._way = contestant.way
        # A peer's environment lacks this project and its dependencies; cwd gives it the files of benchmarks/.
        self._process = subprocess.Popen(
            (contestant.python, "-m", "benchmarks.contestant", f"benchmarks.ways.{module}", function, str(CORE)),
            cwd=ROOT,
            stdin=PIPE,
            stdout=PIPE,
            text=True,
            # Use the memory settings of the product's workers.
            env={**KEEP_MEMORY, **os.environ},
        )
        self._tell(json.dumps(contestant.given))
        self._answer()

    def rate(self, seconds: float) -> float:
        """Units per second of processor time, measured over about this many seconds."""
        self._tell(repr(seconds))
        units, spent = json.loads(self._answer())
        return float(units / spent)

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._way} ended before its work was done")
        return line

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()
