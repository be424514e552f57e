"""Personas that are generated from a domain: what they want comes from its workflows, scenarios and edge cases."""

import json
from collections.abc import AsyncIterator

import pytest

from greenroom.synthesizer.v1.persona_pb2 import GeneratePersonasRequest, Persona
from shared.model.packs.model import Pack
from shared.rpc.packs import pack
from tests.contract.test_domains import SHOP
from tests.contract.test_persona_generation import drafts, generate, named
from tests.scripted import Theatre, refused, theatre
from tests.suite import Suite, suite

ECOMMERCE = "domains/ecommerce"


@pytest.fixture(scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Theatre]:
    async with theatre("sqlite", tmp_path_factory.mktemp("scripted"), others={"enricher": "sqlite"}) as made:
        yield made


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Suite]:
    async with suite("sqlite", tmp_path_factory.mktemp("offline"), others={"enricher": "sqlite"}) as made:
        yield made


async def offline(house: Suite, count: int, **fields: object) -> list[Persona]:
    """The personas that the offline model makes of a domain; they are deleted afterwards."""
    request = GeneratePersonasRequest(domain=ECOMMERCE, count=count, seed=7)
    for name, value in fields.items():
        setattr(request, name, value)
    told = [one async for one in house.client.personas.generate(request)]
    made = [one.persona for one in told if one.HasField("persona")]
    for one in made:
        await house.client.personas.delete(one.name)
    return made


async def ecommerce(house: Suite) -> Pack:
    return pack((await house.client.domains.get(ECOMMERCE)).revision.pack)


def contents(personas: list[Persona]) -> list[tuple[str, str, str, str]]:
    """What of personas does not depend on when they were made."""
    return [(one.display_name, one.description, one.goal, one.personality.tone) for one in personas]


async def test_the_goals_are_workflows_first_and_then_edge_cases_in_them(house: Suite) -> None:
    business = await ecommerce(house)
    workflows = {one.text for one in business.workflows}

    made = await offline(house, len(workflows) + 3)

    plain, special = made[: len(workflows)], made[len(workflows) :]
    assert {one.goal for one in plain} == workflows
    cases = {case.text for case in business.edge_cases}
    for one in special:
        [workflow] = [text for text in workflows if one.goal.startswith(text)]
        assert one.goal.removeprefix(workflow).strip() in cases
    assert {(one.origin.domain, one.origin.domain_revision) for one in made} == {(ECOMMERCE, 1)}


async def test_the_same_seed_gives_the_same_personas_and_another_gives_others(house: Suite) -> None:
    first, again, other = [contents(await offline(house, 8, seed=seed)) for seed in (11, 11, 12)]

    assert first == again
    assert first != other


async def test_every_situation_of_a_domain_has_one_persona_of_the_offline_model_and_then_nothing_is_new(
    house: Suite,
) -> None:
    request = GeneratePersonasRequest(domain="domains/customer_support", count=50, seed=1)
    told = [one async for one in house.client.personas.generate(request)]

    goals = [one.persona.goal for one in told if one.HasField("persona")]
    assert len(set(goals)) == len(goals) > 20
    assert told[-2].rejected.reason == "NOTHING_NEW"
    assert "domain" in told[-2].rejected.detail


async def test_a_model_is_told_one_situation_for_each_persona_and_keeps_its_own_words(stage: Theatre) -> None:
    lines = [drafts(named("Lou"), named("Max"), named("Noa"))]

    told = await generate(stage, *lines, domain=ECOMMERCE, count=3)

    assert [one.persona.goal for one in told[:-1]] == [named(name)["goal"] for name in ("Lou", "Max", "Noa")]
    [request] = stage.model.scripts[77].asked
    _, _, situations = request.system.partition("Each wants one of these things of it, in this order:\n")
    business = pack((await stage.client.domains.get(ECOMMERCE)).revision.pack)
    assert [line[:3] for line in situations.splitlines()[:3]] == ["1. ", "2. ", "3. "]
    for line in situations.splitlines()[:3]:
        [workflow] = [one for one in business.workflows if line[3:].startswith(one.text)]
        assert all(step.text in line for step in workflow.steps)
    origin = told[0].persona.origin
    assert origin.domain == ECOMMERCE
    without = await generate(stage, drafts(named("Pia")), description="Anybody", count=1)
    assert without[0].persona.origin.prompt != origin.prompt


async def test_a_persona_of_a_domain_and_a_source_writes_as_measured_and_wants_something_of_the_domain(
    stage: Theatre,
) -> None:
    told = await generate(stage, drafts(named("Quin")), domain=ECOMMERCE, sources=[stage.source], count=1)

    persona = told[0].persona
    assert persona.goal == named("Quin")["goal"]
    assert (persona.origin.source, persona.origin.domain) == (stage.source, ECOMMERCE)
    [request] = stage.model.scripts[77].asked
    assert "Each writes as one real customer did" in request.system


async def test_a_domain_that_lacks_workflows_or_does_not_exist_is_refused(stage: Theatre) -> None:
    file = stage.folder / "shop.yaml"
    file.write_text(SHOP)
    await stage.client.domains.import_file(file, "without_workflows")

    async with refused("FAILED_PRECONDITION", "NO_WORKFLOWS"):
        await generate(stage, domain="domains/without_workflows", count=1)
    async with refused("NOT_FOUND", "DOMAIN_NOT_FOUND") as errors:
        await generate(stage, domain="domains/ecomerce", count=1)
    assert "did you mean `domains/ecommerce`?" in str(errors[0])
    async with refused("INVALID_ARGUMENT", "INVALID_ARGUMENT") as errors:
        await generate(stage, domain_revision=2, description="Anybody", count=1)
    assert json.dumps([one.field for one in errors[0].violations]) == '["domain_revision"]'
