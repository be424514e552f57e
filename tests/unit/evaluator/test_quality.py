"""Each metric of quality finds what is planted, and nothing in the same conversation without it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import pytest

from services.evaluator.quality import METRICS, quality
from services.evaluator.quality.model import QualityPart, quality_json, read_quality
from services.evaluator.quality.talk import Declared, Talk
from shared.model.events import Json
from shared.model.expectations import MadeCall

GOOD = (
    *("A: Hello. What can I do for you?", "U: Where is my order 4711? It should have come on Monday."),
    *("A: Let me look. Order 4711 left our warehouse in Leeds yesterday, so you get it by Thursday.",),
    *("U: Good. Can I still change the address?", "A: Yes. Which address should it go to?"),
    *("U: 12 Mill Lane, York, please.", "A: Done: the parcel now goes to 12 Mill Lane. Do you need anything more?"),
    *("U: No, that's all. Thank you!", "A: You're welcome. Enjoy the weekend."),
)


def talk(*lines: str, copied: int = 0, **more: object) -> Talk:
    """A conversation in lines of `A: …` for the agent and `U: …` for the user, whose seqs are 2, 4, 6 …"""
    spoken = [(2 * n, line[0] == "A", line[3:], n > copied) for n, line in enumerate(lines, 1)]
    return replace(Talk(spoken), **more)  # type: ignore[arg-type]


def call(seq: int, tool: str, value: Json = None, error: str | None = None, **arguments: Json) -> MadeCall:
    return MadeCall(seq, tool, arguments, value, error, seq)


def with_calls(base: Talk, *calls: MadeCall) -> Talk:
    return replace(base, calls=calls, own_calls=calls)


ORDER: Mapping[str, Json] = {"id": "4711", "status": "shipped", "order_total": 59.9}
LONG = "I told my sister yesterday that the blue lamp came with a crack along the base and no box at all"


class Case(NamedTuple):
    """A conversation with a fault, one without, and the seqs that show the fault."""

    metric: str
    planted: Talk
    control: Talk
    evidence: Sequence[int] = ()


def told(text: str) -> Talk:
    """The agent says this after a tool answered an order that is shipped and costs 59.90."""
    base = talk("U: Where is my order?", f"A: {text}", "U: I see.")
    return with_calls(base, call(3, "get_order", {"status": "shipped", "total": 59.9, "carrier": "Hermes"}))


CASES = (
    Case(
        "user-reactions",
        talk("A: It's red.", "U: No, that's wrong.", "A: It's red.", "U: I said blue!", "A: Ok.", "U: Useless."),
        talk("A: It's red.", "U: Great.", "A: It's big, too.", "U: No, thanks, that's all.", "A: Bye.", "U: Bye."),
        (4, 8, 12),
    ),
    Case(
        "unanswered-questions",
        talk("U: When does the museum open?", "A: Nice weather today.", "U: Hm."),
        talk("U: When does the museum open?", "A: At nine.", "U: Hm.", "A: The museum closes at five."),
        (2,),
    ),
    Case(
        "dead-ends",
        talk("U: Cancel it.", "A: Cancelled.", "U: And when do I get my money?"),
        talk("U: Cancel it.", "A: Cancelled.", "U: Thanks, who knew it was that easy?"),
        (6,),
    ),
    Case(
        "dead-ends",
        talk("U: Change the name on my ticket.", "A: We cannot change names."),
        talk("U: Change the name on my ticket.", "A: We cannot change names, but you can return it."),
        (4,),
    ),
    Case(
        "dead-ends",
        talk(*(line for n in range(3) for line in (f"U: Code {n}.", f"A: Sorry, I don't understand {n}."))),
        talk("U: Code 1.", "A: Sorry, I don't understand.", "U: Refund.", "A: Refunded.", "U: Bye."),
        (4, 8, 12),
    ),
    Case("contradictions", told("The total is $95.20."), told("The total is $59.90."), (4,)),
    Case("contradictions", told("Its status is delivered."), told("Its status is shipped."), (4,)),
    Case(
        "contradictions",
        talk("U: Hi.", "A: Your order has been cancelled.", records=[("order", ORDER)]),
        talk("U: Hi.", "A: Your order is already shipped. Order total: 59.9", records=[("order", ORDER)]),
        (4,),
    ),
    Case("ignored-results", told("Thank you for waiting."), told("It is with Hermes."), (3,)),
    Case(
        "ignored-results",
        with_calls(talk("U: Refund it.", "A: Your money has been refunded."), call(3, "refund", None, "TOO_LATE")),
        with_calls(talk("U: Refund it.", "A: Sorry, that failed."), call(3, "refund", None, "TOO_LATE")),
        (3, 4),
    ),
    Case(
        "repetition",
        talk(
            *(line for n in range(4) for line in ("U: Hm " + "so " * n, "A: Please tell me the number of your order."))
        ),
        talk(*(line for n in range(4) for line in ("U: Hm", f"A: Your number {n} in the queue is {n}."))),
        (8, 12, 16),
    ),
    Case("robotic-phrasing", talk("U: Hi.", "A: As an AI, I have none."), talk("U: Hi.", "A: AI is a topic."), (4,)),
    Case("robotic-phrasing", talk("U: Hi.", "A: Hello {{customer_name}}!"), talk("U: Hi.", "A: Hello {friend}!"), (4,)),
    Case(
        "robotic-phrasing",
        talk(
            *("U: It broke.", "A: I apologize for any inconvenience.", "U: And now?", "A: Rest assured, we care."),
            *("U: Really?", "A: I completely understand your frustration."),
        ),
        talk("U: It broke.", "A: I apologize for any inconvenience.", "U: And now?", "A: A new one comes on Monday."),
        (4, 8, 12),
    ),
    Case(
        "distinct-2",
        talk("U: Hi.", "A: " + "we will check and call you soon " * 9, "U: Ok."),
        talk(
            "U: Hi.",
            f"A: {LONG}. {LONG[::-1]}. Then a van took both parcels, and nobody signed.",
            "U: Ok.",
        ),
        (4,),
    ),
    Case(
        "turn-balance",
        talk("U: Hi.", *(f"A: Step {n} is to turn it." for n in range(12)), "U: Ok."),
        talk("U: Hi, I have a problem.", *(f"A: Step {n} is to turn it." for n in range(4)), "U: Ok, I did all that."),
        tuple(range(4, 28, 2)),
    ),
    Case(
        "length",
        talk("U: Hi.", *["A: " + f"{LONG}. " * 4, "U: Ok."] * 3),
        talk("U: Hi.", *[f"A: {LONG}.", "U: Ok, you."] * 3),
    ),
    Case(
        "persona-fidelity",
        talk(*(f"U: {LONG} {n}." for n in range(3)), declared=Declared("SHORT")),
        talk(*(f"U: Too late {n}." for n in range(3)), declared=Declared("SHORT")),
    ),
    Case(
        "persona-fidelity",
        talk(*(f"U: It broke {n}." for n in range(10)), declared=Declared("MEDIUM", ("asks_many_questions",))),
        talk(*(f"U: Why {n}?" for n in range(3)), declared=Declared("MEDIUM", ("asks_many_questions",))),
    ),
)


def part(metric: str, of: Talk) -> QualityPart:
    return next(one for one in quality(of).parts if one.metric == metric)


@pytest.mark.parametrize("case", CASES, ids=[f"{one.metric} {place}" for place, one in enumerate(CASES)])
def test_a_metric_finds_what_is_planted_and_nothing_in_the_control(case: Case) -> None:
    planted, control = part(case.metric, case.planted), part(case.metric, case.control)

    assert planted.flagged, planted
    assert planted.detail
    assert planted.evidence == tuple(case.evidence)
    assert not control.flagged, control
    assert control.score > planted.score


def test_every_metric_has_a_planted_case() -> None:
    assert {case.metric for case in CASES} == {metric.id for metric in METRICS}


def test_a_good_conversation_is_better_than_each_of_its_damages() -> None:
    sound = quality(talk(*GOOD))
    damaged = [
        talk(*GOOD[:3], "U: No, that's wrong. Are you even listening?", *GOOD[4:]),
        talk(*GOOD[:2], "A: Nice weather.", *GOOD[3:]),
        talk(*GOOD[:4]),
        talk(*GOOD[:2], "A: As an AI, I cannot know that.", *GOOD[3:]),
        talk(*GOOD[:2], *["A: " + GOOD[0][3:]] * 4, *GOOD[3:]),
    ]

    assert sound.flags == []
    assert sound.score > 75
    assert all(quality(one).score < sound.score - 3 for one in damaged), [quality(one).score for one in damaged]
    assert read_quality(quality_json(sound)) == sound


def test_what_was_copied_from_a_source_is_not_judged() -> None:
    bad = ("U: You useless bot, that's wrong.", "A: As an AI, I cannot help.")

    assert quality(talk(*bad, *GOOD, copied=2)).flags == []
    assert quality(talk(*bad, *GOOD)).flags == ["robotic-phrasing"]


def test_metrics_of_english_phrases_leave_other_languages_alone() -> None:
    german = talk(
        "U: Wann öffnet das Museum am Montag?", "A: Schönes Wetter heute, finden wir alle miteinander.", "U: Nein!"
    )

    assert {one.metric for one in quality(german).parts} == {"repetition", "length"}


@pytest.mark.parametrize("text", ["", " ?", "…", "é" * 20_000, "a b " * 20_000, "id is 1 " * 5_000, "\ud83d" * 99])
def test_any_text_has_a_quality(text: str) -> None:
    found = quality(talk("U: Hi.", "A: " + text, "U: " + text, records=[("order", ORDER)]))

    assert 0 <= found.score <= 100
    assert quality(Talk()).score == 100
