"""The system texts of the persona and of the procedure agent."""

from dataclasses import asdict
from importlib.resources import files

from liquid import Environment

from shared.llm.briefs import AgentBrief, PersonaBrief
from shared.llm.prompts import read_prompt

_FOLDER = files("services.synthesizer.conversations").joinpath("prompts")
_BRIEF, _ANSWER = _FOLDER.joinpath("persona.md"), _FOLDER.joinpath("persona_answer.md")
PERSONA_ANSWER = read_prompt(_ANSWER).text
"""How a persona's model answers: with a JSON object."""
PERSONA_PROMPT = read_prompt(_BRIEF, _ANSWER)
"""The prompt of the persona's model."""
AGENT_PROMPT = read_prompt(_FOLDER.joinpath("agent.md"))
"""The prompt of the procedure agent's model."""
# Our own templates need no bounds. What users wrote is passed as values and never parsed.
_PERSONA = Environment().from_string(read_prompt(_BRIEF).text)
_AGENT = Environment().from_string(AGENT_PROMPT.text)


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
