"""Built-in personas, and personas as documents."""

from dataclasses import asdict

import pytest

from services.synthesizer.personas.builtin import ORDER, built_in
from services.synthesizer.personas.model import Persona, ResponseLength, read_persona
from services.synthesizer.personas.store import pack_persona, unpack_persona

PERSONAS = [*built_in().values(), Persona("personas/plain", "Plain", create_time=5, update_time=7)]


def test_the_built_in_personas_are_those_of_their_files_in_their_order() -> None:
    assert list(built_in()) == [f"personas/{key}" for key in ORDER]
    eddie = built_in()["personas/eager-eddie"]
    assert (eddie.built_in, eddie.create_time) == (True, 0)
    assert eddie.personality.response_length is ResponseLength.SHORT
    assert "ready_to_buy" in eddie.behaviour_traits


@pytest.mark.parametrize("persona", PERSONAS, ids=lambda persona: persona.name)
def test_a_persona_comes_back_as_it_was(persona: Persona) -> None:
    assert read_persona(asdict(persona)) == persona
    assert unpack_persona(pack_persona(persona)) == persona
