"""What commands print: tables for people, proto JSON for programs."""

import json
import sys
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console
from rich.table import Table
from rich.text import Text

from greenroom.synthesizer.v1.batch_pb2 import Batch
from greenroom.synthesizer.v1.conversation_pb2 import Conversation
from greenroom.type.v1.event_pb2 import Fault

COLOURS = {"completed": "green", "failed": "red", "cancelled": "yellow", "generating": "cyan", "running": "cyan"}
_WIDE = 10_000


def console(stderr: bool = False) -> Console:
    """Where to print. What is not a terminal has no width, so nothing is cut or filled up there. Respects NO_COLOR."""
    if (sys.stderr if stderr else sys.stdout).isatty():
        return Console(stderr=stderr, highlight=False)
    return _Piped(stderr=stderr, highlight=False, width=_WIDE)


def print_json(message: Message) -> None:
    """message on one line of proto JSON, with the field names of the contracts."""
    fields = MessageToDict(message, preserving_proto_field_name=True)
    print(json.dumps(fields, ensure_ascii=False), flush=True)  # noqa: T201


class _Piped(Console):
    """Prints no blanks at the ends of lines."""

    def print(self, *objects: Any, **options: Any) -> None:
        with self.capture() as printed:
            super().print(*objects, **options)
        self.file.write("\n".join(line.rstrip(" ") for line in printed.get().split("\n")))
        self.file.flush()


class Rows:
    """A table that shows its columns whole, but for those that it may shorten where the terminal is narrow."""

    def __init__(self, *columns: str, shorten: Collection[str] = ()) -> None:
        self._table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        self._shorten = [column in shorten for column in columns]
        for column, shortened in zip(columns, self._shorten, strict=True):
            self._table.add_column(column, no_wrap=not shortened)

    def add(self, *cells: str | Text) -> None:
        """Add a row, a cell a column."""
        # A column that may not wrap is never made narrower, so it is the text of the cell that may not.
        self._table.add_row(
            *(
                Text(str(cell), no_wrap=True, overflow="ellipsis") if shortened else cell
                for cell, shortened in zip(cells, self._shorten, strict=True)
            )
        )

    def __rich__(self) -> Table:
        return self._table


def state(message: Batch | Conversation) -> Text:
    """The state in one coloured word."""
    if isinstance(message, Batch):
        return state_word(Batch.State.Name(message.state))
    return state_word(Conversation.State.Name(message.state))


def state_word(name: str) -> Text:
    """The word for `STATE_COMPLETED` and the like."""
    word = name.removeprefix("STATE_").lower()
    return Text(word, style=COLOURS.get(word, ""))


def fault(value: Fault.ValueType) -> str:
    """Who is to blame, in words; empty for nobody."""
    return "" if not value else Fault.Name(value).removeprefix("FAULT_").lower().replace("_", " ")


def when(time: Timestamp) -> str:
    """A time in the reader's zone; empty when unset."""
    if not time.seconds:
        return ""
    return datetime.fromtimestamp(time.seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def facts(*rows: tuple[str, str | Text]) -> Table:
    """Names and values of one thing, those without a value left out."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    made.add_column(style="dim", no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in rows:
        if value:
            made.add_row(name, value)
    return made


def short(name: str) -> str:
    """The last part of a name."""
    return name.rsplit("/", 1)[-1]


def say_it_goes_on(name: str, under: str = "") -> None:
    """Tell who stops watching what goes on without them, and how to come back to it. under: the noun of the noun."""
    noun, last = name.split("/", 1)
    noun = f"{under} {noun}".strip()
    out = console(stderr=True)
    out.print(f"{name} goes on.", soft_wrap=True)
    out.print(f"  greenroom {noun} watch {last}\n  greenroom {noun} cancel {last}", soft_wrap=True)
