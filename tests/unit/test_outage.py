"""An outage does not fill the log: it is logged at its start, once a minute, and at its end."""

import structlog
from structlog.testing import capture_logs

from shared.outage import Outage


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_outage_is_told_of_when_it_begins_each_minute_and_when_it_is_over() -> None:
    clock = Clock()
    outage = Outage(structlog.get_logger(), "the disk is away", "the disk is back", clock)

    with capture_logs() as told:
        outage.over()
        for _ in range(121):
            outage.met(error="no disk")
            clock.now += 1
        outage.over()
        outage.over()

    assert told == [
        {"log_level": "warning", "event": "the disk is away", "error": "no disk"},
        {"log_level": "warning", "event": "the disk is away", "error": "no disk", "times": 61},
        {"log_level": "warning", "event": "the disk is away", "error": "no disk", "times": 121},
        {"log_level": "info", "event": "the disk is back", "times": 121},
    ]


def test_the_next_outage_is_told_of_at_once() -> None:
    outage = Outage(structlog.get_logger(), "the disk is away", "the disk is back")

    with capture_logs() as told:
        for _ in range(2):
            outage.met()
            outage.over()

    assert [one["event"] for one in told] == ["the disk is away", "the disk is back"] * 2
