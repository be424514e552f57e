"""Recordings: calls of models, as they are stored, listed and imported."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from shared.model.events import Json, Usage


@dataclass(frozen=True, slots=True)
class Call:
    """Where a call of a model belongs.

    batch, conversation: names; batch is "" for a single conversation. The rest is as in shared.llm.base.ChatRequest.
    digest: of the request, see shared.llm.recorder.
    """

    batch: str
    conversation: str
    attempt: int
    model: str
    seed: int
    index: int
    seq: int
    repeat: int
    digest: str


@dataclass(frozen=True, slots=True)
class StoredCall:
    """A recorded call. document: see recordings.documents. create_time: Unix milliseconds."""

    name: str
    call: Call
    document: bytes
    create_time: int


@dataclass(frozen=True, slots=True)
class NewRecording:
    """A call in a file, ready to be stored. line: from 1."""

    line: int
    call: Call
    document: bytes

    @property
    def digest(self) -> str:
        """Equal for equal content."""
        return sha256(self.document).hexdigest()

    @property
    def redacted(self) -> Mapping[str, int]:
        """Recordings are imported as they are, because a replay finds them by the digest of their request."""
        return {}

    @property
    def external_id(self) -> str:
        """What makes it unique in its file and company."""
        call = self.call
        return f"{call.conversation}/{call.attempt}/{call.seq}/{call.repeat}/{call.digest}"


@dataclass(frozen=True, slots=True)
class RecordingFilter:
    """Which recordings. batch: the name of a batch; "" selects all."""

    batch: str = ""


def usage_of(answer: Mapping[str, Json]) -> Usage | None:
    """The cost in a recorded answer; None if the model failed."""
    if (reply := answer.get("reply")) is None:
        return None
    return Usage(*reply["usage"]).timed(reply["milliseconds"], reply["first_token"])


def failure_of(answer: Mapping[str, Json]) -> str:
    """The reason in a recorded answer why the model failed; "" if it did not."""
    return str(answer["failure"]["reason"]) if "failure" in answer else ""
