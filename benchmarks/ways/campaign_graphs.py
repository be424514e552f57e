"""Checks of a campaign's structure and logic, and networkx's reachability and cycles on its graph.

`edges` and `networkx_way` import only the standard library and networkx.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

BLOCK = 8
"""Steps that repeat: a text, a wait, a condition with two branches, a split, an e-mail, a delay, an update, a condition
that leads back."""


def edges(steps: int) -> Iterator[tuple[int, int]]:
    """The ways between the steps of `document`, by their numbers."""
    for first in range(0, steps, BLOCK):
        after = first + BLOCK
        for place, targets in enumerate(([1], [2, 5], [3, 4, 5], [4, 5], [5], [6], [7], [0, 8])):
            for target in targets:
                number = first + target if target < BLOCK else after
                yield first + place, min(number, steps)


def document(steps: int) -> dict[str, Any]:
    """A campaign of so many steps in blocks of eight, and a goal."""
    made: list[dict[str, Any]] = []
    for first in range(0, steps, BLOCK):
        ids = [f"s{first + place}" for place in range(BLOCK + 1)]
        ids[BLOCK] = f"s{min(first + BLOCK, steps)}"
        older, seldom = f"contact.age > {18 + first % 60}", f"contact.visits < {first}"
        made += [
            {"id": ids[0], "send_sms": {"body": "Hello {{ contact.first_name }}"}, "next": ids[1]},
            {"id": ids[1], "wait_for_reply": {"timeout": "2 days", "on_timeout": ids[5]}, "next": ids[2]},
            {
                "id": ids[2],
                "condition": {
                    "branches": [
                        {"when": "reply.contains('yes') && sentiment > 0.0", "next": ids[3]},
                        {"when": f"{older} || contact.plan in ['free', 'pro']", "next": ids[4]},
                    ],
                    "otherwise": ids[5],
                },
            },
            {"id": ids[3], "split": {"arms": [{"name": "a", "next": ids[4]}, {"name": "b", "next": ids[5]}]}},
            {"id": ids[4], "send_email": {"subject": "Hello", "body": "Good day."}, "next": ids[5]},
            {"id": ids[5], "delay": {"duration": "1 day", "time": "10:00"}, "next": ids[6]},
            {"id": ids[6], "update_contact": {"fields": {"plan": "pro"}, "add_tags": ["seen"]}, "next": ids[7]},
            {"id": ids[7], "condition": {"branches": [{"when": seldom, "next": ids[0]}], "otherwise": ids[8]}},
        ]
    contact = {
        "first_name": {},
        "plan": {"values": ["free", "pro", "team"]},
        "age": {"type": "integer", "minimum": 18, "maximum": 110},
        "visits": {"type": "integer", "minimum": -1},
    }
    return {"display_name": "Large", "contact": contact, "steps": [*made, {"id": f"s{steps}", "goal": {}}]}


def checks(given: Mapping[str, Any]) -> Callable[[int], int]:
    """Check the structure and logic of the campaign."""
    from services.evaluator.checks.logic import logic_issues
    from services.evaluator.checks.structure import structure_issues
    from shared.model.campaigns.reading import read_document

    campaign = read_document(document(given["steps"]))

    def work(_: int) -> int:
        assert not [*structure_issues(campaign), *logic_issues(campaign)]
        return 1

    return work


def networkx_way(given: Mapping[str, Any]) -> Callable[[int], int]:
    """Build the graph, and find what can be reached from the start, what leads to the goal, and the cycles."""
    import networkx

    ways = [*edges(given["steps"])]

    def work(_: int) -> int:
        graph = networkx.DiGraph(ways)
        assert len(networkx.descendants(graph, 0)) == len(networkx.ancestors(graph, given["steps"])) == given["steps"]
        components = networkx.strongly_connected_components(graph)
        assert sum(len(one) > 1 for one in components) == given["steps"] // BLOCK
        return 1

    return work
