"""The brief of a judge."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class JudgedCriterion:
    """A criterion. phrases: what the agent says that stands for a verdict. otherwise: of an agent who says none.

    Both are empty if the rubric has no phrases for it.
    """

    id: str
    phrases: Mapping[str, tuple[str, ...]]
    otherwise: str


@dataclass(frozen=True, slots=True)
class JudgeBrief:
    """The facts that a judge is told.

    said: what the agent said, each with the seq of its event. control: the text that an answer must repeat.
    """

    criteria: tuple[JudgedCriterion, ...]
    said: tuple[tuple[int, str], ...]
    control: str
