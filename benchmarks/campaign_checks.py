"""What the structure and logic of a campaign of 5,000 steps cost, beside networkx on the same graph.

networkx builds the graph and finds what the start reaches, what leads to the goal, and the strongly connected
components. Greenroom also solves the conditions; both take turns on one core.
"""

from benchmarks import peers
from benchmarks.contest import Contestant, race
from benchmarks.results import gates, limited, report

TOPIC = "campaign_checks"


def run(quick: bool) -> bool:
    """Measure, report, and return whether the gate held."""
    gate = gates(TOPIC)
    size = gate["quick" if quick else "full"]
    given = {"steps": size["steps"]}
    ours, theirs = race(
        [
            Contestant("campaign_graphs:checks", given=given),
            Contestant("campaign_graphs:networkx_way", peers.python("networkx"), given),
        ],
        size["rounds"],
        size["seconds"],
    )
    for one, other in zip(ours, theirs, strict=True):
        print(f"{1_000 / one:.1f} ms; networkx {1_000 / other:.1f} ms")
    ratios = [other / one for one, other in zip(ours, theirs, strict=True)]
    return report(TOPIC, [limited(gate["time"], "times", ratios, samples={"ours": ours, "networkx": theirs})])
