"""Where a dataset may be written: a folder below the output root, or a prefix in a bucket that the server allows.

If callers authenticate, each company's datasets lie below a folder of its own, in the output root and in every bucket,
so that no company can name, overwrite or find another's. Without authentication there is no such folder.
"""

from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import quote

from services.testdata.datasets.errors import DestinationInvalid
from shared.errors import Violation
from shared.words import all_of

S3 = "s3://"
_NAME_BYTES = 255
"""The longest name of a folder on most file systems."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A parsed destination. bucket: "" for the output root. folders: the path below it."""

    bucket: str
    folders: tuple[str, ...]


def read_destination(text: str, buckets: Collection[str], field: str) -> Destination:
    """Parse a caller's destination. field: its path in the request. Raises DestinationInvalid."""
    try:
        if not text.startswith(S3):
            return Destination("", _folders(text))
        bucket, _, prefix = text.removeprefix(S3).partition("/")
        if bucket not in buckets:
            allowed = all_of(f"`{one}`" for one in sorted(buckets)) or "none"
            raise _Refused(f"The server allows no bucket of that name; it allows {allowed}.")
        return Destination(bucket, _folders(prefix))
    except _Refused as refused:
        raise DestinationInvalid(violations=[Violation(field, str(refused))]) from None


def of_company(destination: Destination, company: str) -> Destination:
    """The destination below the company's own folder."""
    return Destination(destination.bucket, (safe_name(company), *destination.folders))


class _Refused(Exception):
    pass


def _folders(path: str) -> tuple[str, ...]:
    names = tuple(path.split("/"))
    for name in names:
        if name in ("", ".", ".."):
            raise _Refused("Must be a path of folders such as `traces/may`; no folder may be empty, `.` or `..`.")
        if not name.isprintable() or "\\" in name:
            raise _Refused("Must have no control character and no backslash.")
        if len(name.encode()) > _NAME_BYTES:
            raise _Refused(f"Must have no name of more than {_NAME_BYTES} bytes between its slashes.")
    return names


def safe_name(text: str) -> str:
    """A unique name of a file or folder for any text, such as a company's name."""
    name = quote(text, safe=" @+").replace(".", "%2E")
    # A digest keeps shortened names unique; `quote` never writes `%sha256`.
    return name if len(name) <= 100 else f"{name[:30]}%sha256-{sha256(text.encode()).hexdigest()}"
