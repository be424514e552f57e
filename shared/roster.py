"""The services of Greenroom. A new service is a line here and a folder `services/<name>`.

The gateway, `greenroom up`, `serve` and `status`, and the tests read this list. It names modules and loads them on
demand, because `shared` imports no service.
"""

import pkgutil
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from shared.settings import Settings


@dataclass(frozen=True, slots=True)
class Service:
    """One service: the folder `services/<name>`, the contracts `greenroom.<name>.v1` and the database `<name>`.

    port: the default port. calls: the services that it calls.
    """

    name: str
    port: int
    calls: tuple[str, ...] = ()

    @property
    def module(self) -> str:
        """The package that `python -m` runs."""
        return f"services.{self.name}"

    @property
    def address_setting(self) -> str:
        """The gateway's setting for the address of this service."""
        return f"{self.name}_address"

    @property
    def settings(self) -> type[Settings]:
        """The class of its settings."""
        kind: type[Settings] = getattr(import_module(f"{self.module}.settings"), f"{self.name.capitalize()}Settings")
        return kind

    @property
    def app(self) -> Any:
        """The module of its composition root, which has `build(settings, health)` and `MIGRATIONS`."""
        return import_module(f"{self.module}.app")

    async def build(self, settings: Settings, health: Any, peers: Any = None) -> Any:
        """Build the service. peers: how it calls others, instead of the addresses in its settings."""
        more = {"peers": peers} if self.calls and peers is not None else {}
        return await self.app.build(settings, health, **more)

    @property
    def rpc_services(self) -> tuple[str, ...]:
        """The full names of its gRPC services, in the order of their proto files; imports the generated code."""
        package = import_module(f"greenroom.{self.name}.v1")
        files = sorted(file.name for file in pkgutil.iter_modules(package.__path__) if file.name.endswith("_pb2"))
        return tuple(
            service.full_name
            for file in files
            for service in import_module(f"{package.__name__}.{file}").DESCRIPTOR.services_by_name.values()
        )


GATEWAY = Service("gateway", 9000)
PEERS = (
    Service("enricher", 9002),
    Service("synthesizer", 9003, calls=("enricher",)),
    Service("testdata", 9001, calls=("enricher",)),
    Service("evaluator", 9004, calls=("synthesizer",)),
)
"""The services behind the gateway; each calls only those before it."""
SERVICES = (GATEWAY, *PEERS)


def port_of(name: str) -> int:
    """The default port of a service."""
    return next(service.port for service in SERVICES if service.name == name)
