"""Calls every method with generated hostile messages; it must answer with a documented code and keep working."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import grpc
import pytest
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from greenroom.synthesizer.v1 import batch_pb2
from greenroom.testdata.v1.trace_dataset_pb2 import Dataset
from tests.contract.hostile import NAMES, VALUE, filled_value, json_paths, messages, put, right, spoilt
from tests.contract.methods import Method, methods, names_in
from tests.contract.valid_requests import one_of_each
from tests.datasets import over, short_spec
from tests.scripted import State, Theatre, theatre
from tests.suite import new_stores

DOCUMENTED = {
    "OK",
    "INVALID_ARGUMENT",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
}


READING = ("Get", "List", "Watch", "Export", "Stream", "Generate", "Compare", "Search")


@dataclass
class Target:
    """The server under attack. names: resources of each kind that exist, as far as no attack may have changed them."""

    stage: Theatre
    channel: grpc.aio.Channel
    names: dict[str, list[str]] = field(default_factory=dict)

    async def prepare(self, method: Method) -> None:
        """Put the names of resources that exist into NAMES. After a method that changes something, others are made."""
        names = self.names or await populated(self.stage)
        self.names = names if str(method).startswith(READING) else {}
        NAMES.clear()
        NAMES.update(names)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    stores = new_stores(request)
    async with (
        theatre(stores.pop("synthesizer"), tmp_path_factory.mktemp("hostile"), others=stores) as stage,
        grpc.aio.insecure_channel(stage.suite.address) as channel,
    ):
        yield Target(stage, channel)


async def populated(stage: Theatre) -> dict[str, list[str]]:
    """One resource of each kind, and conversations and batches in several states."""
    created = await stage.client.conversations.start(stage.spec(), create_only=True)
    done = await stage.play(source=stage.source)
    batches = stage.client.batches
    spec = batch_pb2.BatchSpec(conversation=stage.spec(persona=""), size=2)
    over = await batches.cancel((await batches.start(spec, create_only=True)).name)
    more = {
        "workflows": ["workflows/ecommerce"],
        "personas": ["personas/eager-eddie"],
        "procedures": [await stage.draft()],
        "conversations": [created.name, done.name],
        "batches": [over.name],
    }
    names = await one_of_each(stage, f"own-{len(await workflows(stage))}")
    return {collection: [name, *more.get(collection, ()), f"{collection}/none"] for collection, name in names.items()}


async def workflows(stage: Theatre) -> list[str]:
    """The names of all workflows."""
    return [one.name async for one in stage.client.traces.workflows.list()]


@pytest.mark.parametrize("method", methods(), ids=str)
async def test_a_hostile_message_gets_a_documented_code_and_a_reason(target: Target, method: Method) -> None:
    await target.prepare(method)
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
        seconds = 0.1 if method.descriptor.server_streaming else 60.0
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
async def test_lists_still_work_after_a_large_message(target: Target, method: Method) -> None:
    await target.prepare(method)

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


async def test_a_message_over_4_mib_is_refused_before_it_is_read(target: Target) -> None:
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


async def test_conversations_still_run_afterwards(target: Target) -> None:
    done = await target.stage.play()

    assert done.state == State.STATE_COMPLETED


async def test_traces_are_still_generated_afterwards(target: Target) -> None:
    traces = target.stage.client.traces
    dataset = await over(target.stage.client, (await traces.datasets.start(short_spec(sessions=3))).name)

    assert dataset.state == Dataset.STATE_COMPLETED
    assert await traces.session("workflows/ecommerce")
