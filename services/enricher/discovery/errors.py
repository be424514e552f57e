"""What can be wrong with a whole file."""

from shared.errors import InvalidArgument


class SourceEmpty(InvalidArgument):
    """{file} is empty; send a file that defines tables, objects or messages, or has rows."""

    reason = "SOURCE_EMPTY"


class SourceUnreadable(InvalidArgument):
    """{file} cannot be read as {kind}: {why}."""

    reason = "SOURCE_UNREADABLE"


class SourceKindUnknown(InvalidArgument):
    """It is not clear what {file} is; say its kind: {kinds}."""

    reason = "SOURCE_KIND_UNKNOWN"


class DialectUnknown(InvalidArgument):
    """There is no dialect of SQL called {dialect} here{near}; it is one of {known}."""

    reason = "DIALECT_UNKNOWN"


class NothingDiscovered(InvalidArgument):
    """Nothing was found in {file}{hint}; the field violations name up to 100 constructs that were not read."""

    reason = "NOTHING_DISCOVERED"
