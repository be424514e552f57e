"""Asks a model again that is unavailable for a moment."""

import asyncio
from typing import Generic

import stamina

from shared.llm.base import ModelUnavailable
from shared.llm.decorated import Model, Q, R
from shared.waits import waits_for


class Retry(Generic[Q, R]):
    """Repeats a request after ModelUnavailable: with growing pauses, or when the provider says. ModelFailed passes.

    attempts: how often in all a model is asked that does not answer. throttled_seconds: how long a request is repeated
    that the provider refuses because it was asked too often; these refusals are no attempts.
    longest_pause: the most seconds between two attempts, whatever the provider says.
    """

    def __init__(self, model: Model[Q, R], attempts: int, throttled_seconds: float, longest_pause: float) -> None:
        self._model: Model[Q, R] = model
        self._attempts = attempts
        self._throttled_seconds = throttled_seconds
        self._longest_pause = longest_pause

    async def complete(self, request: Q) -> R:
        """Answer the request. Raises ModelUnavailable after the last attempt, ModelFailed after the first."""
        try:
            # Set up stamina only for a retry, because that costs a tenth of a millisecond.
            return await self._model.complete(request)
        except ModelUnavailable as error:
            return await self._repeat(request, error)

    async def _repeat(self, request: Q, error: ModelUnavailable) -> R:
        time = asyncio.get_running_loop().time
        first, failures, until = [error], 0, time() + self._throttled_seconds

        async def attempt() -> R:
            if first:
                raise first.pop()
            return await self._model.complete(request)

        def pause(error: Exception) -> bool | float:
            """Whether to ask again; a number is the seconds until then."""
            nonlocal failures
            if not isinstance(error, ModelUnavailable):
                return False
            failures += not error.throttled
            if time() >= until if error.throttled else failures >= self._attempts:
                return False
            seconds = None if error.retry_after is None else min(error.retry_after, self._longest_pause)
            waits_for(error.details["why"], seconds)
            return True if seconds is None else seconds

        caller = stamina.AsyncRetryingCaller(attempts=None, timeout=None, wait_max=self._longest_pause)
        return await caller.on(pause)(attempt)
