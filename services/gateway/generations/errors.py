"""What can be wrong with a generation."""

from shared.errors import InvalidArgument, OutOfRange


class TooManyAtOnce(OutOfRange):
    """GenerateTestData makes up to {most} records at once, not {count}; use StreamTestData for more."""

    reason = "GENERATION_TOO_MANY_AT_ONCE"


class SamplesNotCompared(InvalidArgument):
    """Records are not compared with sample rows yet; leave the sample rows out."""

    reason = "GENERATION_SAMPLES_NOT_COMPARED"
