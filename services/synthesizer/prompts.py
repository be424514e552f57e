"""The system texts of persona and procedure agent, rendered from their briefs once a conversation."""

from functools import cache
from importlib.resources import files

from shared.llm.base import AgentBrief, PersonaBrief
from shared.model.steps import Ask, Branch, Call, End, Say, Step
from shared.model.templates import render


def persona_system(brief: PersonaBrief) -> str:
    """What the persona's model is told. Raises BadTemplate if it grows out of bounds."""
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
    return render(_text("persona"), values)


def agent_system(brief: AgentBrief) -> str:
    """What the procedure agent's model is told. Raises BadTemplate if it grows out of bounds."""
    return render(_text("agent"), {"instructions": brief.instructions, "steps": [_said(step) for step in brief.steps]})


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
def _text(name: str) -> str:
    return files("services.synthesizer").joinpath("prompts", f"{name}.md").read_text()
