"""How fast calls of a known chain are generated, encoded, streamed and learned from, and how well the chain is
recovered.

Ours and the other ways take turns within one run. Work in memory is timed by processor time on one pinned core. Streams
are timed by the processor time of the server and its workers on one core; the client runs on another core and parses
the same bytes either way.
"""

from benchmarks.results import gates, report
from benchmarks.traces import memory, recovery, serving, streams

TOPIC = "traces"


def run(quick: bool) -> bool:
    """Measure, report, and return whether the gates held."""
    gate = gates(TOPIC)
    size = gate["quick" if quick else "full"]
    parts = (memory, recovery, streams, serving)
    return report(TOPIC, [result for part in parts for result in part.results(gate, size)])
