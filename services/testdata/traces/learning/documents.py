"""What is kept of learnings as JSON."""

import json
from dataclasses import asdict, astuple

from services.testdata.traces.certificate import Detection
from services.testdata.traces.learning.formats import Columns, LogFormat, LogKind
from services.testdata.traces.learning.kept import LearningSpec, Progress
from services.testdata.traces.learning.model import (
    Checkpoint,
    Learned,
    LearnedEdge,
    LearnedEndpoint,
    OrderTest,
    Skipped,
)


def write_learned(learned: Learned) -> bytes:
    """What was learned; its edges and endpoints as lists of their fields, since there are many."""
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


def write_spec(spec: LearningSpec) -> bytes:
    """The spec."""
    return json.dumps(asdict(spec), ensure_ascii=False).encode()


def read_spec(document: bytes) -> LearningSpec:
    """The inverse of `write_spec`."""
    record = json.loads(document)
    if (kept := record["log_format"]) is not None:
        record["log_format"] = LogFormat(LogKind(kept["kind"]), Columns(**kept["columns"]), kept["session_gap"])
    return LearningSpec(**record)


def write_progress(progress: Progress | None) -> bytes:
    """An event: how far a learning is, or None for its end."""
    return json.dumps(None if progress is None else asdict(progress)).encode()


def read_progress(payload: bytes) -> Progress | None:
    """The inverse of `write_progress`."""
    record = json.loads(payload)
    return None if record is None else Progress(**record)
