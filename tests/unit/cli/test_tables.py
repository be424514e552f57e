"""Tables fit a narrow terminal without cutting words; a pipe gets all of them."""

import pytest
from rich.console import Console

from cli.kit.render import Rows, console

NAME, STATE, TIME = "batches/1", "completed, 10 of 10 failed", "2026-11-27 16:43:12"
TEXT = "A busy professional who needs proof, and asks for it more than once."


def table() -> Rows:
    rows = Rows("BATCH", "STATE", "TEXT", "CREATED", "LABELS", leave_out=["CREATED", "STATE"], prose=["TEXT"])
    rows.add(NAME, STATE, TEXT, TIME, "nightly")
    return rows


def lines(columns: int) -> list[str]:
    """The table on a terminal with so many columns."""
    terminal = Console(width=columns, color_system=None)
    with terminal.capture() as printed:
        terminal.print(table())
    return [line.rstrip() for line in printed.get().splitlines()]


def test_a_terminal_that_is_wide_enough_gets_every_column() -> None:
    head, row = lines(160)
    assert head.split() == ["BATCH", "STATE", "TEXT", "CREATED", "LABELS"]
    assert row.split("  ") == [NAME, STATE, TEXT, TIME, "nightly"]


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        (100, ["BATCH", "STATE", "TEXT", "CREATED", "LABELS"]),
        (80, ["BATCH", "STATE", "TEXT", "LABELS"]),
        (60, ["BATCH", "TEXT", "LABELS"]),
        (40, ["BATCH", "TEXT"]),
        (20, ["BATCH"]),
    ],
)
def test_a_narrow_terminal_loses_the_least_important_columns_and_no_part_of_a_word(
    columns: int, shown: list[str]
) -> None:
    head, row = lines(columns)

    assert head.split() == shown
    assert len(row) <= columns
    assert set(row.replace("…", "").split()) <= set(f"{NAME} {STATE} {TEXT} {TIME} nightly".split())


def test_a_column_without_values_is_left_out_first() -> None:
    rows = Rows("BATCH", "LABELS", "STATE", leave_out=["STATE"])
    rows.add(NAME, "", STATE)
    terminal = Console(width=40, color_system=None)
    with terminal.capture() as printed:
        terminal.print(rows)

    assert printed.get().split()[:2] == ["BATCH", "STATE"]


def test_a_pipe_gets_everything(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    rows = Rows("BATCH", "TEXT", leave_out=["TEXT"], prose=["TEXT"])
    rows.add(NAME, TEXT * 200)
    console().print(rows)

    assert capsys.readouterr().out.splitlines()[1] == f"{NAME}  {TEXT * 200}"
