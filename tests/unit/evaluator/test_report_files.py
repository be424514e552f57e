"""Reports as files: HTML, Markdown and JUnit XML."""

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

from services.evaluator.reports.build import build
from services.evaluator.reports.judged import JudgedCriterion
from services.evaluator.reports.model import ExpectationSummary, Report, ReportSpec, Verdict
from services.evaluator.reports.rendering import FORMATS
from services.evaluator.reports.rendering.markdown import LIMIT
from services.evaluator.reports.transcripts import Kind, Line
from services.evaluator.statistics.rogan_gladen import Share
from tests.unit.evaluator.reports import NEW, OLD, compared, side

HOSTILE = "<script>alert(1)</script> <img src=https://x.example/a.png onerror=alert(1)> @team ![a](//b) | \x1b[31m `x`"
SHOWN = HOSTILE.replace("\x1b", "\\u001b")
WORSE = compared(lambda index: index % 3 != 0, lambda index: index % 20 != 0)
TRANSCRIPTS = {
    one.conversation: [
        Line(1, Kind.USER, f"My parcel is broken. {HOSTILE}", copied=True),
        Line(4, Kind.CALL, 'find_order(id="A-1")'),
        Line(6, Kind.AGENT, "What is your order number?"),
    ]
    for one in WORSE.examples
}


