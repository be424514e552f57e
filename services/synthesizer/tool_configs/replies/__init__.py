"""What the rules of tool configs answer. A kind of reply is one file here, a line in KINDS and a field of ToolReply."""

from collections.abc import Mapping

from services.synthesizer.tool_configs.replies import operations, templates, values
from services.synthesizer.tool_configs.replies.kind import Compile

KINDS: Mapping[str, Compile] = {
    "answer": values.compiled,
    "template": templates.compiled,
    "operations": operations.compiled,
}
"""By the name of the kind's field in ToolReply."""
