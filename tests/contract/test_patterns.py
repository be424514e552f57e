"""Generations are kept, the successful ones as patterns, which are found for similar requests and become templates."""

from importlib.resources import files
from pathlib import Path

import stamina
from google.protobuf.timestamp_pb2 import Timestamp

from greenroom.enricher.v1.enrichment_pb2 import EnrichRequest, ScenarioShare
from greenroom.enricher.v1.pattern_pb2 import Generation, GenerationPlan
from tests.contract.test_domains import imported
from tests.contract.test_enrichment import SHOP, allowed, bounded, of
from tests.scripted import refused
from tests.suite import EnricherSuite, enricher_suite

PACK = files("services.enricher.domains").joinpath("packs", "ecommerce.yaml").read_text()


def asked(domain: str, entity: str = "order", **more: object) -> EnrichRequest:
    """A request."""
    return EnrichRequest(domain=domain, entity=entity, **more)  # type: ignore[arg-type]


def made(request: EnrichRequest, quality: float = 0.9, **more: object) -> Generation:
    """A successful generation of 100 records."""
    return Generation(request=request, success=True, quality=quality, record_count=100, **more)  # type: ignore[arg-type]


async def test_the_history_has_every_generation_and_is_narrowed(enricher: EnricherSuite) -> None:
    generations = enricher.client.generations
    plan = GenerationPlan(hints=["Make orders."], scenarios=[ScenarioShare(scenario="happy_path", share=1)])
    plan.settings.update({"seed": 7, "locale": "de_DE", "parts": [1, 2.5]})
    request = asked("domains/history", hints=["only paid orders"], constraints=[bounded("total", minimum=5)])

    good = await generations.record(made(request, plan=plan), request_id="history-1")
    bad = await generations.record(Generation(request=asked("domains/history", "cart"), error="No such entity."))
    again = await generations.record(made(request, plan=plan), request_id="history-1")

    assert again == good
    assert good.pattern
    assert (bad.pattern, bad.success, bad.error) == ("", False, "No such entity.")
    whole = await generations.get(good.name)
    assert (whole.request, whole.plan) == (request, plan)
    history = [one async for one in generations.list(domain="domains/history")]
    assert history == [bad, good]
    assert not history[1].HasField("plan")
    assert [one async for one in generations.list(domain="domains/history", success=True)] == [good]
    assert [one async for one in generations.list(domain="domains/history", entity="cart")] == [bad]
    early = Timestamp(seconds=good.create_time.seconds - 1)
    late = Timestamp(seconds=bad.create_time.seconds + 1)
    assert [one async for one in generations.list(domain="domains/history", from_time=early, to_time=late)] == history
    assert [one async for one in generations.list(domain="domains/history", from_time=late)] == []
    assert [one async for one in generations.list(domain="domains/history", to_time=early)] == []
    async with refused("ALREADY_EXISTS", "REQUEST_ID_REUSED"):
        await generations.record(bad, request_id="history-1")
    await generations.delete(good.name)
    async with refused("NOT_FOUND", "GENERATION_NOT_FOUND"):
        await generations.get(good.name)
    async with refused("FAILED_PRECONDITION", "REQUEST_RESULT_DELETED"):
        await generations.record(made(request, plan=plan), request_id="history-1")
    large = GenerationPlan(hints=["x" * 2000] * 600)
    async with refused("INVALID_ARGUMENT", "GENERATION_TOO_LARGE"):
        await generations.record(made(request, plan=large))


async def test_requests_that_ask_the_same_are_one_pattern_with_the_best_plan(enricher: EnricherSuite) -> None:
    generations, patterns = enricher.client.generations, enricher.client.patterns
    request = asked("domains/same", hints=["only paid orders"])
    names = {
        (await generations.record(made(one, quality, plan=GenerationPlan(hints=[str(quality)])))).pattern
        for one, quality in ((request, 0.6), (request, 0.8), (request, 0.7))
    }
    await generations.record(Generation(request=request, quality=1.0, error="It failed."))
    other = (await generations.record(made(asked("domains/same", hints=["only new orders"])))).pattern

    [name] = names
    pattern = await patterns.get(name)
    assert (pattern.quality, pattern.generation_count, pattern.use_count) == (0.8, 3, 0)
    assert (list(pattern.plan.hints), pattern.request, pattern.record_count) == (["0.8"], request, 100)
    assert [one.name async for one in patterns.list(domain="domains/same", entity="order")] == [other, name]
    await patterns.delete(name)
    async with refused("NOT_FOUND", "PATTERN_NOT_FOUND"):
        await patterns.get(name)
    assert (await generations.record(made(request))).pattern not in ("", name, other)


async def test_patterns_are_found_by_what_their_requests_have_in_common(enricher: EnricherSuite) -> None:
    record = enricher.client.generations.record
    shares = [ScenarioShare(scenario="happy_path", share=1), ScenarioShare(scenario="edge_cases", share=1)]
    wanted = asked(
        "domains/similar",
        workflow="checkout",
        hints=["only paid orders"],
        scenarios=shares,
        constraints=[bounded("total", minimum=1)],
    )
    variants = {
        1.0: wanted,
        0.85: asked("domains/similar", workflow="checkout", hints=["only paid orders"], scenarios=shares),
        0.8: asked(
            "domains/other",
            workflow="checkout",
            hints=["only paid orders"],
            scenarios=shares,
            constraints=wanted.constraints,
        ),
        0.5: asked("domains/similar"),
        0.2: asked("domains/similar", "cart"),
    }
    names = {(await record(made(request))).pattern: similarity for similarity, request in variants.items()}

    found = await enricher.client.patterns.find(wanted, limit=100)

    assert {one.pattern.name: one.similarity for one in found if one.pattern.name in names} == names
    assert [one.similarity for one in found] == sorted((one.similarity for one in found), reverse=True)
    assert not found[0].pattern.HasField("plan")
    close = await enricher.client.patterns.find(wanted, minimum_similarity=0.85)
    assert [one.similarity for one in close] == [1.0, 0.85]
    assert not await enricher.client.patterns.find(wanted, minimum_similarity=0.85, minimum_quality=0.91)


