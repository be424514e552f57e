"""greenroom traces"""

from cli import trace_compare, trace_datasets, trace_learnings, trace_streams, trace_workflows
from cli.commands import command, noun

app = noun("API traces with known truth: generate them, learn from logs, and compare with the truth.")

command(app, "generate")(trace_datasets.generate)
command(app, "stream")(trace_streams.stream)
command(app, "session")(trace_streams.session)
command(app, "learn")(trace_learnings.learn)
command(app, "compare")(trace_compare.compare)
app.add_typer(trace_workflows.app, name="workflows")
app.add_typer(trace_datasets.app, name="datasets")
app.add_typer(trace_learnings.app, name="learnings")
