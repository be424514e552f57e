"""greenroom serve SERVICE"""

import runpy
from typing import Annotated

import typer

from cli.kit.run import USAGE, Failed, verb
from shared import roster, yaml
from shared.words import all_of

app = verb()

SERVICES = [service.name for service in roster.SERVICES]


@app.command()
def serve(
    service: Annotated[str, typer.Argument(help=", ".join(SERVICES), autocompletion=lambda: SERVICES)],
) -> None:
    """Serve one service, like `python -m services.SERVICE`. Settings come from the environment (GREENROOM_…)."""
    if service not in SERVICES:
        near = yaml.near(service, SERVICES) or f"; there are {all_of(SERVICES)}"
        raise Failed(f"There is no service `{service}`{near}.", USAGE)
    runpy.run_module(f"services.{service}", run_name="__main__")
