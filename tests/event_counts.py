"""Tells two sets of conversations apart by counts of their events alone."""

from collections import Counter
from collections.abc import Sequence

from scipy import stats

from shared.model.conversation import State
from shared.model.events import ToolCall, ToolResult


def counts(state: State) -> Counter[str]:
    """The events of a conversation by kind, its calls by tool, and its answers that are errors."""
    found: Counter[str] = Counter()
    for event in state.transcript:
        if not event.copied:
            found[type(event.body).__name__] += 1
            match event.body:
                case ToolCall(_, tool):
                    found[f"call of {tool}"] += 1
                case ToolResult(_, tool, answer) if answer.error is not None:
                    found["error"] += 1
    return found


def p_value(some: Sequence[State], others: Sequence[State]) -> float:
    """The probability that equal agents differ so much: Wilcoxon's signed ranks of each count, Bonferroni-corrected.

    The conversations are pairs: each of `others` has the source and the persona of the one at its place in `some`.
    """
    pairs = [(counts(one), counts(other)) for one, other in zip(some, others, strict=True)]
    kinds = {kind for pair in pairs for each in pair for kind in each}
    differences = [[one[kind] - other[kind] for one, other in pairs] for kind in kinds]
    values = [float(stats.wilcoxon(each).pvalue) for each in differences if any(each)]
    return min([1.0, *(len(kinds) * value for value in values)])
