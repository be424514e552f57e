"""Certificates over gRPC: they confirm the true chain, and reject another chain and name the row that differs."""

import json
import xml.etree.ElementTree as ElementTree
from hashlib import sha256
from pathlib import Path

import pytest

from greenroom.client import Client
from greenroom.testdata.v1 import trace_learning_pb2
from greenroom.testdata.v1.trace_call_pb2 import StreamCallsRequest, TraceParameters
from greenroom.testdata.v1.trace_certificate_pb2 import Certificate
from greenroom.testdata.v1.trace_workflow_pb2 import WorkflowSource, WorkflowSpec
from tests.scripted import refused
from tests.suite import TestdataSuite

ECOMMERCE = "workflows/ecommerce"
DOCUMENT = Path(__file__).parents[2] / "docs" / "traces.md"
CSV = trace_learning_pb2.LogFormat(kind=trace_learning_pb2.LogFormat.KIND_CSV)


async def learning(client: Client, folder: Path, parameters: TraceParameters, workflow: str = ECOMMERCE) -> str:
    """Generate calls of a workflow and learn from them; returns the learning's name."""
    path = folder / "calls.csv"
    with path.open("wb") as file:
        async for message in client.traces.stream(workflow, parameters, format=StreamCallsRequest.FORMAT_CSV):
            file.write(message.data)
    return (await client.traces.learnings.learn_file(path, CSV)).learning.name


async def spec(client: Client) -> WorkflowSpec:
    """The built-in shop's chain."""
    return (await client.traces.workflows.get(ECOMMERCE)).workflow.spec


def row(certificate: Certificate, endpoint: str) -> float:
    """The p-value of a row."""
    return next(one.p_value for one in certificate.rows if one.endpoint == endpoint)


@pytest.mark.parametrize("rate", [0.0, 0.5])
async def test_what_was_generated_is_recovered_whatever_failed(
    traces: TestdataSuite, tmp_path: Path, rate: float
) -> None:
    name = await learning(traces.client, tmp_path, TraceParameters(users=1_000, seed=292, cascade_rate=rate))
    found = await traces.client.traces.compare(ECOMMERCE, name)

    certificate = found.certificate
    assert certificate.recovered
    assert (certificate.edge_count, certificate.cell_count) == (42, 240)
    assert certificate.call_count == 20_556
    assert 0.4 < certificate.ratio_to_bound < 1.6
    assert certificate.ratio_to_bound == pytest.approx(certificate.mean_error_edges / certificate.bound)
    assert certificate.mean_error_cells < certificate.mean_error_edges
    assert len(certificate.rows) == 16
    assert certificate.bonferroni_limit == pytest.approx(0.01 / 16)
    assert len(certificate.latencies) == 15
    assert max(one.relative_distance for one in certificate.latencies) < 0.2
    assert certificate.fault_detection.recall > 0.5 or not rate
    assert not certificate.impossible_edges


async def test_the_document_and_the_picture_say_the_same(traces: TestdataSuite, tmp_path: Path) -> None:
    name = await learning(traces.client, tmp_path, TraceParameters(users=300, seed=1))
    found = await traces.client.traces.compare(ECOMMERCE, name)
    document = json.loads(found.json)
    assert document["verdict"] == found.certificate.verdict
    assert document["ratio_to_bound"] == pytest.approx(found.certificate.ratio_to_bound)
    calls = [point["call_count"] for point in document["curve"]]
    assert calls == sorted(calls)
    assert calls[-1] < found.certificate.call_count
    assert ElementTree.fromstring(found.picture).get("role") == "img"
    assert found.certificate.verdict in found.picture.decode()


async def test_a_truth_may_come_by_name_as_it_is_or_as_yaml(traces: TestdataSuite, tmp_path: Path) -> None:
    name = await learning(traces.client, tmp_path, TraceParameters(users=300, seed=1))
    kept = await traces.client.traces.workflows.get(ECOMMERCE)
    truths = (ECOMMERCE, kept.workflow.spec, WorkflowSource(yaml=kept.yaml))
    found = [(await traces.client.traces.compare(truth, name)).certificate for truth in truths]
    assert found[0] == found[1] == found[2]


