"""What datasets need of the store, and of the places where they are written."""

from collections.abc import Collection, Sequence
from typing import Protocol

from services.testdata.traces.datasets.model import Dataset, DatasetState, Part
from shared.engine.jobs import Job
from shared.requests import RequestKey


class DatasetStore(Protocol):
    """The datasets of all companies."""

    async def earlier(self, company: str, key: RequestKey) -> str | None:
        """The name that the same request made before; None if it is new. Raises RequestIdReused."""
        ...

    async def has(self, location: str) -> bool:
        """Whether some dataset is or was written there."""
        ...

    async def create(self, dataset: Dataset, key: RequestKey | None) -> str:
        """Store it and return its name, or that of the first result for the same request.

        Raises RequestIdReused, and DestinationTaken if another dataset has its location.
        """
        ...

    async def get(self, company: str, name: str) -> Dataset:
        """Raises DatasetNotFound."""
        ...

    async def page(self, company: str, state: DatasetState | None, after: str, limit: int) -> list[Dataset]:
        """Up to limit behind the one with the id after, oldest first, without their workflows."""
        ...

    async def cancel(self, dataset: Dataset, time: int) -> None:
        """Ask for it to stop; one that only waits is CANCELLED at once, and one that is over is let be."""
        ...

    async def retry(self, dataset: Dataset) -> None:
        """Make it PENDING if it is FAILED."""
        ...

    async def delete(self, dataset: Dataset) -> bool:
        """Remove it for good if it is over; whether it was."""
        ...

    async def waiting(self, running: Collection[str]) -> Sequence[Job]:
        """Jobs of datasets that are not over and not running: the oldest of every company, in that order."""
        ...

    async def unwanted(self, running: Collection[str]) -> Collection[str]:
        """Those of these datasets that somebody asked to cancel."""
        ...

    async def find(self, name: str) -> Dataset | None:
        """The dataset, whoever's it is; None if it is gone."""
        ...

    async def begin(self, dataset: Dataset) -> Dataset:
        """Append that it is RUNNING, and note that its place is its own. Raises AppendConflict."""
        ...

    async def add_part(self, dataset: Dataset, part: Part) -> None:
        """Append that a part is written. Raises AppendConflict if somebody else went on with it."""
        ...

    async def end(self, dataset: Dataset, state: DatasetState, time: int, reason: str = "", detail: str = "") -> None:
        """Append that it is over. Raises AppendConflict."""
        ...

    async def parts(self, dataset: Dataset) -> list[Part]:
        """The parts that are written, in their order."""
        ...


class Place(Protocol):
    """Where one dataset is written. All of it raises DestinationFailed for what retrying helps against."""

    async def claim(self) -> None:
        """Make sure that it can be written. Raises DestinationNotEmpty if there are files already."""
        ...

    async def clean(self) -> None:
        """Remove what an interrupted writing has left half done."""
        ...

    async def write_part(self, dataset: Dataset, index: int) -> Part:
        """Write a part whole or not at all, in the place of one that is there; cancelled, it stops at once.

        Raises WorkerCrashed.
        """
        ...

    async def write_manifest(self, manifest: bytes) -> None:
        """Write the manifest whole or not at all."""
        ...


class Places(Protocol):
    """All places where datasets may be written."""

    def locate(self, destination: str, company: str, field: str) -> str:
        """The location that a caller's destination means; field: its path in the request. Raises DestinationInvalid."""
        ...

    async def check(self, location: str) -> None:
        """Refuse at once what can be known at once. Raises DestinationNotEmpty."""
        ...

    def open(self, location: str) -> Place:
        """The place of a location that `locate` gave. Raises DestinationFailed if the server allows it no more."""
        ...
