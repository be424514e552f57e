"""The gateway on its own: one address for the services of all peers.

In `greenroom up` no gateway is built: its server carries the servicers themselves.
"""

from collections.abc import Sequence

from services.gateway.adapters.peers import HealthMirror, peers
from services.gateway.settings import GatewaySettings
from shared.rpc.channels import Channels
from shared.rpc.forward import forwarded
from shared.rpc.health import Health
from shared.rpc.server import Registration


class Gateway:
    """Forwards every method of every peer's services."""

    def __init__(self, registrations: Sequence[Registration], channels: Channels, mirror: HealthMirror) -> None:
        self.registrations = registrations
        self._channels = channels
        self._mirror = mirror

    async def start(self) -> None:
        """Begin to report the peers' health."""
        self._mirror.start()

    async def stop(self) -> None:
        """Let go of the peers."""
        await self._mirror.stop()
        await self._channels.close()


async def build(settings: GatewaySettings, health: Health) -> Gateway:
    """A gateway by settings, which reports its peers' services on health. It needs no peer to start."""
    channels, known = Channels(settings), peers(settings)
    registrations = [
        forwarded(service, channels.to(peer.address), peer.name) for peer in known for service in peer.services
    ]
    return Gateway(registrations, channels, HealthMirror(known, channels, health))
