"""The system texts of persona and procedure agent, rendered from their briefs once a conversation."""

from functools import cache
from importlib.resources import files

from liquid import Environment
from liquid.template import BoundTemplate

from shared.llm.base import AgentBrief, PersonaBrief
from shared.model.steps import Ask, Branch, Call, End, Say, Step


def persona_system(brief: PersonaBrief) -> str:
    """What the persona's model is told."""
    values = {
        "display_name": brief.display_name,
        "description": brief.description,
        "tone": brief.tone or "neutral",
        "response_length": brief.response_length,
        "objection_likelihood": brief.objection_likelihood,
        "traits": ", ".join(trait.replace("_", " ") for trait in brief.behaviour_traits),
        "goal": brief.goal,
        "opening": list(brief.opening),
        "material": [list(pair) for pair in brief.material],
    }
    return _template("persona").render(**values)


def agent_system(brief: AgentBrief) -> str:
    """What the procedure agent's model is told."""
    steps = [_said(step) for step in brief.steps]
    return _template("agent").render(instructions=brief.instructions, steps=steps)


def _said(step: Step) -> str:
    match step:
        case Say(text):
            return f'Say: "{text}"'
        case Ask(slot, question, _, optional):
            return f'Ask for {slot}{" (optional)" if optional else ""}: "{question}"'
        case Call(tool, arguments):
            filled = ", ".join(f"{argument} = {slot}" for argument, slot in arguments.items())
            return f"Call the tool {tool} with {filled or 'no arguments'}."
        case Branch(condition, then, otherwise):
            return f"If {condition}, go on with step {then}{f', else with {otherwise}' if otherwise else ''}."
        case End(text):
            return f"End the conversation{f': {text}' if text else ''}."


@cache
def _template(name: str) -> BoundTemplate:
    # Our own files, so without the bounds on what users write; what users wrote goes in as values and is never parsed.
    return Environment().from_string(files("services.synthesizer").joinpath("prompts", f"{name}.md").read_text())
