"""greenroom serve SERVICE"""

import runpy
from typing import Annotated

import typer

from cli.commands import USAGE, Failed, verb
from shared import yaml

app = verb()

SERVICES = ("gateway", "synthesizer", "testdata")


@app.command()
def serve(
    service: Annotated[str, typer.Argument(help=", ".join(SERVICES), autocompletion=lambda: list(SERVICES))],
) -> None:
    """Serve one service, as `python -m services.SERVICE` does. Its settings come from the environment, GREENROOM_…."""
    if service not in SERVICES:
        near = yaml.near(service, SERVICES) or f"; there are {', '.join(SERVICES)}"
        raise Failed(f"There is no service `{service}`{near}.", USAGE)
    runpy.run_module(f"services.{service}", run_name="__main__")
