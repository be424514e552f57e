"""Enrichment: what a domain says about a part of a business, and requests that are merged with it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from google.protobuf import struct_pb2

from greenroom.client import GreenroomError
from greenroom.enricher.v1 import enrichment_pb2 as pb
from greenroom.enricher.v1.enrichment_pb2_grpc import EnrichmentServiceStub
from greenroom.enricher.v1.knowledge_pb2 import Document
from greenroom.type.v1 import domain_pb2
from tests.suite import EnricherSuite, enricher_suite

SHOP = "domains/ecommerce"
Bounds = domain_pb2.FieldBounds


def bounded(field: str, **bounds: float) -> domain_pb2.FieldConstraint:
    """A constraint on the numbers of a field."""
    made = domain_pb2.FieldConstraint(field=field)
    for name, value in bounds.items():
        getattr(made.bounds, name).number_value = value
    return made


def allowed(field: str, *values: str) -> domain_pb2.FieldConstraint:
    """A constraint on the texts of a field."""
    made = domain_pb2.FieldConstraint(field=field)
    for value in values:
        made.bounds.values.add().string_value = value
    return made


def bounds(minimum: float | str, maximum: float | str, *, exclusive: bool = False) -> Bounds:
    """What two limits ask. exclusive: the limits themselves are not allowed."""
    made = Bounds(exclusive_minimum=exclusive, exclusive_maximum=exclusive)
    for name, value in (("minimum", minimum), ("maximum", maximum)):
        if isinstance(value, str):
            getattr(made, name).string_value = value
        else:
            getattr(made, name).number_value = value
    return made


def of(response: pb.EnrichResponse, field: str) -> domain_pb2.FieldBounds:
    """What the merged constraints say of a field."""
    (found,) = (one.bounds for one in response.constraints if one.field == field)
    return found


@asynccontextmanager
async def lacking(reason: str, sentence: str) -> AsyncIterator[None]:
    """The block ends with NOT_FOUND for this reason, and the message has this sentence."""
    with pytest.raises(GreenroomError) as raised:
        yield
    assert (raised.value.code, raised.value.reason) == ("NOT_FOUND", reason)
    assert sentence in str(raised.value)


async def test_the_context_of_an_entity_has_what_its_domain_says_about_it(enricher: EnricherSuite) -> None:
    context = await enricher.client.enrichment.context(SHOP, entity="order", edge_cases=True)

    assert (context.domain, context.revision, context.entity.name) == (SHOP, 1, "order")
    assert {"status", "total", "placed_at"} <= {field.name for field in context.entity.fields}
    assert {("order", "customer"), ("order_item", "order")} <= {
        (one.child, one.parent) for one in context.relationships
    }
    assert {rule.entity for rule in context.rules} == {"order"}
    assert {case.entity for case in context.edge_cases} == {"order"}
    assert {"checkout", "payment", "tracking"} <= {workflow.id for workflow in context.workflows}
    assert "Make 1 to 200 items for each order." in context.hints
    assert "- status: one of pending, paid, fulfilling, shipped, delivered, cancelled, returned" in context.text
    assert "1. Choose a method of payment." in context.text
    assert "Somebody asks for the order of another customer by its number." in context.text


async def test_the_context_of_a_scenario_narrows_the_fields_of_its_entities(enricher: EnricherSuite) -> None:
    context = await enricher.client.enrichment.context(SHOP, entity="order_item", scenario="happy_path")

    (quantity,) = (one.bounds for one in context.constraints if one.field == "quantity")
    assert (quantity.minimum.number_value, quantity.maximum.number_value) == (1, 5)
    assert not context.edge_cases


async def test_a_context_of_what_a_domain_lacks_is_refused_with_the_nearest_name(enricher: EnricherSuite) -> None:
    contexts = enricher.client.enrichment

    async with lacking("DOMAIN_NOT_FOUND", "did you mean `domains/ecommerce`?"):
        await contexts.context("domains/ecomerce", entity="order")
    async with lacking("ENTITY_NOT_FOUND", "did you mean `order`?"):
        await contexts.context(SHOP, entity="oder")
    async with lacking("DOMAIN_WORKFLOW_NOT_FOUND", "did you mean `checkout`?"):
        await contexts.context(SHOP, workflow="chekout")
    async with lacking("SCENARIO_NOT_FOUND", "did you mean `happy_path`?"):
        await contexts.context(SHOP, scenario="happy")
    async with lacking("DOMAIN_REVISION_NOT_FOUND", "has no revision 7"):
        await contexts.context(SHOP, entity="order", revision=7)


async def test_a_domain_with_an_underscore_in_its_name_has_a_context(enricher: EnricherSuite) -> None:
    context = await enricher.client.enrichment.context("domains/customer_support")

    assert "ticket" in context.text


async def test_the_narrower_of_two_constraints_wins(enricher: EnricherSuite) -> None:
    response = await enricher.client.enrichment.enrich(
        pb.EnrichRequest(
            domain=SHOP,
            entity="cart_item",
            constraints=[bounded("quantity", minimum=3, maximum=500)],
            scenarios=[pb.ScenarioShare(scenario="happy_path", share=4)],
        )
    )

    assert response.enriched
    assert (of(response, "quantity").minimum.number_value, of(response, "quantity").maximum.number_value) == (3, 99)
    assert {one.scenario: one.share for one in response.scenarios} == {"happy_path": 1}


async def test_constraints_that_contradict_each_other_are_named_with_who_asked_for_them(
    enricher: EnricherSuite,
) -> None:
    enrich = enricher.client.enrichment.enrich

    scenario = [pb.ScenarioShare(scenario="happy_path", share=1)]
    response = await enrich(
        pb.EnrichRequest(
            request_id="one",
            domain=SHOP,
            entity="order",
            scenarios=scenario,
            constraints=[allowed("status", "cancelled")],
        )
    )
    assert (response.enriched, response.request_id, response.error.reason) == (False, "one", "CONSTRAINTS_CONTRADICT")
    assert response.error.message == (
        "For `status`, the request allows only cancelled, and the scenario happy_path allows only paid, fulfilling, "
        "shipped, delivered; no value can be both."
    )

    response = await enrich(
        pb.EnrichRequest(
            domain=SHOP,
            entity="order",
            hints=["total over 100 EUR"],
            constraints=[bounded("total", maximum=500)],
        )
    )
    assert response.error.message == (
        "For `total`, the hint “total over 100 EUR” asks for more than 10000, and the request asks for at most 500; "
        "no value can be both."
    )

    response = await enrich(pb.EnrichRequest(domain=SHOP, entity="order", hints=["total between 50 and 10 EUR"]))
    assert response.error.message == (
        "For `total`, the hint “total between 50 and 10 EUR” asks for at least 5000 and at most 1000; "
        "no value can be both."
    )


async def test_a_constraint_that_its_field_cannot_have_is_refused_with_what_it_can(enricher: EnricherSuite) -> None:
    async def why(constraint: domain_pb2.FieldConstraint) -> str:
        response = await enricher.client.enrichment.enrich(
            pb.EnrichRequest(domain=SHOP, entity="order", constraints=[constraint])
        )
        assert response.error.reason in ("CONSTRAINT_INVALID", "CONSTRAINTS_CONTRADICT")
        return response.error.message

    assert "has no field `totl` (did you mean `total`?)" in await why(bounded("totl", minimum=1))
    assert "whose values are not greater or less" in await why(bounded("status", minimum=1))
    assert "is not a whole number of minor units" in await why(allowed("total", "much"))
    assert "did you mean `paid`?" in await why(allowed("status", "payed"))
    assert await why(bounded("shipping", minimum=100_001)) == (
        "For `shipping`, the request asks for at least 100001, and its entity asks for at most 100000; "
        "no value can be both."
    )
    assert await why(bounded("shipping", minimum=1, maximum=0)) == (
        "For `shipping`, the request asks for at least 1 and at most 0; no value can be both."
    )
    lettered = domain_pb2.FieldConstraint(field="status", bounds=Bounds(pattern="[A-Z]+"))
    assert "only pending, paid" in await why(lettered)
    assert "and the request asks for the pattern [A-Z]+; no value can be both." in await why(lettered)


async def test_hints_in_words_are_applied_or_said_not_to_be(enricher: EnricherSuite) -> None:
    response = await enricher.client.enrichment.enrich(
        pb.EnrichRequest(
            domain=SHOP,
            entity="order",
            hints=[
                "only paid or shipped orders from Germany",
                "total between 10 and 50 EUR",
                "shipping at least 3",
                "shipping at least 2.999 EUR",
                "discount at most 1" + "0" * 400 + " EUR",
                "20 % edge cases",
                "make them angry",
            ],
        )
    )

    assert [(one.applied, one.outcome) for one in response.metadata.hints] == [
        (True, "status: paid or shipped; not understood: germany"),
        (True, "total: at least 1000, at most 5000"),
        (False, "`shipping` is money; write amounts with the currency, such as `10 EUR`."),
        (False, "`2.999` has more decimals than `shipping`, which is money."),
        (False, "The number that begins with 10000000000000000000 is too large."),
        (True, "20% edge_cases"),
        (False, "It names no field, value or scenario that `order` has."),
    ]
    assert [value.string_value for value in of(response, "status").values] == ["paid", "shipped"]
    total = of(response, "total")
    assert (total.minimum.number_value, total.maximum.number_value) == (1000, 5000)
    shares = {one.scenario: round(one.share, 6) for one in response.scenarios}
    assert shares == {"happy_path": 0.7, "edge_cases": 0.2, "security_testing": 0.1}


async def test_a_request_about_a_large_pack_is_merged_like_any_other(enricher: EnricherSuite) -> None:
    lines = [f"      reading_{number}: {{type: integer, minimum: 1}}" for number in range(900)]
    entities = [line for name in ("sample", "control") for line in (f"  {name}:", "    fields:", *lines)]
    pack = "\n".join(["display_name: Sensors", "entities:", *entities, ""])
    file = enricher.folder / "sensors.yaml"
    file.write_text(pack)
    await enricher.client.domains.import_file(file, "sensors")

    response = await enricher.client.enrichment.enrich(
        pb.EnrichRequest(domain="domains/sensors", entity="sample", hints=["reading 899 at most 5"])
    )

    last = of(response, "reading_899")
    assert (last.minimum.number_value, last.maximum.number_value) == (1, 5)
    assert len(response.constraints) == 900


async def test_a_request_without_an_entity_is_answered_with_what_it_lacks(enricher: EnricherSuite) -> None:
    response = await enricher.client.enrichment.enrich(pb.EnrichRequest(domain=SHOP))
    assert (response.enriched, response.error.reason) == (False, "ENTITY_NOT_NAMED")


async def test_the_edge_cases_of_a_scenario_are_only_its_own(enricher: EnricherSuite) -> None:
    contexts = enricher.client.enrichment
    quiet = await contexts.context(SHOP, entity="order", scenario="happy_path", edge_cases=True)
    attacked = await contexts.context(SHOP, entity="order", scenario="security_testing", edge_cases=True)

    assert list(quiet.edge_cases) == []
    assert [case.id for case in attacked.edge_cases] == ["order-of-another"]


async def test_a_stream_of_requests_is_answered_in_order_and_a_wrong_one_fails_nothing_else(
    enricher: EnricherSuite,
) -> None:
    async def requests() -> AsyncIterator[pb.EnrichManyRequest]:
        for number in range(300):
            entity = "order" if number % 3 else "odrer"
            yield pb.EnrichManyRequest(request=pb.EnrichRequest(request_id=str(number), domain=SHOP, entity=entity))

    async with grpc.aio.insecure_channel(enricher.address) as channel:
        answers = [answer.response async for answer in EnrichmentServiceStub(channel).EnrichMany(requests())]

    assert [answer.request_id for answer in answers] == [str(number) for number in range(300)]
    assert [answer.enriched for answer in answers] == [bool(number % 3) for number in range(300)]
    assert {answer.error.reason for answer in answers if not answer.enriched} == {"ENTITY_NOT_FOUND"}
    assert all("did you mean `order`?" in answer.error.message for answer in answers if not answer.enriched)


async def test_what_documents_say_enters_the_context_with_its_source(enricher: EnricherSuite) -> None:
    note = Document(
        title="Parcels to islands",
        text="A return from a Hebridean island takes nine days, because the ferry sails twice a week.",
        source="logistics handbook",
        domain=SHOP,
    )
    await enricher.client.documents.add([note])

    response = await enricher.client.enrichment.enrich(
        pb.EnrichRequest(domain=SHOP, entity="return", context="customers on Hebridean islands")
    )

    (found,) = (one for one in response.context.found if one.title == "Parcels to islands")
    assert found.source == "logistics handbook"
    assert "nine days" in found.passage
    assert "- Parcels to islands (logistics handbook): A return from a Hebridean island" in response.context.text
    assert response.metadata.knowledge_problem == ""
    elsewhere = await enricher.client.enrichment.enrich(
        pb.EnrichRequest(domain="domains/customer_support", entity="ticket", context="customers on Hebridean islands")
    )
    assert "Parcels to islands" not in {one.title for one in elsewhere.context.found}


async def test_requests_are_enriched_without_documents_where_they_are_switched_off(tmp_path: Path) -> None:
    async with enricher_suite("sqlite", tmp_path, knowledge_seconds=0) as enricher:
        response = await enricher.client.enrichment.enrich(
            pb.EnrichRequest(domain=SHOP, entity="return", context="anything")
        )

    assert response.enriched
    assert not response.context.found
    assert response.metadata.knowledge_problem == (
        "The setting GREENROOM_KNOWLEDGE_SECONDS is 0, so documents are not searched."
    )


PARTS = """
display_name: Parts
entities:
  part:
    fields:
      code: {pattern: "[A-Z]{3}[0-9]{2}"}
      name: {}
      grade: {values: [a, b, c]}
      pieces: {type: integer}
      weight: {type: number, scale: 2, precision: 5}
      small: {type: number}
      made_on: {type: date}
      opens: {type: time, maximum: "18:00:00"}
      lasts: {type: duration, values: [1 day, 2 days]}
      tags: {type: json, values: [[a], [b]]}
