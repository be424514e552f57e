"""How fast calls with known truth are generated, encoded, streamed and learned from, and whether the truth comes back.

Ours and the other ways take turns within one run. In memory the clock is processor time on one pinned core; on the wire
it is the processor time of the server and its workers on one core, for the client on the other one parses the same.
"""

from benchmarks.results import gates, report
from benchmarks.traces import memory, recovery, serving, streams

TOPIC = "traces"


def run(quick: bool) -> bool:
    """Measure, report, and say whether the gates held."""
    gate = gates(TOPIC)
    size = gate["quick" if quick else "full"]
    parts = (memory, recovery, streams, serving)
    return report(TOPIC, [result for part in parts for result in part.results(gate, size)])
