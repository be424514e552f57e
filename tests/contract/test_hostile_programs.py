"""A program that tries to block the server fails only its own conversation, with a reason."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.hostile import LIMITS, ending, spec
from benchmarks.ways.hostile_programs import KINDS, LAST, program
from greenroom.client import GreenroomError
from greenroom.synthesizer.v1.batch_pb2 import Batch, BatchSpec
from tests.suite import Suite, suite

SERVING = health_pb2.HealthCheckResponse.SERVING


@pytest.fixture(scope="module")
async def greenroom(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Suite]:
    async with suite("sqlite", tmp_path_factory.mktemp("data")) as greenroom:
        yield greenroom


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("programs") / "procedures.jsonl"


@pytest.mark.parametrize("kind", KINDS)
@given(random=st.randoms(use_true_random=False))
@settings(max_examples=6, deadline=None)
async def test_a_hostile_program_ends_with_a_reason_while_health_answers(
    greenroom: Suite, file: Path, kind: str, random: Random
) -> None:
    procedure = await imported(greenroom, file, {**program(random, kind), "external_id": uuid4().hex})

    assert await _ending(greenroom, procedure) in {"COMPLETED", *LIMITS}


async def _ending(greenroom: Suite, procedure: str) -> str:
    """How a conversation ends, or why it is refused; health answers after its start."""
    try:
        started = await greenroom.client.conversations.start(spec(procedure))
    except GreenroomError as refused:
        return refused.reason
    assert await health(greenroom.address) == SERVING
    return await ending(greenroom.client, started.name)


@pytest.mark.parametrize(
    "text",
    [
        "{% assign x = 9 %}{% for i in (1..17) %}{% assign x = x | times: x %}{% endfor %}{{ x | modulo: 7 }}",
        "{{ results.data.digits | plus: 1 }}",
        "{{ '1e308' | times: 10 | round }}",
    ],
    ids=["a number squared again and again", "more than 4,300 digits", "infinity rounded"],
)
async def test_a_number_that_grows_without_bound_fails_its_conversation_with_a_sentence(
    greenroom: Suite, file: Path, text: str
) -> None:
    procedure = await saved(greenroom, file, {"say": {"text": text}})
    started = await greenroom.client.conversations.start(spec(procedure))

    assert await ending(greenroom.client, started.name) == "STEP_UNUSABLE"
    done = await greenroom.client.conversations.get(started.name)
    assert done.ended.detail.startswith("A step of the procedure cannot be played: The template is not valid Liquid: ")


SIZE = 20


@pytest.mark.parametrize(
    "step",
    [
        {"say": {"text": "{% for i in (1..1000) %}{% if i == 0 %}never{% endif %}{% endfor %}On."}},
        {"branch": {"condition": "results.data.s.matches('[ab]*a[ab]{30}c')", "then": "last"}},
    ],
    ids=["loops", "patterns"],
)
async def test_a_batch_of_long_programs_fails_with_a_reason_and_others_are_answered_meanwhile(
    greenroom: Suite, file: Path, step: Mapping[str, Any]
) -> None:
    conversation = spec(await saved(greenroom, file, *[step] * 190))
    conversation.persona = ""
    batch = await greenroom.client.batches.start(BatchSpec(conversation=conversation, size=SIZE))
    answered = 0
    while batch.state in (Batch.STATE_CREATED, Batch.STATE_PENDING, Batch.STATE_RUNNING):
        assert await health(greenroom.address) == SERVING
        batch = await greenroom.client.batches.get(batch.name)
        answered += 1

    assert answered > SIZE, "others waited until programs ended"
    assert batch.counts.failed == SIZE
    async for row in greenroom.client.batches.results(batch.name):
        assert row.reason == "STEP_TOO_MUCH_WORK"
        assert row.detail.startswith("A step of the procedure takes too much work; make its loops, conditions or")


async def saved(greenroom: Suite, file: Path, *steps: Mapping[str, Any]) -> str:
    """The name of a new procedure that calls the tool `data`, then has these steps."""
    record = {
        "external_id": uuid4().hex,
        "display_name": "Hostile",
        "instructions": "Keep the server busy.",
        "steps": [{"call": {"tool": "data"}}, *steps, LAST],
        "tools": [{"name": "data"}],
    }
    return await imported(greenroom, file, record)


async def imported(greenroom: Suite, file: Path, record: Mapping[str, Any]) -> str:
    await asyncio.to_thread(file.write_text, json.dumps(record))
    summary = await greenroom.client.procedures.import_file(file)
    assert not summary.refused, summary
    [procedure] = [one async for one in greenroom.client.procedures.list(external_id=str(record["external_id"]))]
    return procedure.name


async def health(address: str) -> object:
    async with grpc.aio.insecure_channel(address) as channel:
        return (await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=60)).status
