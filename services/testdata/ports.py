"""What the domain's active parts need of the store."""

from collections.abc import Callable
from typing import Protocol

from services.testdata.traces.kept import KeptWorkflow
from shared.requests import RequestKey

Clock = Callable[[], int]
"""The wall clock, in Unix milliseconds."""


class WorkflowStore(Protocol):
    """A company's own workflows."""

    async def create(self, company: str, workflow: KeptWorkflow, key: RequestKey | None) -> KeptWorkflow:
        """Keep it, or return what the same request kept.

        Raises WorkflowExists, RequestIdReused, ResultDeleted.
        """
        ...

    async def get(self, company: str, name: str) -> KeptWorkflow:
        """Raises WorkflowNotFound."""
        ...

    async def page(self, company: str, after: str, limit: int) -> list[KeptWorkflow]:
        """Up to limit by name, behind the one with the name after; "" for the beginning."""
        ...

    async def replace(self, company: str, workflow: KeptWorkflow) -> KeptWorkflow:
        """Keep it in the place of the one of its name, with that one's create_time. Raises WorkflowNotFound."""
        ...

    async def delete(self, company: str, name: str) -> None:
        """Raises WorkflowNotFound."""
        ...
