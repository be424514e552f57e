"""Whether the quality of conversations agrees with people, how often its metrics are wrong, and what it costs.

People rated each user's turn of the dialogues in `satisfaction`. The quality of a turn is that of the agent's messages
before it and of the turn, with everything earlier as context. It is compared with what length and position alone tell.
No weight is fitted to the ratings; the phrases were chosen with these sets in view. Conversations of real people should
raise no flag; a fault that is planted in them should. Customers are declared to write as every other message of theirs
shows; the rest is measured.
"""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import cycle, islice
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import rankdata

from benchmarks.dialogues import records
from benchmarks.evaluation import _lines as exported
from benchmarks.results import Result, gates, limited, reached, report
from services.evaluator.quality import METRICS, persona_fidelity, quality
from services.evaluator.quality.talk import Declared, Talk
from services.evaluator.scores.transcript import Transcript
from services.synthesizer.adapters.formats import read_sources
from services.synthesizer.adapters.formats.greenroom import write_source
from services.synthesizer.adapters.formats.records import SourceRecord
from services.synthesizer.personas.generation.measuring import measure
from services.synthesizer.sources.model import ExportedSource
from shared.model.events import AgentMessage, Event, UserMessage
from shared.model.expectations import MadeCall

TOPIC = "conversation_quality"
RATED = ("mwoz", "sgd")
HUMAN = ("abcd", "star", "multiwoz21")
Spoken = Sequence[tuple[int, bool, str, bool]]
_BATCH = 100


class Rated(NamedTuple):
    """Ratings and what should tell them, an array each. groups: the dialogue of each rating."""

    groups: np.ndarray
    ratings: np.ndarray
    ours: np.ndarray
    others: Mapping[str, np.ndarray]


def run(quick: bool) -> bool:
    """Measure, report, and return whether the gates held."""
    gate = gates(TOPIC)
    work = gate["quick" if quick else "full"]
    turns = {name: _rated_turns(name, work["dialogues"]) for name in RATED}
    whole = {name: _rated_conversations(name, work["dialogues"]) for name in RATED}
    talks = {name: list(islice(_talks(name), work["dialogues"])) for name in HUMAN}
    alarms = {name: _alarms(name, some, work["dialogues"]) for name, some in talks.items()}
    _print_alarms(alarms)
    return report(
        TOPIC,
        [
            *_agreement(gate["turns"], gate["turns_above"], "turns", turns, work["resamples"]),
            _agreement(gate["whole"], gate["turns_above"], "conversations", whole, work["resamples"])[0],
            limited(gate["alarms"], "%", [max(share for each in alarms.values() for share in each.values())]),
            reached(gate["planted"], "%", [min(_found(talks["abcd"]).values())]),
            _cost(gate["time"], asyncio.run(exported(_BATCH)), work["conversations"]),
        ],
    )


def _rated_turns(name: str, most: int) -> Rated:
    rows = []
    for dialogue in islice(records("satisfaction", name), most):
        turns = dialogue["turns"]
        for place, turn in enumerate(turns):
            if turn.get("ratings"):
                rows.append((dialogue["id"], float(np.mean(turn["ratings"])), *_turn(turns, place)))
    groups, ratings, ours, position, user, agent = map(np.array, zip(*rows, strict=True))
    return Rated(groups, ratings, ours, {"position": position, "words": user, "words before": agent})


def _turn(turns: Sequence[Mapping[str, Any]], place: int) -> tuple[float, int, int, int]:
    """(the quality of a turn, its position, its words, the agent's words before it)"""
    begin = place
    while begin and turns[begin - 1]["role"] != "user":
        begin -= 1
    talk = Talk(_spoken(turns[: place + 1], begin), over=False)
    return quality(talk).score, place, _words(turns[place : place + 1]), _words(turns[begin:place])


def _rated_conversations(name: str, most: int) -> Rated:
    rows = [
        (one["id"], float(np.mean(one["overall_ratings"])), quality(Talk(_spoken(one["turns"]))).score, one["turns"])
        for one in islice(records("satisfaction", name), most)
    ]
    groups, ratings, ours = (np.array(column) for column in list(zip(*rows, strict=True))[:3])
    others = {"turns": np.array([len(row[3]) for row in rows]), "words": np.array([_words(row[3]) for row in rows])}
    return Rated(groups, ratings, ours, others)


