"""The system texts say what is known, and leave out what is not."""

import re
from hashlib import sha256
from pathlib import Path

import pytest

from services.synthesizer.conversations.prompts import (
    AGENT_DOMAIN_PROMPT,
    AGENT_PROMPT,
    PERSONA_DOMAIN_PROMPT,
    PERSONA_PROMPT,
    agent_system,
    persona_system,
)
from services.synthesizer.personas.generation.prompts import (
    GENERATION_DOMAIN_PROMPT,
    GENERATION_PROMPT,
    generation_system,
)
from shared.llm.briefs import AgentBrief, GenerationBrief, PersonaBrief
from shared.llm.prompts import read_prompt
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


def test_the_docs_tell_each_version_of_each_prompt_once_and_the_digest_of_todays() -> None:
    page = (Path(__file__).parents[3] / "docs" / "models.md").read_text()
    told = re.findall(r"^\| ([\w ]+) \| [^|]*\.md[^|]* \| ([\d, ]+) \| `([0-9a-f]{12})` \|$", page, re.MULTILINE)

    digests = {(name, version): digest for name, version, digest in told}
    assert len(digests) == len(told)
    prompts = {
        "persona": PERSONA_PROMPT,
        "persona of a procedure with a domain": PERSONA_DOMAIN_PROMPT,
        "agent": AGENT_PROMPT,
        "agent of a procedure with a domain": AGENT_DOMAIN_PROMPT,
        "generation": GENERATION_PROMPT,
        "generation from a domain": GENERATION_DOMAIN_PROMPT,
    }
    for name, prompt in prompts.items():
        assert digests.get((name, ", ".join(map(str, prompt.versions)))) == prompt.digest


def test_a_prompt_is_the_text_of_its_files_without_their_versions(tmp_path: Path) -> None:
    first, second, wrong = tmp_path / "first.md", tmp_path / "second.md", tmp_path / "wrong.md"
    first.write_text("---\nversion: 2\n---\nHello.\n")
    second.write_text("---\nversion: 13\n---\n---\nBye.\n")
    wrong.write_text("Hello.\n")

    prompt = read_prompt(first, second)

    assert (prompt.text, prompt.versions) == ("Hello.\n---\nBye.\n", (2, 13))
    assert prompt.digest == sha256(first.read_bytes() + second.read_bytes()).hexdigest()[:12]
    with pytest.raises(ValueError, match="must begin with the lines"):
        read_prompt(first, wrong)
