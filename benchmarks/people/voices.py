"""Whether offline personas can be told apart, how varied their words are, and which recorded calls are made again."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.dialogues import Rehearsed, records, rehearsals
from benchmarks.people.surface import WORD, distinct, duplicates, pairs, print_surfaces, said, words
from benchmarks.results import Result, compared, limited, reached
from services.synthesizer.personas.builtin import built_in
from tests.pipeline.test_abcd import said_calls

_MASKED, _MASK = 20, "_"
_REAL = "real customers"
_CASES = 15
"""The fewest recorded calls of a tool that has a gate of its own."""
_RIDGE = 0.3
"""The weight of the identity in the covariance of the classifier."""

_SHARES = tuple(
    re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    for pattern in (
        r"\?",
        r"!",
        r"\.$",
        r"[^.!?]$",
        r":|;|\(",
        r",",
        r"\d",
        r"^\W*\S+\W*$",
        r"[.!?]\s+\S.*[.!?]\s+\S",
        r"\b(?:price|cost|fee|charge|cheap|expensive|pay|money|free|discount|budget)\w*",
        r"\b(?:maybe|perhaps|i guess|i think|i suppose|not sure|might|probably|a bit|kind of|honestly)\b",
        r"\b(?:thanks?|thank you|please|sorry|kind|appreciate)\b",
        r"\b(?:no|not|don't|never|nothing|nope|none)\b",
        r"\b(?:why|how|what|which|who|when)\b",
        r"\b(?:my (?:sister|husband|son|daughter|neighbour|mother|friend|dog|cat)|we|reminds?|always|once)\b",
        r"\b(?:quick|busy|hurry|fast|later|meeting|now|asap)\w*",
        r"\b(?:great|perfect|awesome|love|wonderful|lovely|super)\w*",
        r"\b(?:exact|detail|process|field|format|system|technical|spec|record|log|step)\w*",
        r"\b(?:i|me|my)\b",
    )
)
"""What a message has or has not: questions, marks, words of price, hedges, politeness and others."""


class Spoken(NamedTuple):
    """What a persona said in one conversation."""

    persona: str
    texts: Sequence[str]


def told_apart(gate: Any, size: Any) -> list[Result]:
    """Play conversations of abcd with the built-in personas; what they say and which calls are made again."""
    dialogues = list(records("abcd"))
    personas = len(built_in())
    sources = dialogues[: size["sources"]]
    told = rehearsals([{**one, "id": f"{one['id']}-{number}"} for one in sources for number in range(personas)])
    batch = rehearsals(dialogues[: size["batch"]])
    every = rehearsals(dialogues[: size["calls"]])
    _surfaces(batch)
    return [
        _persona_named(gate, told, [_real(one) for one in sources]),
        *_variety(gate, batch),
        *_calls_again(gate, every),
    ]


def _spoken(one: Rehearsed) -> Spoken:
    return Spoken(one.persona.display_name, said(one.state.transcript))


def _surfaces(batch: Sequence[Rehearsed]) -> None:
    sides = {_REAL: [text for one in batch for text in _real(one.dialogue)]}
    for one in map(_spoken, batch):
        sides.setdefault(one.persona, []).extend(one.texts)
    print_surfaces("abcd", sides)


def _real(dialogue: dict[str, Any]) -> Sequence[str]:
    """What the real customer said."""
    return [turn["text"] for turn in dialogue["turns"] if turn["role"] == "customer"]


def _persona_named(gate: Any, played: Sequence[Rehearsed], real: Sequence[Sequence[str]]) -> Result:
    """Name the persona of each conversation of the second half of the sources, by what the first half shows.

    Prints beside it which persona the real customers of these sources sound like.
    """
    spoken = [*map(_spoken, played)]
    half = len(spoken) // 2
    masked = _most_telling(spoken[:half])
    features = np.array([_surface([_without(masked, text) for text in one.texts]) for one in spoken])
    personas = np.array([one.persona for one in spoken])
    named = _classified(features[:half], personas[:half], features[half:])
    right = named == personas[half:]
    shares = {name: [float(right[personas[half:] == name].mean())] for name in sorted(set(personas))}
    customers = np.array([_surface([_without(masked, text) for text in texts]) for texts in real[len(real) // 2 :]])
    alike = Counter(map(str, _classified(features[:half], personas[:half], customers)))
    table = Table("persona", "named", f"{_REAL} that sound like it")
    for name, share in shares.items():
        table.add_row(name, f"{share[0]:.0%}", f"{alike[name] / len(customers):.0%}")
    Console(width=100).print(table)
    return reached(gate["named"], f"of {len(right)}", [float(right.mean())], samples=shares)


def _most_telling(spoken: Sequence[Spoken]) -> frozenset[str]:
    """The 20 words of each persona that most conversations of it and fewest of the others have."""
    personas = {one.persona for one in spoken}
    having = {name: Counter[str]() for name in personas}
    for one in spoken:
        having[one.persona].update(set(chain.from_iterable(map(words, one.texts))))
    size = len(spoken) / len(personas)
    telling: set[str] = set()
    for name, own in having.items():
        others = sum((counts for other, counts in having.items() if other != name), Counter[str]())
        odds = {
            word: (count + 0.5) / (size + 1) * np.log((count + 0.5) / (others[word] / (len(personas) - 1) + 0.5))
            for word, count in own.items()
        }
        telling.update(sorted(odds, key=lambda word: -odds[word])[:_MASKED])
    return frozenset(telling)


def _without(masked: frozenset[str], text: str) -> str:
    return WORD.sub(lambda found: _MASK if found[0].lower() in masked else found[0], text.replace("’", "'"))


def _surface(texts: Sequence[str]) -> list[float]:
    """Length, and the share of messages with each mark and kind of word."""
    if not texts:
        return [0.0] * (5 + len(_SHARES))
    lengths = np.array([len(text.split()) for text in texts], dtype=float)
    letters = [len(text) / max(1, len(text.split())) for text in texts]
    size = [float(np.log1p(lengths).mean()), float(np.log1p(lengths).std()), float(np.log1p(lengths.max()))]
    shares = [sum(bool(pattern.search(text)) for text in texts) / len(texts) for pattern in _SHARES]
    return [*size, float(np.mean(letters)), float(np.log1p(len(texts))), *shares]


def _classified(
    known: NDArray[np.float64], personas: NDArray[np.str_], unknown: NDArray[np.float64]
) -> NDArray[np.str_]:
    """Linear discriminant analysis with a covariance shrunk towards the identity."""
    mean, deviation = known.mean(0), known.std(0) + 1e-9
    known, unknown = (known - mean) / deviation, (unknown - mean) / deviation
    names = np.unique(personas)
    means = np.array([known[personas == name].mean(0) for name in names])
    within = known - means[np.searchsorted(names, personas)]
    covariance = within.T @ within / len(known) * (1 - _RIDGE) + _RIDGE * np.eye(known.shape[1])
    weights = np.linalg.solve(covariance, means.T)
    chosen: NDArray[np.str_] = names[(unknown @ weights - (means * weights.T).sum(1) / 2).argmax(1)]
    return chosen


def _variety(gate: Any, batch: Sequence[Rehearsed]) -> list[Result]:
    """Utterances that an earlier one of the batch equals, and distinct-2, beside the real customers'."""
    ours = [text for one in batch for text in _spoken(one).texts]
    theirs = [text for one in batch for text in _real(one.dialogue)]
    most = min(len(pairs(ours)), len(pairs(theirs)))
    return [
        limited(gate["duplicates"], f"of {len(ours)}", [duplicates(ours)], [duplicates(theirs)]),
        compared(gate["distinct_2"], f"of {most}", [distinct(ours, most)], [distinct(theirs, most)]),
    ]


