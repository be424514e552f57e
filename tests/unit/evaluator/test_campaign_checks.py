"""Checks find each planted fault of a campaign at its step, and nothing in sound campaigns."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from services.evaluator.checks.check import check_campaign
from services.evaluator.checks.graph import components
from services.evaluator.checks.model import Severity
from shared.model.campaigns.reading import read_document
from shared.yaml import load_file

SOUND = load_file(Path(__file__).parents[3] / "examples/campaigns/check-up.yaml")
CASES = load_file(Path(__file__).parent / "campaigns.yaml")


def _changed(case: dict[str, Any]) -> dict[str, Any]:
    """The sound campaign with the changes of a case."""
    campaign: dict[str, Any] = deepcopy(SOUND)
    for path, value in case.get("set", {}).items():
        first, *rest = path.split(".")
        step = next((step for step in campaign["steps"] if step["id"] == first), None)
        target, names = (step, rest) if step else (campaign, [first, *rest])
        for name in names[:-1]:
            target = target[int(name)] if isinstance(target, list) else target[name]
        last = names[-1]
        if isinstance(target, list):
            target[int(last) : int(last) + 1] = [value]
        elif value is None:
            target.pop(last, None)
        else:
            target[last] = value
    campaign["steps"] += case.get("add", [])
    campaign["steps"] = [step for step in campaign["steps"] if step["id"] not in case.get("delete", [])]
    return campaign


def test_there_are_enough_campaigns() -> None:
    assert len(CASES) >= 60
    assert len({case["name"] for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_planted_fault_is_found_at_its_step(case: dict[str, Any]) -> None:
    checked = check_campaign(read_document(_changed(case)))

    found = {(issue.type, issue.step) for issue in checked.issues}
    assert found == {(kind, step) for kind, step in case["issues"]}
    assert checked.valid == all(issue.severity is not Severity.ERROR for issue in checked.issues)
    assert (checked.score == 100) == (not case["issues"])
    assert all(issue.sentence and issue.fix for issue in checked.issues)


def test_a_long_chain_and_a_long_cycle_need_no_recursion() -> None:
    chain = [[number + 1] for number in range(5_000)] + [[0]]

    assert [len(group) for group in components(chain)] == [5_001]
    assert len(components([*chain[:-1], []])) == 5_001
