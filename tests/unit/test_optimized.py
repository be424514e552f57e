"""`python -OO` removes docstrings, which are the sentences of errors."""

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
def test_a_program_refuses_to_start_without_docstrings(command: tuple[str, ...]) -> None:
    for ended in (python("-OO", "-m", *command), python("-m", *command, PYTHONOPTIMIZE="2")):
        assert ended.returncode == 1
        assert ended.stdout == ""
        assert ended.stderr.startswith("Greenroom does not run under `python -OO`")
        assert ended.stderr.count("\n") == 1


def test_errors_keep_their_sentences_without_assertions() -> None:
    ended = python("-O", "-m", "cli", "serve", "synthesiser")

    assert ended.returncode == 2
    assert ended.stderr == "greenroom: There is no service `synthesiser` (did you mean `synthesizer`?).\n"
