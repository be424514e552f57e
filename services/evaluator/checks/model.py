"""What checks find in a campaign."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """ERROR: contacts are harmed, or the campaign cannot run. WARNING: probably a mistake. INFO: worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that is wrong.

    type: what kind of issue, such as `orphan_step`. step: the id of the step; "": the campaign as a whole.
    sentence: what is wrong. fix: what would be right.
    """

    severity: Severity
    type: str
    step: str
    sentence: str
    fix: str
