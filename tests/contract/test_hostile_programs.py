"""A program that tries to block the server fails only its own conversation, with a reason."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from uuid import uuid4

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.hostile import LIMITS, ending, spec
from benchmarks.ways.hostile_programs import KINDS, program
from greenroom.client import GreenroomError
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
    record = {**program(random, kind), "external_id": uuid4().hex}
    await asyncio.to_thread(file.write_text, json.dumps(record))
    summary = await greenroom.client.procedures.import_file(file)
    assert not summary.refused, summary
    [procedure] = [one async for one in greenroom.client.procedures.list(external_id=record["external_id"])]
    assert await _ending(greenroom, procedure.name) in {"COMPLETED", *LIMITS}


async def _ending(greenroom: Suite, procedure: str) -> str:
    """How a conversation ends, or why it is refused; health answers after its start."""
    try:
        started = await greenroom.client.conversations.start(spec(procedure))
    except GreenroomError as refused:
        return refused.reason
    assert await health(greenroom.address) == SERVING
    return await ending(greenroom.client, started.name)


async def health(address: str) -> object:
    async with grpc.aio.insecure_channel(address) as channel:
        return (await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=60)).status
