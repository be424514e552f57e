"""Checks whether a persona stays a customer. One file a check; CHECKS lists them."""

from collections.abc import Collection, Mapping

from services.synthesizer.conversations.integrity import (
    contradicts_itself,
    does_agents_work,
    leaks_brief,
    repeats_itself,
    speaks_as_agent,
    thanks_too_early,
    wrong_language,
)
from services.synthesizer.conversations.integrity.check import Check, Scene
from shared.llm.persona_reply import PersonaReply
from shared.model.events import PersonaFlag

CHECKS: Mapping[PersonaFlag, Check] = {
    check.flag: check
    for check in (
        speaks_as_agent.CHECK,
        leaks_brief.CHECK,
        repeats_itself.CHECK,
        thanks_too_early.CHECK,
        does_agents_work.CHECK,
        contradicts_itself.CHECK,
        wrong_language.CHECK,
    )
}


def flags(reply: PersonaReply, scene: Scene, off: Collection[PersonaFlag] = ()) -> tuple[PersonaFlag, ...]:
    """What is wrong with a reply, in the order of CHECKS; nothing is wrong with silence. off: what is not checked."""
    if reply.silent:
        return ()
    return tuple(flag for flag, check in CHECKS.items() if flag not in off and check.finds(reply, scene))