class Page(HTMLParser):
    """The tags, attributes and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, name: str) -> list[str]:
        """The values of all attributes of this name."""
        return [value for one, value in self.attributes if one == name]


def hostile() -> Report:
    """A report whose every text from outside is hostile."""
    return replace(
        WORSE,
        headline=HOSTILE,
        creator=HOSTILE,
        notes=(HOSTILE,),
        expectations=tuple(replace(one, id=HOSTILE, text=HOSTILE) for one in WORSE.expectations),
        personas=tuple(replace(one, display_name=HOSTILE) for one in WORSE.personas),
        examples=tuple(replace(one, expectation=HOSTILE, detail=HOSTILE) for one in WORSE.examples),
        sides=tuple(replace(one, label=HOSTILE) for one in WORSE.sides),
        cells=tuple(replace(one, expectation=HOSTILE) for one in WORSE.cells),
    )


def test_the_page_says_the_verdict_first_and_marks_the_evidence_in_the_transcripts() -> None:
    page = Page(FORMATS["HTML"](WORSE, TRANSCRIPTS))
    shown = [
        page.text.index(words) for words in ("↓ Worse", WORSE.headline, "What failed", "All expectations", "Coverage")
    ]
    assert shown == sorted(shown)
    marked = [value for value in page.values("class") if "shown" in value.split()]
    assert marked == ["line call shown", "line agent shown"] * len(WORSE.examples)
    links = {value.removeprefix("#") for value in page.values("href")}
    assert links <= set(page.values("id"))
    assert len(links) == 2 * len(WORSE.examples)


def test_the_baseline_stands_beside_from_where_it_differs() -> None:
    first = WORSE.examples[0]
    lines = TRANSCRIPTS[first.conversation]
    other = [*lines[:2], Line(6, Kind.AGENT, "I have refunded it.")]
    page = Page(FORMATS["HTML"](WORSE, {first.conversation: lines, first.baseline: other}))
    begins, new, old, after = (
        page.text.index(words) for words in ("My parcel", "What is your order", "I have refunded", "not shown here")
    )
    assert begins < new < old < after
    assert page.text.count("My parcel") == 1, "what both begin with is shown once"
    assert page.values("class").count("both") == 1
    alike = Page(FORMATS["HTML"](WORSE, {first.conversation: lines, first.baseline: lines}))
    assert "both" not in alike.values("class")


def test_whatever_comes_from_outside_is_text_on_the_page() -> None:
    written = FORMATS["HTML"](hostile(), TRANSCRIPTS)
    page = Page(written)
    assert page.tags["script"] == page.tags["img"] == 0
    assert page.text.count(SHOWN) > 10
    assert "\x1b" not in written
    assert not [name for name, _ in page.attributes if name.startswith("on") or name == "style"]


def test_the_page_needs_nothing_but_itself() -> None:
    written = FORMATS["HTML"](WORSE, TRANSCRIPTS)
    page = Page(written)
    [policy] = [value for value in page.values("content") if "default-src" in value]
    assert policy.startswith("default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-")
    assert page.tags["link"] == page.tags["iframe"] == page.tags["script"] == 0
    assert all(value.startswith("#") for value in page.values("href"))
    assert page.values("src") == []
    assert "url(" not in written
    assert "@import" not in written


def test_a_transcript_that_is_gone_or_very_long_does_not_break_the_page() -> None:
    gone = Page(FORMATS["HTML"](WORSE, {}))
    assert gone.text.count("The transcript is not shown here.") == len(WORSE.examples)
    first = WORSE.examples[0].conversation
    long = [Line(seq, Kind.AGENT, f"Message {seq}.") for seq in range(1, 3001)]
    page = Page(FORMATS["HTML"](WORSE, {first: long}))
    assert "Message 6." in page.text
    assert "Message 3000." in page.text
    assert "Message 1500." not in page.text
    assert "events are not shown" in page.text


def test_markdown_fits_a_comment_and_shows_text_from_outside_as_code() -> None:
    [one] = WORSE.expectations
    many = replace(hostile(), expectations=tuple(_another(one, number) for number in range(500)))
    written = FORMATS["MARKDOWN"](many, {})
    assert len(written) <= LIMIT
    assert written.endswith("worse.</sub>\n")
    outside = re.sub(r"(`+).*?(?<!`)\1(?!`)", "", written)
    assert "<script" not in outside
    assert "@team" not in outside
    assert "![a]" not in outside


def _another(one: ExpectationSummary, number: int) -> ExpectationSummary:
    return replace(one, id=f"{HOSTILE} {number}", text=HOSTILE * 40)


def test_markdown_reads_as_prose_where_nothing_means_anything_to_it() -> None:
    written = FORMATS["MARKDOWN"](WORSE, {})
    assert written.startswith(f"## 🔴 Worse\n\n{WORSE.headline}\n")
    assert "**called-refund**: The agent refunds the order. Met in 33 of 50, baseline 47 of 50" in written
    assert "- It never called refund; it called find_order twice. (`conversations/new-3`, events 4, 6)" in written


def test_junit_has_a_case_for_the_verdict_and_one_an_expectation() -> None:
    suite = ElementTree.fromstring(FORMATS["JUNIT"](hostile(), {}))
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "2", "0")
    verdict, expectation = suite.iter("testcase")
    assert (verdict.get("classname"), verdict.get("name")) == ("greenroom", "verdict")
    assert expectation.get("name") == SHOWN
    [failure] = expectation
    assert "conversations/new-3, events 4, 6" in (failure.text or "")


def test_junit_is_green_where_the_verdict_is_and_has_an_error_where_there_is_none() -> None:
    passed = build(ReportSpec(NEW), side(NEW, lambda index: index % 9 != 0), None)
    assert _problems(passed) == ("0", "0")
    undecided = build(ReportSpec(NEW, OLD), side(NEW, lambda _: True, 8), side(OLD, lambda _: True, 8))
    assert _problems(undecided) == ("0", "1")


def test_every_format_shows_what_the_judge_says_and_whether_it_may_fail_the_run() -> None:
    verdicts = ({f"conversations/new-{one}": one % 2 == 0 for one in range(50)}, dict.fromkeys(_old(), True))
    polite = JudgedCriterion(
        "polite", "Is the agent polite?", verdicts, "", "judge_calibrations/c", Share(70, 70), Share(28, 30)
    )
    told = [polite, replace(polite, id=HOSTILE, question=HOSTILE, why_uncalibrated="Its kappa is 0.30; 0.6 is needed.")]
    new, old = side(NEW, lambda _: True), side(OLD, lambda _: True)
    report = build(ReportSpec(NEW, OLD, judgement="judgements/a", baseline_judgement="judgements/b"), new, old, told)

    assert (report.verdict, [one.fails for one in report.criteria]) == (Verdict.WORSE, [Verdict.WORSE, None])
    page = FORMATS["HTML"](report, {})
    assert Page(page).tags["script"] == 0
    for text in (Page(page).text, FORMATS["MARKDOWN"](report, {}).replace("`", ""), FORMATS["JUNIT"](report, {})):
        assert "passes 25 of 50, corrected 46 % (28 % to 61 %)" in text
        assert "calibrated, −50 points, p < 0.001, worse" in text.replace("&lt;", "<")
        assert "uncalibrated, so it cannot fail the run: Its kappa is 0.30; 0.6 is needed." in text
    assert _problems(report) == ("2", "0")


def _old() -> list[str]:
    return [f"conversations/old-{one}" for one in range(50)]


def _problems(report: Report) -> tuple[str | None, str | None]:
    suite = ElementTree.fromstring(FORMATS["JUNIT"](report, {}))
    return suite.get("failures"), suite.get("errors")
