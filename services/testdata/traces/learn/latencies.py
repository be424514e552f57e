"""Latencies and failures of each endpoint outside of cascades, and the score of a simple detector of faults."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.testdata.traces.certificate import QUANTILES, Detection
from services.testdata.traces.learn.gathering import LogCalls

SLOW = 4.0
"""The detector reports a latency above this many times the endpoint's median. With generated log-normal latencies,
these are 0.3 % of the healthy calls and most of the slowed ones."""

DETECTOR = f"Status 503 or 504, or a latency above {SLOW:g} times the median of the endpoint's calls."


@dataclass(frozen=True, slots=True)
class Timing:
    """Latencies of an endpoint in ms, at `certificate.QUANTILES`; empty, and mean 0, without latencies."""

    quantiles: tuple[float, ...]
    mean: float


def timings(calls: LogCalls, k: int) -> list[Timing]:
    """Latencies of each endpoint outside of cascades, or of all its calls if a cascade touched every one."""
    found = []
    for latencies, faulty in _by_endpoint(calls, k):
        healthy = latencies if faulty is None or faulty.all() else latencies[~faulty]
        if not len(healthy):
            found.append(Timing((), 0.0))
            continue
        quantiles = np.quantile(healthy, QUANTILES)
        found.append(Timing(tuple(quantiles.tolist()), float(healthy.mean(dtype=np.float64))))
    return found


def error_rates(calls: LogCalls, k: int) -> list[float]:
    """Error rate of each endpoint: the share of statuses of 400 or above, outside of cascades."""
    if calls.status is None:
        return [0.0] * k
    counted = calls.status > 0
    if calls.faulty is not None:
        counted &= ~calls.faulty
    all_calls = np.bincount(calls.endpoint[counted], minlength=k)
    failed = np.bincount(calls.endpoint[counted & (calls.status >= 400)], minlength=k)
    rates: list[float] = (failed / np.maximum(all_calls, 1)).tolist()
    return rates


def detection(calls: LogCalls, k: int) -> Detection | None:
    """The score of the detector on all calls and retries; None for a log without labels. It does not see the labels."""
    if calls.faulty is None:
        return None
    named = np.zeros(len(calls.endpoint), np.bool_)
    if calls.status is not None:
        named |= (calls.status == 503) | (calls.status == 504)
    if calls.latency is not None:
        medians = np.array(
            [np.median(latencies) if len(latencies) else np.inf for latencies, _ in _by_endpoint(calls, k)]
        )
        named |= calls.latency > SLOW * medians[calls.endpoint]
    hits, faults = int((named & calls.faulty).sum()), int(calls.faulty.sum())
    precision = hits / int(named.sum()) if named.any() else 0.0
    recall = hits / faults if faults else 0.0
    f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
    return Detection(DETECTOR, precision, recall, f1, faults)


def _by_endpoint(calls: LogCalls, k: int) -> list[tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_] | None]]:
    """For each endpoint, the known latencies, and which of them are in cascades."""
    nothing = np.zeros(0, np.float32)
    if calls.latency is None:
        return [(nothing, None)] * k
    order = np.argsort(calls.endpoint, kind="stable")
    missing = np.isnan(calls.latency)
    if missing.any():
        order = order[~missing[order]]
    ends = np.cumsum(np.bincount(calls.endpoint[~missing], minlength=k))
    parts = [order[end - count : end] for end, count in zip(ends, np.diff(ends, prepend=0), strict=True)]
    return [(calls.latency[part], None if calls.faulty is None else calls.faulty[part]) for part in parts]
