"""A small workflow."""

from greenroom.testdata.v1.trace_workflow_pb2 import WorkflowSource

SMALL = """
name: {name}
entry_points: {{login: 1}}
transitions:
  login: {{browse: 1}}
  browse: {{browse: 0.5, logout: 0.25}}
exit_points: {{browse: 0.25, logout: 1}}
avg_response_times: {{login: 120, browse: 80, logout: 40}}
"""


def small(called: str, **keys: str) -> WorkflowSource:
    """A small workflow as YAML, with more keys."""
    more = "".join(f"{key}: {value}\n" for key, value in keys.items())
    return WorkflowSource(yaml=SMALL.format(name=called) + more)
