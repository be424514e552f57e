"""How fast orders with ten fields are generated and written, compared with Faker and Mimesis.

All take turns within one run, on one pinned core, and are timed by processor time.
"""

from benchmarks.contest import Contestant, race
from benchmarks.peers import python
from benchmarks.results import compared, gates, report

TOPIC = "records"


def run(quick: bool) -> bool:
    """Measure, report, and return whether the gates held."""
    gate = gates(TOPIC)
    size = gate["quick" if quick else "full"]
    mimesis, faker = python("mimesis"), python("faker")
    results = []
    for kind, given in (("pools", {"unique": False}), ("unique", {"unique": True})):
        ours, theirs, others = race(
            [
                Contestant("records:parquet", given=given),
                Contestant("mimesis_records:parquet", mimesis, given),
                Contestant("faker_records:parquet", faker, given),
            ],
            size["rounds"],
            size["seconds"],
        )
        results += [
            compared(gate[f"{kind}_faker"], "records/s", ours, others),
            compared(gate[f"{kind}_mimesis"], "records/s", ours, theirs),
        ]
    for form in ("JSONL", "SQL"):
        told = {"unique": False, "format": form}
        contest = [Contestant("records:text", given=told), Contestant("mimesis_records:text", mimesis, told)]
        ours, theirs = race(contest, size["rounds"], size["seconds"])
        results.append(compared(gate[form.lower()], "records/s", ours, theirs))
    return report(TOPIC, results)
