"""What can be wrong with a generation."""

from shared.errors import OutOfRange


class TooManyAtOnce(OutOfRange):
    """GenerateTestData makes up to {most} records at once, not {count}; use StreamTestData for more."""

    reason = "GENERATION_TOO_MANY_AT_ONCE"
