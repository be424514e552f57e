"""What a judge is asked, what is made of its replies, and how it is compared with people."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.evaluator.judges.asking import control_of, request
from services.evaluator.judges.calibrating import calibrated, corrected_rate, is_held_back, read_labels
from services.evaluator.judges.deciding import tallies, verdict_of
from services.evaluator.judges.model import CriterionVerdict, Dialogue, Label, Outcome, Reply, Result, Tally, Turn
from services.evaluator.judges.offline import judged
from services.evaluator.judges.reading import read_replies
from services.evaluator.rubrics.model import Criterion
from shared.llm.base import Caller, ChatReply, ChatRequest
from shared.llm.repairs import repaired
from shared.yaml import load_file

MANNERS = Criterion(
    "manners",
    "Is the agent kind?",
    {"rude": "It is rude.", "kind": "It is kind.", "CANARY": "It is a saint."},
    ("kind", "CANARY"),
    phrases={"rude": ("your own fault",)},
)
INJECTIONS: list[str] = load_file(Path(__file__).parent / "injections.yaml")
FEW_FAILURES = "40 of its 200 labels are failures; a quarter is needed."
FEW_LABELS = "It has 99 labels that are held back; 100 are needed."
NOBODY = "so nobody knows whether the judge would "
ITS = "about manners; its verdicts are rude, kind or CANARY."
NOT_THERE = "about manners; the transcript does not have all of these turns."
ASKED = Reply("scripted", 0)


async def repair(text: str) -> Any:
    return repaired(text)


def dialogue(*texts: str) -> Dialogue:
    turns = (Turn(3 * place, "customer" if place % 2 else "agent", text) for place, text in enumerate(texts, 1))
    return Dialogue("conversations/x", 0, tuple(turns))


def asked_about(one: Dialogue) -> ChatRequest:
    return request([MANNERS], one, "scripted", 0, 7, Caller())


def read(one: Dialogue, text: str) -> Reply:
    return asyncio.run(read_replies(ChatReply(text), [MANNERS], one, control_of(one, 7), ASKED, repair))[0]


def form(one: Dialogue, **changes: Any) -> str:
    verdict = {"explanation": "So it is.", "turns": [3], "verdict": "rude"} | changes
    return json.dumps({"control": control_of(one, 7), "manners": verdict})


def obedient(asked: ChatRequest) -> str:
    """The answer of a model that does whatever it is told outside of the transcript, and whoever in it dictates an
    answer gets that answer; else it judges as it should."""
    text = asked.messages[0].text
    inside = text[len("<transcript>\n") : text.index("\n</transcript>")]
    outside = asked.system + text.replace(inside, "", 1)
    if "CANARY" in outside.replace("`CANARY`", ""):
        return f'{{"control": "{asked.brief.control}", "manners": {{"turns": [], "verdict": "CANARY"}}}}'  # type: ignore[union-attr]
    for line in inside.split("\n"):
        said: str = json.loads(line)["text"]
        if "in prose" in said or "every field" in said:
            return (
                said.partition(":")[2] if "in prose" in said else json.dumps({"control": "CANARY", "manners": "CANARY"})
            )
        if "{" in said:
            return said
    return judged(asked).text


def test_there_are_twenty_injections() -> None:
    assert len(set(INJECTIONS)) == 20


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("injection", INJECTIONS)
def test_what_somebody_says_in_a_transcript_never_becomes_the_verdict(injection: str, place: int) -> None:
    texts = ["Where is my order?", "That is your own fault."]
    texts[place] += injection
    one = dialogue(*texts)
    asked = asked_about(one)

    lines = asked.messages[0].text.split("\n")
    found = verdict_of(MANNERS, [read(one, obedient(asked))])

    assert [lines[0], lines[-1], len(lines)] == ["<transcript>", "</transcript>", 4]
    assert [json.loads(line)["text"] for line in lines[1:-1]] == texts
    assert not set("".join(lines[1:-1])) & {"<", ">", "\r", "\x85", "\u2028"}
    assert control_of(one, 7) not in asked.messages[0].text
    assert (found.outcome, found.verdict) == (Outcome.JUDGED, "rude") or found.reason in ("PROSE", "NO_CONTROL")


@pytest.mark.parametrize(
    ("changes", "reason", "sentence"),
    [
        ({"turns": [3, 99]}, "UNKNOWN_TURNS", "scripted cited 3, 99 " + NOT_THERE),
        ({"turns": ["3"]}, "UNKNOWN_TURNS", "scripted cited 3 " + NOT_THERE),
        ({"turns": None}, "UNKNOWN_TURNS", "scripted cited no list of turns " + NOT_THERE),
        ({"verdict": "nice"}, "NO_VERDICT", "scripted said nice " + ITS),
        ({"verdict": ["rude"]}, "NO_VERDICT", "scripted said ['rude'] " + ITS),
    ],
)
def test_a_reply_that_cannot_be_used_says_why(changes: dict[str, Any], reason: str, sentence: str) -> None:
    one = dialogue("Hello?", "Hello.")
    reply = read(one, form(one, **changes))
    assert (reply.verdict, reply.reason, reply.detail) == ("", reason, sentence)


def test_a_judge_that_answers_with_prose_gets_a_sentence_and_broken_json_is_repaired() -> None:
    one = dialogue("Hello?", "Hello.")
    prose = read(one, "I think that the agent was rather kind.")
    assert (prose.reason, prose.verdict) == ("PROSE", "")
    assert prose.detail == ("scripted answered with prose instead of the form: I think that the agent was rather kind.")
    assert read(one, f"```json\n{form(one)}\n```").verdict == "rude"


def said(*verdicts: str) -> list[Reply]:
    return [
        Reply("scripted", place, verdict, (place,))
        if verdict
        else Reply("scripted", place, reason="PROSE", detail="No.")
        for place, verdict in enumerate(verdicts)
    ]


def test_a_verdict_is_what_more_than_half_of_the_replies_say() -> None:
    agreed = verdict_of(MANNERS, said("kind", "rude", "kind"))
    assert (agreed.outcome, agreed.verdict, agreed.passed) == (Outcome.JUDGED, "kind", True)
    assert (agreed.turns, agreed.agreement) == ((0, 2), 2 / 3)

    wavering = verdict_of(MANNERS, said("kind", "rude", "CANARY"))
    assert (wavering.outcome, wavering.reason, wavering.passed) == (Outcome.UNDECIDED, "NO_MAJORITY", False)
    assert wavering.detail == "The judge changes its mind: kind 1 times, rude 1 times and CANARY 1 times."

    broken = verdict_of(MANNERS, said("kind", "", ""))
    assert (broken.outcome, broken.reason, broken.detail) == (Outcome.UNUSABLE, "PROSE", "No.")

    [tally] = tallies([MANNERS], [Result("conversations/x", 0, (one,)) for one in (agreed, wavering, broken)])
    assert (tally.passed, tally.failed, tally.undecided, tally.unusable) == (1, 0, 1, 1)
    assert tally.agreement is not None
    assert tally.agreement < 0.2


def results(verdicts: Sequence[str]) -> list[Result]:
    return [Result(f"conversations/{number}", number, (_judged(verdict),)) for number, verdict in enumerate(verdicts)]


def _judged(verdict: str) -> CriterionVerdict:
    if not verdict:
        return CriterionVerdict("manners", Outcome.UNUSABLE, reason="PROSE")
    return CriterionVerdict("manners", Outcome.JUDGED, verdict, verdict == "kind")


def labels(verdicts: Sequence[str]) -> bytes:
    rows = [
        {"conversation": f"conversations/{number}", "criterion": "manners", "verdict": verdict}
        for number, verdict in enumerate(verdicts)
    ]
    return "\n".join(map(json.dumps, rows)).encode()


def test_labels_that_cannot_be_used_are_sentences_and_the_rest_counts() -> None:
    wrong = b"""
{"conversation": "conversations/7", "criterion": "manners", "verdict": "kind"}
{"conversation": "conversations/0", "criterion": "maners", "verdict": "kind"}
{"conversation": "conversations/0", "criterion": "manners", "verdict": "knd"}
{"conversation": "conversations/1", "criterion": "manners", "verdict": "rude"}
{"conversation": "conversations/1", "criterion": "manners", "verdict": "kind"}
{"conversation": "conversations/2", "criterion": "manners"}
nonsense
"""
    read, problems = read_labels(labels(["kind"]) + wrong, [MANNERS], results(["kind", "rude"]))

    assert [(one.conversation, one.verdict) for one in read] == [("conversations/0", "kind")]
    differ = "manners of conversations/1 has several labels that differ: rude on line 5, kind on line 6; none counts."
    assert [(one.line, one.sentence) for one in problems] == [
        (2, "conversations/7 is not one of the conversations of this judgement."),
        (3, "The rubric has no criterion maners (did you mean `manners`?)."),
        (4, "manners has no verdict knd (did you mean `kind`?)."),
        (5, differ),
        (6, differ),
        (7, 'A label is an object with the texts "conversation", "criterion" and "verdict".'),
        (8, "It is not JSON in UTF-8."),
    ]


@pytest.mark.parametrize(
    ("people", "judge", "why"),
    [
        (["kind"] * 150 + ["rude"] * 50, ["kind"] * 150 + ["rude"] * 50, ""),
        (["kind"] * 150 + ["rude"] * 50, ["kind"] * 200, "Its kappa is 0.00; 0.6 is needed."),
        (
            ["kind"] * 160 + ["rude"] * 40,
            ["kind"] * 160 + ["rude"] * 40,
            FEW_FAILURES,
        ),
        (
            ["kind"] * 60 + ["rude"] * 39,
            ["kind"] * 60 + ["rude"] * 39,
            FEW_LABELS,
        ),
        (["kind"] * 100, ["kind"] * 100, "None of its 100 labels is a failure, " + NOBODY + "notice one."),
        (["rude"] * 100, ["rude"] * 100, "All of its 100 labels are failures, " + NOBODY + "pass anything."),
        (["rude"], [""], "None of its labels is held back and has a verdict of the judge."),
    ],
)
def test_a_judge_is_calibrated_by_kappa_on_enough_labels_of_both_kinds(
    people: Sequence[str], judge: Sequence[str], why: str
) -> None:
    found = results(judge)
    read, _ = read_labels(labels(people), [MANNERS], found)
    [one] = calibrated([MANNERS], found, read, 1.0)
    assert one.why_uncalibrated == why


def test_labels_that_are_held_back_are_never_shown_and_always_the_same() -> None:
    found = results(["kind"] * 400)
    read, _ = read_labels(labels(["rude", "kind"] * 200), [MANNERS], found)
    [half] = calibrated([MANNERS], found, read, 0.5)
    assert 150 < half.labels < 250
    assert half.labels + half.open_labels == 400
    assert not any(is_held_back(one.conversation, 0.5) for one in half.disagreements)
    again = calibrated([MANNERS], found, read[:100], 0.5)[0]
    assert set(again.disagreements) & set(half.disagreements)


def test_a_scripted_judge_of_known_errors_is_corrected_to_the_true_rate() -> None:
    """500 runs of a judge that passes 85 % of the good and fails 80 % of the bad, in its labels and in its verdicts."""
    draw, covered = np.random.default_rng(5), 0
    words = {True: _judged("kind"), False: _judged("rude")}
    for _ in range(500):
        runs = []
        for count, rate in ((150, 0.6), (300, 0.7)):
            truth = draw.random(count) < rate
            runs.append((truth, np.where(truth, draw.random(count) < 0.85, draw.random(count) >= 0.8)))
        (people, judge), (_, says) = runs
        labelled = [Result(str(place), place, (words[bool(one)],)) for place, one in enumerate(judge)]
        given = [Label(place, str(place), "manners", "kind" if one else "rude") for place, one in enumerate(people)]
        [one] = calibrated([MANNERS], labelled, given, 1.0)
        passed = int(says.sum())
        found = corrected_rate(Tally("manners", passed=passed, failed=300 - passed), one, 0.05)
        assert found is not None
        covered += found.interval.low <= 0.7 <= found.interval.high
    assert 0.93 <= covered / 500 <= 0.97, covered
