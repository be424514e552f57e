"""What worker processes do for evaluations: they check expectations, and score conversations."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from services.evaluator.evaluations.model import EvaluationSpec, Line, Scored
from services.evaluator.quality import quality
from services.evaluator.scores.defaults import expected_of
from services.evaluator.scores.model import score_json
from services.evaluator.scores.procedure import ProcedureParts
from services.evaluator.scores.scoring import score, score_key
from services.evaluator.scores.transcript import Transcript
from shared.model.events import Json
from shared.model.expectations import Expectation, all_tools, check_expectations, expectation_json, read_expectations

_HEAD = '{"conversation":'


@dataclass(frozen=True, slots=True)
class Task:
    """Conversations to score. revisions: of their procedures, in JSON, by procedure and number."""

    lines: Sequence[Line]
    spec: EvaluationSpec
    revisions: Mapping[tuple[str, int], bytes]


class Keyed(NamedTuple):
    """A conversation, its place in its batch, and the key of its score."""

    name: str
    place: int
    key: str


def checked(
    records: Sequence[Mapping[str, Json]], revisions: Sequence[bytes] | None, path: str
) -> list[dict[str, Json]]:
    """The expectations, each with an id. Raises ExpectationsInvalid.

    revisions: in JSON; the tools of any of them may be named. None if they are not known.
    """
    found = read_expectations(records)
    tools = None
    if revisions is not None:
        tools = all_tools([_parts(revision).tools or {} for revision in revisions])
    check_expectations(found, tools, path)
    return [expectation_json(one) for one in found]


def revisions_of(lines: Sequence[Line]) -> set[tuple[str, int]]:
    """The revisions that conversations have."""
    return {found for line in lines if (found := _revision_of(line))[0]}


def _revision_of(line: Line) -> tuple[str, int]:
    text = line.transcript.decode()
    if not text.startswith(_HEAD):
        return line.procedure, line.revision
    conversation, _ = json.JSONDecoder().raw_decode(text, len(_HEAD))
    spec = conversation.get("spec", {})
    return spec.get("procedure", ""), spec.get("revision", 0)


def keys(task: Task) -> list[Keyed]:
    """The key of each conversation's score."""
    read = (_read(line, task) for line in task.lines)
    return [
        Keyed(transcript.name, transcript.index, score_key(transcript, expected)) for transcript, expected, _ in read
    ]


def scores(task: Task) -> list[Scored]:
    """The score of each conversation, with its quality."""
    return [_scored(*_read(line, task)) for line in task.lines]


def _scored(transcript: Transcript, expected: tuple[Expectation, ...], procedure: ProcedureParts | None) -> Scored:
    found = score(transcript, expected, procedure)
    measured = quality(transcript.talk)
    document = _json(score_json(replace(found, quality=measured)))
    return Scored(found.outcome.value, measured.score if found.valid else None, document)


def _read(line: Line, task: Task) -> tuple[Transcript, tuple[Expectation, ...], ProcedureParts | None]:
    transcript = Transcript.read(line.transcript)
    if line.name:
        transcript = replace(transcript, name=line.name, procedure=line.procedure, revision=line.revision)
    revision = task.revisions.get((transcript.procedure, transcript.revision))
    procedure = None if revision is None else _parts(revision)
    spec = task.spec
    expected = expected_of(
        transcript,
        procedure,
        _expectations(_json(list(spec.expectations))),
        without_defaults=spec.without_defaults,
        only_these=spec.only_these,
    )
    return transcript, expected, procedure


@lru_cache(maxsize=256)
def _parts(revision: bytes) -> ProcedureParts:
    return ProcedureParts.read(json.loads(revision))


@lru_cache(maxsize=16)
def _expectations(records: bytes) -> tuple[Expectation, ...]:
    return read_expectations(json.loads(records))


def _json(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
