"""Patterns for which no texts can be made."""

from shared.errors import InvalidArgument


class PatternRefused(InvalidArgument):
    """No texts can be generated for the pattern {pattern}: it has {what} at character {place}."""

    reason = "PATTERN_REFUSED"


class PatternMatchesNothing(InvalidArgument):
    """No text of {least} to {most} characters matches the pattern {pattern}."""

    reason = "PATTERN_MATCHES_NOTHING"


class PatternTooLarge(InvalidArgument):
    """The pattern {pattern} is too large for texts of up to {most} characters; make its counts smaller."""

    reason = "PATTERN_TOO_LARGE"
