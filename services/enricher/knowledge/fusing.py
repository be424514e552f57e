"""Fuses what searches by words and by meaning found."""

from collections.abc import Sequence
from dataclasses import replace

from services.enricher.knowledge.model import FoundBy, Match

_SOFTENING = 60
"""The constant k of reciprocal rank fusion: Cormack, Clarke and Büttcher (2009) set it to 60."""


def fuse(by_words: Sequence[Match], by_meaning: Sequence[Match], limit: int) -> list[Match]:
    """The best documents of both lists, best first, by reciprocal rank fusion (Cormack, Clarke and Büttcher 2009).

    The score is the sum of 1 / (k + rank) over the lists that have the document. The passage is that of the list in
    which the document stands higher.
    """
    scores: dict[str, float] = {}
    best: dict[str, tuple[int, Match]] = {}
    for found in (by_words, by_meaning):
        for rank, match in enumerate(found, 1):
            name = match.document.name
            scores[name] = scores.get(name, 0.0) + 1 / (_SOFTENING + rank)
            if name not in best:
                best[name] = rank, match
            else:
                first, other = best[name]
                shown = match if rank < first else other
                best[name] = min(rank, first), replace(shown, found_by=FoundBy.BOTH)
    order = sorted(scores, key=lambda name: -scores[name])[:limit]
    return [replace(best[name][1], score=scores[name]) for name in order]
