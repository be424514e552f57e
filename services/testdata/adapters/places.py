"""All places where this server writes datasets."""

import asyncio
from collections.abc import Collection
from hashlib import sha256
from pathlib import Path

from services.testdata.adapters.folders import Folder, check_empty
from services.testdata.adapters.s3 import S3Access
from services.testdata.traces.datasets.destination import S3, of_company, read_destination
from services.testdata.traces.datasets.errors import BucketNotAllowed, DestinationInvalid
from services.testdata.traces.datasets.ports import Place
from shared.compute import Compute
from shared.errors import Violation


class OutputPlaces:
    """Folders below one root, and buckets.

    a_folder_a_company: whether each company's datasets go below a folder of its own, in the root and in buckets.
    staging: the folder that parts go through on their way into buckets.
    """

    def __init__(
        self,
        root: Path,
        buckets: Collection[str],
        s3: S3Access,
        staging: Path,
        compute: Compute,
        *,
        a_folder_a_company: bool,
    ) -> None:
        self._root = root.absolute()
        # Opened at the start, where what is missing for them is noticed.
        self._buckets = {bucket: s3.open(bucket) for bucket in buckets}
        self._staging = staging
        self._compute = compute
        self._a_folder_a_company = a_folder_a_company

    def locate(self, destination: str, company: str, field: str) -> str:
        """The location that a caller's destination means; field: its path in the request. Raises DestinationInvalid."""
        place = read_destination(destination, self._buckets, field)
        if self._a_folder_a_company:
            place = of_company(place, company)
        if place.bucket:
            return f"{S3}{place.bucket}/{'/'.join(place.folders)}"
        # By its true path, so that two names of one folder are one location.
        path = self._root.joinpath(*place.folders).resolve()
        if not path.is_relative_to(self._root.resolve()):
            sentence = "A symbolic link leads out of the folder below which datasets are written."
            raise DestinationInvalid(violations=[Violation(field, sentence)])
        return str(path)

    async def check(self, location: str) -> None:
        """Refuse a folder that is not empty; a bucket is asked by the job. Raises DestinationFailed."""
        if not location.startswith(S3):
            await asyncio.to_thread(check_empty, Path(location))

    def open(self, location: str) -> Place:
        """The place of a location that `locate` gave. Raises BucketNotAllowed."""
        if not location.startswith(S3):
            return Folder(Path(location), self._root, self._compute)
        # Here, so that nobody needs obstore who has no bucket.
        from services.testdata.adapters.buckets import Prefix

        bucket, _, prefix = location.removeprefix(S3).partition("/")
        if bucket not in self._buckets:
            raise BucketNotAllowed(location=location)
        staging = self._staging / sha256(location.encode()).hexdigest()
        return Prefix(self._buckets[bucket], prefix, location, staging, self._compute)
