"""The brief of a model that reviews a campaign."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReviewBrief:
    """The ids of the campaign's steps. The offline model has no view of campaigns."""

    steps: tuple[str, ...]