def _spoken(turns: Sequence[Mapping[str, Any]], begin: int = 0) -> Spoken:
    """The messages of turns; those before `begin` are context."""
    return [(n, one["role"] != "user", one["text"], n >= begin) for n, one in enumerate(turns) if one["text"].strip()]


def _words(turns: Sequence[Mapping[str, Any]]) -> int:
    return sum(len(one["text"].split()) for one in turns)


def _agreement(
    row: Mapping[str, Any], above: Mapping[str, Any], what: str, rated: Mapping[str, Rated], resamples: int
) -> list[Result]:
    """The lowest rank correlation of a set beside the best of length and position; the low end of the difference."""
    ours, best, low = [], [], []
    for name, one in rated.items():
        others = {other: _spearman(values, one.ratings) for other, values in one.others.items()}
        strongest = max(others, key=lambda other: abs(others[other]))
        ours.append(_spearman(one.ours, one.ratings))
        best.append(abs(others[strongest]))
        low.append(_lowest(one, one.others[strongest], resamples))
        told = ", ".join(f"{other} {value:.2f}" for other, value in others.items())
        print(f"{len(one.ratings):,} {what} of {name}: quality {ours[-1]:.3f}; {told}; better by {low[-1]:.3f} up")
    return [reached(row, "ρ", [min(ours)], [max(best)]), reached(above, "ρ", [min(low)])]


def _spearman(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(rankdata(one), rankdata(other))[0, 1])


