"""The built-in tools: those that models have in addition to those of a procedure."""

from shared.model.steps import Tool

END_CONVERSATION = Tool(
    "end_conversation",
    "End the conversation, saying one last thing first when `text` is not empty.",
    {"type": "object", "properties": {"text": {"type": "string"}}},
)
AGENT_TOOLS = (END_CONVERSATION,)
"""The tools that the procedure agent has in addition to those of its revision."""
