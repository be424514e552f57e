"""No command deletes anything unless a person said yes, on the terminal or with --yes."""

import asyncio
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from cli.main import app
from tests.contract.houses import ENVIRONMENT

NAMES = {"name": "0193507a-1f2e-7c3d-8e4f-5a6b7c8d9e0f", "revision": "1"}


def deletes(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command that deletes, with its arguments."""
    for name, found in group.commands.items():
        if hasattr(found, "commands"):
            yield from deletes(found, (*path, name))
        elif name.startswith("delete"):
            wanted = [one.name for one in found.params if one.param_type_name == "argument"]
            yield (*path, name, *(NAMES[one] for one in wanted))


DELETES = list(deletes(typer.main.get_command(app)))


def delete(*arguments: str, said: str = "") -> tuple[int, str]:
    """(exit status, standard error) of a command; no gateway listens, so 4 says that it was about to delete."""
    done = CliRunner().invoke(app, ["--address", "127.0.0.1:1", *arguments], input=said)
    return done.exit_code, done.stderr


def test_every_noun_that_can_be_deleted_is_tried_here() -> None:
    assert len(DELETES) == 29


@pytest.mark.parametrize("arguments", DELETES, ids=" ".join)
def test_without_a_terminal_a_delete_is_refused_unless_it_says_yes(arguments: tuple[str, ...]) -> None:
    status, err = delete(*arguments)
    assert (status, err.count("\n")) == (2, 1)
    assert err.startswith("greenroom: There is no terminal to ask on: ")
    assert err.endswith("repeat the command with --yes.\n")
    assert delete(*arguments, "--yes")[0] == 4


@pytest.mark.parametrize("said", ["n\n", "y\n", "yes\n", ""])
def test_an_answer_in_a_pipe_is_no_answer(said: str) -> None:
    assert delete(*DELETES[0], said=said)[0] == 2


def test_a_closed_standard_input_is_no_answer() -> None:
    closed = ("sh", "-c", f"exec {sys.executable} -m cli --address 127.0.0.1:1 {' '.join(DELETES[0])} <&-")
    assert subprocess.run(closed, capture_output=True, env=ENVIRONMENT, timeout=60).returncode == 2


@pytest.mark.parametrize(("answer", "status"), [(b"n\n", 1), (b"\n", 1), (b"\x04", 1), (b"y\n", 4), (None, 130)])
async def test_on_a_terminal_the_command_asks_and_deletes_only_after_yes(answer: bytes | None, status: int) -> None:
    terminal, end = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", "--address", "127.0.0.1:1", *DELETES[0]),
        stdin=end,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=ENVIRONMENT,
    )
    assert process.stderr is not None
    os.close(end)
    await asyncio.wait_for(process.stderr.readuntil(b"[y/N]"), 60)
    if answer is None:
        process.send_signal(signal.SIGINT)  # Ctrl-C
    else:
        os.write(terminal, answer)
    await asyncio.wait_for(process.communicate(), 60)
    os.close(terminal)
    assert process.returncode == status
