"""Reports on campaigns: their numbers, recommendations, graph and files."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from itertools import combinations, pairwise
from xml.etree import ElementTree

import pytest

from services.evaluator.reports.campaigns.build import build_file
from services.evaluator.reports.campaigns.errors import CampaignNotSimulated
from services.evaluator.reports.campaigns.layout import Box, layout
from services.evaluator.reports.campaigns.messages import report_json
from services.evaluator.reports.campaigns.model import CampaignReport, CampaignReportSpec, Simulated, Subject
from services.evaluator.reports.campaigns.rendering import FORMATS
from shared.model.campaigns.interactions import Interaction, Response
from shared.model.campaigns.reading import read_campaign
from shared.model.campaigns.simulation import Script, State, simulate
from shared.model.events import Sentiment
from tests.unit.evaluator.test_report_files import HOSTILE, SHOWN, Page

MINUTE = 60_000
NINE = 1_767_603_600_000
"""A Monday, 09:00 UTC."""
ASK = """\
display_name: Ask
expectations: [expect goal within 3 days, nothing after STOP]
steps:
- {id: ask, send_sms: {body: 'Hi, shall we book? Reply YES or STOP'}, next: wait}
- {id: wait, wait_for_reply: {timeout: 2 days, on_timeout: ways}, next: read}
- {id: read, condition: {branches: [{name: wants, when: 'reply == "YES"', next: done}], otherwise: ways}}
- {id: ways, split: {arms: [{name: a, next: late}, {name: b, next: bye}]}}
- {id: late, delay: {time: '22:30'}, next: again}
- {id: again, send_sms: {body: 'Still there? Reply YES or STOP'}, next: last}
- {id: last, wait_for_reply: {timeout: 1 hour, on_timeout: bye}, next: read}
- {id: done, goal: {}}
- {id: bye, exit: {}}
"""
Replies = Callable[[int, Interaction], Response]


def played(text: str, replies: Replies, size: int = 40) -> list[Simulated]:
    """Contacts that reply as told, by their index and the message."""
    script = Script([read_campaign(text.encode(), "x.yaml")])
    contacts = []
    for index in range(size):
        begun = script.begin({}, NINE)
        rows = simulate(script, begun, partial(_reply, replies, index), lambda *_: {}, 0, index)
        contacts.append(Simulated(f"conversations/{index}", f"Persona {index % 4}", NINE, tuple(rows), (text,)))
    return contacts


def _reply(replies: Replies, index: int, row: Interaction, _: State) -> Response:
    return replies(index, row)


def reported(text: str, contacts: Sequence[Simulated], threshold: int = 0) -> CampaignReport:
    return build_file(text.encode(), "x.yaml", contacts, CampaignReportSpec(threshold))


def mixed(index: int, row: Interaction) -> Response:
    """Every other contact says yes at once, one in four asks back, one in eight says stop, the others are silent."""
    said = "YES" if index % 2 == 0 else "How much?" if index % 4 == 1 else "STOP" if index % 8 == 3 else ""
    feels = Sentiment.NEGATIVE if said == "STOP" else Sentiment.NEUTRAL
    return Response(said if row.step == "ask" else "", 5 * MINUTE, sentiment=feels, likely_to_convert=60)


REPORT = reported(ASK, played(ASK, mixed))


def test_the_numbers_of_a_report_are_those_of_its_contacts() -> None:
    assert (REPORT.conversion.successes, REPORT.conversion.total) == (20, 40)
    assert REPORT.stated == 60
    assert [one.conversion.successes for one in REPORT.personas] == [10, 0, 10, 0]
    assert sum(one.opt_outs for one in REPORT.personas) == 5
    # Contacts with the same persona are alike, so 40 of them count for few.
    assert REPORT.conversion.low < 0.2
    parts = {one.part: one.points for one in REPORT.parts}
    wrong = {row.step for one in REPORT.contacts for row in one.rows if not row.passed}
    sound = sum(all(row.passed for row in one.rows) for one in REPORT.contacts)
    assert wrong == {"again"}
    assert parts["behaviour"] == pytest.approx(80 * sound / 40)
    assert parts["expectations"] == pytest.approx(100 * (20 / 40 + sound / 40) / 2)
    assert parts["coverage"] == pytest.approx(100 * (1 - len(REPORT.coverage.missing) / len(REPORT.coverage.times)))
    assert sum(one.weight for one in REPORT.parts) == 100
    weighed = sum(one.weight * one.points for one in REPORT.parts) / 100
    assert weighed - 1 < REPORT.score <= weighed + 1e-9
    [split] = REPORT.splits
    drawn = [row.branch for one in REPORT.contacts for row in one.rows if row.step == "ways"]
    assert [arm.conversion.total for arm in split.arms] == [drawn.count("a"), drawn.count("b")]


def test_what_the_simulation_shows_becomes_issues_and_decides() -> None:
    found = {(issue.type, issue.step) for issue in REPORT.issues}
    assert {
        ("message_after_opt_out", "again"),
        ("message_held_back", "again"),
        ("edge_never_taken", "last"),
        ("expectation_missed", "again"),
    } <= found
    assert not REPORT.passed
    yes = played(ASK.replace("22:30", "12:30"), lambda *_: Response("YES", MINUTE))
    sound = reported(ASK.replace("22:30", "12:30"), yes)
    assert sound.passed
    assert not reported(ASK.replace("22:30", "12:30"), yes, threshold=100).passed


def test_recommendations_name_existing_steps_and_what_shows_them() -> None:
    steps = {step.id for step in REPORT.campaign.steps}
    assert 3 <= len(REPORT.recommendations) <= 5
    assert {one.subject for one in REPORT.recommendations} == {*Subject}
    assert all(one.steps and {*one.steps} <= steps and one.evidence for one in REPORT.recommendations)
    said = " ".join(f"{one.sentence} {one.evidence}" for one in REPORT.recommendations)
    assert "“How much?”" in said
    assert "`again`" in said


def test_a_conversation_of_another_campaign_is_refused() -> None:
    with pytest.raises(CampaignNotSimulated):
        reported(ASK.replace("Hi,", "Hello,"), played(ASK, mixed, size=1))


def test_whatever_comes_from_outside_is_text_in_every_form() -> None:
    text = ASK.replace("display_name: Ask", f"display_name: {HOSTILE!r}".replace("\\x1b", ""))
    text = text.replace("Hi, shall", "<script>alert(2)</script> shall")
    hostile = [
        Simulated(one.conversation, HOSTILE, one.entered, one.rows, one.files)
        for one in played(text, lambda *_: Response(HOSTILE, MINUTE, reasoning=HOSTILE))
    ]
    report = reported(text, hostile)
    written = FORMATS["HTML"](report)
    page = Page(written)
    assert page.tags["script"] == page.tags["img"] == page.tags["link"] == page.tags["iframe"] == 0
    assert page.values("src") == []
    assert "url(" not in written
    assert "\x1b" not in written
    assert not [name for name, _ in page.attributes if name.startswith("on") or name == "style"]
    assert page.text.count(SHOWN) > 10
    assert "alert(2)" in page.text
    assert "<script" not in re.sub(r"(`+).*?\1", "", FORMATS["MARKDOWN"](report))
    ElementTree.fromstring(FORMATS["JUNIT"](report))
    assert report_json(report)


def test_the_page_shows_the_graph_the_days_and_every_interaction() -> None:
    page = Page(FORMATS["HTML"](REPORT))
    heads = ("Not ready", "What to change", "Issues", "Where contacts went", "Day by day", "Every contact")
    shown = [page.text.index(words) for words in heads]
    assert shown == sorted(shown)
    assert page.tags["details"] == 40
    assert sum("line" in value.split() for value in page.values("class")) == sum(
        len(one.rows) for one in REPORT.contacts
    )
    assert sum("way" in value.split() for value in page.values("class")) == len(REPORT.coverage.times)
    never = sum(value.split()[:2] == ["way", "never"] for value in page.values("class"))
    assert never == len(REPORT.coverage.missing)


def test_a_large_campaign_is_drawn_in_part() -> None:
    steps = [f"- {{id: s{number}, delay: {{duration: 1 hour}}, next: s{number + 1}}}" for number in range(399)]
    text = "\n".join(["display_name: Long", "steps:", *steps, "- {id: s399, exit: {}}", ""])
    page = Page(FORMATS["HTML"](reported(text, played(text, mixed, size=2))))
    assert "250 more steps are not drawn." in page.text


def test_steps_are_placed_in_layers_without_overlaps() -> None:
    ways = {"a": "bc", "b": "d", "c": "de", "d": "fa", "e": "", "f": "", "x": "xf"}
    boxes = {
        name: Box(100 + 10 * len(targets), 40, tuple((30.0 + 40 * place, one) for place, one in enumerate(targets)))
        for name, targets in ways.items()
    }
    placed = layout(boxes, "a")
    for (one, (x, y)), (other, (left, top)) in combinations(placed.places.items(), 2):
        apart = x + boxes[one].width <= left or left + boxes[other].width <= x
        assert apart or y + 40 <= top or top + 40 <= y, (one, other)
    assert {(way.source, way.target) for way in placed.ways if way.back} == {("d", "a"), ("x", "x")}
    for way in placed.ways:
        if not way.back:
            assert all(one[1] < two[1] for one, two in pairwise(way.points)), way
        assert all(0 <= x <= placed.width for x, _ in way.points)
