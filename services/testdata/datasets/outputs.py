"""Where datasets are written; the adapters implement it for folders and for buckets."""

from typing import Protocol

from services.testdata.datasets.model import Dataset, Part


class Output(Protocol):
    """Where one dataset is written. Every method raises DestinationFailed for what an operator can repair."""

    async def claim(self) -> None:
        """Check that it is writable and empty. Raises DestinationNotEmpty."""
        ...

    async def clean(self) -> None:
        """Remove the unfinished files of interrupted writers."""
        ...

    async def write_part(self, dataset: Dataset, index: int) -> Part:
        """Write a part whole or not at all, and replace an earlier one; stops when cancelled. Raises WorkerCrashed."""
        ...

    async def write_manifest(self, manifest: bytes) -> None:
        """Write the manifest whole or not at all."""
        ...


class Outputs(Protocol):
    """Everywhere that datasets may be written."""

    def locate(self, destination: str, company: str, field: str) -> str:
        """The location of a caller's destination. field: its path in the request. Raises DestinationInvalid."""
        ...

    async def check(self, location: str) -> None:
        """Refuse a folder that is not empty; jobs check buckets. Raises DestinationNotEmpty."""
        ...

    def open(self, location: str) -> Output:
        """The output at a location from `locate`. Raises DestinationFailed if the server no longer allows it."""
        ...