async def test_the_best_patterns_become_hints_and_their_use_is_counted(enricher: EnricherSuite) -> None:
    await imported(enricher, PACK, "patterned")
    record, domain = enricher.client.generations.record, "domains/patterned"
    plan = GenerationPlan(scenarios=[ScenarioShare(scenario="happy_path", share=0.75)])
    best = await record(
        made(asked(domain, hints=["only paid orders"], constraints=[bounded("total", minimum=5)]), plan=plan)
    )
    await record(made(asked(domain, hints=["many orders"]), quality=0.69))
    await record(made(asked(domain, "cart", hints=["only paid orders"])))

    response = await enricher.client.enrichment.enrich(asked(domain, hints=["only paid orders"]))

    [used] = response.metadata.patterns
    assert (used.pattern, used.similarity, used.quality) == (best.pattern, 0.85, 0.9)
    assert used.hint == (
        "A similar request gave 100 records of quality 0.90; it asked “only paid orders”; total: at least 5; "
        "scenarios: 75% happy_path."
    )
    assert response.hints[-1] == used.hint
    assert response.metadata.patterns_problem == ""
    async for attempt in stamina.retry_context(on=AssertionError, attempts=None, timeout=60, wait_max=0.2):
        with attempt:
            assert (await enricher.client.patterns.get(best.pattern)).use_count == 1


async def test_a_template_is_merged_below_the_request_that_names_it(enricher: EnricherSuite) -> None:
    await imported(enricher, PACK, "templated")
    domain, templates, enrich = "domains/templated", enricher.client.templates, enricher.client.enrichment.enrich
    plan = GenerationPlan(scenarios=[ScenarioShare(scenario="happy_path", share=1)])
    request = asked(
        domain, hints=["only paid or shipped orders"], constraints=[bounded("total", minimum=100, maximum=900)]
    )
    pattern = (await enricher.client.generations.record(made(request, plan=plan))).pattern

    template = await templates.create("paid-orders", pattern, description="Paid orders.", request_id="paid-once")

    assert (template.name, template.pattern, template.description) == ("templates/paid-orders", pattern, "Paid orders.")
    assert template == await templates.create(
        "paid-orders", pattern, description="Paid orders.", request_id="paid-once"
    )
    assert (list(template.request.hints), template.request.scenarios[0].scenario) == (list(request.hints), "happy_path")
    assert [one.name async for one in templates.list(domain=domain)] == [template.name]
    response = await enrich(
        EnrichRequest(
            template=template.name, hints=["only paid orders"], constraints=[bounded("total", minimum=50, maximum=500)]
        )
    )
    assert (response.enriched, response.metadata.template, response.context.entity.name) == (
        True,
        template.name,
        "order",
    )
    assert [value.string_value for value in of(response, "status").values] == ["paid"]
    assert (of(response, "total").minimum.number_value, of(response, "total").maximum.number_value) == (100, 500)
    assert {one.scenario: one.share for one in response.scenarios} == {"happy_path": 1}
    assert [one.hint for one in response.metadata.hints] == ["only paid or shipped orders", "only paid orders"]
    half = await enrich(EnrichRequest(template=template.name, hints=["50 % edge cases"]))
    assert {one.scenario: round(one.share, 6) for one in half.scenarios}["edge_cases"] == 0.5
    against = await enrich(EnrichRequest(template=template.name, constraints=[allowed("status", "cancelled")]))
    assert against.error.message == (
        "For `status`, the hint “only paid or shipped orders” of the template templates/paid-orders allows only paid, "
        "shipped, and the request allows only cancelled; no value can be both."
    )
    other = await enrich(EnrichRequest(template=template.name, entity="cart"))
    assert (other.enriched, other.error.reason) == (False, "TEMPLATE_OF_OTHER")
    missing = await enrich(EnrichRequest(template="templates/none"))
    assert (missing.enriched, missing.error.reason) == (False, "TEMPLATE_NOT_FOUND")
    async with refused("ALREADY_EXISTS", "TEMPLATE_EXISTS"):
        await templates.create("paid-orders", pattern)
    async with refused("FAILED_PRECONDITION", "DOMAIN_IN_USE"):
        await enricher.client.domains.delete(domain)
    narrower = await enricher.client.generations.record(
        made(EnrichRequest(template=template.name, hints=["total at most 5 EUR"]))
    )
    second = await templates.create("small-orders", narrower.pattern)
    assert list(second.request.hints) == ["only paid or shipped orders", "total at most 5 EUR"]
    assert (second.request.domain, second.request.template) == (domain, "")
    await enricher.client.patterns.delete(pattern)
    for name in (template.name, second.name):
        await templates.delete(name)
    async with refused("NOT_FOUND", "TEMPLATE_NOT_FOUND"):
        await templates.get(template.name)
    await enricher.client.domains.delete(domain)


async def test_requests_are_enriched_without_patterns_where_they_are_switched_off(tmp_path: Path) -> None:
    async with enricher_suite("sqlite", tmp_path, knowledge_seconds=0) as enricher:
        recorded = await enricher.client.generations.record(made(asked(SHOP)))
        response = await enricher.client.enrichment.enrich(asked(SHOP))

    assert recorded.pattern
    assert response.enriched
    assert not response.metadata.patterns
    assert response.metadata.patterns_problem == (
        "The setting GREENROOM_KNOWLEDGE_SECONDS is 0, so patterns are not searched."
    )
