"""The clock of the machine is set back while the server runs, or while it is down."""

import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from greenroom.client import Client
from greenroom.synthesizer.v1.batch_pb2 import BatchSpec
from greenroom.synthesizer.v1.conversation_pb2 import CONVERSATION_TYPE_MANUAL, ConversationSpec
from greenroom.synthesizer.v1.persona_pb2 import Persona
from greenroom.synthesizer.v1.procedure_pb2 import Procedure, Revision
from shared import ids
from tests.suite import suite
from tests.suite import testdata_suite as traces_suite


def makers(client: Client, folder: Path, spec: ConversationSpec) -> dict[str, tuple[Callable[[int], Any], Any]]:
    """By noun: what makes one of them, and what lists them."""
    path = folder / "set.jsonl"
    path.write_text('{"type": "order", "id": "1", "data": {}}\n')
    batch = BatchSpec(size=1, conversation=spec)
    manual = ConversationSpec(type=CONVERSATION_TYPE_MANUAL)
    return {
        "personas": (lambda _: client.personas.create(Persona(display_name="P", goal="g")), client.personas),
        "conversations": (lambda _: client.conversations.start(manual), client.conversations),
        "batches": (lambda _: client.batches.start(batch, create_only=True), client.batches),
        "resources": (lambda one: client.resources.import_file(path, f"z{9 - one}"), client.resources),
    }


async def test_what_is_made_later_is_listed_as_newer_whatever_the_clock_says(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, real = [], time.time_ns
    others: defaultdict[str, list[str]] = defaultdict(list)
    for hours in (0, -3, -2):
        # A new process remembers nothing of the old one.
        monkeypatch.setattr(ids, "_last", 0)
        monkeypatch.setattr(time, "time_ns", lambda hours=hours: real() + hours * 3600 * 10**9)
        async with suite(database_url, tmp_path) as greenroom:
            procedures = greenroom.client.procedures
            made += [
                (
                    await procedures.create(Procedure(display_name="P"), Revision(instructions="x"), ready=True)
                ).procedure.name
                for _ in "12"
            ]
            listed = [one.name async for one in procedures.list()]
            spec = ConversationSpec(procedure=made[0])
            for noun, (make, calls) in makers(greenroom.client, tmp_path, spec).items():
                for _ in "12":
                    others[noun].append((await make(len(others[noun]))).name)
                own = [
                    one async for one in calls.list() if not (getattr(one, "built_in", 0) or getattr(one, "batch", ""))
                ]
                newest = [one.name for one in own]
                assert newest == others[noun][::-1], noun

        assert listed in (made, made[::-1])
        assert made == sorted(made)


async def test_a_workflow_made_later_is_listed_as_newer_whatever_the_clock_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    real = time.time_ns
    async with traces_suite("sqlite", tmp_path) as traces:
        workflows = traces.client.traces.workflows
        for hours, name in ((0, "c"), (-3, "b"), (-2, "a")):
            monkeypatch.setattr(time, "time_ns", lambda hours=hours: real() + hours * 3600 * 10**9)
            made.append((await workflows.create("workflows/ecommerce", name=name)).name)

        listed = [one.name async for one in workflows.list() if not one.built_in]

    assert listed == made[::-1]
