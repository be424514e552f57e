"""How a batch is watched: in place on a terminal, a line for each conversation that ends elsewhere."""

from collections import Counter
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cli.commands import first
from cli.live import in_place
from cli.render import COLOURS, console, facts, fault, short
from cli.transcript import ending, spoken
from greenroom.client import Client, Watch
from greenroom.synthesizer.v1.batch_pb2 import Batch
from greenroom.synthesizer.v1.conversation_pb2 import Conversation
from greenroom.type.v1.event_pb2 import Ended, Event

SHOWN = 6
"""How many running conversations are shown."""
_ORDER = ("completed", "failed", "cancelled", "running", "waiting")


@dataclass(slots=True)
class Line:
    """What is known of one conversation: its state in one word, its turn, and what was said last."""

    state: str = "waiting"
    turn: int = 0
    said: str = ""


class Progress:
    """A batch as its events tell of it.

    lines: by conversation; the one that changed last is last.
    """

    def __init__(self, batch: Batch) -> None:
        self.name = batch.name
        self.size = batch.spec.size
        self.max_turns = batch.spec.conversation.max_turns
        self.lines: dict[str, Line] = {}

    def apply(self, event: Event) -> None:
        """Take in the next event."""
        line = self.lines.pop(event.conversation, None) or Line()
        self.lines[event.conversation] = line
        line.turn = max(line.turn, event.turn)
        if event.HasField("ended"):
            line.state = Ended.Outcome.Name(event.ended.outcome).removeprefix("OUTCOME_").lower()
        elif event.HasField("attempt_started"):
            line.state = "running"
        elif not event.copied and (said := spoken(event)):
            line.said = said

    def retry(self) -> None:
        """Let those that failed wait for another attempt."""
        for line in self.lines.values():
            if line.state == "failed":
                line.state = "waiting"

    @property
    def counts(self) -> Counter[str]:
        """How many conversations are in which state; they add up to the size."""
        counts = Counter(line.state for line in self.lines.values())
        counts["waiting"] = self.size - sum(count for state, count in counts.items() if state != "waiting")
        return counts

    @property
    def over(self) -> int:
        """How many conversations are over."""
        return sum(self.counts[state] for state in ("completed", "failed", "cancelled"))

    @property
    def running(self) -> list[tuple[str, Line]]:
        """The running conversations that spoke last, in the order of their names so that they keep their places."""
        running = [(name, line) for name, line in self.lines.items() if line.state == "running"]
        return sorted(running[-SHOWN:])


def screen(progress: Progress) -> RenderableType:
    """One frame: the bar, the counts, and the conversations that spoke last."""
    counts = progress.counts
    head = Table.grid(padding=(0, 1), expand=True)
    head.add_column(ratio=1)
    head.add_column(no_wrap=True)
    head.add_row(
        ProgressBar(progress.size, progress.over, complete_style="green", finished_style="green"),
        f"{progress.over} of {progress.size}",
    )
    words = [Text(f"{counts[state]} {state}", COLOURS.get(state, "")) for state in _ORDER if counts[state]]
    rows = Table.grid(padding=(0, 2), expand=True)
    for width in (7, len(f"turn {progress.max_turns} of {progress.max_turns}")):
        rows.add_column(no_wrap=True, width=width)
    rows.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    for name, line in progress.running:
        rows.add_row(
            Text(f"…{name[-6:]}", "dim"), f"turn {line.turn} of {progress.max_turns}", Text(_flat(line.said), "dim")
        )
    for _ in range(SHOWN - rows.row_count):
        rows.add_row("", "", "")
    return Group(head, Text(" · ").join(words), Text(), rows, Text())


def over_line(progress: Progress, event: Event) -> Text:
    """What is said of a conversation that has just ended."""
    return Text(f"{progress.over} of {progress.size}  {event.conversation}  ").append_text(
        ending(event.ended, event.turn)
    )


async def follow(watch: Watch[Event, Batch], progress: Progress) -> Batch:
    """Show progress until the batch is over, and return it as it ended."""
    out = console()
    if not out.is_terminal:
        async for event in watch:
            progress.apply(event)
            if event.HasField("ended"):
                out.print(over_line(progress, event))
    else:
        async with in_place(out, lambda: screen(progress)):
            async for event in watch:
                progress.apply(event)
    assert watch.summary is not None
    return watch.summary


async def print_summary(client: Client, batch: Batch, seconds: float | None = None) -> None:
    """How a batch ended, with the first failures and what can be done about them."""
    out = console()
    counts = batch.counts
    words = f"{counts.completed} completed, {counts.failed} failed"
    if counts.cancelled:
        words += f", {counts.cancelled} cancelled"
    took = f"{seconds:.1f} s" if seconds is not None else ""
    out.print(Text(words, "bold red" if counts.failed else "bold green"))
    out.print(
        facts(
            ("batch", batch.name),
            ("turns", str(batch.turns)),
            ("model calls", str(batch.usage.model_calls)),
            ("took", took),
        )
    )
    if not counts.failed:
        return
    rows = Table.grid(padding=(0, 2))
    rows.add_column(no_wrap=True)
    rows.add_column(overflow="fold")
    async for result in first(client.batches.results(batch.name, state=Conversation.STATE_FAILED), SHOWN):
        rows.add_row(short(result.conversation), f"{result.reason} ({fault(result.fault)}): {result.detail}")
    out.print(rows)
    if counts.failed > SHOWN:
        more = f"greenroom batches results {short(batch.name)} --state failed"
        out.print(f"and {counts.failed - SHOWN} more:\n  {more}", soft_wrap=True)
    out.print(f"Try those again:\n  greenroom batches retry {short(batch.name)}", soft_wrap=True)


def elapsed(batch: Batch) -> float | None:
    """Seconds from a batch's creation to its end; None while it goes on."""
    if not batch.HasField("end_time"):
        return None
    return (batch.end_time.ToNanoseconds() - batch.create_time.ToNanoseconds()) / 1e9


def _flat(text: str) -> str:
    return " ".join(text.split())
