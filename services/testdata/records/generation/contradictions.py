"""Finds the rule that another rule contradicts: both hold alone, and not together."""

from collections.abc import Iterator
from dataclasses import replace

from services.testdata.records.generation.checks import check_cell
from services.testdata.records.generation.generate import Generator
from services.testdata.records.generation.plan import Plan, make_plan
from services.testdata.records.model import RecordSpec
from shared.errors import GreenroomError
from shared.model.packs.model import Rule, Severity

_ROWS = 40
"""Records of an entity that rules are tried on."""
_MOST = 16
"""The most rules that are tried."""


def contradicting(plan: Plan, rule_id: str) -> Rule | None:
    """The first rule that does not hold together with this one, which holds alone; None if there is none."""
    rules = {one.id: one for one in plan.spec.pack.rules}
    if rule_id not in rules or not _hold(plan, rules[rule_id]):
        return None
    for other in [*_beside(plan, rule_id)][:_MOST]:
        if other in rules and not _hold(plan, rules[rule_id], rules[other]):
            return rules[other]
    return None


def _beside(plan: Plan, rule_id: str) -> Iterator[str]:
    """Rules that read a field of this one."""
    fields = next(({*one.columns} for one in plan.rules if one.id == rule_id), set())
    for one in plan.rules:
        if one.id != rule_id and one.severity is Severity.ERROR and fields & {*one.columns}:
            yield one.id


def _hold(plan: Plan, *rules: Rule) -> bool:
    entities = {rule.entity: min(_ROWS, plan.counts[rule.entity]) for rule in rules}
    spec = RecordSpec(replace(plan.spec.pack, rules=rules), entities, locale=plan.spec.locale)
    try:
        generator = Generator(make_plan(spec))
        cell = generator.cell(0)
    except GreenroomError:
        return False
    return not any(one.violated for one in check_cell(generator.plan, cell, cell.rows))
