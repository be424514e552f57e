"""`python -m services.synthesizer`, but it sends itself a signal at the moment that KILL_AT or TERM_AT names.

KILL_AT=commit:37   SIGKILL when the 37th append is on disk, before whoever appended hears of it
KILL_AT=model:12    SIGKILL inside the 12th call of the model
TERM_AT=commit:37   the same with SIGTERM

CALLS=path            appends a line to the file with each call of a model: the conversation's index and the seq asked for
"""

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


class ToldModel:
    """A model that tells of each call before it is made."""

    def __init__(self, model: ChatModel, tell: Callable[[ChatRequest], None]) -> None:
        self._model = model
        self._tell = tell

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Answer, unless this is the call that it does not survive."""
        self._tell(request)
        return await self._model.complete(request)


def tell_of_commits(tell: Callable[[], None]) -> None:
    """Tell of what the writer has committed before it answers."""
    append = Writer.append

    async def told(self: Writer, what: Append) -> Appended:
        answer = await append(self, what)
        tell()
        return answer

    Writer.append = told  # type: ignore[method-assign]


def main() -> int:
    """Serve until the moment comes."""
    told: dict[str, list[Callable[[], None]]] = {"commit": [], "model": []}
    for name in ("KILL_AT", "TERM_AT"):
        where, _, count = os.environ.get(name, "").partition(":")
        if where:
            told[where].append(Countdown(int(count), signal.Signals[f"SIG{name[:4]}"]).tick)
    # Unbuffered, so that what was written outlives the process.
    calls = Path(os.environ.get("CALLS", os.devnull)).open("ab", buffering=0)  # noqa: SIM115

    def asked(request: ChatRequest) -> None:
        calls.write(f"{request.index} {request.seq}\n".encode())
        for tell in told["model"]:
            tell()

    for tell in told["commit"]:
        tell_of_commits(tell)
    models = lambda name: ToldModel(open_model(name), asked)  # noqa: E731
    return run("synthesizer", SynthesizerSettings, partial(build, models=models))


if __name__ == "__main__":
    sys.exit(main())
