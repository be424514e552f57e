"""Finds parts of packs by words: best first, and near words where no part has a word itself."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from math import log

from shared.model.packs.model import Pack

_WORD = re.compile(r"[^\W_]+")
_NAME, _TEXT = 2.0, 1.0
"""How much a word counts in the name of a part, and in what it says."""
_PREFIX, _NEAR = 0.6, 0.4
"""What a word that only begins with a word of the query counts, and one that is only similar."""

_COMMON = frozenset(
    "a an and any are as at be by can do for from has have in is it no not of on or than that the to was with".split()
)
"""Words that say nothing about what is looked for."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A part of a pack. kind: `entity`, `field`, `rule`, `edge case`, `workflow` or `scenario`.

    part: its name in the pack, such as `order.total` of a field. text: what it says.
    """

    kind: str
    part: str
    text: str


@dataclass(frozen=True, slots=True)
class Index:
    """The parts of a pack by their words. words: by word, the numbers of entries and how much it counts there."""

    entries: Sequence[Entry]
    words: Mapping[str, Sequence[tuple[int, float]]]


def index(pack: Pack) -> Index:
    """The index of a pack."""
    entries = list(_entries(pack))
    words: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    for number, entry in enumerate(entries):
        counts: defaultdict[str, float] = defaultdict(float)
        for text, weight in ((entry.part, _NAME), (entry.text, _TEXT)):
            for word in dict.fromkeys(words_of(text)):
                counts[word] += weight
        for word, count in counts.items():
            words[word].append((number, count))
    return Index(entries, dict(words))


def words_of(text: str) -> list[str]:
    """The words of a text, in small letters and without a plural s."""
    return [_stem(word) for word in _WORD.findall(text.casefold())]


def search(indexes: Sequence[Index], query: str) -> Iterator[tuple[int, Entry, float]]:
    """The entries that have words of the query, in no order: (number of the index, entry, score).

    The score is the sum over words of weight × rarity, times the share of the words that are there. The rarity is the
    inverse document frequency ln(1 + n / m) of Spärck Jones (1972): m of all n entries have the word.
    """
    words = dict.fromkeys(words_of(query))
    wanted = [word for word in words if word not in _COMMON] or list(words)
    size = sum(len(one.entries) for one in indexes)
    scores: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
    for word in wanted:
        for place, score in _scores(indexes, word, size).items():
            scores[place].append(score)
    for (number, entry), each in scores.items():
        yield number, indexes[number].entries[entry], sum(each) * len(each) / len(wanted)


def _scores(indexes: Sequence[Index], word: str, size: int) -> dict[tuple[int, int], float]:
    """By number of the index and of its entry."""
    best: dict[tuple[int, int], float] = {}
    for other, factor in _alike(indexes, word).items():
        places = [
            ((number, entry), weight)
            for number, one in enumerate(indexes)
            for entry, weight in one.words.get(other, ())
        ]
        rarity = log(1 + size / len(places))
        for place, weight in places:
            best[place] = max(best.get(place, 0.0), factor * weight * rarity)
    return best


def _alike(indexes: Sequence[Index], word: str) -> dict[str, float]:
    """The words of the indexes that a word of the query means, and how much each counts."""
    known = {other for one in indexes for other in one.words}
    found = {word: 1.0} if word in known else {}
    if len(word) >= 3:
        found.update({other: _PREFIX for other in known if other != word and other.startswith(word)})
    if not found:
        similar = sorted(other for other in known if other[:1] == word[:1] and abs(len(other) - len(word)) <= 2)
        found = dict.fromkeys(get_close_matches(word, similar, n=2, cutoff=0.75), _NEAR)
    return found


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _entries(pack: Pack) -> Iterator[Entry]:
    for entity in pack.entities:
        yield Entry("entity", entity.name, entity.description)
        for field in entity.fields:
            values = ", ".join(str(value) for value in field.values[:20])
            said = [text for text in (field.description, values) if text]
            yield Entry("field", f"{entity.name}.{field.name}", "; ".join(said) or field.type.value)
    for rule in pack.rules:
        yield Entry("rule", rule.id, rule.text + (f" ({rule.expression})" if rule.expression else ""))
    for case in pack.edge_cases:
        yield Entry("edge case", case.id, case.text)
    for workflow in pack.workflows:
        steps = "; ".join(step.text for step in workflow.steps)
        yield Entry("workflow", workflow.id, f"{workflow.text} {steps}".strip())
    for scenario in pack.scenarios:
        yield Entry("scenario", scenario.id, scenario.text)
