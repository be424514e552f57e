"""How much of real n8n workflows survives an import: they are played by contacts whose fields conditions tell apart.

Webhooks answer nothing, so that the contact's fields count.
"""

from benchmarks.results import gates, reached, report
from tests.pipeline.test_campaign_imports import rehearsed

TOPIC = "campaign_imports"


def run(quick: bool) -> bool:
    """Measure, report, and return whether the gates held."""
    gate = gates(TOPIC)
    found = rehearsed(gate["quick" if quick else "full"]["contacts"])
    for one in found:
        why = "" if one.sends else "; it sends no message"
        ends = ", ".join(sorted(one.played.ends)) or "nobody answered"
        print(f"{one.name}: {ends}; {len(one.taken)} of {len(one.branches)} branch outputs{why}")
        for missed in sorted(one.branches - one.taken):
            print(f"  not taken: {missed[0]}, output {missed[1]}")
    conditions = sum(one.imported.conditions for one in found)
    evaluated = sum(one.imported.evaluated for one in found)
    return report(
        TOPIC,
        [
            reached(gate["through"], "of 24", [sum(one.played.through for one in found)]),
            reached(gate["outputs"], "of 66", [sum(len(one.taken) for one in found)]),
            reached(gate["conditions"], "", [evaluated / conditions]),
        ],
    )
