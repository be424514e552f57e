"""PersonaService over a real connection, on both databases."""

from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from greenroom.synthesizer.v1 import persona_pb2 as pb
from tests.contract.catalog import Catalog, refer
from tests.unit.rpc.echo import failure

SARAH = pb.Persona(
    display_name="Skeptical Sarah's sister",
    description="A busy professional who needs convincing.",
    personality=pb.Personality(
        tone="skeptical",
        response_length=pb.Personality.RESPONSE_LENGTH_SHORT,
        decision_speed=pb.Personality.DECISION_SPEED_SLOW,
        objection_likelihood=pb.Personality.OBJECTION_LIKELIHOOD_HIGH,
    ),
    demographics=pb.Demographics(age_range="35-45", occupation="marketing manager", location="urban", income="high"),
    behaviour_traits=["asks_questions_before_buying", "responds_slowly"],
    goal="Return the boots.",
)


async def create(catalog: Catalog, persona: pb.Persona = SARAH, request_id: str = "") -> pb.Persona:
    request = pb.CreatePersonaRequest(persona=persona, request_id=request_id)
    response: pb.CreatePersonaResponse = await catalog.acme.personas.CreatePersona(request)
    return response.persona


async def names(personas: Any, page_size: int) -> list[list[str]]:
    """The names on each page."""
    pages, token = [], ""
    while True:
        page = await personas.ListPersonas(pb.ListPersonasRequest(page_size=page_size, page_token=token))
        pages.append([persona.name for persona in page.personas])
        token = page.next_page_token
        if not token:
            return pages


def content(persona: pb.Persona) -> pb.Persona:
    """The persona without the fields that the service sets."""
    copy = pb.Persona()
    copy.CopyFrom(persona)
    for field in ("name", "built_in", "create_time", "update_time"):
        copy.ClearField(field)
    return copy


async def test_a_persona_comes_back_as_it_was_created(catalog: Catalog) -> None:
    created = await create(catalog)

    got = (await catalog.acme.personas.GetPersona(pb.GetPersonaRequest(name=created.name))).persona

    assert got == created
    assert content(got) == SARAH
    assert got.name.startswith("personas/")
    assert not got.built_in
    assert got.create_time == got.update_time
    assert got.create_time.seconds > 0


async def test_unset_traits_of_a_personality_are_medium(catalog: Catalog) -> None:
    created = await create(catalog, pb.Persona(display_name="Anyone"))

    assert created.personality.response_length == pb.Personality.RESPONSE_LENGTH_MEDIUM
    assert created.personality.decision_speed == pb.Personality.DECISION_SPEED_MEDIUM
    assert created.personality.objection_likelihood == pb.Personality.OBJECTION_LIKELIHOOD_MEDIUM


@pytest.mark.parametrize(
    ("persona", "field"),
    [
        (pb.Persona(), "persona.display_name"),
        (pb.Persona(display_name="  "), "persona.display_name"),
        (pb.Persona(display_name="x" * 101), "persona.display_name"),
        (pb.Persona(display_name="x", goal="g" * 2001), "persona.goal"),
        (pb.Persona(display_name="x", behaviour_traits=["Not Snake"]), "persona.behaviour_traits[0]"),
        (pb.Persona(display_name="x", behaviour_traits=["twice", "twice"]), "persona.behaviour_traits"),
    ],
)
async def test_each_invalid_field_is_named(catalog: Catalog, persona: pb.Persona, field: str) -> None:
    failed = await failure(catalog.acme.personas.CreatePersona(pb.CreatePersonaRequest(persona=persona)))

    assert failed.code == "INVALID_ARGUMENT"
    assert [violation.field for violation in failed.violations] == [field]


async def test_a_repeated_create_returns_the_first_persona(catalog: Catalog) -> None:
    first = await create(catalog, request_id="once")

    assert await create(catalog, request_id="once") == first
    assert await create(catalog) != first


async def test_a_repeated_create_of_a_deleted_persona_is_refused(catalog: Catalog) -> None:
    first = await create(catalog, request_id="once")
    await catalog.acme.personas.DeletePersona(pb.DeletePersonaRequest(name=first.name))

    again = pb.CreatePersonaRequest(persona=SARAH, request_id="once")
    failed = await failure(catalog.acme.personas.CreatePersona(again))

    assert (failed.code, failed.reason) == ("FAILED_PRECONDITION", "REQUEST_RESULT_DELETED")
    assert first.name in failed.sentence


