"""Logs that cannot be learned from, and the errors that say why and in which row."""

import gzip
from pathlib import Path

import pytest

from services.testdata.traces.logs.errors import (
    LogColumnMissing,
    LogColumnUnfit,
    LogEmpty,
    LogMalformed,
    LogTruncated,
    TooManyEndpoints,
)
from services.testdata.traces.logs.formats import Columns, LogKind
from shared.errors import GreenroomError
from tests.unit.testdata.learn import EVENTS, learned, parquet, zipped

RUBBISH = bytes(range(256)) * 400


@pytest.mark.parametrize("kind", LogKind)
def test_rubbish_of_any_kind_is_refused_and_never_a_crash(tmp_path: Path, kind: LogKind) -> None:
    for log in (
        RUBBISH,
        b"\x00" * 10_000,
        b"\xff\xfe" * 5_000,
        RUBBISH[::-1],
        b"PAR1" + RUBBISH + b"PAR1",
        b"[]",
        b"{}",
    ):
        for content in (log, gzip.compress(log)):
            with pytest.raises(GreenroomError) as caught:
                learned(tmp_path, content, kind)
            assert caught.value.code == "INVALID_ARGUMENT"
            assert "the.log" in str(caught.value)


@pytest.mark.parametrize("kind", LogKind)
def test_an_empty_log_is_refused(tmp_path: Path, kind: LogKind) -> None:
    with pytest.raises(GreenroomError, match=r"the\.log"):
        learned(tmp_path, b"", kind)


def test_damaged_gzip_is_refused_with_the_place(tmp_path: Path) -> None:
    log = EVENTS + "".join(f"{n},a,{n}\n" for n in range(400_000))
    whole = zipped(log)

    with pytest.raises(LogTruncated, match=r"after row [1-9]"):
        learned(tmp_path, whole[:-1000], LogKind.EVENT_LOG)
    with pytest.raises(LogMalformed, match="gzip"):
        learned(tmp_path, whole[:500_000] + b"\x00" * 100 + whole[500_100:], LogKind.EVENT_LOG)


def test_damaged_parquet_is_refused(tmp_path: Path) -> None:
    whole = parquet(tmp_path, session=list(range(50_000)), endpoint=["a"] * 50_000, timestamp=list(range(50_000)))

    with pytest.raises(LogMalformed, match="Parquet"):
        learned(tmp_path, whole[: len(whole) // 2], LogKind.PARQUET)
    with pytest.raises(LogMalformed, match="Parquet"):
        learned(tmp_path, whole[:100] + b"\x99" * 5_000 + whole[5_100:], LogKind.PARQUET)


def test_a_missing_column_is_named_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(
        LogColumnMissing, match=r"no column 'activity' to take the endpoint from; it has 'case_id', 'x'"
    ):
        learned(tmp_path, "case_id,x,timestamp\n1,a,2\n", LogKind.EVENT_LOG)
    with pytest.raises(LogColumnMissing, match="'nope'"):
        learned(tmp_path, EVENTS + "1,a,2\n", LogKind.EVENT_LOG, Columns(latency="nope"))


def test_a_column_of_an_unfit_type_is_named(tmp_path: Path) -> None:
    log = parquet(tmp_path, session=[1], endpoint=["a"], timestamp=[[1]])
    with pytest.raises(LogColumnUnfit, match=r"'timestamp'.*list"):
        learned(tmp_path, log, LogKind.PARQUET)


def test_a_log_of_nothing_but_faults_says_which(tmp_path: Path) -> None:
    with pytest.raises(LogEmpty, match="BAD_TIMESTAMP 2 times, first in row 2"):
        learned(tmp_path, EVENTS + "1,a,x\n1,b,y\n", LogKind.EVENT_LOG)


def test_two_thousand_endpoints_are_learned_and_one_more_is_refused(tmp_path: Path) -> None:
    rows = [f"{n % 7},e{n},{n}\n" for n in range(2_001)]

    found = learned(tmp_path, EVENTS + "".join(rows[:-1]), LogKind.EVENT_LOG)

    assert len(found.endpoints) == 2_000
    with pytest.raises(TooManyEndpoints, match="more than 2,000"):
        learned(tmp_path, EVENTS + "".join(rows), LogKind.EVENT_LOG)
