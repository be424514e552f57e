"""greenroom up"""

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import typer

from cli.commands import verb
from cli.render import console

app = verb()


@app.command()
def up(
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="The port; 0: a free one.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="The folder that holds everything.")] = None,
) -> None:
    """Serve everything in one process, until Ctrl-C. Settings come from the environment (GREENROOM_…)."""
    from services.gateway.settings import GatewaySettings
    from shared import loop, telemetry

    given = {"port": port, "data_dir": data_dir}
    settings = GatewaySettings.read().model_copy(update={k: v for k, v in given.items() if v is not None})
    telemetry.configure(settings, "up")

    async def serve() -> None:
        from cli.house import running

        told = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, told.set)
        async with running(settings) as port:
            out = console()
            out.print(f"Greenroom listens on {settings.host}:{port} and keeps its data in {settings.data_dir}.")
            out.print("Ctrl-C stops it; what runs then goes on at the next start.")
            await told.wait()
            out.print("Stopping.")

    loop.run(serve())
