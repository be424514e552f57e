"""greenroom rubrics"""

from cli.kit.revisions import add_revision_commands
from cli.kit.run import noun

app = noun("What judges are asked about conversations.")
add_revision_commands(app, "rubric", lambda revision: ("criteria", ", ".join(revision.criteria)))
