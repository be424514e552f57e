"""`python -m services.synthesizer`, but at the moment that one of these names it meets with an accident.

KILL_AT=commit:37   it is killed when its 37th append is on disk, before whoever appended hears of it
KILL_AT=model:12    it is killed inside the 12th call of the model
TERM_AT=commit:37   it is asked to end when its 37th append is on disk
HANG_AT=model:12    the model answers neither its 12th call nor any later one

CALLS_TO=path       a file that gets a line with each call of a model: the conversation's index and the seq asked for
"""

import asyncio
import itertools
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from services.synthesizer.app import build
from services.synthesizer.settings import SynthesizerSettings
from shared.db.appends import Append, Appended
from shared.db.writer import Writer
from shared.llm.base import ChatModel, ChatReply, ChatRequest
from shared.llm.registry import open_model
from shared.rpc.serve import run


class Countdown:
    """Signals the process when it has been told so many times."""

    def __init__(self, moments: int, number: signal.Signals) -> None:
        self._left = moments
        self._number = number

    def tick(self) -> None:
        """One moment less."""
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), self._number)


class AccidentalModel:
    """A model that tells of each call before it is made, and may hang."""

    def __init__(self, model: ChatModel, tell: Callable[[ChatRequest], bool]) -> None:
        self._model = model
        self._tell = tell

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Answer, if the process outlives it and tell says so."""
        if not self._tell(request):
            await asyncio.Event().wait()
        return await self._model.complete(request)


def tell_of_commits(tell: Callable[[], None]) -> None:
    """Tell of what the writer has committed before it answers."""
    committed = Writer.append

    async def told(self: Writer, append: Append) -> Appended:
        answer = await committed(self, append)
        tell()
        return answer

    Writer.append = told  # type: ignore[method-assign]


def moment(accident: str) -> tuple[str, int]:
    """Where and at the how manieth time an accident is to happen; never without its variable."""
    where, _, count = os.environ.get(accident, "never:0").partition(":")
    return where, int(count)


def main() -> int:
    """Serve until the moment comes."""
    told: dict[str, list[Callable[[], None]]] = {"commit": [], "model": [], "never": []}
    for accident, number in (("KILL_AT", signal.SIGKILL), ("TERM_AT", signal.SIGTERM)):
        where, count = moment(accident)
        told[where].append(Countdown(count, number).tick)
    for tell in told["commit"]:
        tell_of_commits(tell)

    # Unbuffered, so that what was written outlives the process.
    calls = Path(os.environ.get("CALLS_TO", os.devnull)).open("ab", buffering=0)  # noqa: SIM115
    asked = itertools.count(1)
    _, hangs_from = moment("HANG_AT")

    def ask(request: ChatRequest) -> bool:
        calls.write(f"{request.index} {request.seq}\n".encode())
        for tell in told["model"]:
            tell()
        return not 0 < hangs_from <= next(asked)

    def models(name: str) -> ChatModel:
        return AccidentalModel(open_model(name), ask)

    return run("synthesizer", SynthesizerSettings, partial(build, models=models))


if __name__ == "__main__":
    sys.exit(main())