def _lowest(rated: Rated, other: np.ndarray, resamples: int) -> float:
    """The 2.5 % quantile of the difference of the correlations, over paired resamples of dialogues."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, group in enumerate(rated.groups):
        places[group].append(place)
    groups, random = list(places.values()), np.random.default_rng(7)
    columns = [rankdata(column) for column in (rated.ratings, rated.ours, other)]
    found = []
    for _ in range(resamples):
        drawn = np.concatenate([groups[one] for one in random.integers(0, len(groups), len(groups))])
        ratings, ours, theirs = (column[drawn] for column in columns)
        found.append(np.corrcoef(ours, ratings)[0, 1] - abs(np.corrcoef(theirs, ratings)[0, 1]))
    return float(np.quantile(found, 0.025))


def _talks(name: str) -> Iterator[Talk]:
    """The conversations of people in a set."""
    for events, line in _sources(name):
        yield Transcript.read(line).talk if line else Talk(_of_events(events))


def _sources(name: str) -> Iterator[tuple[Sequence[Event], bytes]]:
    """(events, the source as a line of an export; empty for multiwoz21, which is no format)"""
    if name == "multiwoz21":
        for record in records(name):
            sides = [(role, turn[role].strip()) for turn in record["turns"] for role in ("user", "system")]
            bodies = [UserMessage(text) if role == "user" else AgentMessage(text) for role, text in sides if text]
            yield [Event(str(n), n, 60_000 * n, 0, body) for n, body in enumerate(bodies)], b""
        return
    for source in read_sources(name, [json.dumps(record).encode() for record in records(name)]):
        if isinstance(source, SourceRecord):
            exported = ExportedSource("", source.external_id, True, "", b"")
            yield source.events, write_source(exported, source.events, source.resources)


def _of_events(events: Sequence[Event]) -> Spoken:
    found = [(n, one.body) for n, one in enumerate(events) if isinstance(one.body, AgentMessage | UserMessage)]
    return [(n, isinstance(body, AgentMessage), body.text, True) for n, body in found if body.text]


def _alarms(name: str, talks: Sequence[Talk], most: int) -> dict[str, float]:
    """How many conversations each metric flags, in percent of those to which it applies."""
    halves = [half for events, _ in islice(_sources(name), most) if (half := _every_other(events))]
    flags: dict[str, list[bool]] = defaultdict(list)
    for part in (part for talk in talks for part in quality(talk).parts):
        flags[part.metric].append(part.flagged)
    for found in map(persona_fidelity.measure, halves):
        if found is not None:
            flags[persona_fidelity.METRIC.id].append(found.flagged)
    return {metric.id: 100 * float(np.mean(flags[metric.id])) for metric in METRICS if flags[metric.id]}


def _every_other(events: Sequence[Event]) -> Talk | None:
    """Every other message of the customer, declared to be written as those between them."""
    users = [event for event in events if isinstance(event.body, UserMessage)]
    found = measure("", users[::2])
    if found is None:
        return None
    spoken = [one for one in _of_events(users[1::2]) if not one[1]]
    return Talk(spoken, declared=Declared(found.response_length, found.traits))


def _print_alarms(alarms: Mapping[str, Mapping[str, float]]) -> None:
    table = Table("flagged, %", *alarms)
    for metric in METRICS:
        table.add_row(metric.id, *(f"{each[metric.id]:.1f}" if metric.id in each else "" for each in alarms.values()))
    Console(width=100).print(table)


def _said(text: str) -> Callable[[Talk], Talk]:
    """A plant: the agent says this at the end."""
    return lambda talk: _with(talk, [*talk.spoken, (9_999, True, text, True)])


def _each(agent: bool, change: Callable[[str], Sequence[str]]) -> Callable[[Talk], Talk]:
    """A plant: each message of one side becomes others."""

    def planted(talk: Talk) -> Talk:
        found = []
        for seq, by_agent, text, own in talk.spoken:
            texts = change(text) if by_agent is agent else (text,)
            found += [(seq, by_agent, one, own) for one in texts]
        return _with(talk, found)

    return planted


def _with(talk: Talk, spoken: Spoken, **more: Any) -> Talk:
    known = {name: getattr(talk, name) for name in ("calls", "own_calls", "records", "declared")}
    return Talk(spoken, **{**known, **more})


def _lookup(talk: Talk) -> Talk:
    call = MadeCall(9_998, "find_parcel", {}, {"depot": "Quedlinburg", "weight": 7.25}, None, 9_998)
    spoken = [*talk.spoken, (9_997, False, "Where is it?", True), (9_999, True, "Anything more?", True)]
    return _with(talk, spoken, calls=[call], own_calls=[call])


def _unanswered(talk: Talk) -> Talk:
    asked = _each(False, lambda text: [f"{text} Which trains leave tonight?"])(talk)
    return _with(asked, _each(True, lambda _: ["Hooray."])(asked).spoken, calls=[])


def _long_persona(talk: Talk) -> Talk:
    spoken = _each(False, lambda text: [f"{text} {'which I told my sister at length ' * 3}"])(talk).spoken
    return _with(talk, spoken, declared=Declared("SHORT"))


PLANTS: Mapping[str, Callable[[Talk], Talk]] = {
    "user-reactions": _each(False, lambda text: [f"No, that's wrong, I said {text}"]),
    "unanswered-questions": _unanswered,
    "dead-ends": lambda talk: _with(talk, [*talk.spoken, (9_999, False, "And when will you pay me back?", True)]),
    "contradictions": lambda talk: _with(
        talk, [*talk.spoken, (9_999, True, "The deposit is $912.50.", True)], records=[("rent", {"deposit": 871.2})]
    ),
    "ignored-results": _lookup,
    "repetition": _each(True, lambda text: [text, text]),
    "robotic-phrasing": _said("As an AI language model, I do not have feelings."),
    "distinct-2": _each(True, lambda _: ["we will check and call you soon"] * 2),
    "turn-balance": lambda talk: _with(talk, [*talk.spoken, *((9_999, True, f"Step {n}.", True) for n in range(12))]),
    "length": _each(True, lambda text: [f"{text} {'and so we come to the next of many points ' * 6}"]),
    "persona-fidelity": _long_persona,
}
"""A fault for each metric, planted in the conversations of people."""


def _found(talks: Sequence[Talk]) -> dict[str, float]:
    """In how many conversations each planted fault is flagged, in percent of those to which the metric applies."""
    found = {}
    for metric, plant in PLANTS.items():
        planted = [quality(plant(talk)) for talk in talks if len(talk.said) > 3 < len(talk.heard)]
        found[metric] = 100 * float(np.mean([metric in one.flags for one in planted]))
    print("planted faults found, %:", ", ".join(f"{metric} {share:.1f}" for metric, share in found.items()))
    return found


def _cost(row: Mapping[str, Any], lines: Sequence[bytes], count: int) -> Result:
    """The processor time of reading and measuring lines of an export, to only decoding them, by turns."""
    decoding, ours = [], []
    for line in islice(cycle(lines), count):
        begin = time.process_time()
        json.loads(line)
        between = time.process_time()
        quality(Transcript.read(line).talk)
        ours.append(time.process_time() - between)
        decoding.append(between - begin)
    print(f"{1e6 * median(ours):.0f} µs a conversation beside {1e6 * median(decoding):.0f} µs")
    return limited(row, "×", [sum(ours) / sum(decoding)])
