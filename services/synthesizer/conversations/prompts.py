"""The system texts of the persona and of the procedure agent."""

from dataclasses import asdict
from importlib.resources import files

from liquid import Environment

from shared.llm.briefs import AgentBrief, PersonaBrief
from shared.llm.prompts import Prompt, read_prompt

_FOLDER = files("services.synthesizer.conversations").joinpath("prompts")
_BRIEF, _ANSWER = _FOLDER.joinpath("persona.md"), _FOLDER.joinpath("persona_answer.md")
_AGENT, _PERSONA_DOMAIN, _AGENT_DOMAIN, _CONTACT_ANSWER = (
    _FOLDER.joinpath(f"{name}.md") for name in ("agent", "persona_domain", "agent_domain", "contact_answer")
)
PERSONA_ANSWER = read_prompt(_ANSWER).text
"""How a persona's model answers: with a JSON object."""
PERSONA_PROMPT = read_prompt(_BRIEF, _ANSWER)
"""The prompt of the persona's model."""
CONTACT_ANSWER = read_prompt(_CONTACT_ANSWER).text
"""How the model of a campaign's contact answers: with a JSON object of the same form."""
CONTACT_PROMPT = read_prompt(_BRIEF, _CONTACT_ANSWER)
"""The prompt of the model of a campaign's contact."""
AGENT_PROMPT = read_prompt(_AGENT)
"""The prompt of the procedure agent's model."""
PERSONA_DOMAIN_PROMPT, AGENT_DOMAIN_PROMPT = (
    read_prompt(_BRIEF, _PERSONA_DOMAIN, _ANSWER),
    read_prompt(_AGENT, _AGENT_DOMAIN),
)
"""Both prompts where the procedure names a domain."""
# Our own templates need no bounds. What users wrote is passed as values and never parsed.
_BRIEFING, _INSTRUCTING, _BRIEFING_OF_DOMAIN, _INSTRUCTING_OF_DOMAIN = (
    Environment().from_string(read_prompt(file).text) for file in (_BRIEF, _AGENT, _PERSONA_DOMAIN, _AGENT_DOMAIN)
)


def persona_prompt(context: str) -> Prompt:
    """The prompt of the persona's model. context: what it is shown of a domain, "" for none."""
    return PERSONA_DOMAIN_PROMPT if context else PERSONA_PROMPT


def agent_prompt(context: str) -> Prompt:
    """The prompt of the procedure agent's model. context: what it is shown of a domain, "" for none."""
    return AGENT_DOMAIN_PROMPT if context else AGENT_PROMPT


def persona_system(brief: PersonaBrief, context: str = "") -> str:
    """The system text for the persona's model."""
    return persona_instructions(brief, context) + PERSONA_ANSWER


def persona_instructions(brief: PersonaBrief, context: str = "") -> str:
    """Who the persona is, what it wants and what it knows, without how to answer."""
    traits = ", ".join(trait.replace("_", " ") for trait in brief.behaviour_traits)
    facts = asdict(brief) | {"tone": brief.tone or "neutral", "traits": traits}
    # Liquid takes an empty text or list as true, but not None.
    told = _BRIEFING.render({name: fact or None for name, fact in facts.items()})
    return told + _BRIEFING_OF_DOMAIN.render(context=context) if context else told


def agent_system(brief: AgentBrief, context: str = "") -> str:
    """The system text for the procedure agent's model."""
    steps = [f"{step.id}: {step.told()}" if step.id else step.told() for step in brief.steps]
    told = _INSTRUCTING.render(instructions=brief.instructions, steps=steps or None)
    return told + _INSTRUCTING_OF_DOMAIN.render(context=context) if context else told