async def test_a_request_id_with_other_content_is_refused(catalog: Catalog) -> None:
    await create(catalog, request_id="once")

    other = pb.CreatePersonaRequest(persona=pb.Persona(display_name="Other"), request_id="once")
    failed = await failure(catalog.acme.personas.CreatePersona(other))

    assert (failed.code, failed.reason) == ("ALREADY_EXISTS", "REQUEST_ID_REUSED")
    assert (await catalog.globex.personas.CreatePersona(other)).persona.display_name == "Other"


async def test_a_request_id_is_any_text_without_nul(catalog: Catalog) -> None:
    assert await create(catalog, request_id="ä 💥 ' \\") == await create(catalog, request_id="ä 💥 ' \\")

    failed = await failure(
        catalog.acme.personas.CreatePersona(pb.CreatePersonaRequest(persona=SARAH, request_id="a\0b"))
    )
    assert [violation.field for violation in failed.violations] == ["request_id"]


async def test_the_built_in_personas_come_first_and_then_the_companys_own_in_the_order_of_creation(
    catalog: Catalog,
) -> None:
    mine = [(await create(catalog)).name for _ in range(5)]
    everything = [*catalog.builtin, *reversed(mine)]

    for page_size in (1, 3, 7, len(everything), 1000):
        pages = await names(catalog.acme.personas, page_size)
        assert [name for page in pages for name in page] == everything
        assert all(len(page) == page_size for page in pages[:-1])
    assert await names(catalog.globex.personas, 1000) == [list(catalog.builtin)]


async def test_built_in_personas_are_counted_and_found_by_the_end_of_their_id_too(catalog: Catalog) -> None:
    mine = await create(catalog)
    name = next(iter(catalog.builtin))

    async def found(**wanted: Any) -> tuple[list[str], int]:
        page = await catalog.acme.personas.ListPersonas(pb.ListPersonasRequest(**wanted))
        return [one.name for one in page.personas], page.total_size

    assert await found(short_id=name[-4:]) == ([name], 1)
    assert await found(short_id=mine.name[-8:]) == ([mine.name], 1)
    assert await found(page_size=1) == ([name], len(catalog.builtin) + 1)


async def test_a_page_token_of_another_company_is_refused(catalog: Catalog) -> None:
    page = await catalog.acme.personas.ListPersonas(pb.ListPersonasRequest(page_size=1))

    stolen = pb.ListPersonasRequest(page_size=1, page_token=page.next_page_token)

    assert (await failure(catalog.globex.personas.ListPersonas(stolen))).reason == "CURSOR_FOREIGN"


async def test_seven_personas_are_built_in_and_read_only(catalog: Catalog) -> None:
    assert len(catalog.builtin) == 7
    for name in catalog.builtin:
        persona = (await catalog.globex.personas.GetPersona(pb.GetPersonaRequest(name=name))).persona
        assert persona.built_in
        assert not persona.HasField("create_time")
        changed = pb.UpdatePersonaRequest(persona=pb.Persona(name=name, display_name="Mine"))
        assert (await failure(catalog.acme.personas.UpdatePersona(changed))).reason == "PERSONA_BUILT_IN"
        gone = pb.DeletePersonaRequest(name=name)
        assert (await failure(catalog.acme.personas.DeletePersona(gone))).reason == "PERSONA_BUILT_IN"


async def test_an_update_replaces_the_fields_of_its_mask_and_no_others(catalog: Catalog) -> None:
    created = await create(catalog)
    new = pb.Persona(
        name=created.name,
        display_name="Ignored",
        goal="Keep the boots.",
        personality=pb.Personality(tone="warm"),
        behaviour_traits=["values_reviews"],
    )
    mask = FieldMask(paths=["goal", "personality.tone", "behaviour_traits", "demographics"])

    updated = (
        await catalog.acme.personas.UpdatePersona(pb.UpdatePersonaRequest(persona=new, update_mask=mask))
    ).persona

    expected = content(created)
    expected.goal = "Keep the boots."
    expected.personality.tone = "warm"
    expected.behaviour_traits[:] = ["values_reviews"]
    expected.demographics.CopyFrom(pb.Demographics())
    assert content(updated) == expected
    assert updated.create_time == created.create_time
    assert updated.update_time.ToMilliseconds() >= created.update_time.ToMilliseconds()
    assert (await catalog.acme.personas.GetPersona(pb.GetPersonaRequest(name=created.name))).persona == updated


async def test_an_update_needs_only_the_fields_of_its_mask(catalog: Catalog) -> None:
    created = await create(catalog)
    goal = pb.UpdatePersonaRequest(
        persona=pb.Persona(name=created.name, goal="Complain."), update_mask=FieldMask(paths=["goal"])
    )

    updated = (await catalog.acme.personas.UpdatePersona(goal)).persona

    assert (updated.display_name, updated.goal) == (created.display_name, "Complain.")


