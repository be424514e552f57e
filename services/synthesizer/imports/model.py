"""What an import does with the lines of a file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Protocol


class Outcome(Enum):
    """The outcome of one record: new, stored before with the same content or with other content, or refused."""

    IMPORTED = "imported"
    UNCHANGED = "unchanged"
    TAKEN = "taken"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that was refused or, if `partial`, imported in part.

    line: from 1.
    reason: UPPER_SNAKE and stable.
    description: one sentence that says what is wrong and what would be right.
    """

    line: int
    reason: str
    description: str
    partial: bool = False

    def __reduce__(self) -> tuple[type["Problem"], tuple[int, str, str, bool]]:
        """Pickle faster than a dataclass does: a file of blank lines has a problem each."""
        return Problem, (self.line, self.reason, self.description, self.partial)


@dataclass(frozen=True, slots=True)
class Stored:
    """The outcome of one record of an import, and what was left out of it.

    labelled, linked, finished: True if it is unchanged, but got a new label, was linked to its procedure or is finished
    now.
    """

    outcome: Outcome
    problem: Problem | None = None
    labelled: bool = False
    linked: bool = False
    finished: bool = False


class Record(Protocol):
    """A record that was read from a line."""

    @property
    def line(self) -> int: ...
    @property
    def external_id(self) -> str: ...


class NewRecord(Record, Protocol):
    """A record that can be stored."""

    @property
    def digest(self) -> str:
        """Equal for equal content."""

    @property
    def redacted(self) -> Mapping[str, int]:
        """How many values of which kind were redacted."""


class Author(StrEnum):
    """Who an author of a table's messages is. IGNORED: nobody; the messages are left out."""

    USER = "user"
    AGENT = "agent"
    SYSTEM = "system"
    IGNORED = "ignore"


@dataclass(frozen=True, slots=True)
class TableMapping:
    """What the columns of a table are, by name; "" for one that is found by its usual name.

    authors: by value of the author's column, in small letters; `*` is every other value.
    time_format: of the times, as of `strptime`; "" for the usual ones.
    """

    conversation: str = ""
    author: str = ""
    time: str = ""
    text: str = ""
    authors: Mapping[str, Author] = field(default_factory=dict)
    time_format: str = ""


FINISHED_AFTER = 30 * 60_000
"""Milliseconds, unless a header says otherwise."""


@dataclass(frozen=True, slots=True)
class Header:
    """The format and the name of an imported file; `request_id` is "" if the caller gave none.

    format: "" to detect it.
    labels: for each record. table: of the format `table`. dry_run: import nothing.
    finished_after: milliseconds; a conversation without an explicit end is finished if its newest message is older.
    redact: None if the header does not say. patterns: (name, pattern) of own kinds of values to redact.
    """

    format: str
    file: str
    request_id: str
    labels: tuple[str, ...] = ()
    table: TableMapping = TableMapping()
    dry_run: bool = False
    finished_after: int = FINISHED_AFTER
    redact: bool | None = None
    patterns: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    """The result of an import: counts of lines, and the first problems in the order of the lines.

    labelled, linked, finished: how many of the unchanged ones got a new label, were linked to their procedure, or are
    finished now. format: of the file. redacted: how many values of which kind were redacted.
    """

    file: str
    imported: int = 0
    unchanged: int = 0
    refused: int = 0
    problems: tuple[Problem, ...] = ()
    labelled: int = 0
    format: str = ""
    linked: int = 0
    finished: int = 0
    redacted: Mapping[str, int] = field(default_factory=dict)
