"""The brief of a persona: the facts about it, and what the customer of its source said."""

from dataclasses import asdict, fields

from services.synthesizer.personas.model import Persona
from services.synthesizer.sources.model import SourceConversation, start_point
from shared.llm.briefs import PersonaBrief
from shared.model.events import AgentMessage, UserMessage


def persona_brief(persona: Persona, source: SourceConversation | None) -> PersonaBrief:
    """The facts for the persona's model: who it is, and what the customer said before and after the start point."""
    opening: list[str] = []
    material: list[tuple[str, str]] = []
    if source is not None:
        cut = len(start_point(source).events)
        asked = ""
        for number, event in enumerate(source.events):
            match event.body:
                case AgentMessage(text):
                    asked = f"{asked}\n{text}".strip()
                case UserMessage(text) if text and number < cut:
                    opening.append(text)
                case UserMessage(text) if text:
                    material.append((asked, text))
                    asked = ""
                case _:
                    pass
    known = {**asdict(persona), **asdict(persona.personality)}
    facts = {field.name: known[field.name] for field in fields(PersonaBrief) if field.name in known}
    return PersonaBrief(**facts, opening=tuple(opening), material=tuple(material))
