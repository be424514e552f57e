"""greenroom knowledge"""

from cli.knowledge import generations, patterns, templates
from cli.knowledge.documents import app

app.add_typer(generations.app, name="generations")
app.add_typer(patterns.app, name="patterns")
app.add_typer(templates.app, name="templates")
