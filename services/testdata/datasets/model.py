"""What a dataset is made from, and what is stored of it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from services.testdata.traces.formats import Format
from services.testdata.traces.parameters import Arrival, Mode, Parameters
from services.testdata.traces.workflow import Workflow
from services.testdata.workflows.reading import Given


class InParts(Protocol):
    """The body of a dataset's work.

    location: where it is written. claimed: True once the location was found empty; files found there later are the
    dataset's own.
    """

    @property
    def location(self) -> str: ...
    @property
    def claimed(self) -> bool: ...
    @property
    def part_count(self) -> int: ...
    @property
    def parts_done(self) -> int: ...


@dataclass(frozen=True, slots=True)
class DatasetRequest:
    """What a caller asks for.

    workflow: the workflow itself, or a name. first, count: the sessions; 0 for the first, and for all that follow.
    destination: "" for a folder with the name of the dataset.
    """

    workflow: Given | str
    parameters: Parameters
    first: int
    count: int
    format: Format
    destination: str


@dataclass(frozen=True, slots=True)
class DatasetSpec:
    """What a dataset is made from besides its workflow, with every default filled in.

    workflow: its name. first, count: the sessions, numbered from 1. format: one that is written to files.
    """

    workflow: str
    parameters: Parameters
    first: int
    count: int
    format: Format
    destination: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """The body of a dataset's work.

    location: the absolute path of a folder, or an `s3://` address; unique. workflow: None in lists.
    claimed: True once the location was found empty; files found there later are the dataset's own.
    parts_done, sessions_done, call_count, byte_count: of the parts that are written.
    """

    spec: DatasetSpec
    workflow: Workflow | None
    workflow_digest: str
    algorithm: str
    location: str
    part_count: int
    parts_done: int = 0
    sessions_done: int = 0
    call_count: int = 0
    byte_count: int = 0
    claimed: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A file that is written. index: from 0. sha256: in hexadecimal."""

    index: int
    file: str
    session_count: int
    call_count: int
    byte_count: int
    sha256: str

    @property
    def file_names(self) -> tuple[str, ...]:
        return (self.file,)


def pack_part(part: Part) -> bytes:
    """The part as an event."""
    return json.dumps(asdict(part), separators=(",", ":")).encode()


def unpack_part(event: bytes) -> Part:
    """The inverse of `pack_part`."""
    return Part(**json.loads(event))


def parameters_json(parameters: Parameters) -> dict[str, Any]:
    """The parameters for a JSON document; times are Unix milliseconds."""
    return {**asdict(parameters), "user_types": dict(sorted(parameters.user_types.items()))}


def read_parameters(record: Mapping[str, Any]) -> Parameters:
    """The inverse of `parameters_json`."""
    return Parameters(**{**record, "arrival": Arrival(record["arrival"]), "mode": Mode(record["mode"])})
