"""Options of the trace commands: the workflow, and how to generate from it."""

import functools
import inspect
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.kit.names import completing, full_name, later
from cli.kit.run import USAGE, Failed
from greenroom.testdata.v1.trace_call_pb2 import SessionRange, SessionsPerUser, TraceParameters, UserType
from greenroom.testdata.v1.trace_workflow_pb2 import WorkflowSource

_MOST = 2**63 - 1
"""The largest number that fits into the contract's field; the server has lower bounds."""
_MEAN, _STD = 3.0, 2.0
"""Defaults of the contract, for when only one of the two options is given."""


class Arrival(StrEnum):
    """How the starts of sessions are distributed over time."""

    UNIFORM = "uniform"
    DIURNAL = "diurnal"
    WEEKLY = "weekly"


class Mode(StrEnum):
    """How successors are drawn."""

    INDEPENDENT = "independent"
    EXACT_COUNTS = "exact-counts"


def _moment(value: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise Failed(f"`{value}` is not a time; write 2026-01-05 or 2026-01-05T08:00:00Z.", USAGE) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def session_range(value: str) -> SessionRange:
    """The sessions of `5000000-5001000`, `5000000-` or `17`. Raises Failed."""
    found = re.fullmatch(r"(\d{1,18})(-(\d{1,18})?)?", value.replace(",", "").replace("_", ""))
    first = int(found[1]) if found else 0
    last = int(found[3]) if found and found[3] else first
    if not found or not 1 <= first <= last:
        raise Failed(f"`{value}` is not a range of sessions; they count from 1: write 1-1000, 5000000- or 17.", USAGE)
    return SessionRange(first=first, count=0 if found[2] == "-" else last - first + 1)


def workflow_source(value: str) -> WorkflowSource:
    """The workflow of a name, or of a YAML file. Raises Failed or OSError."""
    if _is_file(value):
        try:
            return WorkflowSource(yaml=Path(value).read_text())
        except UnicodeDecodeError:
            raise Failed(f"{value}: the file is not UTF-8 text.", USAGE) from None
    return WorkflowSource(name=full_name("workflows", value))


def chain(what: str) -> Any:
    """The argument for a workflow: a name, or a YAML file. what: its help."""
    return typer.Argument(
        metavar="WORKFLOW",
        help=what,
        autocompletion=completing("workflows"),
        callback=lambda value: value if _is_file(value) else later("workflows", value),
    )


def _is_file(value: str) -> bool:
    return value.endswith((".yaml", ".yml")) or Path(value).is_file()


Chain = Annotated[str, chain("The workflow: workflows/…, the beginning or end of what follows, or a YAML file.")]


@dataclass(frozen=True, slots=True)
class Generation:
    """The options of generation. The server chooses those that are not given."""

    users: Annotated[int | None, typer.Option(min=1, max=_MOST, help="How many users; 1,000 unless told.")] = None
    sessions_mean: Annotated[
        float | None, typer.Option(help="How many sessions a user has on average, 3 unless told.")
    ] = None
    sessions_std: Annotated[float | None, typer.Option(help="Their standard deviation, 2 unless told.")] = None
    start: Annotated[str, typer.Option(metavar="TIME", help="When it begins; 2026-01-05 unless told.")] = ""
    end: Annotated[str, typer.Option(metavar="TIME", help="Before when every session begins.")] = ""
    days: Annotated[float | None, typer.Option(min=0, help="Instead of --end: how long it lasts; 30 unless told.")] = (
        None
    )
    arrival: Annotated[Arrival, typer.Option(help="How sessions are spread over the time.")] = Arrival.WEEKLY
    user_type: Annotated[
        list[str] | None,
        typer.Option(metavar="TYPE=WEIGHT", help="A kind of users, again for each; premium=30, free=50, guest=20."),
    ] = None
    cascade_rate: Annotated[
        float | None, typer.Option(help="In what share of the sessions failures cascade; 0.1 unless told.")
    ] = None
    seed: Annotated[int, typer.Option(min=-_MOST - 1, max=_MOST, help="The same seed gives the same calls.")] = 0
    mode: Annotated[Mode, typer.Option(help="Successors drawn independently, or dealt from decks.")] = Mode.INDEPENDENT
    deck_size: Annotated[
        int | None, typer.Option(min=1, max=100_000, help="Successors in a deck; 100 unless told.")
    ] = None
    sessions: Annotated[
        str, typer.Option(metavar="FIRST-LAST", help="Only these sessions, such as 5000000-5001000.")
    ] = ""

    @property
    def parameters(self) -> TraceParameters:
        """The options as a message. Raises Failed."""
        parameters = TraceParameters(
            users=self.users or 0,
            arrival=TraceParameters.Arrival.Value(f"ARRIVAL_{self.arrival.name}"),
            user_types=[_user_type(one) for one in self.user_type or ()],
            cascade_rate=self.cascade_rate,
            seed=self.seed,
            mode=TraceParameters.Mode.Value(f"MODE_{self.mode.name}"),
            deck_size=self.deck_size or 0,
        )
        if self.sessions_mean is not None or self.sessions_std is not None:
            mean = _MEAN if self.sessions_mean is None else self.sessions_mean
            std = _STD if self.sessions_std is None else self.sessions_std
            parameters.sessions_per_user.CopyFrom(SessionsPerUser(mean=mean, std=std))
        self._set_times(parameters)
        return parameters

    def _set_times(self, parameters: TraceParameters) -> None:
        if self.end and self.days is not None:
            raise Failed("Say when it ends with --end or --days, not with both.", USAGE)
        start = _moment(self.start or "2026-01-05")
        if self.start:
            parameters.start_time.FromDatetime(start)
        if self.end:
            parameters.end_time.FromDatetime(_moment(self.end))
        if self.days is not None:
            try:
                parameters.end_time.FromDatetime(start + timedelta(days=self.days))
            except (OverflowError, ValueError):
                raise Failed("--days leads beyond the year 9999; a dataset lasts 3,660 days at most.", USAGE) from None

    @property
    def range(self) -> SessionRange | None:
        """The sessions; None for all. Raises Failed."""
        return session_range(self.sessions) if self.sessions else None


def _user_type(value: str) -> UserType:
    name, _, weight = value.partition("=")
    try:
        return UserType(name=name, weight=float(weight))
    except ValueError:
        raise Failed(
            f"`{value}` is not a kind of users; write its name and weight, such as premium=30.", USAGE
        ) from None


def generating(work: Callable[..., Awaitable[int | None]]) -> Callable[..., Awaitable[int | None]]:
    """Give a command the options of Generation; its function gets them as `wanted`."""
    own = inspect.signature(work, eval_str=True).parameters
    options = list(inspect.signature(Generation, eval_str=True).parameters.values())

    @functools.wraps(work)
    async def run(*args: Any, **given: Any) -> int | None:
        wanted = Generation(**{field.name: given.pop(field.name) for field in fields(Generation)})
        return await work(*args, wanted=wanted, **given)

    before = [one for name, one in own.items() if name != "wanted"]
    kept = [one for one in before if one.default is inspect.Parameter.empty]
    rest = [one for one in before if one.default is not inspect.Parameter.empty]
    keywords = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in (*options, *rest)]
    run.__signature__ = inspect.Signature([*kept, *keywords])  # type: ignore[attr-defined]
    return run