@pytest.mark.parametrize("mask", [None, FieldMask(), FieldMask(paths=["*"])])
async def test_an_update_with_an_empty_mask_replaces_all_fields_that_can_change(
    catalog: Catalog, mask: FieldMask | None
) -> None:
    created = await create(catalog)
    new = pb.Persona(name=created.name, display_name="Plain", personality=created.personality)
    request = pb.UpdatePersonaRequest(persona=new, update_mask=mask)

    updated = (await catalog.acme.personas.UpdatePersona(request)).persona

    expected = content(new)
    expected.demographics.SetInParent()
    assert content(updated) == expected


@pytest.mark.parametrize("path", ["name", "built_in", "create_time", "gaol", "personality.mood", "goal.x", "", "*"])
async def test_a_path_that_cannot_be_updated_is_a_violation(catalog: Catalog, path: str) -> None:
    created = await create(catalog)
    request = pb.UpdatePersonaRequest(persona=created, update_mask=FieldMask(paths=["goal", path]))

    failed = await failure(catalog.acme.personas.UpdatePersona(request))

    assert failed.code == "INVALID_ARGUMENT"
    assert [violation.field for violation in failed.violations] == ["update_mask.paths[1]"]
    assert "behaviour_traits" in failed.violations[0].description


async def test_an_update_that_removes_the_display_name_is_refused(catalog: Catalog) -> None:
    created = await create(catalog)
    request = pb.UpdatePersonaRequest(
        persona=pb.Persona(name=created.name), update_mask=FieldMask(paths=["display_name"])
    )

    failed = await failure(catalog.acme.personas.UpdatePersona(request))

    assert [violation.field for violation in failed.violations] == ["persona.display_name"]


async def test_an_update_of_a_malformed_or_unknown_name_is_refused(catalog: Catalog) -> None:
    malformed = pb.UpdatePersonaRequest(persona=pb.Persona(name="people/1", display_name="x"))
    unknown = pb.UpdatePersonaRequest(persona=pb.Persona(name="personas/nobody", display_name="x"))

    failed = await failure(catalog.acme.personas.UpdatePersona(malformed))
    assert [violation.field for violation in failed.violations] == ["persona.name"]
    assert (await failure(catalog.acme.personas.UpdatePersona(unknown))).reason == "PERSONA_NOT_FOUND"


async def test_a_deleted_persona_is_gone(catalog: Catalog) -> None:
    created = await create(catalog)

    await catalog.acme.personas.DeletePersona(pb.DeletePersonaRequest(name=created.name))

    gone = await failure(catalog.acme.personas.GetPersona(pb.GetPersonaRequest(name=created.name)))
    assert (gone.code, gone.reason) == ("NOT_FOUND", "PERSONA_NOT_FOUND")
    again = await failure(catalog.acme.personas.DeletePersona(pb.DeletePersonaRequest(name=created.name)))
    assert again.reason == "PERSONA_NOT_FOUND"


async def test_a_persona_with_conversations_is_not_deleted_and_the_error_names_them(catalog: Catalog) -> None:
    created = await create(catalog)
    await refer(catalog.db, catalog.acme.name, count=5, batch="b1", persona=created.name.removeprefix("personas/"))

    failed = await failure(catalog.acme.personas.DeletePersona(pb.DeletePersonaRequest(name=created.name)))

    assert (failed.code, failed.reason) == ("FAILED_PRECONDITION", "STILL_REFERRED_TO")
    assert f"5 conversations refer to it: conversations/of-{catalog.acme.name}-0, " in failed.sentence
    assert "of batches/b1" in failed.sentence


async def test_a_persona_of_another_company_is_not_found(catalog: Catalog) -> None:
    name = (await create(catalog)).name
    theirs = catalog.globex.personas

    for call in (
        theirs.GetPersona(pb.GetPersonaRequest(name=name)),
        theirs.UpdatePersona(pb.UpdatePersonaRequest(persona=pb.Persona(name=name, display_name="Mine"))),
        theirs.DeletePersona(pb.DeletePersonaRequest(name=name)),
    ):
        assert (await failure(call)).reason == "PERSONA_NOT_FOUND"


@pytest.mark.parametrize("name", ["", "personas/", "personas/UPPER", "personas/../x", "personas/a\0b", "procedures/a"])
async def test_a_malformed_name_is_a_violation(catalog: Catalog, name: str) -> None:
    failed = await failure(catalog.acme.personas.GetPersona(pb.GetPersonaRequest(name=name)))

    assert failed.code == "INVALID_ARGUMENT"
    assert [violation.field for violation in failed.violations] == ["name"]
