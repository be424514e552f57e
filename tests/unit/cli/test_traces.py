"""How the trace commands parse their options and print progress."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console
from rich.text import Text

from cli.kit.bars import Bar, pace, size
from cli.kit.run import Failed
from cli.traces.log_formats import Kind, log_format
from cli.traces.options import Arrival, Generation, Mode, session_range, workflow_source
from greenroom.testdata.v1.trace_call_pb2 import TraceParameters
from greenroom.testdata.v1.trace_learning_pb2 import LogFormat


@pytest.mark.parametrize(
    ("said", "first", "count"),
    [("1-1000", 1, 1_000), ("5000000-5001000", 5_000_000, 1_001), ("17", 17, 1), ("5,000-", 5_000, 0), ("7-7", 7, 1)],
)
def test_a_range_of_sessions_is_first_and_count(said: str, first: int, count: int) -> None:
    found = session_range(said)
    assert (found.first, found.count) == (first, count)


@pytest.mark.parametrize("said", ["0", "0-5", "9-3", "-5", "a-b", "1-2-3", "", "9" * 30])
def test_what_is_no_range_of_sessions_is_refused(said: str) -> None:
    with pytest.raises(Failed, match="is not a range of sessions"):
        session_range(said)


def test_what_is_not_given_is_left_to_the_server() -> None:
    assert Generation().parameters == TraceParameters(
        arrival=TraceParameters.ARRIVAL_WEEKLY, mode=TraceParameters.MODE_INDEPENDENT
    )
    assert not Generation().parameters.HasField("cascade_rate")
    assert Generation().range is None


def test_options_become_parameters() -> None:
    wanted = Generation(
        users=7,
        sessions_mean=5,
        start="2026-03-01T08:00:00+01:00",
        days=2,
        arrival=Arrival.UNIFORM,
        user_type=["trial=80", "paying=20"],
        cascade_rate=0,
        seed=-3,
        mode=Mode.EXACT_COUNTS,
        deck_size=50,
    ).parameters
    assert (wanted.users, wanted.seed, wanted.deck_size) == (7, -3, 50)
    assert (wanted.sessions_per_user.mean, wanted.sessions_per_user.std) == (5, 2)
    assert wanted.start_time.ToDatetime(UTC) == datetime(2026, 3, 1, 7, tzinfo=UTC)
    assert wanted.end_time.ToDatetime(UTC) == datetime(2026, 3, 3, 7, tzinfo=UTC)
    assert [(one.name, one.weight) for one in wanted.user_types] == [("trial", 80), ("paying", 20)]
    assert wanted.HasField("cascade_rate")
    assert (wanted.arrival, wanted.mode) == (TraceParameters.ARRIVAL_UNIFORM, TraceParameters.MODE_EXACT_COUNTS)


def test_a_time_without_a_zone_is_utc() -> None:
    parameters = Generation(start="2026-01-07", end="2026-01-08T06:00").parameters
    assert parameters.start_time.ToDatetime(UTC) == datetime(2026, 1, 7, tzinfo=UTC)
    assert parameters.end_time.ToDatetime(UTC) == datetime(2026, 1, 8, 6, tzinfo=UTC)


@pytest.mark.parametrize("days", [1e9, 1e300, float("inf"), float("nan")])
def test_a_time_beyond_all_calendars_is_refused(days: float) -> None:
    with pytest.raises(Failed, match="3,660 days at most"):
        _ = Generation(days=days).parameters


def test_a_workflow_is_a_name_or_a_file(tmp_path: Path) -> None:
    assert workflow_source("ecommerce").name == workflow_source("workflows/ecommerce").name == "workflows/ecommerce"
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\n")
    assert workflow_source(str(path)).yaml == "name: mine\n"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(Failed, match="not UTF-8 text"):
        workflow_source(str(path))


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("a.csv", LogFormat.KIND_CSV),
        ("a.jsonl.gz", LogFormat.KIND_JSONL),
        ("part-00000.parquet", LogFormat.KIND_PARQUET),
        ("access.log.gz", LogFormat.KIND_ACCESS_LOG),
        ("spans.json", LogFormat.KIND_OTLP_JSON),
    ],
)
def test_a_log_is_told_by_its_name(file: str, kind: LogFormat.Kind.ValueType) -> None:
    assert log_format(None, None, None, file).kind == kind
    assert log_format(Kind.EVENT_LOG, None, None, file).kind == LogFormat.KIND_EVENT_LOG


def test_columns_are_given_by_role() -> None:
    found = log_format(Kind.CSV, ["session=who", "endpoint=a=b", "status=-"], 60.5, "x")
    assert (found.columns.session, found.columns.endpoint, found.columns.status) == ("who", "a=b", "-")
    assert found.session_gap_seconds == 60.5
    with pytest.raises(Failed, match="did you mean `session`"):
        log_format(Kind.CSV, ["sesion=who"], None, "x")


def test_sizes_and_rates_are_told_in_units() -> None:
    assert [size(count) for count in (0, 999, 1_000, 2_500_000, 3e9, 4e13)] == [
        *("0 B", "999 B", "1.0 kB", "2.5 MB", "3.0 GB", "40.0 TB")
    ]
    assert (pace(1_500, 1), pace(45_000_000, 10)) == ("1,500 calls/s", "4.5 M calls/s")
    assert pace(5, 0) == "5,000 calls/s"


def test_a_bar_says_how_far_it_is() -> None:
    bar = Bar(4_000, "sessions")
    bar.done, bar.words = 1_000, "3 calls"
    out = Console(file=io.StringIO(), width=60, force_terminal=True, color_system=None)
    out.print(bar.frame(Text()))
    assert isinstance(out.file, io.StringIO)
    first, second = out.file.getvalue().splitlines()
    assert first.endswith("1,000 of 4,000 sessions")
    assert second.startswith("3 calls · ")


def test_a_bar_of_which_nobody_knows_how_long_it_is_says_only_what_goes_on() -> None:
    out = Console(file=io.StringIO(), width=60, force_terminal=True, color_system=None)
    out.print(Bar(0, "calls", "learns from access.log").frame(Text()))
    assert isinstance(out.file, io.StringIO)
    first, second = out.file.getvalue().splitlines()
    assert " of " not in first
    assert second == "learns from access.log · 0 s"
