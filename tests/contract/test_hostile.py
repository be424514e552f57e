"""Calls every method with generated hostile messages; it must answer with a documented code and keep working."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import cache
from itertools import count

import grpc
import pytest
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from greenroom.synthesizer.v1 import batch_pb2
from greenroom.testdata.v1.trace_dataset_pb2 import Dataset
from tests.contract.hostile import VALUE, filled_value, json_paths, messages, named, put, right, spoilt
from tests.contract.methods import Method, collection_of, methods, names_in
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


CHANGING = ("Add", "Append", "Cancel", "Delete", "Finish", "Mark", "Play", "Retry", "Run", "Update")
"""How the names of methods begin that change resources which exist."""
NUMBERS = count()
"""Of new resources, because a deleted one does not give its name back to all that was made with it."""


def collections_in(method: Method) -> frozenset[str]:
    """The collections whose resources a request of the method names."""
    return frozenset(collection_of(path[-1]) for path in names_in(method.descriptor.input_type))


def in_rounds() -> list[Method]:
    """All methods: first those that change nothing, then in each round at most one that changes a collection."""
    counts: Counter[frozenset[str]] = Counter()

    def round_of(method: Method) -> int:
        collections = collections_in(method)
        counts[collections] += str(method).startswith(CHANGING)
        return counts[collections] if str(method).startswith(CHANGING) else 0

    return sorted(methods(), key=round_of)


@dataclass
class Target:
    """The server under attack.

    names: resources of each kind, in several states. changed: collections of which an attack may have changed those.
    """

    stage: Theatre
    channel: grpc.aio.Channel
    names: dict[str, list[str]] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)

    async def prepare(self, method: Method) -> None:
        """Make new resources if the method needs some that may be changed."""
        collections = collections_in(method)
        if not self.names or self.changed & collections:
            self.names = await populated(self.stage)
            self.changed.clear()
        if str(method).startswith(CHANGING):
            self.changed |= collections


@pytest.fixture(scope="module", params=["postgresql", pytest.param("sqlite", marks=pytest.mark.soak)])
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
    names = await one_of_each(stage, f"own-{next(NUMBERS)}")
    return {collection: [name, *more.get(collection, ()), f"{collection}/none"] for collection, name in names.items()}


@cache
def drawn(method: Method) -> list[list[Message]]:
    """The requests of calls, the same for each database."""
    whole, one_wrong = messages(method.descriptor.input_type), spoilt(method)

    @settings(max_examples=40, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def collect(data: st.DataObject) -> None:
        first = data.draw(whole | one_wrong | one_wrong)
        more = data.draw(st.lists(whole, max_size=2)) if method.descriptor.client_streaming else []
        calls.append([first, *more])

    calls: list[list[Message]] = []
    collect()
    return calls


@pytest.mark.parametrize("method", in_rounds(), ids=str)
async def test_a_hostile_message_gets_a_documented_code_and_a_reason(target: Target, method: Method) -> None:
    await target.prepare(method)
    for requests in drawn(method):
        sent = [named(request, target.names) for request in requests]
        # Some streams have no end. One that answers requests ends with them.
        seconds = 60.0 if method.descriptor.client_streaming or not method.descriptor.server_streaming else 0.1
        told, _ = await method.call(target.channel, *sent, seconds=seconds)
        allowed = DOCUMENTED | {"DEADLINE_EXCEEDED"} if method.descriptor.server_streaming else DOCUMENTED
        assert told.code in allowed, (told, sent)
        if told.code not in ("OK", "DEADLINE_EXCEEDED"):
            assert told.domain == "greenroom", (told, sent)
            assert told.reason.isupper(), (told, sent)
            assert told.sentence, (told, sent)
            assert "Traceback" not in told.sentence
            assert "sqlalchemy" not in told.sentence.lower()


@pytest.mark.parametrize("method", [method for method in in_rounds() if json_paths(method)], ids=str)
async def test_lists_still_work_after_a_large_message(target: Target, method: Method) -> None:
    await target.prepare(method)

    for path in json_paths(method):
        for size in (400_000, 4_100_000):
            large = filled_value({"text": "x" * size})
            value = large if path[-1].message_type is VALUE else large.struct_value  # type: ignore[attr-defined]
            told, _ = await method.call(target.channel, named(put(right(method), path, value), target.names))
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


async def test_bytes_that_are_no_message_are_refused_by_every_method(target: Target) -> None:
    for method in methods():
        for wire in NO_MESSAGE:
            told, responses = await method.call(target.channel, wire)

            assert (told.code, told.domain, told.reason) == ("INVALID_ARGUMENT", "greenroom", "MALFORMED_REQUEST"), (
                method
            )
            assert responses == [], method


async def test_conversations_still_run_afterwards(target: Target) -> None:
    done = await target.stage.play()

    assert done.state == State.STATE_COMPLETED


async def test_traces_are_still_generated_afterwards(target: Target) -> None:
    traces = target.stage.client.traces
    dataset = await over(target.stage.client, (await traces.datasets.start(short_spec(sessions=3))).name)

    assert dataset.state == Dataset.STATE_COMPLETED
    assert await traces.session("workflows/ecommerce")