"""
LONG, LONG_TOO = "(a|b)*a(a|b){200}", "(a|b)*b(a|b){200}"
IMPOSSIBLE: list[tuple[str, list[Bounds], str]] = [
    ("code", [Bounds(max_length=4)], "its entity § [A-Z]{3}[0-9]{2}, and the request asks for at most 4 characters"),
    ("code", [Bounds(pattern="[A-Z]{5}")], "its entity § [A-Z]{3}[0-9]{2}, and the request § [A-Z]{5}"),
    (
        "name",
        [Bounds(pattern="[A-Z]{10}", max_length=5)],
        "the request § [A-Z]{10} and at most 5 characters; no value can be both.",
    ),
    ("name", [Bounds(pattern="a*b"), Bounds(pattern="b*a")], "the request § a*b and the pattern b*a;"),
    (
        "name",
        [Bounds(pattern="(ab)*"), Bounds(min_length=3), Bounds(max_length=3)],
        "the request § (ab)*, at least 3 characters and at most 3 characters; no value can be all of it.",
    ),
    ("grade", [Bounds(pattern="[a-z]{2}")], "its entity allows only a, b, c, and the request § [a-z]{2}"),
    (
        "grade",
        [Bounds(pattern="[ax]"), Bounds(pattern="[bcy]")],
        "its entity allows only a, b, c, and the request § [bcy] and the pattern [ax]; no value can be all of it.",
    ),
    (
        "pieces",
        [bounds(1, 2, exclusive=True)],
        "the request asks for more than 1 and less than 2; no value can be both.",
    ),
    (
        "weight",
        [bounds(0.001, 0.009)],
        "the request asks for at least 0.001 and at most 0.009, and its entity has at most 2 digits after the point",
    ),
    (
        "weight",
        [bounds(1000, 2000)],
        "the request asks for at least 1000, and its entity has at most 3 digits before the",
    ),
    (
        "made_on",
        [bounds("2026-01-31", "2026-02-01", exclusive=True)],
        "the request asks for more than 2026-01-31 and less than 2026-02-01;",
    ),
    (
        "opens",
        [bounds("19:00:00+01:00", "20:00:00")],
        "at least 19:00:00+01:00, and its entity asks for at most 18:00:00",
    ),
]


async def test_constraints_that_leave_no_value_are_named_pairwise(enricher: EnricherSuite) -> None:
    file = enricher.folder / "parts.yaml"
    file.write_text(PARTS)
    await enricher.client.domains.import_file(file, "parts")

    async def merged(field: str, *asked: Bounds) -> pb.EnrichResponse:
        constraints = [domain_pb2.FieldConstraint(field=field, bounds=one) for one in asked]
        return await enricher.client.enrichment.enrich(
            pb.EnrichRequest(domain="domains/parts", entity="part", constraints=constraints)
        )

    for field, asked, said in IMPOSSIBLE:
        response = await merged(field, *asked)
        wanted = said.replace("§", "asks for the pattern")
        assert response.error.reason == "CONSTRAINTS_CONTRADICT", (field, asked)
        assert wanted in response.error.message, (wanted, response.error.message)

    response = await merged("name", Bounds(pattern=LONG), Bounds(pattern=LONG_TOO))
    assert response.error.message == (
        f"What the request asks of `name` is not possible: it takes too long to tell whether a text matches {LONG} and "
        f"{LONG_TOO}; make their counts smaller."
    )


async def test_constraints_that_leave_a_value_are_merged(enricher: EnricherSuite) -> None:
    file = enricher.folder / "parts_too.yaml"
    file.write_text(PARTS)
    await enricher.client.domains.import_file(file, "parts_too")
    asked = {
        "code": Bounds(pattern="[^0-9]+[1-9]+"),
        "grade": Bounds(pattern="[^a]"),
        "name": Bounds(pattern=r"\bword\b", min_length=4),
        "pieces": bounds(1, 2),
        "weight": bounds(0.001, 0.011, exclusive=True),
        "small": bounds(1e-300, 2e-300),
        "lasts": Bounds(values=[struct_pb2.Value(string_value="24 hours"), struct_pb2.Value(string_value="2 days")]),
    }
    constraints = [domain_pb2.FieldConstraint(field=field, bounds=one) for field, one in asked.items()]
    constraints[0].nullable = True

    response = await enricher.client.enrichment.enrich(
        pb.EnrichRequest(domain="domains/parts_too", entity="part", constraints=constraints)
    )

    assert response.enriched, response.error.message
    assert [value.string_value for value in of(response, "grade").values] == ["b", "c"]
    assert [value.string_value for value in of(response, "lasts").values] == ["1 day", "2 days"]
    assert len(of(response, "tags").values) == 2
    assert not next(one for one in response.constraints if one.field == "code").nullable
