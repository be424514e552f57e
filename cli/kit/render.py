"""Prints tables for people and proto JSON for programs."""

import json
import re
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from greenroom.synthesizer.v1.batch_pb2 import Batch
from greenroom.synthesizer.v1.conversation_pb2 import Conversation
from greenroom.type.v1.event_pb2 import Fault
from shared.plain import UNSAFE, visible

COLOURS = {"completed": "green", "failed": "red", "cancelled": "yellow", "generating": "cyan", "running": "cyan"}
_WIDE = 1_000_000
_GAP = 2
"""Blanks between the columns of a table."""
_PROSE = 24
"""The least width of a column of prose; if it has less, it is left out."""
UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def console(stderr: bool = False) -> Console:
    """A console for standard output or error. Output to a pipe has no width limit and no padding. Respects NO_COLOR.

    It prints text as it is: markup is no markup, and control characters are escaped.
    """
    if is_terminal(stderr):
        return Literal(stderr=stderr)
    return _Piped(stderr=stderr, width=_WIDE)


def is_terminal(stderr: bool = False) -> bool:
    """True if standard output, or error, goes to a terminal."""
    return (sys.stderr if stderr else sys.stdout).isatty()


def print_json(message: Message) -> None:
    """Print a message as one line of proto JSON with the field names of the contracts."""
    fields = MessageToDict(message, preserving_proto_field_name=True)
    print_document(visible(json.dumps(fields, ensure_ascii=False)) + "\n")


def print_document(text: str) -> None:
    """Print a file's text unchanged; on a terminal with its control characters escaped."""
    sys.stdout.write(visible(text) if is_terminal() else text)
    sys.stdout.flush()


