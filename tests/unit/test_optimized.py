"""Docstrings are what callers read of an error, and `python -OO` takes them away."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", [("services.synthesizer",), ("services.gateway",), ("cli", "status")])
def test_without_docstrings_nothing_starts(command: tuple[str, ...]) -> None:
    for ended in (python("-OO", "-m", *command), python("-m", *command, PYTHONOPTIMIZE="2")):
        assert ended.returncode == 1
        assert ended.stdout == ""
        assert ended.stderr.startswith("Greenroom does not run under `python -OO`")
        assert ended.stderr.count("\n") == 1


def test_without_assertions_errors_say_what_they_say() -> None:
    ended = python("-O", "-m", "cli", "serve", "synthesiser")

    assert ended.returncode == 2
    assert ended.stderr == "greenroom: There is no service `synthesiser` (did you mean `synthesizer`?).\n"
