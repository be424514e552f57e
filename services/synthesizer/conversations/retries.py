"""Asks an agent again that is unavailable for a moment."""

from dataclasses import dataclass

import stamina

from services.synthesizer.conversations.targets import Action, Target, TargetUnavailable, View
from shared.waits import waits_for


@dataclass(frozen=True, slots=True)
class Retries:
    """How an unavailable agent is asked again: with growing pauses, or when it says.

    attempts: how often it is asked in all. longest_pause: the most seconds that it may have its next attempt wait.
    """

    attempts: int = 5
    longest_pause: float = 60.0

    async def act(self, target: Target, view: View) -> Action:
        """The agent's action. Raises TargetUnavailable after the last attempt, TargetFailed after the first."""
        try:
            # Set up stamina only for a retry: it costs as much as a turn of the offline model.
            return await target.act(view)
        except TargetUnavailable as error:
            first = [error]

        async def again() -> Action:
            if first:
                raise first.pop()
            return await target.act(view)

        def pause(error: Exception) -> bool | float:
            if not isinstance(error, TargetUnavailable):
                return False
            seconds = None if error.retry_after is None else min(error.retry_after, self.longest_pause)
            waits_for(error.details["why"], seconds)
            return True if seconds is None else seconds

        return await stamina.AsyncRetryingCaller(attempts=self.attempts, timeout=None).on(pause)(again)
