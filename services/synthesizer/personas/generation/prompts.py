"""The system text of the model that invents personas."""

from importlib.resources import files

from liquid import Environment

from shared.llm.briefs import GenerationBrief, Measured
from shared.llm.prompts import read_prompt

GENERATION_PROMPT = read_prompt(files("services.synthesizer.personas.generation").joinpath("prompt.md"))
"""The prompt of the model that invents personas."""
# Our own template needs no bounds. What users wrote is passed as values and never parsed.
_TEMPLATE = Environment().from_string(GENERATION_PROMPT.text)


def generation_system(brief: GenerationBrief) -> str:
    """The system text."""
    # Liquid takes an empty text or list as true, but not None.
    return _TEMPLATE.render(
        count=brief.count,
        description=brief.description or None,
        language=brief.language or None,
        measured=[_told(one) for one in brief.measured] or None,
        taken=", ".join(brief.taken) or None,
    )


def _told(measured: Measured) -> str:
    traits = ", ".join(trait.replace("_", " ") for trait in measured.traits) or "nothing else"
    length, speed = measured.response_length.lower(), measured.decision_speed.lower()
    objects = measured.objection_likelihood.lower()
    return (
        f"length of messages {length}, tone {measured.tone}, speed of decisions {speed}, "
        f"likelihood of objections {objects}; {traits}."
    )
