"""What is learned: intervals, latencies, faults, checkpoints, exports, and a chain that can be generated from."""

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from google.protobuf.json_format import MessageToJson
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from services.testdata.learnings import folders
from services.testdata.learnings.errors import UploadTooLarge
from services.testdata.learnings.model import LearningSpec, read_learned, write_learned
from services.testdata.learnings.store import read_spec, write_spec
from services.testdata.learnings.task import learn_log, progress_in
from services.testdata.traces.certificate import QUANTILES
from services.testdata.traces.formats.otlp import Otlp
from services.testdata.traces.formats.parquet import write_parquet
from services.testdata.traces.generation import Calls, Chain, compile_chain, generate, session_count
from services.testdata.traces.learn import learn as learning
from services.testdata.traces.learn.model import Learned
from services.testdata.traces.logs.errors import TooManyEdges
from services.testdata.traces.logs.formats import Columns, LogFormat, LogKind
from services.testdata.traces.parameters import Parameters
from services.testdata.traces.statistics import wilson
from services.testdata.traces.validation import faults
from services.testdata.traces.workflow import Workflow
from services.testdata.traces.workflow_yaml import read_yaml, write_yaml
from services.testdata.workflows.builtin import built_in
from tests.unit.testdata.chains import SHOP
from tests.unit.testdata.learn import edge, edges, learned, skipped

EVENTS = "case_id,activity,timestamp\n"
OURS = "timestamp,session,endpoint,method,status,latency_ms,fault_id,fault_kind\n"
SMALL = EVENTS + "1,a,1\n1,b,2\n2,a,1\n2,a,5\n3,b,9\n4,a,3\n"


def generated(parameters: Parameters) -> tuple[Chain, Calls]:
    chain = compile_chain(SHOP, parameters)
    return chain, generate(chain, 1, session_count(chain))


def relearned(folder: Path, chain: Chain, calls: Calls) -> Learned:
    path = folder / "calls.parquet"
    with path.open("wb") as file:
        write_parquet(chain, [calls], file, {})
    return learned(folder, path.read_bytes(), LogKind.PARQUET)


def test_probabilities_are_shares_of_what_left_with_their_wilson_intervals(tmp_path: Path) -> None:
    found = learned(tmp_path, SMALL, LogKind.EVENT_LOG)

    assert [(one.start, one.to, one.count) for one in found.edges] == [
        *[("", "a", 3), ("", "b", 1)],
        *[("a", "a", 1), ("a", "b", 1), ("a", "", 2)],
        ("b", "", 2),
    ]
    exit_of_a = edge(found, "a", "")
    assert (exit_of_a.probability, exit_of_a.low, exit_of_a.high) == (0.5, *wilson(2, 4))


def test_a_learned_chain_is_valid_and_survives_yaml_as_it_is(tmp_path: Path) -> None:
    workflow = learned(tmp_path, SMALL, LogKind.EVENT_LOG).workflow

    assert faults(workflow, "") == []
    assert read_yaml(write_yaml(workflow)) == workflow
    assert workflow.avg_response_times == {"a": 100.0, "b": 100.0}, "the default of a log without latencies"
    assert workflow.error_rates == {"a": 0.0, "b": 0.0}
    assert len(generate(compile_chain(workflow, Parameters(users=50)), 1, 100)) >= 100


def test_checkpoints_count_the_first_half_quarter_and_so_on_of_the_sessions(tmp_path: Path) -> None:
    found = learned(tmp_path, SMALL, LogKind.EVENT_LOG)

    assert [(one.calls, one.counts) for one in found.checkpoints] == [(2, (1, 0, 0, 1, 0, 1)), (4, (2, 0, 1, 1, 1, 1))]
    assert found.evidence.checkpoints[0][1]["a", "b"] == 1


