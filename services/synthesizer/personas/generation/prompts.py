"""The system text of the model that invents personas."""

from importlib.resources import files

from liquid import Environment

from shared.llm.briefs import GenerationBrief, Measured, Situation
from shared.llm.prompts import Prompt, read_prompt

_FOLDER = files("services.synthesizer.personas.generation")
_WHOLE, _DOMAIN = _FOLDER.joinpath("prompt.md"), _FOLDER.joinpath("prompt_domain.md")
GENERATION_PROMPT, GENERATION_DOMAIN_PROMPT = read_prompt(_WHOLE), read_prompt(_WHOLE, _DOMAIN)
"""The prompts of the model that invents personas, without and with a domain."""
# Our own templates need no bounds. What users wrote is passed as values and never parsed.
_TEMPLATE, _SITUATIONS = (Environment().from_string(read_prompt(file).text) for file in (_WHOLE, _DOMAIN))


def generation_prompt(domain: str) -> Prompt:
    """The prompt of the model that invents personas. domain: "" for none."""
    return GENERATION_DOMAIN_PROMPT if domain else GENERATION_PROMPT


def generation_system(brief: GenerationBrief) -> str:
    """The system text."""
    # Liquid takes an empty text or list as true, but not None.
    told = _TEMPLATE.render(
        count=brief.count,
        description=brief.description or None,
        language=brief.language or None,
        measured=[_told(one) for one in brief.measured] or None,
        taken=", ".join(brief.taken) or None,
    )
    return (
        told + _SITUATIONS.render(situations=[_wanted(one) for one in brief.situations]) if brief.situations else told
    )


def _wanted(one: Situation) -> str:
    steps = f" Its steps: {' '.join(one.steps)}" if one.steps else ""
    return f"{one.workflow}{steps}" + (f" Special this time: {one.special}" if one.special else "")


def _told(measured: Measured) -> str:
    traits = ", ".join(trait.replace("_", " ") for trait in measured.traits) or "nothing else"
    length, speed = measured.response_length.lower(), measured.decision_speed.lower()
    objects = measured.objection_likelihood.lower()
    return (
        f"length of messages {length}, tone {measured.tone}, speed of decisions {speed}, "
        f"likelihood of objections {objects}; {traits}."
    )
