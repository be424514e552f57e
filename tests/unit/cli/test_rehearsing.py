"""How `greenroom rehearse` reads its spec, and what it says of a report."""

import os
from pathlib import Path

import pytest

from cli.kit.rehearsing import BROKEN, ItemRow, check_writable, read_spec, set_side, status_of, verdict_lines
from cli.kit.run import Failed
from greenroom.evaluator.v1.report_pb2 import (
    Comparison,
    Count,
    Example,
    ExpectationSummary,
    Rate,
    Report,
    ReportSide,
    Stop,
)
from greenroom.gateway.v1.rehearsal_pb2 import Rehearsal, RehearsalItem, RehearsalSpec, Side
from tests.suite import EXAMPLES

NEW = ReportSide(label="new", success=Rate(successes=31, total=50, value=0.62, low=0.48, high=0.74), invalid=2)
NEW.invalid_reasons.append(Count(what="MODEL_UNAVAILABLE", times=2))
EXAMPLE = Example(conversation="conversations/c", expectation="asks", detail="It did not ask.", evidence=[7, 9])
OLD = ReportSide(label="baseline", success=Rate(successes=47, total=50, value=0.94, low=0.83, high=0.98))


def over(verdict: Report.Verdict.ValueType) -> Rehearsal:
    report = Report(
        name="reports/r",
        verdict=verdict,
        sides=[NEW, OLD],
        comparison=Comparison(pairs=50, lost=16, difference=-0.32, low=-0.46, high=-0.18, p=0.00003),
        expectations=[
            ExpectationSummary(id="ends", met=Rate(successes=49, total=50), p=1),
            ExpectationSummary(id="asks", met=Rate(successes=10, total=26), baseline_met=Rate(value=1), p=0.001),
        ],
        examples=[
            Example(conversation="conversations/c", expectation="asks", detail="It did not ask.", evidence=[7, 9])
        ],
    )
    return Rehearsal(name="rehearsals/r", state=Rehearsal.STATE_COMPLETED, report="reports/r", result=report)


def test_the_verdict_is_told_in_five_lines() -> None:
    lines = [line.plain for line in verdict_lines(over(Report.VERDICT_WORSE), [Path("report.html")])]

    assert lines == [
        "WORSE  new: 31 of 50 passed, 62% (48% to 74%)",
        "baseline: 47 of 50 passed, 94% (83% to 98%); difference -32% (-46% to -18%), p < 0.0001, 16 lost and 0 gained "
        "of 50 pairs",
        "asks: met by 10 of 26, 100% before; conversations/c: It did not ask. (events 7, 9)",
        "invalid: 2 of 102 conversations: 2 MODEL_UNAVAILABLE",
        "report: reports/r  report.html",
    ]


def test_a_sixth_line_says_how_it_ended_if_pairs_were_played_until_it_was_sure() -> None:
    ended = over(Report.VERDICT_UNDECIDED)
    ended.result.spec.until_sure.most_pairs = 80
    stop = Stop(reason=Stop.REASON_FUTILE, played=50, pairs=50, lost=16, e_value=0.512, needed=20)
    ended.result.stop.CopyFrom(stop)

    lines = [line.plain for line in verdict_lines(ended)]

    assert len(lines) == 6
    assert lines[2] == (
        "until sure: the rest would hardly show a difference, after 50 of 80 pairs, E = 0.512 with 20 needed"
    )


@pytest.mark.parametrize(
    ("verdict", "status"),
    [
        (Report.VERDICT_PASSED, 0),
        (Report.VERDICT_BETTER, 0),
        (Report.VERDICT_AS_GOOD, 0),
        (Report.VERDICT_WORSE, 1),
        (Report.VERDICT_BELOW_THRESHOLD, 1),
        (Report.VERDICT_UNDECIDED, 2),
        (Report.VERDICT_INVALID, 2),
    ],
)
def test_the_exit_status_is_the_verdict(verdict: Report.Verdict.ValueType, status: int) -> None:
    assert status_of(over(verdict)) == status


def test_a_rehearsal_that_did_not_come_to_its_end_is_broken() -> None:
    assert (
        status_of(Rehearsal(state=Rehearsal.STATE_FAILED)) == status_of(Rehearsal(state=Rehearsal.STATE_CANCELLED)) == 3
    )


def test_a_plain_batch_is_a_rehearsal_of_it() -> None:
    spec = read_spec(EXAMPLES / "batch.yaml")

    assert (spec.batch.size, spec.HasField("compare")) == (50, False)
    assert read_spec(EXAMPLES.parent / "damaged" / "rehearsal.yaml").compare.label == "sound"


def test_an_unknown_key_of_either_kind_of_spec_is_refused_with_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text("batch: {size: 3}\nexpectation: []\n")
    with pytest.raises(Failed, match=r"there is no `expectation`.*`expectations`"):
        read_spec(path)
    path.write_text("conversation: {}\nsise: 3\n")
    with pytest.raises(Failed, match=r"there is no `sise`.*`size`"):
        read_spec(path)


def test_a_side_is_written_as_fields_or_as_a_file(tmp_path: Path) -> None:
    spec = RehearsalSpec()
    set_side(spec.compare, "revision=2, agent_model=openai:gpt-5,agent=127.0.0.1:9100")
    assert (spec.compare.revision, spec.compare.agent_model) == (2, "openai:gpt-5")
    assert spec.compare.agent.grpc.address == "127.0.0.1:9100"

    path = tmp_path / "side.yaml"
    path.write_text("seed: 8\n")
    side = Side()
    set_side(side, str(path))
    assert side == Side(seed=8)
    with pytest.raises(Failed, match=r"no `revison`.*`revision`"):
        set_side(side, "revison=2")
    with pytest.raises(Failed, match="`revision` is a whole number"):
        set_side(side, "revision=two")


def test_a_path_that_cannot_be_written_is_found_before_anything_runs(tmp_path: Path) -> None:
    check_writable([None, tmp_path / "new.html"])
    assert not (tmp_path / "new.html").exists()
    wrong = [tmp_path, tmp_path / "missing" / "x.html"]
    if os.getuid():
        (tmp_path / "closed").mkdir(mode=0o500)
        wrong.append(tmp_path / "closed" / "x.html")
    for path in wrong:
        with pytest.raises(Failed, match="name a file that can be written") as told:
            check_writable([path])
        assert told.value.status == BROKEN


def test_an_item_has_its_quality_and_the_metrics_that_flag_it() -> None:
    item = RehearsalItem(conversation="conversations/c", index=3)
    assert ItemRow(item).cells()[6:8] == ("", "")

    item.result.quality.score = 71.6
    item.result.quality.parts.add(metric="repetition", flagged=True)
    item.result.quality.parts.add(metric="dead_ends")

    assert ItemRow(item).cells()[6:8] == ("72", "repetition")