def test_calls_in_cascades_are_left_out_of_latencies_and_error_rates_and_retries_out_of_the_chain(
    tmp_path: Path,
) -> None:
    rows = [f"{n},{n},a,GET,200,{10 + n % 3},0," for n in range(30)]
    rows += ["50,99,a,GET,504,30000,99,timeout", "51,99,a,GET,504,30000,99,retry", "52,99,b,GET,500,7,0,"]

    found = learned(tmp_path, OURS + "\n".join(rows) + "\n", LogKind.CSV)

    a, b = found.endpoints
    assert (a.count, a.error_rate) == (31, 0)
    assert a.mean == pytest.approx(11)
    assert a.quantiles == pytest.approx(np.quantile([10, 11, 12], QUANTILES, method="inverted_cdf").tolist(), abs=0.6)
    assert (b.mean, b.error_rate) == (7, 1)
    assert edges(found) == {("", "a"): 31, ("a", "b"): 1, ("a", ""): 30, ("b", ""): 1}
    assert skipped(found) == {"RETRY": (1, 33)}
    assert found.detection is not None
    assert (found.detection.precision, found.detection.recall, found.detection.faults) == (1, 1, 2)


def test_what_was_generated_is_learned_back(tmp_path: Path) -> None:
    chain, calls = generated(Parameters(users=8_000, cascade_rate=0.2, seed=7))

    found = relearned(tmp_path, chain, calls)

    retries = int((calls.fault_kind == 4).sum())
    assert (found.sessions, found.calls) == (session_count(chain), len(calls) - retries)
    for name, share in SHOP.entry_points.items():
        one = edge(found, "", name)
        assert one.probability == pytest.approx(share, abs=0.02)
    means = {one.name: one.mean for one in found.endpoints}
    assert means == pytest.approx(SHOP.avg_response_times, rel=0.05)
    assert {one.name: one.error_rate for one in found.endpoints} == pytest.approx(chain_error_rates(), abs=0.02)
    assert found.workflow.methods == {**dict.fromkeys(SHOP.endpoints, "GET"), **SHOP.methods}
    assert found.order_test.order_1_is_enough
    assert found.detection is not None
    assert found.detection.faults == int((calls.fault_id > 0).sum())
    assert found.detection.precision > 0.9
    assert found.detection.recall > 0.8


def chain_error_rates() -> dict[str, float]:
    return {endpoint: SHOP.error_rates.get(endpoint, 0.05) for endpoint in SHOP.endpoints}


@pytest.mark.parametrize("workflow", [SHOP, built_in()["workflows/microservices"].workflow], ids=["plain", "graph"])
def test_traces_that_a_collector_writes_as_json_are_learned_back(tmp_path: Path, workflow: Workflow) -> None:
    chain = compile_chain(workflow, Parameters(users=200, cascade_rate=0.3, seed=5))
    calls = generate(chain, 1, session_count(chain))
    traces = TracesData.FromString(Otlp(chain).encode(calls))
    of_calls = relearned(tmp_path, chain, calls)

    found = learned(tmp_path, MessageToJson(traces, indent=None), LogKind.OTLP_JSON)

    assert edges(found) == edges(of_calls)
    assert (found.sessions, found.calls, found.detection) == (of_calls.sessions, of_calls.calls, of_calls.detection)
    assert [(one.name, one.method, one.error_rate) for one in found.endpoints] == [
        (one.name, one.method, one.error_rate) for one in of_calls.endpoints
    ]


def test_the_order_of_a_logs_sessions_does_not_matter_for_what_is_learned(tmp_path: Path) -> None:
    chain, calls = generated(Parameters(users=300, cascade_rate=0, seed=2))
    order = np.random.default_rng(1).permutation(len(calls))
    shuffled = Calls(*(column[order] for column in calls.arrays))

    straight, mixed = relearned(tmp_path, chain, calls), relearned(tmp_path, chain, shuffled)

    assert edges(straight) == edges(mixed)
    assert straight.order_test == mixed.order_test
    assert set(skipped(mixed)) == {"OUT_OF_ORDER"}


