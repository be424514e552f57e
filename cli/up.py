"""greenroom up"""

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import typer

from cli.kit.render import console
from cli.kit.run import verb

app = verb()


@app.command()
def up(
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="The data folder.")] = None,
) -> None:
    """Serve everything in one process until Ctrl-C. Settings come from the environment (GREENROOM_…)."""
    from services.gateway.settings import GatewaySettings
    from shared import loop, telemetry

    given = {"port": port, "data_dir": data_dir}
    settings = GatewaySettings.read().model_copy(update={k: v for k, v in given.items() if v is not None})
    telemetry.configure(settings, "up")

    async def serve() -> None:
        from cli.kit.house import running

        stopped = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        async with running(settings) as port:
            out = console()
            out.print(f"Greenroom listens on {settings.host}:{port} and keeps its data in {settings.data_dir}.")
            out.print("Ctrl-C stops it; running work resumes at the next start.")
            await stopped.wait()
            out.print("Stopping.")

    loop.run(serve())
