"""greenroom traces"""

from cli.kit.run import command, noun
from cli.traces import compare, datasets, learnings, streams, workflows

app = noun("API traces with known truth: generate them, learn from logs, and compare with the truth.")

command(app, "generate")(datasets.generate)
command(app, "stream")(streams.stream)
command(app, "session")(streams.session)
command(app, "learn")(learnings.learn)
command(app, "compare")(compare.compare)
app.add_typer(workflows.app, name="workflows")
app.add_typer(datasets.app, name="datasets")
app.add_typer(learnings.app, name="learnings")
