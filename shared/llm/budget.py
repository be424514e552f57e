"""Stops the calls of a batch whose budget is spent."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from shared.errors import FailedPrecondition
from shared.llm.base import ChatModel, ChatReply, ChatRequest
from shared.lru import LruCache
from shared.model.events import Usage
from shared.model.spending import BUDGET_REACHED, Budget

_ACCOUNTS = 1_000

Spent = Callable[[str], Awaitable[tuple[Budget | None, Usage]]]
"""The budget of a batch, None if it has none, and the usage that is stored for it."""


class BudgetReached(FailedPrecondition):
    """The budget of {batch} is spent: {spent}. Start again with a larger budget."""

    reason = BUDGET_REACHED


@dataclass(slots=True)
class Account:
    """The budget of a batch, and what it spent: what was stored when the account was opened, and each reply since."""

    batch: str
    budget: Budget | None
    spent: Usage

    def check(self) -> None:
        """Raises BudgetReached."""
        if self.budget is not None and (spent := self.budget.reached(self.spent)):
            raise BudgetReached(batch=self.batch, spent=spent)


class Accounts:
    """The accounts of the batches that run in this process."""

    def __init__(self, read: Spent) -> None:
        self._read = read
        self._open: LruCache[str, Account] = LruCache(_ACCOUNTS)
        self._opening = asyncio.Lock()

    async def of(self, batch: str) -> Account:
        """The account of a batch. It is opened before the batch's first call in this process."""
        if (found := self._open.get(batch)) is not None:
            return found
        async with self._opening:
            if (found := self._open.get(batch)) is None:
                found = Account(batch, *await self._read(batch))
                self._open.put(batch, found)
        return found


class Budgeted:
    """Refuses the calls of a batch whose budget is spent. Calls in flight finish, so they may exceed it."""

    def __init__(self, model: ChatModel, accounts: Accounts) -> None:
        self._model = model
        self._accounts = accounts

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Answer the request. Raises BudgetReached."""
        if not request.caller.batch:
            return await self._model.complete(request)
        account = await self._accounts.of(request.caller.batch)
        account.check()
        reply = await self._model.complete(request)
        account.spent += reply.usage
        return reply