async def test_the_row_that_differs_is_told_and_no_other(traces: TestdataSuite, tmp_path: Path) -> None:
    name = await learning(traces.client, tmp_path, TraceParameters(users=2_000, seed=7))
    truth = await spec(traces.client)
    truth.transitions["cart"].next["checkout"] = 0.56
    truth.transitions["cart"].next["logout"] = 0.14
    certificate = (await traces.client.traces.compare(truth, name)).certificate
    assert not certificate.recovered
    assert row(certificate, "cart") < certificate.bonferroni_limit
    assert [one.endpoint for one in certificate.rows if one.p_value < certificate.bonferroni_limit] == ["cart"]
    assert certificate.verdict.startswith("Not recovered: 1 of 16 rows speaks against it (row cart, p = ")


async def test_an_edge_that_cannot_be_is_told_with_its_count(traces: TestdataSuite, tmp_path: Path) -> None:
    name = await learning(traces.client, tmp_path, TraceParameters(users=500, seed=7))
    truth = await spec(traces.client)
    del truth.transitions["details"].next["wishlist"]
    truth.transitions["details"].next["cart"] += 0.1
    truth.transitions["browse"].next["wishlist"] = 0.01
    truth.transitions["browse"].next["logout"] -= 0.01
    certificate = (await traces.client.traces.compare(truth, name)).certificate
    assert not certificate.recovered
    (edge,) = certificate.impossible_edges
    assert (getattr(edge, "from"), edge.to, edge.truth) == ("details", "wishlist", 0)
    assert edge.learned == pytest.approx(0.1, abs=0.03)
    assert edge.count > 50


async def test_another_workflow_altogether_is_no_error(traces: TestdataSuite, tmp_path: Path) -> None:
    name = await learning(traces.client, tmp_path, TraceParameters(users=50), "workflows/microservices")
    certificate = (await traces.client.traces.compare(ECOMMERCE, name)).certificate
    assert not certificate.recovered
    assert "; none of its rows was seen in " in certificate.verdict
    assert certificate.bound == 0


async def test_decks_of_exact_counts_come_closer_than_chance(traces: TestdataSuite, tmp_path: Path) -> None:
    parameters = TraceParameters(users=1_000, seed=2, mode=TraceParameters.MODE_EXACT_COUNTS)
    certificate = (
        await traces.client.traces.compare(ECOMMERCE, await learning(traces.client, tmp_path, parameters))
    ).certificate
    assert certificate.recovered
    assert certificate.ratio_to_bound < 0.5


async def test_what_cannot_be_compared_is_refused(traces: TestdataSuite, tmp_path: Path) -> None:
    compare = traces.client.traces.compare
    name = await learning(traces.client, tmp_path, TraceParameters(users=10))
    async with refused("NOT_FOUND", "LEARNING_NOT_FOUND"):
        await compare(ECOMMERCE, "learnings/none")
    async with refused("NOT_FOUND", "WORKFLOW_NOT_FOUND"):
        await compare("workflows/none", name)
    async with refused("INVALID_ARGUMENT", "WORKFLOW_INVALID") as errors:
        await compare(WorkflowSource(yaml="name: x"), name)
    assert errors[0].violations[0].field.startswith("truth.yaml")
    await traces.client.traces.learnings.delete(name)
    async with refused("NOT_FOUND", "LEARNING_NOT_FOUND"):
        await compare(ECOMMERCE, name)


async def test_the_documents_show_what_is_generated_and_certified(traces: TestdataSuite, tmp_path: Path) -> None:
    name = await learning(traces.client, tmp_path, TraceParameters(seed=292))
    certificate = (await traces.client.traces.compare(ECOMMERCE, name)).certificate
    page = DOCUMENT.read_text()
    assert certificate.verdict in page
    assert sha256((tmp_path / "calls.csv").read_bytes()).hexdigest() in page
