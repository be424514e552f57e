"""Values that cannot be generated."""

from shared.errors import FailedPrecondition, InvalidArgument


class PatternRefused(InvalidArgument):
    """No texts can be generated for the pattern {pattern}: it has {what} at character {place}."""

    reason = "PATTERN_REFUSED"


class PatternMatchesNothing(InvalidArgument):
    """No text of {least} to {most} characters matches the pattern {pattern}."""

    reason = "PATTERN_MATCHES_NOTHING"


class PatternTooLarge(InvalidArgument):
    """The pattern {pattern} is too large for texts of up to {most} characters; make its counts smaller."""

    reason = "PATTERN_TOO_LARGE"


class NoSuchLocale(InvalidArgument):
    """There are no values for the locale {locale}; there are for {known}."""

    reason = "NO_SUCH_LOCALE"


class TooFewValues(FailedPrecondition):
    """The field {field} of {entity} is unique and has {exist} different values, fewer than {rows} records need."""

    reason = "TOO_FEW_VALUES"


class NoValues(InvalidArgument):
    """The field {field} of {entity} has no value within its bounds: {why}."""

    reason = "NO_VALUES"
