"""A calibration as Markdown, for terminals and pull requests."""

from collections.abc import Iterable, Sequence

from services.evaluator.calibrations.model import Finding, Group
from services.evaluator.calibrations.rendering.wording import (
    SIGN,
    between,
    declared,
    farthest,
    headline,
    name_of,
    notes,
    number,
    short,
    signed,
    way,
)
from services.evaluator.calibrations.talk import MEANS
from shared.plain import visible


def markdown(finding: Finding) -> str:
    """The calibration as Markdown."""
    result = finding.result
    every = result.groups[0]
    counts = f"{result.people:,} conversations of people, {result.personas:,} of personas."
    parts = [f"# {headline(finding)}", counts, _groups(result.groups), "## All personas, measure by measure"]
    parts.append(_measures(every))
    if traits := [row for group in result.groups for row in _traits(group)]:
        parts += ["## Declared traits", _table(("persona", "trait", "should be", "shift", "shown"), traits)]
    parts.append("\n".join(f"- {note}" for note in notes(finding)))
    return "\n\n".join(parts) + "\n"


def _groups(groups: Sequence[Group]) -> str:
    heads = ("personas", "conversations", "distance", "interval", "floor", "farthest in")
    rows = (
        (
            name_of(one),
            f"{one.conversations:,}",
            f"{one.distance.value:.3f}",
            between(one.distance),
            between(one.floor),
            ", ".join(f"{short(each)} {way(each)}" for each in farthest(one)[:3]) or "nothing",
        )
        for one in groups
    )
    return _table(heads, rows)


def _measures(group: Group) -> str:
    heads = ("measure", "people", "personas", "distance", "interval", "floor", "shift")
    rows = (
        (
            MEANS[one.measure],
            number(one.people),
            number(one.personas),
            f"{one.distance.value:.3f}",
            between(one.distance),
            between(one.floor),
            f"{signed(one.shift.value)} {way(one)}",
        )
        for one in group.measures
    )
    return _table(heads, rows)


def _traits(group: Group) -> Iterable[tuple[str, ...]]:
    by_name = {one.measure: one for one in group.measures}
    for one in group.traits:
        shift = by_name[one.measure].shift
        reach = f"{signed(shift.value)} ({signed(shift.low)} to {signed(shift.high)})"
        yield name_of(group), one.trait, declared(one), reach, SIGN[one.shown]


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(text: str) -> str:
    return visible(text).replace("|", "\\|").replace("\n", " ")
