"""Domains: what businesses know, in revisions that are immutable once READY."""

from dataclasses import dataclass
from enum import StrEnum

from shared.model.packs.model import Pack

PREFIX = "domains/"


class RevisionState(StrEnum):
    """DRAFT: it can be replaced. READY: it cannot change."""

    DRAFT = "DRAFT"
    READY = "READY"


@dataclass(frozen=True, slots=True)
class Revision:
    """One version of a domain. digest: hash of the pack.

    Times are Unix milliseconds; ready_time is 0 for a DRAFT, and both are 0 if the domain is built in.
    """

    domain: str
    number: int
    state: RevisionState
    pack: Pack
    digest: str
    create_time: int = 0
    ready_time: int = 0


@dataclass(frozen=True, slots=True)
class Domain:
    """What a business knows; display_name and description are those of its newest revision.

    latest_ready_revision: 0 if no revision is READY. creator, create_time: empty and 0 if it is built in.
    """

    name: str
    display_name: str
    description: str
    latest_revision: int = 1
    latest_ready_revision: int = 1
    built_in: bool = False
    creator: str = ""
    create_time: int = 0


Whole = tuple[Domain, Revision]
"""A domain and one of its revisions."""


@dataclass(frozen=True, slots=True)
class Header:
    """What an import says of its bytes. revision: the DRAFT to replace; 0 to add one."""

    id: str
    ready: bool
    revision: int
    file: str
    request_id: str

    @property
    def name(self) -> str:
        """The name of the domain."""
        return PREFIX + self.id


@dataclass(frozen=True, slots=True)
class NewRevision:
    """A pack to store under the name of a domain.

    document, digest: the pack as it is stored, and its hash. revision: the DRAFT to replace; 0 to add one.
    """

    domain: str
    creator: str
    pack: Pack
    document: bytes
    digest: str
    ready: bool
    revision: int
    time: int


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import stored. unchanged: the newest revision had this content already, and none was added."""

    domain: Domain
    revision: Revision
    unchanged: bool


@dataclass(frozen=True, slots=True)
class Match:
    """A part of a domain that a search found. kind, part: as in `search.Entry`."""

    domain: str
    revision: int
    kind: str
    part: str
    text: str
    score: float
