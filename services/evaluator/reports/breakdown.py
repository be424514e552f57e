"""What failed and where: by expectation, by persona, and in which conversations."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from services.evaluator.reports.model import Cell, Covered, Example, ExpectationSummary, PersonaSummary, Rate
from services.evaluator.scores.model import Expected, Outcome, Score
from services.evaluator.statistics.clustered import Cluster, clustered_wilson
from services.evaluator.statistics.holm import holm
from services.evaluator.statistics.mcnemar import mid_p
from services.evaluator.statistics.pairs import pairs_of
from shared.model.expectations import Judgement

NONE = "-"
"""Stands for a persona or a source in a cell of the coverage if there is none."""
EXAMPLES = 3
"""The most examples of an expectation."""

_CELLS = 100
"""The most combinations of personas and sources of which those that never were are listed."""

PairOfScores = tuple[Score, Score]


def clusters_of(results: Iterable[tuple[Score, bool]]) -> list[Cluster]:
    """The results by source."""
    by_source: dict[str, list[bool]] = defaultdict(list)
    for result, met in results:
        by_source[result.task[0] or result.conversation].append(met)
    return [Cluster(sum(one), len(one)) for one in by_source.values()]


def rate_of(results: Iterable[tuple[Score, bool]], alpha: float) -> Rate:
    """The rate of results that are True, with its interval, clustered by source where sources repeat."""
    clusters = clusters_of(results)
    low, high = clustered_wilson(clusters, alpha)
    return Rate(sum(one.successes for one in clusters), sum(one.total for one in clusters), low, high)


def expectation_summaries(
    new: Sequence[Score], old: Sequence[Score] | None, pairs: Sequence[PairOfScores], alpha: float
) -> tuple[ExpectationSummary, ...]:
    """How often each expectation is met, the least likely by chance first. old: None with one side."""
    mine, theirs = _by_expectation(new), _by_expectation(old or ())
    texts = {one.id: one.text for found in (theirs, mine) for each in found.values() for _, one in each[:1]}
    ids = [*mine, *(one for one in theirs if one not in mine)]
    met_pairs = _met_pairs(pairs)
    tables = [pairs_of(met_pairs.get(one, ())) for one in ids]
    corrected = holm([mid_p(table.gained, table.lost) for table in tables])
    summaries = [
        ExpectationSummary(
            id=one,
            text=texts[one],
            met=_met_rate(mine.get(one, ()), alpha),
            baseline_met=None if old is None else _met_rate(theirs.get(one, ()), alpha),
            p=1.0 if old is None else p,
            difference=table.difference,
        )
        for one, table, p in zip(ids, tables, corrected, strict=True)
    ]
    return tuple(sorted(summaries, key=lambda one: (one.p, one.difference, one.met.value)))


def persona_summaries(
    new: Sequence[Score], old: Sequence[Score] | None, pairs: Sequence[PairOfScores], alpha: float
) -> tuple[PersonaSummary, ...]:
    """How conversations with each persona fare, the least likely by chance first."""
    mine, theirs = _by_persona(new), _by_persona(old or ())
    names = [*mine, *(one for one in theirs if one not in mine)]
    display = {one.persona: one.persona_display_name for one in (*(old or ()), *new)}
    passed: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for one, two in pairs:
        passed[one.persona].append((one.passed, two.passed))
    tables = [pairs_of(passed[name]) for name in names]
    corrected = holm([mid_p(table.gained, table.lost) for table in tables])
    summaries = [
        PersonaSummary(
            persona=name,
            display_name=display[name],
            success=_success(mine.get(name, ()), alpha),
            baseline_success=None if old is None else _success(theirs.get(name, ()), alpha),
            p=1.0 if old is None else p,
        )
        for name, p in zip(names, corrected, strict=True)
    ]
    return tuple(sorted(summaries, key=lambda one: (one.p, one.success.value)))


def cells(new: Sequence[Score]) -> tuple[Cell, ...]:
    """How personas and expectations fare together, of those that at least one conversation missed."""
    found: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for result in new:
        for one in _applying(result):
            found[result.persona, one.id].append(one.outcome is Judgement.MET)
    missed = {one for (_, one), met in found.items() if not all(met)}
    return tuple(Cell(persona, one, sum(met), len(met)) for (persona, one), met in found.items() if one in missed)


def examples(
    new: Sequence[Score], pairs: Sequence[PairOfScores], order: Sequence[ExpectationSummary]
) -> tuple[Example, ...]:
    """Conversations that miss an expectation, in this order of expectations; those first whose pair passed."""
    partner = {one.conversation: two for one, two in pairs}
    failed = [result for result in new if result.outcome is Outcome.FAILED]

    def rank(result: Score) -> tuple[bool, int]:
        two = partner.get(result.conversation)
        return two is None or not two.passed, result.index

    found: dict[str, list[Example]] = defaultdict(list)
    for result in sorted(failed, key=rank):
        missed: list[Expected | None] = [*_missed(result)]
        for one in missed or [None]:
            shown = found["" if one is None else one.id]
            if len(shown) < EXAMPLES:
                shown.append(_example(result, partner, one))
    return tuple(example for one in [*(summary.id for summary in order), ""] for example in found[one])


def _example(result: Score, partner: Mapping[str, Score], missed: Expected | None) -> Example:
    two = partner.get(result.conversation)
    return Example(
        conversation=result.conversation,
        baseline="" if two is None else two.conversation,
        expectation="" if missed is None else missed.id,
        detail=(result.detail or result.reason) if missed is None else (missed.detail or missed.text),
        evidence=() if missed is None else missed.evidence,
        persona=result.persona,
        source=result.source,
    )


def coverage(new: Sequence[Score]) -> tuple[Covered, ...]:
    """What the results covered, and what never, by kind in the order of the results."""
    times: dict[tuple[str, str], int] = {}
    for result in new:
        for one in result.covered:
            if one.kind != "CELL":
                times[one.kind, one.part] = times.get((one.kind, one.part), 0) + one.times
    for cell, count in _cell_counts(new).items():
        times["CELL", cell] = count
    kinds = list(dict.fromkeys(kind for kind, _ in times))
    return tuple(
        Covered(kind, part, count) for kind in kinds for (of_kind, part), count in times.items() if of_kind == kind
    )


def _cell_counts(new: Sequence[Score]) -> dict[str, int]:
    """How often each persona met each source with each outcome; with 0 if the combinations are few."""
    cells = Counter((one.persona or NONE, one.task[0] or NONE, one.outcome) for one in new if one.task != ("", ""))
    personas, sources = (sorted({cell[place] for cell in cells}) for place in (0, 1))
    counts: dict[str, int] = {}
    if len(personas) * len(sources) <= _CELLS:
        counts = {f"{one} {two} {outcome}": 0 for one in personas for two in sources for outcome in Outcome}
    return counts | {" ".join(cell): times for cell, times in cells.items()}


def _applying(result: Score) -> Iterable[Expected]:
    return (one for one in result.expectations if one.outcome is not Judgement.NOT_APPLICABLE)


def _missed(result: Score) -> Iterable[Expected]:
    return (one for one in result.expectations if one.outcome is Judgement.MISSED)


def _by_expectation(results: Sequence[Score]) -> dict[str, list[tuple[Score, Expected]]]:
    found: dict[str, list[tuple[Score, Expected]]] = defaultdict(list)
    for result in results:
        for one in result.expectations:
            found[one.id].append((result, one))
    return found


def _met_rate(found: Iterable[tuple[Score, Expected]], alpha: float) -> Rate:
    applying = ((result, one) for result, one in found if one.outcome is not Judgement.NOT_APPLICABLE)
    return rate_of(((result, one.outcome is Judgement.MET) for result, one in applying), alpha)


def _met_pairs(pairs: Sequence[PairOfScores]) -> dict[str, list[tuple[bool, bool]]]:
    """By expectation, the pairs to which it applies on both sides: (new met it, old met it)."""
    found: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for pair in pairs:
        new, old = ({one.id: one.outcome is Judgement.MET for one in _applying(result)} for result in pair)
        for one in new.keys() & old.keys():
            found[one].append((new[one], old[one]))
    return found


def _by_persona(results: Sequence[Score]) -> dict[str, list[Score]]:
    found: dict[str, list[Score]] = defaultdict(list)
    for result in results:
        if result.persona:
            found[result.persona].append(result)
    return found


def _success(results: Iterable[Score], alpha: float) -> Rate:
    return rate_of(((one, one.passed) for one in results), alpha)
