"""Every method is called with generated hostile messages: it answers with a documented code, and goes on answering."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import grpc
import pytest
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from greenroom.synthesizer.v1 import batch_pb2, conversation_pb2
from greenroom.testdata.v1.trace_dataset_pb2 import Dataset
from tests.contract.hostile import NAMES, OWN_PERSONA, VALUE, filled_value, json_paths, messages, put, right, spoilt
from tests.contract.methods import Method, methods, names_in
from tests.datasets import over, short_spec
from tests.scripted import State, Theatre, theatre
from tests.traces import some_of_each

DOCUMENTED = {
    "OK",
    "INVALID_ARGUMENT",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
}


@dataclass
class Target:
    """A server to be attacked."""

    stage: Theatre
    channel: grpc.aio.Channel


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    url, traces_url = (
        "sqlite" if request.param == "sqlite" else request.getfixturevalue("postgres").create_database()
        for _ in range(2)
    )
    async with (
        theatre(url, tmp_path_factory.mktemp("hostile"), testdata_url=traces_url) as stage,
        grpc.aio.insecure_channel(stage.suite.address) as channel,
    ):
        yield Target(stage, channel)


async def populated(stage: Theatre) -> dict[str, list[str]]:
    """One of everything, and of conversations and batches some in each state."""
    persona = await stage.client.personas.create(OWN_PERSONA)
    start, batches = stage.client.conversations.start, stage.client.batches
    manual = await start(conversation_pb2.ConversationSpec(type=conversation_pb2.CONVERSATION_TYPE_MANUAL))
    created = await start(stage.spec(), create_only=True)
    done = await stage.play(source=stage.source)
    spec = batch_pb2.BatchSpec(conversation=stage.spec(persona=""), size=2)
    waiting = await batches.start(spec, create_only=True)
    over = await batches.cancel((await batches.start(spec, create_only=True)).name)
    traces = await some_of_each(stage.client, stage.folder, f"own-{len(await workflows(stage))}")
    return {
        "workflows": [traces["workflows"], "workflows/ecommerce", "workflows/none"],
        "datasets": [traces["datasets"], "datasets/none"],
        "learnings": [traces["learnings"], "learnings/none"],
        "personas": [persona.name, "personas/eager-eddie", "personas/none"],
        "procedures": [stage.procedure, await stage.draft(), "procedures/none"],
        "sources": [stage.source, "sources/none"],
        "conversations": [manual.name, created.name, done.name, "conversations/none"],
        "batches": [waiting.name, over.name, "batches/none"],
    }


async def workflows(stage: Theatre) -> list[str]:
    """The names of all workflows."""
    return [one.name async for one in stage.client.traces.workflows.list()]


@pytest.mark.parametrize("method", methods(), ids=str)
async def test_a_hostile_message_gets_a_documented_code_and_a_reason(target: Target, method: Method) -> None:
    NAMES.clear()
    NAMES.update(await populated(target.stage))
    whole, one_wrong = messages(method.descriptor.input_type), spoilt(method)

    @settings(max_examples=40, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def collect(data: st.DataObject) -> None:
        first = data.draw(whole | one_wrong | one_wrong)
        more = data.draw(st.lists(whole, max_size=2)) if method.descriptor.client_streaming else []
        requests.append([first, *more])

    requests: list[list[Message]] = []
    collect()
    for sent in requests:
        seconds = 0.1 if method.descriptor.server_streaming else 10.0
        told, _ = await method.call(target.channel, *sent, seconds=seconds)
        allowed = DOCUMENTED | {"DEADLINE_EXCEEDED"} if method.descriptor.server_streaming else DOCUMENTED
        assert told.code in allowed, (told, sent)
        if told.code not in ("OK", "DEADLINE_EXCEEDED"):
            assert told.domain == "greenroom", (told, sent)
            assert told.reason.isupper(), (told, sent)
            assert told.sentence, (told, sent)
            assert "Traceback" not in told.sentence
            assert "sqlalchemy" not in told.sentence.lower()


@pytest.mark.parametrize("method", [method for method in methods() if json_paths(method)], ids=str)
async def test_a_large_message_spoils_no_list(target: Target, method: Method) -> None:
    NAMES.clear()
    NAMES.update(await populated(target.stage))

    for path in json_paths(method):
        for size in (400_000, 4_100_000):
            large = filled_value({"text": "x" * size})
            value = large if path[-1].message_type is VALUE else large.struct_value  # type: ignore[attr-defined]
            told, _ = await method.call(target.channel, put(right(method), path, value))
            assert told.code in DOCUMENTED, (told, path)
            assert told.code == "OK" or told.reason.isupper(), (told, path)

    for lists in methods():
        if str(lists).startswith("List") and not list(names_in(lists.descriptor.input_type)):
            assert (await lists.call(target.channel, lists.request(page_size=1000)))[0].code == "OK"


async def test_a_message_beyond_all_bounds_is_refused_before_it_is_read(target: Target) -> None:
    [method] = [method for method in methods() if str(method) == "CreatePersona"]

    told, _ = await method.call(target.channel, b"\0" * (5 << 20))

    assert told.code == "RESOURCE_EXHAUSTED"


NO_MESSAGE = [b"\xff\xff\xff", b"\x0a\xff", bytes(range(256))]


@pytest.mark.parametrize("method", methods(), ids=str)
async def test_bytes_that_are_no_message_are_refused(target: Target, method: Method) -> None:
    for wire in NO_MESSAGE:
        told, responses = await method.call(target.channel, wire)

        assert (told.code, told.domain, told.reason) == ("INVALID_ARGUMENT", "greenroom", "MALFORMED_REQUEST")
        assert responses == []


async def test_after_all_that_conversations_still_run(target: Target) -> None:
    done = await target.stage.play()

    assert done.state == State.STATE_COMPLETED


async def test_after_all_that_traces_are_still_generated(target: Target) -> None:
    traces = target.stage.client.traces
    dataset = await over(target.stage.client, (await traces.datasets.start(short_spec(sessions=3))).name)

    assert dataset.state == Dataset.STATE_COMPLETED
    assert await traces.session("workflows/ecommerce")
