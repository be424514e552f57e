"""The reply of a persona's model: one JSON object."""

import json
from dataclasses import dataclass

from shared.llm.base import Output
from shared.model.events import Thoughts

NO_RESPONSE = "NO_RESPONSE"
"""The message of a persona that does not answer this time."""

PERSONA_REPLY = Output(
    "persona_reply",
    {
        "type": "object",
        "properties": {
            "reasoning": {"type": "string", "description": "Why you say this, in a sentence or two."},
            "message": {"type": "string", "description": f"What you say, or {NO_RESPONSE}."},
            "sentiment": {"type": "string", "enum": ["positive", "neutral", "negative"]},
            "likely_to_convert": {"type": "integer", "description": "0 to 100."},
            "leaves": {"type": "boolean", "description": "True if you leave for good after this."},
        },
        "required": ["reasoning", "message", "sentiment", "likely_to_convert", "leaves"],
        "additionalProperties": False,
    },
)


@dataclass(frozen=True, slots=True)
class PersonaReply:
    """What a persona does next, and why.

    text: what it says; "" if it is silent, or leaves without a word. leaves: it says nothing more.
    thoughts: None if it does not tell them, as a customer of the user's own may not; a model always does.
    """

    text: str
    thoughts: Thoughts | None
    leaves: bool = False

    @property
    def silent(self) -> bool:
        """True if it says nothing."""
        return not self.text


def written(reply: PersonaReply) -> str:
    """The reply, which has thoughts, as JSON of the form PERSONA_REPLY."""
    thoughts = reply.thoughts
    assert thoughts is not None
    return _encode(
        {
            "reasoning": thoughts.reasoning,
            "message": reply.text or NO_RESPONSE,
            "sentiment": thoughts.sentiment.lower(),
            "likely_to_convert": thoughts.likely_to_convert,
            "leaves": reply.leaves,
        }
    )


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