def _calls_again(gate: Any, played: Sequence[Rehearsed]) -> list[Result]:
    """Recorded calls whose values the customer says, made again, by tool."""
    wanted = Counter(tool for one in played for tool, _ in said_calls(one.dialogue))
    made = Counter(tool for one in played for tool, _ in one.made_again())
    # The real agents also called tools that the procedure of the dialogue does not have.
    able = Counter(tool for one in played for tool, _ in said_calls(one.dialogue) if _has(one, tool))
    rows = {tool: f"{made[tool]} of {count}; {able[tool]} can be" for tool, count in wanted.most_common()}
    _table("calls made again", {**rows, "all": f"{made.total()} of {wanted.total()}; {able.total()} can be"})
    shares = {tool: [made[tool] / count] for tool, count in wanted.items() if count >= _CASES}
    most = [able.total() / wanted.total()]
    least = min(shares, key=lambda tool: shares[tool])
    return [
        reached(gate["least_tool"], least, shares[least], [able[least] / wanted[least]], samples=shares),
        reached(gate["all_tools"], f"of {wanted.total()}", [made.total() / wanted.total()], most),
    ]


def _has(one: Rehearsed, tool: str) -> bool:
    return any(tool == known.name for known in one.procedure.tools)


def _table(title: str, rows: dict[str, str]) -> None:
    table = Table(title, "share")
    for name, share in rows.items():
        table.add_row(name, share)
    Console(width=100).print(table)
