"""Campaigns: message workflows, in revisions that are immutable once READY."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.synthesizer.campaigns.formats.imported import Part

PREFIX = "campaigns/"


class RevisionState(StrEnum):
    """DRAFT: it may change. READY: it cannot change."""

    DRAFT = "DRAFT"
    READY = "READY"


@dataclass(frozen=True, slots=True)
class Content:
    """A campaign as it is stored. yaml: as `write_campaign` writes it. steps: how many it has."""

    display_name: str
    description: str
    steps: int
    yaml: bytes


@dataclass(frozen=True, slots=True)
class ImportedContent:
    """What was read from a file of another product. tools: the webhooks that the campaign calls."""

    content: Content
    format: str
    parts: Sequence[Part]
    conditions: int
    evaluated: int
    tools: Sequence[str]


@dataclass(frozen=True, slots=True)
class Revision:
    """One version of a campaign. Times are Unix milliseconds; ready_time is 0 for a DRAFT."""

    campaign: str
    number: int
    state: RevisionState
    content: Content
    create_time: int = 0
    ready_time: int = 0


@dataclass(frozen=True, slots=True)
class Campaign:
    """A message workflow; display_name and description are those of the revision that was stored last.

    latest_ready_revision: 0 if no revision is READY.
    """

    name: str
    display_name: str
    description: str = ""
    external_id: str = ""
    latest_revision: int = 0
    latest_ready_revision: int = 0
    create_time: int = 0
