"""What an evaluator does while the synthesizer cannot be reached, or does not have its batch any more."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from greenroom.client import Client, connect
from greenroom.evaluator.v1.evaluation_pb2 import Evaluation, EvaluationSpec
from greenroom.evaluator.v1.report_pb2 import ReportSpec
from services.evaluator import app as evaluator
from services.evaluator.settings import EvaluatorSettings
from shared.rpc.health import Health
from shared.rpc.peers import Peers
from shared.rpc.server import Server
from shared.settings import Settings
from tests.contract.test_evaluations import LOOKS, over, start_batch
from tests.processes import PATIENCE
from tests.rehearsals import over as batch_over
from tests.scripted import Theatre, refused, theatre

NOWHERE = "127.0.0.1:1"


class Addresses(Mapping[str, str]):
    """One address for every service, which can change. asked: set when it was asked for twice since the last change."""

    def __init__(self, address: str) -> None:
        self.asked = asyncio.Event()
        self.move(address)

    def move(self, address: str) -> None:
        self._address, self._times = address, 0
        self.asked.clear()

    def __getitem__(self, name: str) -> str:
        self._times += 1
        if self._times >= 2:
            self.asked.set()
        return self._address

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


@dataclass(frozen=True)
class Lonely:
    """An evaluator whose jobs do not run yet, and the theatre at whose address its peer is."""

    stage: Theatre
    addresses: Addresses
    app: evaluator.Evaluator
    client: Client


@pytest.fixture
async def lonely(tmp_path: Path) -> AsyncIterator[Lonely]:
    async with theatre("sqlite", tmp_path / "synthesizer") as stage, AsyncExitStack() as stack:
        addresses = Addresses(stage.suite.address)
        settings = EvaluatorSettings(
            port=0, data_dir=tmp_path / "evaluator", drain_seconds=0, job_retry_seconds=0.2, compute_workers=1
        )
        app = await evaluator.build(settings, Health(), peers=Peers(Settings(), addresses))
        stack.push_async_callback(app.stop)
        server = Server(settings, app.registrations)
        stack.push_async_callback(server.stop)
        address = f"127.0.0.1:{await server.start()}"
        client = await stack.enter_async_context(connect(address, timeout=PATIENCE))
        yield Lonely(stage, addresses, app, client)


async def test_an_evaluation_waits_for_the_synthesizer_and_then_goes_on(lonely: Lonely) -> None:
    client, addresses = lonely.client, lonely.addresses
    spec = EvaluationSpec(batch=await start_batch(lonely.stage, LOOKS, LOOKS))
    started = await client.evaluations.start(spec)

    addresses.move(NOWHERE)
    await lonely.app.start()
    async with asyncio.timeout(PATIENCE):
        await addresses.asked.wait()
    assert (await client.evaluations.get(started.name)).state == Evaluation.STATE_RUNNING
    async with refused("UNAVAILABLE", "PEER_UNAVAILABLE"):
        await client.evaluations.start(spec)

    addresses.move(lonely.stage.suite.address)
    done = await over(client, started.name)
    assert (done.state, done.counts.passed) == (Evaluation.STATE_COMPLETED, 2), done.detail


async def test_an_evaluation_whose_batch_is_deleted_meanwhile_fails_and_says_so(lonely: Lonely) -> None:
    batches = lonely.stage.client.batches
    batch = await start_batch(lonely.stage, LOOKS)
    started = await lonely.client.evaluations.start(EvaluationSpec(batch=batch))
    await batch_over(lonely.stage.client, batch)
    await batches.delete(batch)

    await lonely.app.start()
    done = await over(lonely.client, started.name)

    assert (done.state, done.reason) == (Evaluation.STATE_FAILED, "BATCH_NOT_FOUND")
    assert batch in done.detail
    async with refused("FAILED_PRECONDITION", "EVALUATION_UNFINISHED"):
        await lonely.client.reports.build(ReportSpec(evaluation=done.name))