def test_exports_hold_what_was_counted(tmp_path: Path) -> None:
    log = OURS + "1000,s,a,GET,200,10,0,\n3000,s,b,GET,500,,0,\n4000,s,a,GET,200,30,5,slow\n2000,t,b,GET,200,,0,\n"

    found = learned(tmp_path, log, LogKind.CSV)

    transitions = pq.read_table(tmp_path / "transitions.parquet").to_pylist()
    assert [(row["from"], row["to"], row["count"], row["probability"]) for row in transitions] == [
        (one.start, one.to, one.count, one.probability) for one in found.edges
    ]
    assert pq.read_table(tmp_path / "ngrams.parquet").to_pylist() == [
        {"n": 2, "first": "a", "second": "b", "third": None, "count": 1},
        {"n": 2, "first": "b", "second": "a", "third": None, "count": 1},
        {"n": 3, "first": "a", "second": "b", "third": "a", "count": 1},
    ]
    features = pq.read_table(tmp_path / "session_features.parquet").to_pylist()
    assert [{key: value for key, value in row.items() if key != "start"} for row in features] == [
        {
            "session": "s",
            "calls": 3,
            "duration_ms": 3030.0,
            "errors": 1,
            "faults": 1,
            "latency_mean_ms": 20.0,
            "latency_max_ms": 30.0,
            "count: a": 2,
            "count: b": 1,
        },
        {
            "session": "t",
            "calls": 1,
            "duration_ms": 0.0,
            "errors": 0,
            "faults": 0,
            "latency_mean_ms": None,
            "latency_max_ms": None,
            "count: a": 0,
            "count: b": 1,
        },
    ]


def test_session_features_are_written_part_by_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = learned(tmp_path, SMALL, LogKind.EVENT_LOG)
    at_once = pq.read_table(tmp_path / "session_features.parquet")
    monkeypatch.setattr("services.testdata.traces.learn.exports._CELLS", 2)

    assert learned(tmp_path, SMALL, LogKind.EVENT_LOG) == whole
    assert pq.read_table(tmp_path / "session_features.parquet") == at_once


def test_what_was_learned_is_read_back_as_it_was_kept(tmp_path: Path) -> None:
    chain, calls = generated(Parameters(users=100, cascade_rate=0.5))
    found = relearned(tmp_path, chain, calls)
    log_format = LogFormat(LogKind.CSV, Columns(session="who"), 17.5)

    assert read_learned(write_learned(found)) == found
    for spec in (
        LearningSpec(dataset="datasets/x"),
        LearningSpec(path="a/b", log_format=log_format, workflow_name="w"),
    ):
        assert read_spec(write_spec(spec)) == spec


def test_more_edges_than_an_answer_can_hold_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "MOST_BYTES", 1_500)
    names = [f"endpoint-{number}" for number in range(12)]
    rows = "".join(f"1,{names[n * n % 7]},{n}\n" for n in range(100))

    with pytest.raises(TooManyEdges, match="different edges"):
        learned(tmp_path, EVENTS + rows, LogKind.EVENT_LOG)


async def test_an_upload_that_is_too_large_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "MAX_LOG", 100)

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * 40

    with pytest.raises(UploadTooLarge, match="up to 100 bytes"):
        await folders.spool(chunks(), tmp_path / "log")


def test_a_task_says_how_far_it_is_and_clears_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "log").write_text(SMALL)
    (tmp_path / "exports").mkdir()
    seen = []
    monkeypatch.setattr("services.testdata.learnings.task._EVERY", 0)
    monkeypatch.setattr(learning, "write_exports", lambda folder, *_: seen.append(progress_in(folder)))

    document = learn_log([("a", tmp_path / "log")], LogFormat(LogKind.EVENT_LOG), "name", tmp_path / "exports")

    assert read_learned(document).name == "name"
    assert [(one.bytes_done, one.calls) for one in seen if one] == [(len(SMALL), 6)]
    assert progress_in(tmp_path / "exports") is None
