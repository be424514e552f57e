"""What worker processes do for calibrations: they measure conversations."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from services.evaluator.calibrations.model import Measured, pack_measured
from services.evaluator.calibrations.talk import measured, said
from services.evaluator.calibrations.traits import traits_of
from services.evaluator.evaluations.model import Line


def measure_lines(lines: Sequence[Line], is_person: bool) -> tuple[list[bytes], int]:
    """(the measures of each conversation as an event, how many of them are left out)"""
    read = [measure_line(line, is_person) for line in lines]
    return [pack_measured(one) for one in read], sum(one.whole is None for one in read)


def measure_line(line: Line, is_person: bool) -> Measured:
    """The measures of a conversation.

    It is left out and has none if the user says nothing, or if it was cancelled or failed by no fault of the agent, so
    that it was cut short.
    """
    record = json.loads(line.transcript)
    conversation, persona = record.get("conversation", {}), record.get("conversation", {}).get("persona", {})
    talk = said(record.get("events", ()))
    counts = not conversation or _whole(conversation.get("ended", {}))
    return Measured(
        conversation=conversation.get("name") or line.name,
        is_person=is_person,
        persona=conversation.get("spec", {}).get("persona", ""),
        display_name=persona.get("display_name", ""),
        copied=talk.copied,
        whole=measured(talk.whole) if counts else None,
        after=measured(talk.after) if counts else None,
        traits=tuple(traits_of(persona)),
    )


def _whole(ended: Mapping[str, Any]) -> bool:
    return ended.get("outcome") == "OUTCOME_COMPLETED" or ended.get("fault") == "FAULT_AGENT"
