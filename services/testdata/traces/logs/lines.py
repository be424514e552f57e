"""Read lines one by one. A line that is too long is skipped and never held in memory."""

from collections.abc import Iterator
from typing import BinaryIO

from services.testdata.traces.learn.report import Report
from shared.limits import MAX_LOG_LINE

ROWS = 1 << 16
"""Rows per batch of line-based readers."""


def lines(stream: BinaryIO, report: Report) -> Iterator[tuple[int, bytes]]:
    """Non-empty lines with their numbers, from 1. Counts LINE_TOO_LONG."""
    while line := stream.readline(MAX_LOG_LINE + 1):
        report.row += 1
        if len(line) > MAX_LOG_LINE and not line.endswith(b"\n"):
            report.skip("LINE_TOO_LONG", report.row)
            while line and not line.endswith(b"\n"):
                line = stream.readline(MAX_LOG_LINE)
            continue
        if report.row == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if stripped := line.strip():
            yield report.row, stripped
