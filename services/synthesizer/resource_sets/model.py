"""Resource sets, and resources before they are stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field

PREFIX = "resources/"
MAX_RESOURCES = 20_000
MAX_TYPES = 1_000
"""A message names them all."""


@dataclass(frozen=True, slots=True)
class NewResource:
    """A resource in a file, ready to be stored. line: from 1. document: its data as JSON."""

    line: int
    type: str
    id: str
    document: bytes


@dataclass(frozen=True, slots=True)
class ResourceSet:
    """A set without its resources.

    types: how many it has, by type. size: bytes of their data as JSON. digest: of the content. create_time: Unix
    milliseconds.
    """

    name: str
    digest: str
    size: int
    creator: str
    create_time: int
    types: Mapping[str, int] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The part of the name after the slash."""
        return self.name.removeprefix(PREFIX)


@dataclass(frozen=True, slots=True)
class ResourceSetHeader:
    """What the first message of an import says of its file. id: of the set."""

    id: str
    format: str
    file: str


def split_name(name: str) -> tuple[str, tuple[str, str] | None]:
    """The id of the set in a name of `mock_resources`, and (type, id) if it names a single resource."""
    key, _, rest = name.removeprefix(PREFIX).partition("/")
    kind, _, resource = rest.partition("/")
    return key, (kind, resource) if rest else None
