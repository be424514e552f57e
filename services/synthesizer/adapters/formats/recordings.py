"""Recordings of model calls as JSONL (docs/formats.md)."""

import json
import re
from collections.abc import Iterator, Mapping

from services.synthesizer.adapters.formats.fields import BadLine, Fields
from services.synthesizer.imports.model import Problem
from services.synthesizer.recordings.documents import pack, unpack
from services.synthesizer.recordings.model import Call, NewRecording, StoredCall
from shared.llm.base import ModelFailed
from shared.llm.recorder import digest_of, read_answer
from shared.model.events import Json
from shared.plain import visible

_CALL = ("batch", "conversation", "attempt", "seed", "index", "seq", "repeat")
_ANSWERS = ("reply", "failure")
_BATCH = re.compile("(batches/[a-z0-9-]{1,64})?")
_CONVERSATION = re.compile("conversations/[a-z0-9-]{1,64}")
_MOST = 1 << 22
"""Characters of a text; the line has no more bytes."""


def read_recording(record: Mapping[str, Json], line: int) -> Iterator[NewRecording | Problem]:
    """Read a recording. Its digest is computed from its request."""
    fields = Fields(record, "", (*_CALL, "request", *_ANSWERS))
    request = Fields(
        fields.record.get("request"),
        "request",
        ("model", "system", "messages", "tools", "output", "temperature", "max_tokens"),
    )
    answer = _answer(fields)
    try:
        digest, document = digest_of(request.record), pack(request.record, answer)
    except RecursionError:
        raise BadLine("VALUE_NOT_STORABLE", "The line has objects or lists that are nested too deeply.") from None
    call = Call(
        batch=_name(fields, "batch", _BATCH),
        conversation=_name(fields, "conversation", _CONVERSATION),
        attempt=fields.count("attempt"),
        model=request.text("model", 128, needed=True),
        seed=_seed(fields),
        index=fields.count("index"),
        seq=fields.count("seq"),
        repeat=fields.count("repeat"),
        digest=digest,
    )
    yield NewRecording(line, call, document)


def write_recording(stored: StoredCall) -> bytes:
    """The line that `read_recording` reads as this recording."""
    request, answer = unpack(stored.document)
    record = {name: getattr(stored.call, name) for name in _CALL} | {"request": request, **answer}
    return visible(json.dumps(record, ensure_ascii=False, separators=(",", ":"))).encode() + b"\n"


def _name(fields: Fields, name: str, allowed: re.Pattern[str]) -> str:
    text = fields.text(name, 128)
    if not allowed.fullmatch(text):
        raise BadLine("BAD_TEXT", f"{name} is not the name of a {name}, as in an exported recording.")
    return text


def _seed(fields: Fields) -> int:
    seed = fields.record.get("seed", 0)
    if isinstance(seed, bool) or not isinstance(seed, int) or not -(2**63) <= seed < 2**63:
        raise BadLine("WRONG_TYPE", "seed is not a whole number of 64 bits.")
    return seed


def _answer(fields: Fields) -> dict[str, Json]:
    there = [name for name in _ANSWERS if name in fields.record]
    if len(there) != 1:
        raise BadLine("ONE_KIND", f"The line should have exactly one of reply and failure; it has {len(there)}.")
    answer = {there[0]: fields.record[there[0]]}
    if "reply" in answer:
        _check_reply(answer["reply"])
        return answer
    failure = Fields(answer["failure"], "failure", ("reason", "details"))
    reason, details = failure.text("reason", 128, needed=True), Fields(failure.mapping("details"), "failure.details")
    for name in details.record:
        details.text(name, _MOST)
    try:
        read_answer(answer)
    except ModelFailed:
        return answer
    except (KeyError, TypeError):
        raise BadLine("WRONG_TYPE", f"failure is none that a recording has, or lacks details: {reason}.") from None
    return answer


def _check_reply(value: Json) -> None:
    reply = Fields(value, "reply", ("text", "calls", "usage", "milliseconds", "first_token"))
    reply.text("text", _MOST)
    for number, item in enumerate(reply.items("calls", 1_000)):
        call = Fields(item, f"reply.calls[{number}]", ("tool", "arguments", "id", "problem"))
        call.text("tool", _MOST, needed=True)
        call.text("id", _MOST)
        call.text("problem", _MOST)
        call.mapping("arguments")
    if missing := {"text", "calls", "usage", "milliseconds", "first_token"} - set(reply.record):
        raise BadLine("MISSING_FIELD", f"reply.{min(missing)} is missing.")
    usage = reply.items("usage", 5, needed=True)
    for number in (*usage, reply.record["milliseconds"], reply.record["first_token"] or 0):
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < 2**53:
            raise BadLine("WRONG_TYPE", "reply has a usage or a time that is not a whole number from 0.")
