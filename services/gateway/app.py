"""The gateway's composition root: one address for all services.

`greenroom up` builds no gateway: its server holds the servicers themselves.
"""

from collections.abc import Sequence

from services.gateway.adapters.peers import HealthMirror
from services.gateway.forwarding.servicer import forwarded
from services.gateway.settings import GatewaySettings
from shared.roster import PEERS
from shared.rpc.channels import Channels
from shared.rpc.health import Health
from shared.rpc.server import Registration


class Gateway:
    """Forwards every method of every service in the roster."""

    def __init__(self, registrations: Sequence[Registration], channels: Channels, mirror: HealthMirror) -> None:
        self.registrations = registrations
        self._channels = channels
        self._mirror = mirror

    async def start(self) -> None:
        """Begin to report the peers' health."""
        self._mirror.start()

    async def stop(self) -> None:
        """Close the connections to the peers."""
        await self._mirror.stop()
        await self._channels.close()


async def build(settings: GatewaySettings, health: Health) -> Gateway:
    """Build a gateway; it starts even while its peers are down. health: receives the peers' health."""
    channels, timeout = Channels(settings), settings.peer_timeout_seconds
    services = [
        (service, peer.name, channels.to(getattr(settings, peer.address_setting)))
        for peer in PEERS
        for service in peer.rpc_services
    ]
    registrations = [forwarded(service, channel, peer, timeout) for service, peer, channel in services]
    mirror = HealthMirror(((service, channel) for service, _, channel in services), health, timeout)
    return Gateway(registrations, channels, mirror)
