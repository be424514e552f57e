"""What can be wrong with a pack."""

from shared.errors import InvalidArgument


class PackInvalid(InvalidArgument):
    """{file} has {problems} and was not read; the field violations give their lines and columns."""

    reason = "PACK_INVALID"


class PackTooLarge(InvalidArgument):
    """The pack {file} has more than {bound}; divide the business into several domains."""

    reason = "PACK_TOO_LARGE"
