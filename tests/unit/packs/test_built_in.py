"""The rules of the built-in packs hold for records of a sound business, and each is broken by one change of them."""

from copy import deepcopy
from typing import Any

import pytest

from services.enricher.domains.built_in import built_in
from shared.model.packs.expressions import rule_schema
from shared.model.packs.model import Category, Pack, Rule
from shared.rules.checker import Compiled, check, columns_of
from shared.rules.evaluation import evaluate
from shared.rules.records import table_of

SHOP_ENTITIES = (
    "customer address product inventory cart cart_item order order_item payment shipment return review coupon"
)
SHOP_WORKFLOWS = ["browse", "checkout", "payment", "fulfilment", "return", "tracking"]

COUPON: dict[str, Any] = {
    "kind": "percentage",
    "percentage": 10,
    "amount": None,
    "minimum_order": 2000,
    "starts_at": "2026-01-01T00:00:00Z",
    "ends_at": "2026-12-31T00:00:00Z",
    "max_uses": 100,
    "uses": 3,
}
ADDRESS: dict[str, Any] = {"customer_id": "ada"}
CUSTOMER: dict[str, Any] = {"birth_date": "1990-12-10", "created_at": "2026-01-15T09:30:00Z"}
CART: dict[str, Any] = {
    "customer_id": "ada",
    "customer": CUSTOMER,
    "status": "converted",
    "subtotal": 3498,
    "items": [{"price": 1499, "quantity": 2}, {"price": 500, "quantity": 1}],
    "created_at": "2026-03-01T09:00:00Z",
    "updated_at": "2026-03-01T09:30:00Z",
}
ORDER: dict[str, Any] = {
    "customer_id": "ada",
    "customer": CUSTOMER,
    "cart_id": "cart",
    "cart": CART,
    "coupon_id": "c",
    "coupon": COUPON,
    "shipping_address": ADDRESS,
    "billing_address": ADDRESS,
    "status": "delivered",
    "items": CART["items"],
    "items_total": 3498,
    "discount": 350,
    "shipping": 495,
    "total": 3643,
    "payments": [{"status": "failed", "amount": 3643}, {"status": "captured", "amount": 3643}],
    "placed_at": "2026-03-01T10:00:00Z",
    "paid_at": "2026-03-01T10:05:00Z",
    "cancelled_at": None,
}
ORDER_ITEM: dict[str, Any] = {
    "product_id": "mug",
    "product_name": "Blue mug, 350 ml",
    "product": {"name": "Blue mug, 350 ml"},
    "price": 1499,
    "quantity": 2,
    "line_total": 2998,
    "returns": [{"status": "refunded", "quantity": 1}, {"status": "rejected", "quantity": 2}],
    "order": ORDER,
}
TICKET: dict[str, Any] = {
    "priority": "urgent",
    "status": "closed",
    "channel": "email",
    "agent_id": "noor",
    "customer": {"tier": "premium", "created_at": "2026-01-15T09:30:00Z"},
    "reopened": 1,
    "agreement": {
        "tier": "premium",
        "priority": "urgent",
        "first_response": "1 hour",
        "resolution": "1 day",
    },
    "messages": [{"author": "customer"}],
    "escalations": [{"level": 1}],
    "compensations": [{"amount": 4000}, {"amount": 2500}],
    "created_at": "2026-03-01T10:00:00Z",
    "first_response_at": "2026-03-01T10:30:00Z",
    "solved_at": "2026-03-01T18:00:00Z",
    "closed_at": "2026-03-04T18:00:00Z",
}
SOUND: dict[str, dict[str, Any]] = {
    "ecommerce": {
        "customer": CUSTOMER,
        "product": {"price": 1499, "list_price": 1999},
        "inventory": {"on_hand": 40, "reserved": 5, "available": 35, "reorder_point": 10},
        "coupon": COUPON,
        "cart": CART,
        "cart_item": {"product": {"status": "active"}, "added_at": "2026-03-01T09:10:00Z", "cart": CART},
        "order": ORDER,
        "order_item": ORDER_ITEM,
        "payment": {
            "method": "card",
            "card_last4": "4242",
            "status": "refunded",
            "amount": 3643,
            "refunded_amount": 1499,
            "created_at": "2026-03-01T10:04:00Z",
            "captured_at": "2026-03-01T10:05:00Z",
            "order": ORDER,
        },
        "shipment": {
            "status": "delivered",
            "tracking_number": "JJD000390007711",
            "shipped_at": "2026-03-02T08:00:00Z",
            "delivered_at": "2026-03-03T12:00:00Z",
            "order": ORDER,
            "address": ADDRESS,
        },
        "return": {
            "reason": "damaged",
            "quantity": 1,
            "status": "refunded",
            "refund": 1499,
            "requested_at": "2026-06-01T10:00:00Z",
            "received_at": "2026-06-05T10:00:00Z",
            "refunded_at": "2026-06-06T10:00:00Z",
            "order_item": ORDER_ITEM,
        },
        "review": {
            "order_item_id": "i",
            "product_id": "mug",
            "rating": 2,
            "text": "It broke.",
            "created_at": "2026-06-07T10:00:00Z",
            "order_item": ORDER_ITEM,
        },
    },
    "customer_support": {
        "agreement": TICKET["agreement"],
        "ticket": TICKET,
        "message": {
            "author": "agent",
            "agent_id": "noor",
            "internal": True,
            "sent_at": TICKET["created_at"],
            "ticket": TICKET,
        },
        "escalation": {
            "from_team": "first_line",
            "to_team": "technical",
            "level": 1,
            "created_at": "2026-03-01T10:00:00Z",
            "accepted_at": "2026-03-01T12:00:00Z",
            "ticket": TICKET,
        },
        "compensation": {
            "amount": 6000,
            "status": "paid",
            "approved_by": "noor",
            "created_at": "2026-03-02T10:00:00Z",
            "ticket": TICKET,
        },
        "satisfaction": {"score": 2, "comment": "Too slow.", "given_at": "2026-03-05T10:00:00Z", "ticket": TICKET},
        "article": {"status": "published", "reviewed_at": "2026-01-01", "helpful": 30, "not_helpful": 4},
    },
}
BREAKS: dict[str, dict[str, Any]] = {
    "customer-of-age": {"birth_date": "2015-12-10"},
    "product-list-price": {"price": 1999},
    "inventory-available": {"available": 34},
    "inventory-not-oversold": {"reserved": 41},
    "inventory-reorder": {"available": 10},
    "coupon-kind": {"amount": 500},
    "coupon-period": {"ends_at": "2026-01-01T00:00:00Z"},
    "coupon-uses": {"uses": 101},
    "cart-subtotal": {"items.1.quantity": 2},
    "cart-converted": {"items": []},
    "cart-times": {"updated_at": "2026-03-01T08:59:59Z"},
    "cart-after-account": {"created_at": "2026-01-15T09:29:59Z"},
    "cart-item-times": {"added_at": "2026-03-01T09:30:01Z"},
    "cart-item-sold": {"product.status": "discontinued"},
    "order-items-total": {"items_total": 3497},
    "order-total": {"shipping": 0},
    "order-has-items": {"items": []},
    "order-discount": {"discount": 3499},
    "order-discount-needs-coupon": {"coupon_id": None},
    "order-coupon-minimum": {"coupon.minimum_order": 3499},
    "order-coupon-period": {"placed_at": "2027-01-01T00:00:00Z"},
    "order-after-account": {"placed_at": "2026-01-15T09:29:59Z"},
    "order-after-cart": {"placed_at": "2026-03-01T08:59:59Z"},
    "order-paid": {"paid_at": None},
    "order-paid-after-placed": {"paid_at": "2026-03-01T09:59:59Z"},
    "order-cancelled": {"status": "cancelled"},
    "order-cancelled-after-placed": {"cancelled_at": "2026-03-01T09:59:59Z"},
    "order-pending": {"status": "pending"},
    "order-captured": {"payments.1.status": "voided"},
    "order-addresses": {"shipping_address.customer_id": "bob"},
    "order-item-name": {"product_name": "Red mug"},
    "order-item-line-total": {"quantity": 3},
    "order-item-returns": {"returns.1.status": "approved"},
    "payment-refund": {"refunded_amount": 3644},
    "payment-refunded": {"refunded_amount": 0},
    "payment-refund-captured": {"status": "authorised"},
    "payment-captured": {"captured_at": None},
    "payment-card": {"method": "paypal"},
    "payment-after-order": {"created_at": "2026-03-01T09:59:59Z"},
    "shipment-sent": {"tracking_number": None},
    "shipment-delivered": {"delivered_at": "2026-03-02T07:00:00Z"},
    "shipment-after-payment": {"order.paid_at": None},
    "shipment-address": {"address.customer_id": "bob"},
    "return-after-order": {"requested_at": "2026-03-01T10:04:59Z"},
    "return-quantity": {"quantity": 3},
    "return-refund": {"refund": 1500},
    "return-refunded": {"received_at": None},
    "return-received": {"received_at": "2026-06-01T09:59:59Z"},
    "return-no-refund": {"status": "approved"},
    "return-in-time": {"reason": "changed_mind"},
    "review-verified": {"product_id": "cup"},
    "review-after-order": {"created_at": "2026-03-01T09:59:59Z"},
    "review-text": {"text": None},
    "agreement-order": {"first_response": "2 days"},
    "ticket-agreement": {"customer.tier": "free"},
    "ticket-assigned": {"agent_id": None},
    "ticket-has-message": {"messages": []},
    "ticket-first-response": {"first_response_at": "2026-03-01T09:00:00Z"},
    "ticket-after-account": {"created_at": "2026-01-15T09:29:59Z"},
    "ticket-new": {"status": "new"},
    "ticket-reopened": {"first_response_at": None},
    "ticket-response-in-time": {"first_response_at": "2026-03-01T11:00:01Z"},
    "ticket-solved-in-time": {"solved_at": "2026-03-02T10:00:01Z"},
    "ticket-solved": {"first_response_at": None},
    "ticket-closed": {"status": "solved"},
    "ticket-urgent": {"escalations": []},
    "message-author": {"author": "system"},
    "message-internal": {"author": "customer"},
    "message-after-ticket": {"sent_at": "2026-03-01T09:00:00Z"},
    "message-before-closed": {"sent_at": "2026-03-04T18:00:01Z"},
    "escalation-teams": {"to_team": "first_line"},
    "escalation-of-ticket": {"created_at": "2026-03-01T18:00:01Z"},
    "escalation-accepted": {"accepted_at": "2026-03-03T10:00:00Z"},
    "compensation-approved": {"approved_by": None},
    "compensation-after-ticket": {"created_at": "2026-03-01T09:59:59Z"},
    "compensation-total": {"compensations.0.amount": 97_501},
    "satisfaction-after-solution": {"given_at": "2026-03-01T17:00:00Z"},
    "satisfaction-comment": {"comment": ""},
    "article-reviewed": {"reviewed_at": None},
    "article-helpful": {"not_helpful": 31},
}
RULES = [
    pytest.param(key, rule, id=rule.id)
    for key in SOUND
    for rule in built_in()[f"domains/{key}"][1].pack.rules
    if rule.expression
]


