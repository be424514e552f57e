"""Shows the progress of a batch: updated in place on a terminal, else one line for each conversation that ends."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cli.kit.live import in_place, lost, lost_in_lines
from cli.kit.models import usage_facts
from cli.kit.render import COLOURS, because, console, facts, fault, flags, repeats, short, state
from cli.kit.run import FAILED, OK
from cli.kit.transcript import ending, spoken
from cli.kit.waiting import WaitNotice
from greenroom.client import Client, Watch
from greenroom.synthesizer.v1.batch_pb2 import Batch, BatchResult
from greenroom.synthesizer.v1.conversation_pb2 import Conversation
from greenroom.type.v1.event_pb2 import Ended, Event

SHOWN = 6
"""How many running conversations are shown."""
_TO_CHANGE = {
    "TOOL_NOT_MOCKED": (
        "the tool config needs a rule that matches the call, or a default_answer. Start a new batch with such a "
        "tool_config, or go on from a conversation with one:"
    ),
    "STEP_UNUSABLE": (
        "the procedure needs a new revision. Start a new batch with it, or go on from a conversation with a spec that "
        "names procedure and revision:"
    ),
}
_TO_CHANGE["STEP_TOO_MUCH_WORK"] = _TO_CHANGE["STEP_UNUSABLE"]
"""What to change after failures that a retry only repeats, by reason."""
_TO_MEND = frozenset(
    {"MODEL_DENIED", "MODEL_KEY_MISSING", "MODEL_HOST_NOT_ALLOWED", "RECORDING_MISSING", "UNKNOWN_MODEL"}
)
"""Reasons of failures that a retry repeats until the settings, the key or the recordings are mended."""
_ORDER = ("completed", "failed", "cancelled", "running", "waiting")


@dataclass(slots=True)
class Line:
    """One conversation: its state in one word, its turn, and its last message."""

    state: str = "waiting"
    turn: int = 0
    said: str = ""


class Progress:
    """The progress of a batch, computed from its events.

    lines: by conversation; the one that changed last is last.
    """

    def __init__(self, batch: Batch) -> None:
        self.name = batch.name
        self.size = batch.spec.size
        self.max_turns = batch.spec.conversation.max_turns
        self.lines: dict[str, Line] = {}
        self._details: set[str] = set()

    def apply(self, event: Event) -> None:
        """Update the progress with the next event."""
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
        """Set failed conversations back to waiting."""
        for line in self.lines.values():
            if line.state == "failed":
                line.state = "waiting"

    def is_new(self, detail: str) -> bool:
        """True the first time that it is asked about this detail of an ending."""
        known = detail in self._details
        self._details.add(detail)
        return not known

    @property
    def counts(self) -> Counter[str]:
        """The number of conversations by state; the sum is the size."""
        counts = Counter(line.state for line in self.lines.values())
        counts["waiting"] = self.size - sum(count for state, count in counts.items() if state != "waiting")
        return counts

    @property
    def over(self) -> int:
        """How many conversations are over."""
        return sum(self.counts[state] for state in ("completed", "failed", "cancelled"))

    @property
    def running(self) -> list[tuple[str, Line]]:
        """The running conversations with the latest messages, sorted by name so that lines do not jump."""
        running = [(name, line) for name, line in self.lines.items() if line.state == "running"]
        return sorted(running[-SHOWN:])


def screen(progress: Progress, notice: Text | None = None, waits: str = "") -> RenderableType:
    """One frame: the bar, the counts with a notice after them, what it waits for, and the running conversations."""
    counts = progress.counts
    head = Table.grid(padding=(0, 1), expand=True)
    head.add_column(ratio=1)
    head.add_column(no_wrap=True)
    colour = next((COLOURS[word] for word in ("failed", "cancelled") if counts[word]), "green")
    head.add_row(
        ProgressBar(progress.size, progress.over, complete_style=colour, finished_style=colour),
        f"{progress.over} of {progress.size}",
    )
    words = [Text(f"{counts[word]} {word}", COLOURS.get(word, "")) for word in _ORDER if counts[word]]
    if notice:
        words.append(notice)
    rows = Table.grid(padding=(0, 2), expand=True)
    for width in (8, len(f"turn {progress.max_turns} of {progress.max_turns}")):
        rows.add_column(no_wrap=True, width=width)
    rows.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    for name, line in progress.running:
        rows.add_row(
            Text(short(name), "dim"), f"turn {line.turn} of {progress.max_turns}", Text(_flat(line.said), "dim")
        )
    for _ in range(SHOWN - rows.row_count):
        rows.add_row("", "", "")
    waiting = Text(waits, "yellow", no_wrap=True, overflow="ellipsis")
    return Group(head, Text(" · ").join(words), waiting, rows, Text())


def over_line(progress: Progress, event: Event) -> Text:
    """The line for a conversation that has just ended. Equal reasons not to complete are told in full once."""
    told = Ended()
    told.CopyFrom(event.ended)
    if told.outcome != Ended.OUTCOME_COMPLETED and not progress.is_new(told.detail):
        told.detail = ""
    return Text(f"{progress.over} of {progress.size}  {event.conversation}  ").append_text(ending(told, event.turn))


async def follow(client: Client, watch: Watch[Event, Batch], progress: Progress) -> Batch:
    """Show progress, and what it waits for, until the batch is over; return it as it ended."""
    out, get = console(), partial(client.batches.get, progress.name)
    if not out.is_terminal:
        waiting = WaitNotice(get, console(stderr=True).print)
        async with lost_in_lines(watch), waiting.asking():
            async for event in watch:
                waiting.heard()
                progress.apply(event)
                if event.HasField("ended"):
                    out.print(over_line(progress, event))
    else:
        waiting = WaitNotice(get)
        async with in_place(out, lambda: screen(progress, lost(watch), waiting.sentence)), waiting.asking():
            async for event in watch:
                waiting.heard()
                progress.apply(event)
    assert watch.summary is not None
    return watch.summary


async def print_summary(client: Client, batch: Batch, seconds: float | None = None) -> None:
    """Print how a batch ended, its failures, equal ones once, and how to retry them."""
    out = console()
    counts = batch.counts
    words = f"{counts.completed} completed, {counts.failed} failed"
    if counts.cancelled:
        words += f", {counts.cancelled} cancelled"
    took = f"{seconds:.1f} s" if seconds is not None else ""
    shown = state(batch)
    out.print(Text(words, f"bold {shown.style}"))
    out.print(
        facts(
            ("batch", batch.name),
            ("state", shown),
            ("because", because(batch)),
            ("turns", str(batch.turns)),
            ("repeats", repeats(batch)),
            ("flags", flags(batch)),
            *usage_facts(batch.usage),
            ("took", took),
        )
    )
    if not counts.failed:
        return
    failed = [one async for one in client.batches.results(batch.name, state=Conversation.STATE_FAILED)]
    _print_failures(batch, failed)
    for reason, change in _TO_CHANGE.items():
        if same := [one for one in failed if one.reason == reason]:
            out.print(
                f"{len(same)} would fail the same way after a retry: {change}\n"
                f"  greenroom conversations start SPEC.yaml --based-on {short(same[0].conversation)}",
                soft_wrap=True,
            )
    others = {one.reason for one in failed} - _TO_CHANGE.keys()
    if others and batch.state == Batch.STATE_COMPLETED:
        advice = "When the cause is mended, try those again:" if others <= _TO_MEND else "Try those again:"
        out.print(f"{advice}\n  greenroom batches retry {short(batch.name)}", soft_wrap=True)


def _print_failures(batch: Batch, failed: Sequence[BatchResult]) -> None:
    """Print why conversations failed: a row for all equal failures, with the first of them."""
    alike: dict[str, list[BatchResult]] = {}
    for one in failed:
        alike.setdefault(f"{one.reason} ({fault(one.fault)}): {one.detail}", []).append(one)
    groups = sorted(alike.items(), key=lambda group: -len(group[1]))
    rows = Table.grid(padding=(0, 2))
    rows.add_column(no_wrap=True)
    rows.add_column(overflow="fold")
    for why, same in groups[:SHOWN]:
        rows.add_row(short(same[0].conversation), f"{len(same)} x {why}" if len(same) > 1 else why)
    console().print(rows)
    if rest := sum(len(same) for _, same in groups[SHOWN:]):
        more = f"greenroom batches results {short(batch.name)} --state failed"
        console().print(f"and {rest} more:\n  {more}", soft_wrap=True)


def status(batch: Batch) -> int:
    """The exit status of a command that waited for the batch: success only if all its conversations completed."""
    return OK if batch.counts.completed == batch.spec.size else FAILED


def elapsed(batch: Batch) -> float | None:
    """Seconds from a batch's creation to its end; None while it is not over."""
    if not batch.HasField("end_time"):
        return None
    return (batch.end_time.ToNanoseconds() - batch.create_time.ToNanoseconds()) / 1e9


def _flat(text: str) -> str:
    return " ".join(text.split())
