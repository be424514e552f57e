"""The system texts say what is known, and leave out what is not."""

from services.synthesizer.conversations.prompts import agent_system, persona_system
from services.synthesizer.personas.generation.prompts import generation_system
from shared.llm.briefs import AgentBrief, GenerationBrief, PersonaBrief
from shared.model.steps import Say


def test_a_persona_without_goal_traits_language_and_source_is_told_of_none_of_them() -> None:
    text = persona_system(PersonaBrief("Eddie", "Quick.", "", "SHORT", "LOW", (), ""))

    assert "Tone: neutral. Length of your messages: short. How likely you are to object: low." in text
    for absent in ("What you do", "What you want", "You write", "You have said already", "A real customer"):
        assert absent not in text


def test_a_persona_is_told_of_its_goal_traits_language_and_source() -> None:
    brief = PersonaBrief(
        *("Eddie", "Quick.", "curt", "SHORT", "LOW", ("asks_about_cost",), "A refund."),
        opening=("Hello.",),
        material=(("Which order?", "Number 7."),),
        language="German",
    )

    text = persona_system(brief)

    for told in ("What you do: asks about cost.", "What you want: A refund.", "You write German", "- Hello.\n"):
        assert told in text
    assert '- asked "Which order?": "Number 7."' in text


def test_the_agent_of_a_procedure_without_steps_is_told_of_no_steps() -> None:
    assert "Its steps" not in agent_system(AgentBrief("Help.", ()))
    assert '1. greet: Say: "Hello."' in agent_system(AgentBrief("Help.", (Say("Hello.", id="greet"),)))


def test_a_model_that_invents_personas_freely_is_told_of_no_description_language_or_example() -> None:
    text = generation_system(GenerationBrief("", 3))

    assert text.startswith("You invent customers for the rehearsal of a company's agent. Invent 3.")
    for absent in ("Who they are", "They write", "Each writes as", "These exist already"):
        assert absent not in text
