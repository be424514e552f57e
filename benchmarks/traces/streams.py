"""Streams over gRPC: rows and Arrow, each compared with a server that builds protobuf messages one by one.

The rate is per second of processor time of the server and its workers, all on one core. Wall-clock rates are saved as
samples only: the client, on another core, is the slower side, and it parses the same bytes either way.
"""

from collections.abc import Mapping
from typing import Any

from benchmarks.contest import CORE
from benchmarks.results import Result, compared
from benchmarks.servers import Server, server
from benchmarks.traces import readers

ROWS_A_MESSAGE = 8_192
"""Rows per message of the other server: about 1 MiB, like ours."""


def results(gate: Mapping[str, Any], size: Mapping[str, Any]) -> list[Result]:
    """One row per gate: rows_stream, arrow_stream. size: sessions to stream per row, for `ours` and `theirs`."""
    other = "benchmarks.ways.message_server"
    with (
        server("services.testdata", core=CORE) as ours,
        server(other, str(ROWS_A_MESSAGE), core=CORE) as messages,
        server(other, "1", core=CORE) as singles,
    ):
        return [
            _streamed(gate["rows_stream"], size["rows_stream"], size["rounds"], "ROWS", ours, messages),
            _streamed(gate["arrow_stream"], size["arrow_stream"], size["rounds"], "ARROW_IPC", ours, singles),
        ]


def _streamed(
    row: Mapping[str, Any], size: Mapping[str, int], rounds: int, form: str, ours: Server, other: Server
) -> Result:
    contest = ((ours, size["ours"]), (other, size["theirs"]))
    for one, sessions in contest:
        _rates(one, form, sessions // 10)
    taken = [[_rates(one, form, sessions) for one, sessions in contest] for _ in range(rounds)]
    (our_cpu, our_wall), (their_cpu, their_wall) = (zip(*rates, strict=True) for rates in zip(*taken, strict=True))
    return compared(row, "calls/s", our_cpu, their_cpu, {"ours_wall": our_wall, "theirs_wall": their_wall})


def _rates(one: Server, form: str, sessions: int) -> tuple[float, float]:
    """Calls per second of the server's processor time, and per second of wall-clock time."""
    before = one.processor_seconds()
    *_, (calls, seconds) = readers.tenths(readers.start(one.address, form, sessions))
    return calls / (one.processor_seconds() - before), calls / seconds
