"""The entities that the tests of rules are about: orders with items, whose parts are children of children."""

from shared.rules.checker import Compiled, check
from shared.rules.schema import (
    BOOLEAN,
    DATE,
    DATETIME,
    DURATION,
    IDENTIFIER,
    INTEGER,
    JSON,
    NUMBER,
    TEXT,
    TIME,
    Entity,
    Schema,
    enumeration,
    money,
)

SCHEMA = Schema(
    {
        "order": Entity(
            {
                "id": IDENTIFIER,
                "total": money("EUR"),
                "discount": money("EUR"),
                "shipping": money("EUR"),
                "refund": money("USD"),
                "status": enumeration("open", "paid", "shipped"),
                "note": TEXT,
                "contact": TEXT,
                "ordered": DATE,
                "due": DATE,
                "shipped_at": DATETIME,
                "opens": TIME,
                "took": DURATION,
                "parcels": INTEGER,
                "points": INTEGER,
                "weight": NUMBER,
                "rate": NUMBER,
                "gift": BOOLEAN,
                "paid": BOOLEAN,
                "raw": JSON,
            },
            children={"items": "item", "payments": "payment"},
            parents={"customer": "customer"},
        ),
        "item": Entity(
            {"price": money("EUR"), "quantity": INTEGER, "discount": NUMBER, "sku": TEXT},
            children={"parts": "part"},
            parents={"product": "product"},
        ),
        "part": Entity({"weight": NUMBER, "count": INTEGER}),
        "product": Entity({"price": money("EUR"), "name": TEXT}),
        "payment": Entity({"amount": money("EUR"), "paid_at": DATETIME}),
        "customer": Entity({"country": TEXT, "born": DATE, "credit": money("EUR")}, children={"orders": "order"}),
    },
    parameters={"as_of": DATE},
)


def compiled(source: str, entity: str = "order") -> Compiled:
    """The rule, which nothing is wrong with."""
    rule = check(source, SCHEMA, entity)
    assert isinstance(rule, Compiled), [str(problem) for problem in rule]
    return rule


def problems(source: str, entity: str = "order") -> list[str]:
    """What is wrong with a rule."""
    rule = check(source, SCHEMA, entity)
    assert not isinstance(rule, Compiled), rule.text
    return [str(problem) for problem in rule]
