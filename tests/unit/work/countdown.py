"""Countdowns, a toy: everything that a kind of long work needs, except its contract."""
# ruff: noqa: ARG002, N802 - the names of the contract

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Column, Integer

from shared.auth import caller
from shared.db.ledger import ledger_table
from shared.db.tables import event_tables, new_metadata
from shared.rpc.requests import request_key
from shared.work.calls import WorkCalls
from shared.work.jobs import Step, Turn
from shared.work.model import Work
from shared.work.operations import WorkOperations
from shared.work.store import Kind, WorkStore, work_table
from tests.unit.work import countdown_contract as pb

metadata = new_metadata()
log, requests = event_tables(metadata), ledger_table(metadata)


@dataclass(frozen=True, slots=True)
class Countdown:
    left: int


table = work_table("countdowns", metadata, Column("left", Integer, nullable=False))
COUNTDOWNS: Kind[Countdown] = Kind(table, log, requests, asdict, lambda columns: Countdown(**columns))


def counting(tick: Callable[[int], Awaitable[None]]) -> Step[Countdown]:
    async def step(turn: Turn[Countdown]) -> dict[str, Any] | None:
        if (left := turn.work.body.left) == 0:
            return {}
        await tick(left)
        await turn.append(str(left).encode(), left=left - 1)
        return None

    return step


def message(work: Work[Countdown]) -> Any:
    return pb.Countdown(name=work.name, state=work.state, reason=work.reason, left=work.body.left)


def item(event: bytes) -> Any:
    return pb.Tick(number=int(event))


class CountdownServicer:
    def __init__(
        self, store: WorkStore[Countdown], works: WorkOperations[Countdown], calls: WorkCalls[Countdown]
    ) -> None:
        self._store, self._works, self._calls = store, works, calls

    async def Start(self, request: Any, context: Any) -> Any:
        async def make(_: str) -> Countdown:
            return Countdown(request.start)

        return pb.Response(countdown=message(await self._works.start(caller(), request_key(request, "Start"), make)))

    async def Get(self, request: Any, context: Any) -> Any:
        return pb.Response(countdown=message(await self._store.get(caller().company, request.name)))

    async def List(self, request: Any, context: Any) -> Any:
        found, token, total = await self._calls.page(request, None, message)
        return pb.Response(countdowns=found, next_page_token=token, total_size=total)

    def Watch(self, request: Any, context: Any) -> AsyncIterator[Any]:
        return self._calls.watch(request, pb.Response, "ticks", message)

    async def Cancel(self, request: Any, context: Any) -> Any:
        return pb.Response(countdown=message(await self._works.cancel(caller().company, request.name)))

    async def Retry(self, request: Any, context: Any) -> Any:
        return pb.Response(countdown=message(await self._works.retry(caller().company, request.name)))

    async def Delete(self, request: Any, context: Any) -> Any:
        await self._works.delete(caller().company, request.name)
        return pb.Response()