class Literal(Console):
    """A console that prints text as it is, with control characters escaped."""

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(visible(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        return super().render(_visible(renderable) if isinstance(renderable, Text) else renderable, options)


def _visible(text: Text) -> Text:
    """The text with its styles and with escaped control characters."""
    places = [place for found in UNSAFE.finditer(text.plain) for place in found.span()]
    if not places:
        return text
    escaped = text.blank_copy()
    for number, piece in enumerate(text.divide(places)):
        escaped.append_text(Text(visible(piece.plain), piece.style) if number % 2 else piece)
    return escaped


class _Piped(Literal):
    """A console that strips trailing blanks."""

    def print(self, *objects: Any, **options: Any) -> None:
        with self.capture() as printed:
            super().print(*objects, **options)
        self.file.write("\n".join(line.rstrip(" ") for line in printed.get().split("\n")))
        self.file.flush()


class Rows:
    """A table. On a terminal that is too narrow it leaves out columns instead of cutting words; a pipe gets all of it.

    leave_out: the least important columns, the first to go first; then go the others from the right, but never the
    first. A column without values goes before all. prose: columns that may lose words at their end.
    """

    def __init__(self, *columns: str, leave_out: Sequence[str] = (), prose: Collection[str] = ()) -> None:
        self._columns = columns
        self._leave_out = leave_out
        self._prose = prose
        self._rows: list[list[Text]] = []

    def add(self, *cells: str | Text) -> None:
        """Add a row, one cell per column. A row is one line, whatever its cells hold."""
        self._rows.append([one if isinstance(one, Text) else _line(one) for one in cells])

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        widths = self._widths(options.max_width)
        table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
        for number in widths:
            table.add_column(self._columns[number], no_wrap=True, overflow="fold")
        for row in self._rows:
            table.add_row(*(_shortened(row[number], width) for number, width in widths.items()))
        yield table

    def _widths(self, most: int) -> dict[int, int]:
        """The width of each column that is shown, by number. most: of the whole table."""
        whole = {
            number: max([cell_len(name), *(row[number].cell_len for row in self._rows)])
            for number, name in enumerate(self._columns)
        }
        least = {
            number: min(width, _PROSE) if self._columns[number] in self._prose else width
            for number, width in whole.items()
        }
        for number in self._unimportant():
            if _table_width(least) <= most:
                break
            del least[number]
        for number, width in least.items():
            least[number] = min(whole[number], width + max(0, most - _table_width(least)))
        return least

    def _unimportant(self) -> list[int]:
        """The numbers of all columns but the first, in the order in which they are left out."""
        others = range(1, len(self._columns))
        empty = [number for number in others if not any(row[number].plain for row in self._rows)]
        named = [self._columns.index(name) for name in self._leave_out]
        return list(dict.fromkeys([*empty, *named, *reversed(others)]))


def _line(cell: str) -> Text:
    return Text(visible(" ".join(cell.splitlines())))


def _table_width(widths: Mapping[int, int]) -> int:
    return sum(widths.values()) + _GAP * (len(widths) - 1)


def _shortened(text: Text, width: int) -> Text:
    """The text, cut at the end of a word if it is wider than this."""
    if text.cell_len <= width:
        return text
    cut = text.copy()
    cut.truncate(width - 1)
    if (end := cut.plain.rfind(" ")) > 0:
        cut.right_crop(len(cut.plain) - end)
    return cut.append("…")


def state(message: Batch | Conversation) -> Text:
    """The state in one coloured word. For a batch, also how many of its conversations failed or were cancelled."""
    if isinstance(message, Conversation):
        return state_word(Conversation.State.Name(message.state))
    word = state_word(Batch.State.Name(message.state))
    counts = [("failed", message.counts.failed)]
    if message.state != Batch.STATE_CANCELLED:
        counts.append(("cancelled", message.counts.cancelled))
    bad = [(f"{count} of {message.spec.size} {name}", name) for name, count in counts if count]
    return Text(", ".join([word.plain, *(words for words, _ in bad)]), COLOURS[bad[0][1]]) if bad else word


def because(batch: Batch) -> Text:
    """Why a batch ends before its conversations do, as a warning; empty if it does not."""
    sentence = "its budget is spent" if batch.reason == "BUDGET_REACHED" else batch.reason
    return Text(sentence, "yellow")


def state_word(name: str) -> Text:
    """The coloured word for an enum name such as `STATE_COMPLETED`."""
    word = name.removeprefix("STATE_").lower()
    return Text(word, style=COLOURS.get(word, ""))


def repeats(message: Batch | Conversation) -> Text:
    """How many agent messages repeat an earlier one, as a warning; empty if none does."""
    count = message.repeated_agent_messages
    return Text(
        f"{count} agent {'message repeats' if count == 1 else 'messages repeat'} an earlier one" if count else "",
        "yellow",
    )


def flags(message: Batch | Conversation) -> Text:
    """How many flags personas' replies have, as a warning; empty if none has one."""
    count = message.persona_flags
    return Text(f"{count} in what personas said" if count else "", "yellow")


def fault(value: Fault.ValueType) -> str:
    """A fault in words; empty for none."""
    return "" if not value else Fault.Name(value).removeprefix("FAULT_").lower().replace("_", " ")


def when(time: Timestamp) -> str:
    """A time in the local time zone; empty if unset."""
    if not time.seconds:
        return ""
    return datetime.fromtimestamp(time.seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def facts(*rows: tuple[str, str | Text]) -> Table:
    """A table of names and values of one resource, without empty values."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    made.add_column(style="dim", no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in rows:
        if value:
            made.add_row(name, value)
    return made


def short(name: str) -> str:
    """A name in tables and hints: in full to a pipe; on a terminal the end of its id, which is enough to type it."""
    last = name.rpartition("/")[2]
    if not is_terminal():
        return name
    return last[-8:] if UUID.fullmatch(last) else last


def say_it_goes_on(name: str, under: str = "") -> None:
    """Tell a user who stops watching that the work continues, and how to watch or cancel it. under: a parent noun."""
    # The command for `record_datasets` is `records datasets`.
    noun, last = f"{under} {name.partition('/')[0].rpartition('_')[2]}".strip(), short(name)
    out = console(stderr=True)
    out.print(f"{name} keeps running.", soft_wrap=True)
    out.print(f"  greenroom {noun} watch {last}\n  greenroom {noun} cancel {last}", soft_wrap=True)
