"""Learn real logs, predict held-out cases, and generate from the learned chains."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
from pathlib import Path

import pytest

from services.testdata.traces.generation import compile_chain, generate, session_count
from services.testdata.traces.learn.gathering import Gathering
from services.testdata.traces.learn.learn import learn
from services.testdata.traces.learn.model import Learned
from services.testdata.traces.learn.report import Report
from services.testdata.traces.learn.rows import Cleaning
from services.testdata.traces.learn.sessions import in_sessions
from services.testdata.traces.logs.formats import SESSION_GAP, Columns, LogFormat, LogKind
from services.testdata.traces.logs.opening import opened
from services.testdata.traces.logs.readers import READERS
from services.testdata.traces.parameters import Parameters
from services.testdata.traces.validation import faults
from services.testdata.traces.workflow import Workflow
from shared.limits import Budget
from tests.data import shared_data

EVENTS = LogFormat(LogKind.EVENT_LOG)
ACCESS = LogFormat(LogKind.ACCESS_LOG)
VISITS = LogFormat(LogKind.CSV, Columns("session_id", "activity"))
CLOUD = LogFormat(LogKind.CSV, Columns("session_id", "activity"))
SPANS = LogFormat(LogKind.CSV, Columns("trace_id", "operation", "start_ms", "duration_ms"))

Case = Sequence[str]
END = ""
FOLDS = 5


@dataclass(frozen=True)
class Expected:
    """The counts of a log, and the least accuracy of its learned chain.

    accuracy: at least this share of successors (or the end) is predicted in held-out cases, by 5-fold cross-validation.
    baseline: at most this share if the most frequent successor is always predicted. Both are measured figures, with a
    margin of one percentage point.
    """

    format: LogFormat
    sessions: int
    calls: int
    accuracy: float
    baseline: float


LOGS = {
    "eventlogs/bpic2012_loan.csv.gz": Expected(EVENTS, 7_845, 156_882, 0.64, 0.21),
    "eventlogs/bpic2020_domestic_declarations.csv.gz": Expected(EVENTS, 6_109, 32_823, 0.885, 0.182),
    "eventlogs/bpic2020_request_for_payment.csv.gz": Expected(EVENTS, 4_076, 21_743, 0.878, 0.182),
    "eventlogs/coselog_receipt.csv.gz": Expected(EVENTS, 1_434, 8_577, 0.787, 0.153),
    "eventlogs/helpdesk_tickets.csv.gz": Expected(EVENTS, 2_687, 12_539, 0.844, 0.204),
    "weblogs/apache_combined_raw.log.gz": Expected(ACCESS, 511, 1_500, 0.264, 0.264),
    "weblogs/apache_semicomplete.csv.gz": Expected(VISITS, 2_005, 6_500, 0.313, 0.246),
    "apitraces/aws_cloudtrail.csv.gz": Expected(CLOUD, 137, 2_900, 0.236, 0.013),
    "apitraces/trainticket_spans.csv.gz": Expected(SPANS, 2_848, 36_371, 0.617, 0.28),
}


@dataclass(frozen=True)
class Found:
    """The results of a log. regenerated: calls of equally many cases, generated from the learned chain."""

    learned: Learned
    accuracy: float
    baseline: float
    cases: int
    regenerated: int


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Found]:
    """All logs, each learned once."""
    folder = tmp_path_factory.mktemp("real")
    return {name: examined(name, LOGS[name].format, folder) for name in LOGS}


def examined(name: str, log_format: LogFormat, folder: Path) -> Found:
    kind, file = name.split("/")
    path = shared_data(kind) / file
    learned = learn([(file, path)], log_format, "learned", folder)
    cases = cases_of(path, log_format)
    hits: Counter[str] = Counter()
    for fold in range(FOLDS):
        held_back = cases[fold::FOLDS]
        rest = [case for place, case in enumerate(cases) if place % FOLDS != fold]
        known = learn([("rest", written(rest, folder / "rest.csv"))], EVENTS, "rest", folder).workflow
        most = Counter(after for case in rest for after in [*case, END]).most_common(1)[0][0]
        for before, after in (step for case in held_back for step in steps(case)):
            hits["steps"] += 1
            hits["chain"] += prediction(known, before, most) == after
            hits["most"] += most == after
    chain = compile_chain(learned.workflow, as_many(len(cases)))
    again = generate(chain, 1, session_count(chain))
    return Found(
        learned=learned,
        accuracy=hits["chain"] / hits["steps"],
        baseline=hits["most"] / hits["steps"],
        cases=session_count(chain),
        regenerated=len(again),
    )


def cases_of(path: Path, log_format: LogFormat) -> list[Case]:
    """The sessions of the log as lists of endpoints, in the order of their first rows."""
    report = Report(path.name)
    gathering, cleaning = Gathering(report), Cleaning(report)
    with opened(path, Budget(path.stat().st_size), random=False) as (stream, _):
        for rows in READERS[log_format.kind](stream, log_format, report):
            gathering.add(cleaning.clean(rows))
    calls, endpoints = gathering.calls()
    gap = SESSION_GAP if log_format.kind is LogKind.ACCESS_LOG else None
    sessions = in_sessions(calls, gathering, report, gap)
    names = [endpoints[code] for code in sessions.calls.endpoint]
    bounds = sessions.starts.tolist()
    return [names[start:end] for start, end in pairwise(bounds)]


def written(cases: Sequence[Case], path: Path) -> Path:
    """The cases as an event log."""
    rows = (f'{case},"{name}",{place}\n' for case, names in enumerate(cases) for place, name in enumerate(names))
    path.write_text("case_id,activity,timestamp\n" + "".join(rows))
    return path


def steps(case: Case) -> Iterator[tuple[str, str]]:
    """Pairs of an endpoint and its successor, including entry and exit."""
    return zip(["", *case], [*case, END], strict=True)


def prediction(workflow: Workflow, before: str, most: str) -> str:
    """The most probable successor; after an unseen endpoint, the most frequent one."""
    if not before:
        return max(workflow.entry_points.items(), key=itemgetter(1))[0]
    outcomes = {**workflow.transitions.get(before, {}), END: workflow.exit_points.get(before, 0.0)}
    likely, chance = max(outcomes.items(), key=itemgetter(1))
    return likely if chance else most


def as_many(cases: int) -> Parameters:
    """One session per case, without failures."""
    return Parameters(users=cases, sessions_mean=1, sessions_std=0, cascade_rate=0, seed=1)


@pytest.mark.parametrize("name", LOGS)
def test_a_real_log_is_read_whole_and_gives_a_valid_chain(found: Mapping[str, Found], name: str) -> None:
    learned, expected = found[name].learned, LOGS[name]

    assert (learned.sessions, learned.calls) == (expected.sessions, expected.calls)
    assert {one.reason for one in learned.skipped} <= {"OUT_OF_ORDER"}
    assert faults(learned.workflow, "") == []


@pytest.mark.parametrize("name", LOGS)
def test_the_learned_chain_says_what_comes_next_better_than_the_most_frequent(
    found: Mapping[str, Found], name: str
) -> None:
    assert found[name].accuracy > LOGS[name].accuracy
    assert found[name].baseline < LOGS[name].baseline
    assert found[name].accuracy > found[name].baseline


@pytest.mark.parametrize("name", LOGS)
def test_as_many_cases_are_generated_again_with_about_as_many_calls(found: Mapping[str, Found], name: str) -> None:
    assert found[name].cases == LOGS[name].sessions
    assert found[name].regenerated == pytest.approx(LOGS[name].calls, rel=0.06)


def test_the_loan_log_needs_order_2(found: Mapping[str, Found]) -> None:
    test = found["eventlogs/bpic2012_loan.csv.gz"].learned.order_test

    assert not test.order_1_is_enough
    assert test.p_value < 1e-12
    assert test.bic_difference < -100_000


def test_every_log_is_predicted_better_than_by_its_most_frequent_step(
    found: Mapping[str, Found], capsys: pytest.CaptureFixture[str]
) -> None:
    head = f"{'log':48}{'cases':>7}{'calls':>9}{'again':>9}{'edges':>7}{'top-1':>8}{'most':>8}{'order':>7}\n"
    with capsys.disabled():
        sys.stdout.write("\n" + head + "".join(f"{name:48}{row(one)}\n" for name, one in found.items()))
    assert [name for name, one in found.items() if one.accuracy <= one.baseline] == []


def row(found: Found) -> str:
    learned = found.learned
    counts = f"{found.cases:7,}{learned.calls:9,}{found.regenerated:9,}{len(learned.edges):7,}"
    return f"{counts}{found.accuracy:8.1%}{found.baseline:8.1%}{1 if learned.order_test.order_1_is_enough else 2:7}"
