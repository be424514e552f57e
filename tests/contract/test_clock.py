"""The clock of the machine is set back while the server runs, or while it is down."""

import time
from pathlib import Path

import pytest

from greenroom.synthesizer.v1.procedure_pb2 import Procedure, Revision
from shared import ids
from tests.suite import suite


async def test_what_is_made_later_is_listed_as_newer_whatever_the_clock_says(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, real = [], time.time_ns
    for hours in (0, -3, -2):
        # A new process remembers nothing of the old one.
        monkeypatch.setattr(ids, "_last", 0)
        monkeypatch.setattr(time, "time_ns", lambda hours=hours: real() + hours * 3600 * 10**9)
        async with suite(database_url, tmp_path) as greenroom:
            procedures = greenroom.client.procedures
            made += [(await procedures.create(Procedure(display_name="P"), Revision())).procedure.name for _ in "12"]
            listed = [one.name async for one in procedures.list()]

        assert listed in (made, made[::-1])
        assert made == sorted(made)
