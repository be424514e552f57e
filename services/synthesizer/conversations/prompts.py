"""The system texts of the persona and of the procedure agent."""

from dataclasses import asdict
from hashlib import sha256
from importlib.resources import files

from liquid import Environment

from shared.llm.briefs import AgentBrief, PersonaBrief

_FOLDER = files("services.synthesizer.conversations").joinpath("prompts")
# Our own templates need no bounds. What users wrote is passed as values and never parsed.
_PERSONA_TEXT = _FOLDER.joinpath("persona.md").read_text()
PERSONA_ANSWER = _FOLDER.joinpath("persona_answer.md").read_text()
"""How a persona's model answers: with a JSON object."""
PERSONA_TEXT = _PERSONA_TEXT + PERSONA_ANSWER
"""The persona's prompt files."""
_AGENT_TEXT = _FOLDER.joinpath("agent.md").read_text()
_PERSONA = Environment().from_string(_PERSONA_TEXT)
_AGENT = Environment().from_string(_AGENT_TEXT)


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:12]


PERSONA_PROMPT = _digest(PERSONA_TEXT)
"""The digest of the persona's prompt files: the first 12 hexadecimal digits of their SHA-256."""
AGENT_PROMPT = _digest(_AGENT_TEXT)
"""The digest of the procedure agent's prompt file."""


def persona_system(brief: PersonaBrief) -> str:
    """The system text for the persona's model."""
    return persona_instructions(brief) + PERSONA_ANSWER


def persona_instructions(brief: PersonaBrief) -> str:
    """Who the persona is, what it wants and what it knows, without how to answer."""
    traits = ", ".join(trait.replace("_", " ") for trait in brief.behaviour_traits)
    facts = asdict(brief) | {"tone": brief.tone or "neutral", "traits": traits}
    # Liquid takes an empty text or list as true, but not None.
    return _PERSONA.render({name: fact or None for name, fact in facts.items()})


def agent_system(brief: AgentBrief) -> str:
    """The system text for the procedure agent's model."""
    steps = [f"{step.id}: {step.told()}" if step.id else step.told() for step in brief.steps]
    return _AGENT.render(instructions=brief.instructions, steps=steps or None)
