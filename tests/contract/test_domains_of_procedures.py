"""Procedures that name a domain: what its revision keeps of it, and what the models of both sides are shown."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from greenroom.synthesizer.v1.procedure_pb2 import Procedure, Revision
from services.synthesizer.conversations.prompts import AGENT_DOMAIN_PROMPT, AGENT_PROMPT, PERSONA_DOMAIN_PROMPT
from shared.llm.briefs import PersonaBrief
from tests.contract.test_domains import SHOP
from tests.scripted import State, Theatre, procedure_line, refused, theatre
from tests.suite import new_stores

ECOMMERCE = "domains/ecommerce"
RULE = "Nobody buys more than a hundred copies at once."


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Theatre]:
    stores = new_stores(request)
    folder, others = tmp_path_factory.mktemp("domains"), {"enricher": stores["enricher"]}
    async with theatre(stores["synthesizer"], folder, others=others) as made:
        yield made


async def shop(stage: Theatre, name: str, text: str = SHOP) -> str:
    """A domain of the company's own, or its next revision."""
    file = stage.folder / "shop.yaml"
    file.write_text(text)
    return (await stage.client.domains.import_file(file, name, ready=True)).domain.name


async def create(stage: Theatre, domain: str, number: int = 0, **more: Any) -> tuple[str, Revision]:
    """A procedure that names a domain, and its first revision."""
    revision = Revision(instructions="Help.", domain=domain, domain_revision=number)
    made = await stage.client.procedures.create(Procedure(display_name="Sell"), revision, ready=True, **more)
    return made.procedure.name, made.revision


async def systems(stage: Theatre, **fields: Any) -> tuple[str, str]:
    """What the persona's and the agent's model are told in a conversation."""
    spec = stage.spec(**fields)
    done = await stage.over((await stage.client.conversations.start(spec)).name)
    assert done.state == State.STATE_COMPLETED, done.ended.detail
    asked = stage.model.scripts[spec.seed].asked
    [persona] = {one.system for one in asked if isinstance(one.brief, PersonaBrief)}
    [agent] = {one.system for one in asked if not isinstance(one.brief, PersonaBrief)}
    return persona, agent


async def test_agent_and_persona_are_shown_what_the_domain_said_when_the_revision_was_saved(stage: Theatre) -> None:
    name = await shop(stage, "shown")
    procedure, revision = await create(stage, name)
    assert (revision.domain, revision.domain_revision) == (name, 1)

    persona, agent = await systems(stage, procedure=procedure)
    await shop(stage, "shown", SHOP.replace("hundred copies", "thousand copies"))
    await stage.client.domains.delete(name)
    again = await systems(stage, procedure=procedure)

    assert RULE in agent
    assert revision.agent_context in agent
    assert "A printed work." in persona
    assert revision.persona_context in persona
    assert RULE not in persona
    assert again == (persona, agent)


async def test_only_a_procedure_with_a_domain_has_the_prompts_that_show_one(stage: Theatre) -> None:
    procedure, _ = await create(stage, ECOMMERCE)
    prompts = []
    for one in (procedure, stage.procedure):
        done = await stage.play(procedure=one)
        prompts.append({event.model_call.prompt for event in await stage.events(done.name)} - {""})

    assert prompts[0] == {PERSONA_DOMAIN_PROMPT.digest, AGENT_DOMAIN_PROMPT.digest}
    assert AGENT_PROMPT.digest in prompts[1]
    assert not prompts[0] & prompts[1]


async def test_a_domain_that_does_not_exist_is_refused_with_the_nearest_name(stage: Theatre) -> None:
    async with refused("NOT_FOUND", "DOMAIN_NOT_FOUND") as errors:
        await create(stage, "domains/ecomerce")
    assert "There is no domain domains/ecomerce (did you mean `domains/ecommerce`?)." in str(errors[0])
    async with refused("NOT_FOUND", "DOMAIN_REVISION_NOT_FOUND"):
        await create(stage, ECOMMERCE, 7)


async def test_a_procedure_keeps_its_copy_of_a_deleted_domain_and_its_next_revision_is_refused(stage: Theatre) -> None:
    name = await shop(stage, "sold")
    procedure, first = await create(stage, name, request_id="sold-once")
    await stage.client.domains.delete(name)

    again = await create(stage, name, request_id="sold-once")
    async with refused("NOT_FOUND", "DOMAIN_NOT_FOUND"):
        await stage.client.procedures.add_revision(procedure, Revision(instructions="Help more.", domain=name))

    assert again == (procedure, first)
    kept = (await stage.client.procedures.get(procedure)).revision
    assert (kept.number, kept.agent_context) == (1, first.agent_context)


async def test_a_draft_reads_its_domain_again_when_it_is_updated(stage: Theatre) -> None:
    name, procedures = await shop(stage, "drafted"), stage.client.procedures
    content = Revision(instructions="Help.", domain=name)
    draft = await procedures.create(Procedure(display_name="Draft"), content)
    await shop(stage, "drafted", SHOP.replace("hundred copies", "thousand copies"))

    updated = await procedures.update_revision(draft.procedure.name, 1, content)
    without = await procedures.update_revision(draft.procedure.name, 1, Revision(instructions="Help."))

    assert (draft.revision.domain_revision, updated.domain_revision, without.domain) == (1, 2, "")
    assert "thousand copies" in updated.agent_context
    assert not without.agent_context


async def test_files_of_procedures_name_domains_and_exports_have_a_copy(stage: Theatre, tmp_path: Path) -> None:
    name = await shop(stage, "exported")
    lines = [
        json.dumps(json.loads(procedure_line(f"{tmp_path.name}-{number}", tools=())) | {"domain": domain})
        for number, domain in enumerate((name, "domains/exportet", "Shop"))
    ]
    file, procedures = tmp_path / "procedures.jsonl", stage.client.procedures
    file.write_text("\n".join(lines))

    summary = await procedures.import_file(file)
    await stage.client.domains.delete(name)
    written = b"".join([one.chunk async for one in procedures.export()])
    [line] = [one for one in written.splitlines() if f"{tmp_path.name}-0".encode() in one]
    file.write_bytes(line)
    again = await procedures.import_file(file)

    assert [(one.line, one.reason) for one in summary.problems] == [(2, "DOMAIN_NOT_FOUND"), (3, "BAD_TEXT")]
    assert "did you mean `domains/exported`?" in summary.problems[0].description
    assert (summary.imported, summary.refused) == (1, 2)
    record = json.loads(line)
    assert (record["domain"], record["domain_revision"]) == (name, 1)
    assert RULE in record["agent_context"]
    assert (again.unchanged, again.refused) == (1, 0)
