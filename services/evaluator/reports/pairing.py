"""Pairs the conversations of two sides that belong together."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from services.evaluator.reports.errors import NotComparable
from services.evaluator.reports.results import Evaluated
from services.evaluator.scores.model import Score
from shared.words import all_of, counted

BY_SEED, BY_TASK, BY_INDEX = "source, persona and seed", "source and persona", "index"

_LISTED = 3
"""How many sources or personas a refusal names."""

_KEYS: Sequence[tuple[str, Callable[[Score], Hashable]]] = (
    (BY_SEED, lambda result: (result.task, result.seed)),
    (BY_TASK, lambda result: result.task),
    ("source", lambda result: result.task[0]),
    ("persona", lambda result: result.persona),
)
"""What the conversations of a pair have in common; what is left over is paired by the next."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """Pairs of results (new, baseline), by the index of the new one.

    by: what they have in common, most of them at least. notes: a sentence for each thing that a reader should know.
    """

    pairs: tuple[tuple[Score, Score], ...]
    by: str
    notes: tuple[str, ...]


def paired(judged: Evaluated, baseline: Evaluated) -> Pairing:
    """Pair the results of two sides. Raises NotComparable if they have other sources or other personas."""
    _check_same(judged, baseline)
    left, right = list(judged.results), list(baseline.results)
    pairs: list[tuple[Score, Score]] = []
    made: dict[str, int] = {}
    for by, key in _KEYS:
        found = _matched(left, right, key)
        if found:
            made[by] = len(found)
            pairs += found
            new, old = ({id(pair[side]) for pair in found} for side in (0, 1))
            left = [one for one in left if id(one) not in new]
            right = [one for one in right if id(one) not in old]
    pairs.sort(key=lambda pair: pair[0].index)
    nothing_in_common = all(one.task == ("", "") for one in judged.results)
    by = BY_INDEX if nothing_in_common else max(made, key=lambda by: made[by], default=BY_SEED)
    notes = [] if nothing_in_common else _notes(made, judged, baseline)
    return Pairing(tuple(pairs), by, tuple(notes + _alone(len(left), len(right))))


def _matched(
    left: Sequence[Score], right: Sequence[Score], key: Callable[[Score], Hashable]
) -> list[tuple[Score, Score]]:
    """Pairs with equal keys: the first of a key with the first of the other side, and so on."""
    waiting: dict[Hashable, list[Score]] = defaultdict(list)
    for result in reversed(right):
        waiting[key(result)].append(result)
    return [(result, waiting[key(result)].pop()) for result in left if waiting[key(result)]]


def _check_same(judged: Evaluated, baseline: Evaluated) -> None:
    for place, word in enumerate(("source", "persona")):
        new, old = ({one.task[place] for one in side.results} for side in (judged, baseline))
        differing = [
            f"{_named(names, word)} only in {side.evaluation}"
            for names, side in ((new - old, judged), (old - new, baseline))
            if names
        ]
        if differing:
            why = f"their {word}s differ, {all_of(differing)}"
            raise NotComparable(evaluation=judged.evaluation, baseline=baseline.evaluation, why=why)


def _named(names: set[str], word: str) -> str:
    listed = [name or f"conversations without a {word}" for name in sorted(names)]
    more = len(listed) - _LISTED
    return all_of(listed if more < 1 else [*listed[:_LISTED], f"{more} more"]) + (" are" if len(names) > 1 else " is")


def _notes(made: dict[str, int], judged: Evaluated, baseline: Evaluated) -> list[str]:
    notes = []
    seeds, other = ({one.seed for one in side.results} for side in (judged, baseline))
    if seeds != other:
        notes.append("The sides have other seeds; conversations are paired by source and persona.")
    for by, without in (("source", "persona"), ("persona", "source")):
        if count := made.get(by):
            notes.append(
                f"{counted(count, 'pair')} {'has' if count == 1 else 'have'} the same {by} and another {without}."
            )
    return notes


def _alone(new: int, old: int) -> list[str]:
    if not new and not old:
        return []
    parts = [f"{count} of {side}" for count, side in ((new, "the new side"), (old, "the baseline")) if count]
    left_out = all_of(parts)
    return [f"Conversations without a partner are left out of the comparison: {left_out}."]
