"""Documents: texts that a company knows."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

PREFIX = "documents/"


@dataclass(frozen=True, slots=True)
class Document:
    """A text without its words. tags: sorted. domain: `domains/…` or "". create_time: Unix milliseconds."""

    name: str
    title: str
    tags: tuple[str, ...]
    source: str
    domain: str
    characters: int
    creator: str
    create_time: int


@dataclass(frozen=True, slots=True)
class CutDocument:
    """A document to store.

    digest: hash of its content; equal contents have equal digests. title: the words of its title and tags. passages:
    its text, cut, each passage with its words.
    """

    document: Document
    digest: str
    title: str
    passages: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Unembedded:
    """A passage that has no vector yet. document: its id. text: what is embedded, the title and the passage."""

    passage: int
    document: str
    text: str


@dataclass(frozen=True, slots=True)
class Added:
    """The documents that a request names, in its order. unchanged: how many were stored before."""

    documents: Sequence[Document]
    unchanged: int


@dataclass(frozen=True, slots=True)
class DocumentFilter:
    """Only documents with all of these tags, and about this domain; "" for any."""

    tags: Sequence[str] = ()
    domain: str = ""


class FoundBy(Enum):
    """How a search found a document."""

    WORDS = "words"
    MEANING = "meaning"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Match:
    """A document that a search found, and its best passage. offset: where that begins, in characters."""

    document: Document
    passage: str
    offset: int
    score: float
    found_by: FoundBy = FoundBy.WORDS


@dataclass(frozen=True, slots=True)
class Results:
    """What a search found, best first.

    meaning_problem: why not all documents were searched by meaning, as sentences; "" if they were, or if there is no
    embedding model.
    """

    matches: Sequence[Match] = ()
    meaning_problem: str = ""


@dataclass(frozen=True, slots=True)
class Hints:
    """What documents say, for work that goes on without them.

    missing: why they say nothing, as a sentence; else "". meaning_problem: as of Results.
    """

    matches: Sequence[Match] = ()
    missing: str = ""
    meaning_problem: str = ""
