"""Services as processes that a test kills."""

from contextlib import AsyncExitStack
from pathlib import Path
from signal import SIGKILL

from tests.processes import PATIENCE, Service, service


class Houses:
    """Services as processes. Those that are killed start again on their ports."""

    def __init__(self, stack: AsyncExitStack, folder: Path) -> None:
        self._stack = stack
        self._folder = folder
        self._running: dict[str, Service] = {}

    @property
    def address(self) -> str:
        """The gateway's address."""
        return self._running["gateway"].address

    async def start(self, name: str, **more: str) -> None:
        """Start a service, at the port that it had before. more: settings, such as `testdata_address`."""
        settings = {"GREENROOM_DATA_DIR": str(self._folder / name), "GREENROOM_JOB_RETRY_SECONDS": "0.5"}
        # The first records of a process take seconds, and more on a busy machine.
        settings["GREENROOM_PEER_TIMEOUT_SECONDS"] = str(PATIENCE)
        for peer, one in self._running.items():
            settings[f"GREENROOM_{peer.upper()}_ADDRESS"] = one.address
        settings |= {f"GREENROOM_{setting.upper()}": value for setting, value in more.items()}
        if name in self._running:
            settings["GREENROOM_PORT"] = str(self._running[name].port)
        self._running[name] = await self._stack.enter_async_context(service(f"services.{name}", settings))

    async def kill(self, name: str) -> None:
        """Kill a service with SIGKILL, and start another one."""
        self._running[name].kill()
        assert await self._running[name].died() == -SIGKILL
        await self.start(name)
