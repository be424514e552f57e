"""What a learning learns from, and what is stored of it."""

import json
from dataclasses import asdict, astuple, dataclass

from services.testdata.traces.certificate import Detection
from services.testdata.traces.learn.model import Checkpoint, Learned, LearnedEdge, LearnedEndpoint, OrderTest, Skipped
from services.testdata.traces.logs.formats import LogFormat

DEFAULT_NAME = "learned"
"""The name of a learned workflow if the caller gives none."""


@dataclass(frozen=True, slots=True)
class LearningSpec:
    """What to learn from on the server: either the name of a dataset, or a path below an input root.

    log_format: of the path's log; None for a dataset. workflow_name: the name of the learned workflow.
    """

    dataset: str = ""
    path: str = ""
    log_format: LogFormat | None = None
    workflow_name: str = DEFAULT_NAME


@dataclass(frozen=True, slots=True)
class Learning:
    """The body of a learning's work.

    spec: None for a log that was uploaded. result: for `read_learned`; None in lists and until it is COMPLETED.
    """

    spec: LearningSpec | None
    result: bytes | None = None
    bytes_done: int = 0
    byte_count: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """Bytes and calls that were read so far."""

    bytes_done: int
    calls: int


def write_progress(progress: Progress) -> bytes:
    """The progress as an event."""
    return json.dumps(asdict(progress)).encode()


def read_progress(event: bytes) -> Progress:
    """The inverse of `write_progress`."""
    return Progress(**json.loads(event))


def write_learned(learned: Learned) -> bytes:
    """What was learned, as JSON; edges and endpoints are lists of values, because there are many."""
    record = {
        "name": learned.name,
        "sessions": learned.sessions,
        "calls": learned.calls,
        "edges": [astuple(edge) for edge in learned.edges],
        "endpoints": [astuple(endpoint) for endpoint in learned.endpoints],
        "order_test": asdict(learned.order_test),
        "skipped": [asdict(one) for one in learned.skipped],
        "detection": None if learned.detection is None else asdict(learned.detection),
        "checkpoints": [asdict(one) for one in learned.checkpoints],
    }
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()


def read_learned(document: bytes) -> Learned:
    """The inverse of `write_learned`."""
    record = json.loads(document)
    detection = record["detection"]
    return Learned(
        name=record["name"],
        sessions=record["sessions"],
        calls=record["calls"],
        edges=tuple(LearnedEdge(*edge) for edge in record["edges"]),
        endpoints=tuple(
            LearnedEndpoint(name, count, rate, tuple(quantiles), mean, method)
            for name, count, rate, quantiles, mean, method in record["endpoints"]
        ),
        order_test=OrderTest(**record["order_test"]),
        skipped=tuple(Skipped(**one) for one in record["skipped"]),
        detection=None if detection is None else Detection(**detection),
        checkpoints=tuple(Checkpoint(one["calls"], tuple(one["counts"])) for one in record["checkpoints"]),
    )
