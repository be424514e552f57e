"""What callers do with long work: start, cancel, retry, delete."""

from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

from shared.auth import Caller
from shared.clock import Clock
from shared.ids import new_id
from shared.requests import RequestKey, first_result
from shared.work.model import State, Work
from shared.work.store import WorkStore

T = TypeVar("T")


class WorkOperations(Generic[T]):
    """The operations on the works of one kind."""

    def __init__(self, store: WorkStore[T], clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def start(self, caller: Caller, key: RequestKey | None, make: Callable[[str], Awaitable[T]]) -> Work[T]:
        """Create a work for the jobs, or return the work that the same request created.

        make: checks the request and returns the body, given the new id; not called for a repeated request.
        Raises RequestIdReused, ResultDeleted, and what `make` and `Kind.taken` raise.
        """
        company = caller.company
        if key is not None and (earlier := await self._store.earlier(company, key)) is not None:
            return await first_result(key, earlier, self._store.get(company, earlier))
        own = new_id()
        body = await make(own)
        work = Work(f"{self._store.kind.name}/{own}", company, caller.subject, self._clock(), body)
        return await self._store.get(company, await self._store.create(work, key))

    async def cancel(self, company: str, name: str) -> Work[T]:
        """Stop a work; one that is CANCELLED is returned as it is. Raises `Kind.not_found`, `Kind.over`."""
        work = await self._store.get(company, name)
        if work.state in (State.COMPLETED, State.FAILED):
            raise self._store.kind.over(name=name, state=work.state)
        await self._store.cancel(work, self._clock())
        return await self._store.get(company, name)

    async def retry(self, company: str, name: str, **changes: Any) -> Work[T]:
        """Continue a work in a state of `Kind.retriable`; any other that is not CANCELLED is returned as it is.

        changes: of columns of its body.

        Raises `Kind.not_found`, `Kind.not_retriable`.
        """
        work = await self._store.get(company, name)
        if work.state is State.CANCELLED:
            raise self._store.kind.not_retriable(name=name)
        await self._store.retry(work, **changes)
        return await self._store.get(company, name)

    async def delete(self, company: str, name: str) -> None:
        """Delete a work that is over. Raises `Kind.not_found`, `Kind.not_over`."""
        work = await self._store.get(company, name)
        if not work.state.over or not await self._store.delete(work):
            raise self._store.kind.not_over(name=name, state=work.state)
