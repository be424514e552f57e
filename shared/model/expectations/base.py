"""The base class of all kinds of expectations, and what is found when one is judged."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from shared.errors import Violation
from shared.model.events import Json
from shared.model.expectations.seen import MOST_EVIDENCE, Seen


class Judgement(StrEnum):
    """Whether a conversation meets an expectation."""

    MET = "MET"
    MISSED = "MISSED"
    NOT_APPLICABLE = "NOT_APPLICABLE"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found. detail: what was found instead, one sentence; evidence: the seqs that show it, in order."""

    judgement: Judgement
    detail: str = ""
    evidence: tuple[int, ...] = ()


def met(*evidence: int) -> Finding:
    """The expectation is met, as these events show."""
    return Finding(Judgement.MET, "", tuple(sorted(evidence)[:MOST_EVIDENCE]))


def missed(detail: str, evidence: Iterable[int]) -> Finding:
    """The expectation is missed, as these events show."""
    return Finding(Judgement.MISSED, detail, tuple(sorted({*evidence})[:MOST_EVIDENCE]))


@dataclass(frozen=True, slots=True)
class CheckContext:
    """What an expectation is checked against.

    tools: the arguments schema of each tool of the procedure, None for any arguments; None if the tools are not known.
    """

    tools: Mapping[str, Mapping[str, Json] | None] | None = None


class Kind(ABC):
    """What is expected. A kind's fields are those of its proto message.

    A kind is one file here, a line in `KINDS`, and a message in expectation.proto.
    """

    __slots__ = ()
    kind: ClassVar[str]
    """The name of the kind in the proto's oneof."""

    @classmethod
    @abstractmethod
    def read(cls, record: Any) -> "Kind":
        """The kind from the proto JSON of its field, with the field names of the proto."""

    @property
    @abstractmethod
    def subject(self) -> str:
        """What the id of an unnamed expectation has after its kind; may be empty."""

    @property
    @abstractmethod
    def text(self) -> str:
        """What is expected, one sentence."""

    def check(self, context: CheckContext) -> Iterable[Violation]:  # noqa: ARG002 - most kinds need it
        """What is wrong with it, by field of its message."""
        return ()

    @abstractmethod
    def judge(self, seen: Seen) -> Finding:
        """Whether the conversation meets it. Raises TooMuchWork."""
