"""Simulated people, the tools that they make agents call, and the worlds that these act in."""

from benchmarks.people import worlds
from benchmarks.people.damaged import told_damaged
from benchmarks.people.tasks import imported_tasks
from benchmarks.people.voices import told_apart
from benchmarks.results import gates, report

TOPIC = "people"


def run(quick: bool) -> bool:
    """Measure, report, and return whether the gates held."""
    gate = gates(TOPIC)
    size = gate["quick" if quick else "full"]
    conversations = size["conversations"]
    return report(
        TOPIC,
        [
            worlds.memory(gate["worlds"], conversations),
            *told_apart(gate, size),
            *told_damaged(gate),
            *imported_tasks(gate, conversations),
        ],
    )