def pack_of(key: str) -> Pack:
    return built_in()[f"domains/{key}"][1].pack


def changed(record: Any, path: str, value: Any) -> Any:
    """A copy of a record with another value at a path, such as `items.0.price`."""
    copy = deepcopy(record)
    inside: Any = copy
    *outer, last = path.split(".")
    for step in outer:
        inside = inside[int(step)] if isinstance(inside, list) else inside[step]
    inside[last] = value
    return copy


@pytest.mark.parametrize(("key", "rule"), RULES)
def test_a_rule_holds_for_sound_records_and_one_change_breaks_it(key: str, rule: Rule) -> None:
    schema = rule_schema(pack_of(key))
    compiled = check(rule.expression, schema, rule.entity)
    assert isinstance(compiled, Compiled)
    sound = SOUND[key][rule.entity]
    [(path, value)] = BREAKS[rule.id].items()

    held = evaluate(compiled, table_of(schema, rule.entity, [sound, changed(sound, path, value)], columns_of(compiled)))

    assert (held.held.tolist(), held.violated.tolist()) == ([True, False], [False, True])


@pytest.mark.parametrize("key", SOUND)
def test_a_built_in_pack_has_edge_cases_of_all_kinds_and_scenarios_that_share_all_weight(key: str) -> None:
    pack = pack_of(key)

    assert {case.category for case in pack.edge_cases} == {*Category}
    assert {"happy_path", "edge_cases", "security_testing"} <= {scenario.id for scenario in pack.scenarios}
    assert sum(scenario.weight for scenario in pack.scenarios) == pytest.approx(1)
    assert {case.id for case in pack.edge_cases} == {one for scenario in pack.scenarios for one in scenario.edge_cases}


def test_the_shop_has_what_a_shop_needs() -> None:
    pack = pack_of("ecommerce")

    assert {entity.name for entity in pack.entities} == {*SHOP_ENTITIES.split()}
    assert [workflow.id for workflow in pack.workflows] == SHOP_WORKFLOWS
    assert {entity.name for entity in pack.entities if not entity.description} == set()
