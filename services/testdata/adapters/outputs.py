"""Where this server writes datasets. See `datasets/outputs.py`."""

import asyncio
from collections.abc import Collection
from hashlib import sha256
from pathlib import Path

from services.testdata.adapters.folders import Folder, check_empty, place_below
from services.testdata.adapters.s3 import S3Access
from services.testdata.datasets.destination import S3, of_company, read_destination
from services.testdata.datasets.errors import BucketNotAllowed, DestinationInvalid
from services.testdata.datasets.outputs import Output
from shared.errors import Violation
from shared.no_links import resolved


class ServerOutputs:
    """Folders below one root, and prefixes in buckets.

    a_folder_a_company: put each company's datasets below a folder of its own, in the root and in buckets.
    staging: the folder where parts are written before they are uploaded to a bucket.
    """

    def __init__(
        self,
        root: Path,
        buckets: Collection[str],
        s3: S3Access,
        staging: Path,
        *,
        a_folder_a_company: bool,
    ) -> None:
        self._root = root.absolute()
        # Open buckets at the start, so that a missing package or setting is noticed early.
        self._buckets = {bucket: s3.open(bucket) for bucket in buckets}
        self._staging = staging
        self._a_folder_a_company = a_folder_a_company

    def locate(self, destination: str, company: str, field: str) -> str:
        chosen = read_destination(destination, self._buckets, field)
        if self._a_folder_a_company:
            chosen = of_company(chosen, company)
        if chosen.bucket:
            return f"{S3}{chosen.bucket}/{'/'.join(chosen.folders)}"
        try:
            base = resolved(self._root)
            # Resolve links, so that two names of one folder are one location.
            path = resolved(base.joinpath(*chosen.folders))
        except OSError:
            raise _refused(field, "A symbolic link leads in a circle.") from None
        if self._a_folder_a_company:
            base /= chosen.folders[0]
        if not path.is_relative_to(base):
            sentence = "A symbolic link leads out of the output root, or of the company's folder in it."
            raise _refused(field, sentence)
        return str(path)

    async def check(self, location: str) -> None:
        if not location.startswith(S3):
            await asyncio.to_thread(check_empty, place_below(self._root, Path(location)))

    def open(self, location: str) -> Output:
        if not location.startswith(S3):
            return Folder(Path(location), self._root)
        # Import it here, because only servers with buckets need obstore.
        from services.testdata.adapters.buckets import Prefix

        bucket, _, prefix = location.removeprefix(S3).partition("/")
        if bucket not in self._buckets:
            raise BucketNotAllowed(location=location)
        staging = self._staging / sha256(location.encode()).hexdigest()
        return Prefix(self._buckets[bucket], prefix, location, staging)


def _refused(field: str, sentence: str) -> DestinationInvalid:
    return DestinationInvalid(violations=[Violation(field, sentence)])
