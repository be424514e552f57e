"""Where datasets are written; the adapters implement it for folders and for buckets."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from shared.no_links import Place


class Files(Protocol):
    """A part that is written."""

    @property
    def file_names(self) -> Sequence[str]:
        """The names of its files."""
        ...


P = TypeVar("P", bound=Files)


class Output(Protocol):
    """Where one dataset is written. Every method raises DestinationFailed for what an operator can repair."""

    async def claim(self) -> None:
        """Check that it is writable and empty. Raises DestinationNotEmpty."""
        ...

    async def clean(self) -> None:
        """Remove the unfinished files of interrupted writers."""
        ...

    async def write_part(self, write: Callable[[Place], Awaitable[P]], needed: int) -> P:
        """Write a part, and replace an earlier one; stops when cancelled.

        write: writes it into a folder, each file whole or not at all. needed: estimated bytes still to be written; 0 if
        unknown. Raises what `write` raises, such as WorkerCrashed.
        """
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
