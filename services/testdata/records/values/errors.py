"""Values that cannot be generated."""

from shared.errors import FailedPrecondition, InvalidArgument


class NoSuchLocale(InvalidArgument):
    """There are no values for the locale {locale}; there are for {known}."""

    reason = "NO_SUCH_LOCALE"


class TooFewValues(FailedPrecondition):
    """The field {field} of {entity} is unique and has {exist} different values, fewer than {rows} records need."""

    reason = "TOO_FEW_VALUES"


class NoValues(InvalidArgument):
    """The field {field} of {entity} has no value within its bounds: {why}."""

    reason = "NO_VALUES"
