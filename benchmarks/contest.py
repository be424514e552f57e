"""Ways of doing the same work, taking turns on one core within one run."""

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
"""Where contestants run: not where most interrupts are served."""


@dataclass(frozen=True)
class Contestant:
    """A way of doing it: a function of `benchmarks.ways`, as `module:function`.

    python: the interpreter that runs it. given: what the function prepares itself from.
    """

    way: str
    python: Path = Path(sys.executable)
    given: Mapping[str, Any] = field(default_factory=dict)


def race(contestants: Sequence[Contestant], rounds: int, seconds: float) -> list[list[float]]:
    """Units per second of processor time, for each contestant the rate of each round.

    Each is warm before the first round, and only one works at a time. seconds: how long each works in a round.
    """
    with ExitStack() as stack:
        running = [stack.enter_context(_Process(contestant)) for contestant in contestants]
        taken = [[process.rate(seconds) for process in running] for _ in range(rounds)]
    return [list(rates) for rates in zip(*taken, strict=True)]


class _Process:
    """A contestant at work; what goes wrong in it is on standard error."""

    def __init__(self, contestant: Contestant) -> None:
        module, function = contestant.way.split(":")
        self._way = contestant.way
        # A peer's environment has neither this project nor its dependencies, only these files.
        self._process = subprocess.Popen(
            (contestant.python, "-m", "benchmarks.contestant", f"benchmarks.ways.{module}", function, str(CORE)),
            cwd=ROOT,
            stdin=PIPE,
            stdout=PIPE,
            text=True,
            # As the processes of the product, which do what ours does.
            env={**KEEP_MEMORY, **os.environ},
        )
        self._tell(json.dumps(contestant.given))
        self._answer()

    def rate(self, seconds: float) -> float:
        """Units per second of processor time, over about so many seconds."""
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
