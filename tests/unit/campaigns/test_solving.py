"""What is found about branches holds for every contact, as CEL itself decides."""

from itertools import product
from random import Random

from shared.model.campaigns.conditions import Conditions, Facts
from shared.model.campaigns.model import Field, FieldType
from shared.model.campaigns.solving import Solved, Solver

FIELDS = (
    Field("plan", values=("free", "pro")),
    Field("tier", values=("a", "b"), default="a"),
    Field("age", FieldType.INTEGER, minimum=18, maximum=60),
    Field("vip", FieldType.BOOLEAN),
    Field("score", FieldType.NUMBER, minimum=0, maximum=1),
)
ATOMS = (
    "contact.plan == 'pro'", "contact.plan in ['free', 'x']", "'pro' != contact.plan", "contact.tier == 'b'",
    "contact.vip", "contact.age > 30", "30 >= contact.age", "contact.age == 0", "contact.age < 18",
    "contact.age in [18, 60]",
    "contact.score >= 0.5", "contact.score < 0.25", "sentiment > 0.0", "reply.contains('yes')", "reply == 'no'",
    "results.shop.ok == true", "'vip' in tags", "time.hour < 12", "true", "contact.age % 2 == 0",
)  # fmt: skip
CONTACTS = [
    Facts(
        contact={
            name: value
            for name, value in zip(("plan", "age", "vip", "score"), values, strict=True)
            if value is not None
        },
        tags=tags,
        reply=reply,
        sentiment=sentiment,
        hour=hour,
        results=results,
    )
    for *values, tags, (reply, sentiment), hour, results in product(
        (None, "free", "pro"),
        (None, 18, 30, 31, 60),
        (True, False),
        (0.1, 0.5),
        ((), ("vip",)),
        (("", 0.0), ("yes", 0.5), ("no", -0.5)),
        (0, 12),
        ({}, {"shop": {"ok": True}}),
    )
]


def _condition(random: Random, depth: int) -> str:
    if depth == 0 or random.random() < 0.3:
        return random.choice(ATOMS)
    left, right = _condition(random, depth - 1), _condition(random, depth - 1)
    return random.choice(
        (f"!({left})", f"({left}) && ({right})", f"({left}) || ({right})", f"({left} ? {right} : !({left}))")
    )


def test_what_is_found_about_drawn_branches_holds_for_every_contact() -> None:
    random = Random(17)
    conditions, solver = Conditions(FIELDS), Solver(FIELDS)
    values = [conditions.values(facts) for facts in random.sample(CONTACTS, 150)]
    found = 0
    for _ in range(150):
        sources = [_condition(random, 2) for _ in range(random.randint(1, 3))]
        solved = solver.solve(sources)
        table = [[conditions.compile(source).holds(one) for source in sources] for one in values]
        for row in table:
            assert not any(row[branch] for branch in solved.never)
            assert all(row[branch] for branch in solved.always)
            assert not any(row[branch] and not any(row[:branch]) for branch in solved.shadowed)
            assert solved.otherwise != "" or any(row)
        found += bool(solved.never or solved.always or solved.shadowed) + (solved.otherwise == "")
    assert found > 20


def test_an_example_of_a_contact_without_a_branch_is_told() -> None:
    solver = Solver(FIELDS)

    assert solver.solve(["contact.age < 30", "contact.age > 30"]).otherwise == "age = 30"
    assert solver.solve(["contact.plan == 'free'", "contact.plan == 'pro'"]).otherwise == "no plan"
    assert (
        solver.solve(["contact.vip && 'vip' in tags", "!contact.vip"]).otherwise == "vip = true, without the tag 'vip'"
    )
    assert solver.solve(["reply.contains('x')"]).otherwise is None
    nothing = frozenset[int]()
    assert solver.solve(["contact.vip", "!contact.vip"]) == Solved(nothing, nothing, nothing, "")


def test_deep_and_long_conditions_are_left_undecided() -> None:
    solver = Solver(FIELDS)

    assert not solver.solve(["!" * 31 + "contact.vip"]).never
    assert not solver.solve([" && ".join(f"reply.contains('{number}')" for number in range(60))]).never
