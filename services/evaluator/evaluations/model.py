"""Evaluations: what is evaluated, how far it is, and the results."""

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from services.evaluator.scores.model import SCORERS, Score, read_score
from shared.model.events import Json

if TYPE_CHECKING:  # worker processes import this module, and the callers' would take them seconds
    from shared.auth import Caller

_SCORE = b',"score":'
_FAST = 1
"""The level of zlib."""


@dataclass(frozen=True, slots=True)
class EvaluationSpec:
    """What is evaluated, and by what; see EvaluationSpec of the contract.

    batch, sources, conversations: exactly one is set. sources: a SourceFilter.
    expectations: sources and expectations are in proto JSON with the field names of the protos.
    """

    batch: str = ""
    sources: Mapping[str, Json] | None = None
    conversations: tuple[str, ...] = ()
    expectations: Sequence[Mapping[str, Json]] = ()
    without_defaults: bool = False
    only_these: bool = False


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The body of an evaluation's work.

    starter: who started it, in whose name conversations are read.
    position: where the conversations go on that have no result yet; only the reader of the subject understands it.
    passed, failed, invalid: how many conversations have which outcome. reused: those of them whose scores an earlier
    evaluation had computed. scorers: the version of the scorers.
    quality_total, quality_count: the sum of the qualities of valid conversations, and how many have one.
    """

    spec: EvaluationSpec
    starter: "Caller"
    position: str = ""
    passed: int = 0
    failed: int = 0
    invalid: int = 0
    reused: int = 0
    scorers: str = SCORERS
    quality_total: float = 0.0
    quality_count: int = 0

    @property
    def quality(self) -> float | None:
        """The mean quality of valid conversations, 0 to 100; None if none was measured."""
        return self.quality_total / self.quality_count if self.quality_count else None

    @property
    def count(self) -> int:
        """How many conversations have a result."""
        return self.passed + self.failed + self.invalid


@dataclass(frozen=True, slots=True)
class Line:
    """A conversation to evaluate. transcript: a line of an export, proto JSON.

    name, procedure, revision: of a source, whose line does not have them.
    """

    transcript: bytes
    name: str = ""
    procedure: str = ""
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Lines:
    """Some conversations of a subject. position: continues after them. over: no more will come."""

    lines: Sequence[Line] = ()
    position: str = ""
    over: bool = False


Revisions = frozenset[tuple[str, int]]
"""Revisions of procedures by procedure and number."""


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one conversation. reused: True if an earlier evaluation had computed the score."""

    score: Score
    reused: bool = False


class Scored(NamedTuple):
    """The outcome of a score, its quality if the conversation is valid, and the score as JSON."""

    outcome: str
    quality: float | None
    document: bytes


@dataclass(frozen=True, slots=True)
class NewResult:
    """A result to store. key: equal for conversations with equal scores. outcome, quality: of the score; see Scored.

    event: its event.
    """

    conversation: str
    index: int
    key: str
    outcome: str
    reused: bool
    quality: float | None
    event: bytes


@dataclass(frozen=True, slots=True)
class Stored:
    """What is known of a stored result without its event."""

    outcome: str
    reused: bool
    quality: float | None


def pack_result(conversation: str, index: int, reused: bool, score: bytes) -> bytes:
    """A result as an event. score: the score as JSON, whose own conversation and index do not count."""
    head = json.dumps({"conversation": conversation, "index": index, "reused": reused}, separators=(",", ":"))
    return b"%b%b%b}" % (head[:-1].encode(), _SCORE, score)


def score_of(event: bytes) -> bytes:
    """The JSON of the score in an event of `pack_result`."""
    return event.partition(_SCORE)[2][:-1]


def unpack_result(event: bytes) -> Result:
    """The inverse of `pack_result`."""
    record: dict[str, Any] = json.loads(event)
    own = {"conversation": record["conversation"], "index": record["index"]}
    return Result(read_score(record["score"] | own), record["reused"])


def pack_page(events: Sequence[bytes]) -> bytes:
    """Results together. They repeat the same ids and sentences, so that a page takes a tenth of its events."""
    return zlib.compress(b"\n".join(events), _FAST)


def unpack_page(page: bytes) -> list[Result]:
    """The inverse of `pack_page`."""
    return [unpack_result(event) for event in zlib.decompress(page).split(b"\n")]


def counted(before: Evaluation, replaced: Iterable[Stored], added: Iterable[NewResult]) -> dict[str, Any]:
    """The counts of an evaluation after results were added, some of which replaced earlier ones."""
    names = ("passed", "failed", "invalid", "reused", "quality_total", "quality_count")
    counts = {name: getattr(before, name) for name in names}
    for results, change in ((replaced, -1), (added, 1)):
        for one in results:
            counts[one.outcome.lower()] += change
            counts["reused"] += change * one.reused
            counts["quality_total"] += change * (one.quality or 0.0)
            counts["quality_count"] += change * (one.quality is not None)
    return counts
