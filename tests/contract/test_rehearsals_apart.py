"""Rehearsals with authentication, where gateway, synthesizer and evaluator are processes of their own."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from cli.kit import specs
from greenroom.client import connect
from greenroom.evaluator.v1.report_pb2 import RenderReportRequest, Report
from greenroom.gateway.v1.rehearsal_pb2 import Rehearsal, RehearsalSpec
from greenroom.synthesizer.v1.batch_pb2 import BatchSpec
from tests.contract.tokens import SECRET, token
from tests.processes import PATIENCE, service
from tests.scripted import refused
from tests.suite import EXAMPLES, HOUSE_KEY

OF_CI = ["rehearsals.*", "batches.*", "evaluations.*", "reports.*", "procedures.read", "sources.read"]
"""The permissions that docs/verdicts.md names."""


@pytest.fixture(scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The address of a gateway, behind which the services have the sources of the example."""
    settings = {"GREENROOM_JWT_SECRET": SECRET, "GREENROOM_HOUSE_KEY": HOUSE_KEY, "GREENROOM_JOB_RETRY_SECONDS": "0.5"}
    async with AsyncExitStack() as stack:
        for name in ("synthesizer", "evaluator", "gateway"):
            folder = {"GREENROOM_DATA_DIR": str(tmp_path_factory.mktemp(name))}
            running = await stack.enter_async_context(service(f"services.{name}", settings | folder))
            settings[f"GREENROOM_{name.upper()}_ADDRESS"] = running.address
        async with connect(running.address, timeout=PATIENCE, token=token("acme")) as client:
            await client.procedures.import_file(EXAMPLES / "procedures.jsonl")
            await client.sources.import_file(EXAMPLES / "sources.jsonl")
        yield running.address


def spec() -> RehearsalSpec:
    """Four conversations of the example."""
    batch = specs.read(EXAMPLES / "batch.yaml", BatchSpec())
    batch.size = 4
    return RehearsalSpec(batch=batch)


async def test_the_services_act_for_the_starter_with_no_more_than_its_permissions(gateway: str) -> None:
    ci = token("acme", sub="ci", permissions=OF_CI)
    async with connect(gateway, timeout=PATIENCE, token=ci) as client:
        started = await client.rehearsals.start(spec())
        async with client.rehearsals.watch(started.name) as watch:
            async for _ in watch:
                pass
        assert watch.summary is not None
        done = watch.summary
        assert (done.state, done.creator) == (Rehearsal.STATE_COMPLETED, "ci"), done.detail
        assert done.result.verdict == Report.VERDICT_PASSED
        [side] = done.sides
        assert (await client.batches.get(side.batch)).creator == "ci"
        assert (await client.evaluations.get(side.evaluation)).creator == "ci"
        page = b"".join([one async for one in client.reports.render(done.report, RenderReportRequest.FORMAT_HTML)])
        assert page.startswith(b"<!doctype html>")

    async with connect(gateway, timeout=PATIENCE, token=token("globex")) as stranger:
        async with refused("NOT_FOUND", "REHEARSAL_NOT_FOUND"):
            await stranger.rehearsals.get(done.name)
        assert [one async for one in stranger.evaluations.list()] == []


@pytest.mark.parametrize("missing", ["batches.*", "evaluations.*", "reports.*"])
async def test_a_starter_without_a_permission_that_the_services_ask_for_starts_nothing(
    gateway: str, missing: str
) -> None:
    held = [one for one in OF_CI if one != missing]
    async with (
        connect(gateway, timeout=PATIENCE, token=token("acme", permissions=held)) as client,
        refused("PERMISSION_DENIED", "PERMISSION_MISSING") as errors,
    ):
        await client.rehearsals.start(spec())
    assert missing.removesuffix("*") in str(errors[0])
    async with connect(gateway, timeout=PATIENCE, token=token("acme")) as client:
        assert not [one async for one in client.rehearsals.list() if one.creator != "ci"]
