"""What a report says about the results of one side or two."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from greenroom.evaluator.v1 import report_pb2 as pb
from services.evaluator.reports.build import build
from services.evaluator.reports.errors import NotComparable, ReportInvalid
from services.evaluator.reports.messages import read_spec, report_json
from services.evaluator.reports.model import Covered, Pair, Report, ReportSpec, Verdict
from services.evaluator.reports.rendering.junit import junit
from services.evaluator.reports.rendering.markdown import markdown
from services.evaluator.reports.rendering.page import page
from services.evaluator.scores.model import Outcome, Score
from shared.statistics.e_process import e_value
from shared.statistics.until_sure import Reason, Rule
from tests.unit.evaluator.reports import NEW, OLD, compared, evaluated, result, side


def test_a_side_that_fails_more_of_the_same_conversations_is_worse_and_the_report_shows_where() -> None:
    report = compared(lambda index: index % 3 != 0, lambda index: index % 20 != 0)
    assert report.verdict is Verdict.WORSE
    assert report.headline == (
        "new is worse: it passed 33 of 50 conversations, baseline 47 of 50; the difference is −28 points "
        "(95 % interval −42 to −13, p < 0.001)."
    )
    assert report.comparison is not None
    assert (report.comparison.gained, report.comparison.lost, report.comparison.pairs) == (2, 16, 50)
    assert report.comparison.lost_pairs[0] == Pair("conversations/new-3", "conversations/old-3")
    [expectation] = report.expectations
    assert expectation.p < 0.001
    first = report.examples[0]
    assert (first.conversation, first.baseline) == ("conversations/new-3", "conversations/old-3")
    assert (first.detail, first.evidence) == ("It never called refund; it called find_order twice.", (4, 6))
    assert len(report.examples) == 3
    assert Covered("STEP", "1 refund", 33) in report.coverage


def test_a_side_that_passes_more_is_better() -> None:
    assert compared(lambda index: index != 3, lambda index: index % 4 != 0).verdict is Verdict.BETTER


def test_enough_conversations_alike_are_as_good_and_too_few_are_no_verdict_yet() -> None:
    assert compared(lambda _: True, lambda _: True).verdict is Verdict.AS_GOOD
    few = compared(lambda _: True, lambda _: True, size=8)
    assert few.verdict is Verdict.UNDECIDED
    assert few.more_conversations == 69
    assert "about 69 more conversations would tell" in few.headline


def test_invalid_conversations_count_for_no_side_and_above_their_share_there_is_no_verdict() -> None:
    some = compared(lambda index: None if index < 10 else True, lambda _: True)
    assert some.verdict is Verdict.AS_GOOD
    assert (some.judged.success.total, some.judged.invalid, some.judged.success.value) == (40, 10, 1)
    assert some.comparison is not None
    assert some.comparison.pairs == 40
    assert "Left out of the comparison: 10 pairs with an invalid conversation." in some.notes
    many = compared(lambda index: None if index < 11 else True, lambda _: True)
    assert many.verdict is Verdict.INVALID
    assert "11 of 50 conversations of new are invalid (22 %, more than 20 %): MODEL_UNREACHABLE 11" in many.headline


def test_of_nothing_but_invalid_conversations_there_is_no_verdict_even_if_they_are_allowed() -> None:
    spec = ReportSpec(NEW, most_invalid=1.0)
    assert build(spec, side(NEW, lambda _: None), None).verdict is Verdict.INVALID


@pytest.mark.parametrize(
    ("threshold", "verdict"),
    [
        (None, Verdict.PASSED),
        (0.5, Verdict.PASSED),
        (0.9, Verdict.UNDECIDED),
        (0.99, Verdict.BELOW_THRESHOLD),
    ],
)
def test_one_side_is_judged_by_its_threshold(threshold: float | None, verdict: Verdict) -> None:
    report = build(ReportSpec(NEW, threshold=threshold), side(NEW, lambda index: index % 9 != 0), None)
    assert report.verdict is verdict
    assert (report.more_conversations > 0) == (verdict is Verdict.UNDECIDED)
    assert report.comparison is None


def test_a_threshold_holds_beside_a_baseline_and_the_worse_verdict_counts() -> None:
    spec = ReportSpec(NEW, OLD, threshold=0.99)
    better = compared(lambda index: index % 9 != 0, lambda index: index % 2 != 0, spec=spec)
    assert better.verdict is Verdict.BELOW_THRESHOLD


def test_other_seeds_are_paired_by_source_and_persona_and_the_report_says_so() -> None:
    report = build(ReportSpec(NEW, OLD), side(NEW, lambda _: True, seed=7), side(OLD, lambda _: True))
    assert report.comparison is not None
    assert (report.comparison.paired_by, report.comparison.pairs) == ("source and persona", 50)
    assert "The sides have other seeds; conversations are paired by source and persona." in report.notes


def test_conversations_without_sources_and_personas_are_paired_by_their_index() -> None:
    new, old = (evaluated(name, [result(name[-3:], index) for index in range(5)]) for name in (NEW, OLD))
    report = build(ReportSpec(NEW, OLD), new, old)
    assert report.comparison is not None
    assert (report.comparison.paired_by, report.comparison.pairs) == ("index", 5)


def test_a_side_with_more_attempts_is_paired_as_far_as_it_goes() -> None:
    new, old = (
        evaluated(name, [result(name[-3:], index, source="one", persona="ada") for index in range(size)])
        for name, size in ((NEW, 6), (OLD, 4))
    )
    report = build(ReportSpec(NEW, OLD), new, old)
    assert report.comparison is not None
    assert report.comparison.pairs == 4
    assert "Conversations without a partner are left out of the comparison: 2 of the new side." in report.notes


@pytest.mark.parametrize(
    ("new", "old", "why"),
    [
        (result("new", 0, source="b"), result("old", 0, source="a"), "sources differ, sources/b is only in"),
        (result("new", 0, persona="b"), result("old", 0, persona="a"), "personas differ, personas/b is only in"),
    ],
)
def test_sides_with_other_sources_or_personas_are_refused_by_name(new: Score, old: Score, why: str) -> None:
    with pytest.raises(NotComparable, match=f"cannot be compared: their {why} {NEW}"):
        build(ReportSpec(NEW, OLD), evaluated(NEW, [new]), evaluated(OLD, [old]))


def test_repeated_sources_widen_the_interval_and_the_report_says_from_what() -> None:
    alike = [result("new", index, index < 30, source=f"s{index // 10}", persona="ada") for index in range(50)]
    report = build(ReportSpec(NEW), evaluated(NEW, alike), None)
    assert report.judged.success.high - report.judged.success.low > 0.5
    [note] = report.notes
    assert note.startswith("50 conversations of new come from 5 sources: the interval is wider for it")
    assert [(one.k, one.value, one.tasks) for one in report.judged.pass_k] == [(k, 0.6, 5) for k in (1, 2, 4, 8)]


def test_personas_and_expectations_have_their_rates_and_their_cells() -> None:
    report = build(ReportSpec(NEW), side(NEW, lambda index: index % 5 != 2), None)
    assert report.personas[0].display_name == "Cy"
    assert report.personas[0].success.value == 0
    assert [(cell.persona, cell.met, cell.applies) for cell in report.cells if cell.persona == "personas/cy"] == [
        ("personas/cy", 0, 10)
    ]


def test_an_agent_that_failed_without_an_expectation_is_an_example_too() -> None:
    failed = replace(result("new", 0), outcome=Outcome.FAILED, reason="AGENT_ERROR", expectations=())
    report = build(ReportSpec(NEW), evaluated(NEW, [failed]), None)
    assert [(one.expectation, one.detail) for one in report.examples] == [("", "AGENT_ERROR")]


def until_sure(new: Callable[[int], bool | None], old: Callable[[int], bool | None], size: int) -> Report:
    return compared(new, old, size, ReportSpec(NEW, OLD, until_sure=Rule()))


def test_pairs_that_were_played_until_it_was_sure_are_different_or_undecided_and_never_as_good() -> None:
    worse = until_sure(lambda index: index % 3 == 0, lambda _: True, 12)
    better = until_sure(lambda _: True, lambda index: index % 3 == 0, 12)
    same = until_sure(lambda _: True, lambda _: True, 39)
    spent = until_sure(lambda index: index % 8 != 0, lambda index: index != 48, 50)

    assert [one.verdict for one in (worse, better)] == [Verdict.WORSE, Verdict.BETTER]
    assert worse.headline.endswith("; it was sure after 12 of 50 pairs, E = 50.3 with 20 needed.")
    assert worse.comparison
    assert worse.comparison.p == pytest.approx(1 / e_value(0, 8))
    assert [(one.verdict, one.more_conversations, one.stop and one.stop.reason) for one in (same, spent)] == [
        (Verdict.UNDECIDED, 0, Reason.FUTILE),
        (Verdict.UNDECIDED, 0, Reason.BUDGET),
    ]
    assert "after 39 of 50 pairs the rest would hardly show a difference of 20 points" in same.headline
    assert "which does not say that they are equal" in same.headline
    assert "all 50 pairs do not tell" in spent.headline
    case = junit(same, {})
    assert '<error message="No verdict yet' in case
    assert "FUTILE: 39 pairs played" in case
    for rendered in (page(same, {}), markdown(same, {}), junit(worse, {}), report_json(worse)):
        assert "E = " in rendered


def test_a_rule_of_until_sure_needs_a_baseline_and_no_threshold_and_gets_its_defaults() -> None:
    message = pb.ReportSpec(evaluation=NEW, threshold=0.5, until_sure=pb.UntilSure())
    with pytest.raises(ReportInvalid) as caught:
        read_spec(message)
    assert [one.field for one in caught.value.violations] == ["spec.until_sure", "spec.threshold"]

    message = pb.ReportSpec(evaluation=NEW, baseline=OLD, until_sure=pb.UntilSure(most_pairs=200, alpha=0.01))
    assert read_spec(message).until_sure == Rule(0.01, 0.2, 10, 200)


def test_pairs_that_are_missing_are_undecided_and_an_earlier_batch_may_have_more() -> None:
    spec = ReportSpec(NEW, OLD, until_sure=Rule())
    short = build(spec, side(NEW, lambda _: True, 7), side(OLD, lambda _: True, 50))

    assert (short.verdict, short.stop) == (Verdict.UNDECIDED, None)
    assert "it ended before it was sure, with 7 pairs" in short.headline
    assert [one.success.total for one in short.sides] == [7, 7]
