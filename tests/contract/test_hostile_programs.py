"""A program that tries to block the server fails only its own conversation, with a reason."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.ways.hostile_programs import LARGE, program
from greenroom.synthesizer.v1 import conversation_pb2 as pb
from tests.suite import Suite, suite

SERVING = health_pb2.HealthCheckResponse.SERVING


@pytest.fixture(scope="module")
async def greenroom(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Suite]:
    async with suite("sqlite", tmp_path_factory.mktemp("data")) as greenroom:
        yield greenroom


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("programs") / "procedures.jsonl"


@given(random=st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
async def test_a_hostile_program_ends_with_a_reason_while_health_answers(
    greenroom: Suite, file: Path, random: Random
) -> None:
    record = program(random)
    await asyncio.to_thread(file.write_text, json.dumps(record))
    await greenroom.client.procedures.import_file(file)
    async for procedure in greenroom.client.procedures.list(external_id=record["external_id"]):
        spec = pb.ConversationSpec(procedure=procedure.name, persona="personas/cold-carl", seed=1, max_turns=3)
        spec.tool_config.default_answer.value.struct_value.update(LARGE)
        started = await greenroom.client.conversations.start(spec)
        assert await health(greenroom.address) == SERVING

        async with greenroom.client.conversations.watch(started.name) as events:
            async for _ in events:
                pass

        done = await greenroom.client.conversations.get(started.name)
        if done.state != pb.Conversation.STATE_COMPLETED:
            assert done.ended.reason in {"STEP_TOO_MUCH_WORK", "STEP_UNUSABLE"}
            assert done.ended.detail


async def health(address: str) -> object:
    async with grpc.aio.insecure_channel(address) as channel:
        return (await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)).status
