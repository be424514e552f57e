"""`python -m services.synthesizer`, but it kills itself with SIGKILL at the moment that KILL names.

KILL=commit:37   when the 37th append is on disk, before whoever appended hears of it
KILL=model:12    inside the 12th call of the model
"""

import os
import signal
import sys
from functools import partial

from services.synthesizer.app import build
from services.synthesizer.settings import SynthesizerSettings
from shared.db.appends import Append, Appended
from shared.db.writer import Writer
from shared.llm.base import ChatModel, ChatReply, ChatRequest
from shared.llm.registry import open_model
from shared.rpc.serve import run


class Countdown:
    """Ends the process when it has been told so many times."""

    def __init__(self, moments: int) -> None:
        self._left = moments

    def tick(self) -> None:
        """One moment less."""
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class KillingModel:
    """A model that does not survive one of its calls."""

    def __init__(self, model: ChatModel, countdown: Countdown) -> None:
        self._model = model
        self._countdown = countdown

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Answer, unless this is the call."""
        self._countdown.tick()
        return await self._model.complete(request)


def kill_after_commits(countdown: Countdown) -> None:
    """Count what the writer has committed before it answers."""
    append = Writer.append

    async def counted(self: Writer, what: Append) -> Appended:
        answer = await append(self, what)
        countdown.tick()
        return answer

    Writer.append = counted  # type: ignore[method-assign]


def main() -> int:
    """Serve until the moment comes."""
    where, _, count = os.environ.get("KILL", "").partition(":")
    models = open_model
    if where == "commit":
        kill_after_commits(Countdown(int(count)))
    if where == "model":
        countdown = Countdown(int(count))
        models = lambda name: KillingModel(open_model(name), countdown)  # noqa: E731
    return run("synthesizer", SynthesizerSettings, partial(build, models=models))


if __name__ == "__main__":
    sys.exit(main())
