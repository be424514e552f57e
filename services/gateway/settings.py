"""Settings of the gateway."""

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, SecretStr, create_model

from shared.roster import GATEWAY, PEERS
from shared.settings import PeerAddress, Settings

if TYPE_CHECKING:
    _Addresses = Settings
else:
    _ADDRESS = "Address of the {} service, `host:port`; `dns:///name:port` spreads calls over all addresses of a name."
    _Addresses = create_model(
        "_Addresses",
        __base__=Settings,
        **{
            peer.address_setting: (PeerAddress, Field(f"127.0.0.1:{peer.port}", description=_ADDRESS.format(peer.name)))
            for peer in PEERS
        },
    )


class GatewaySettings(_Addresses):
    """The gateway's port, and one address for each service behind it, such as `testdata_address`."""

    takes_peers: ClassVar[bool] = False

    port: int = Field(default=GATEWAY.port, ge=0, le=65535)
    """The port to listen on; 0 takes a free one."""

    gateway_database_url: SecretStr | None = None
    """Replaces `database_url` for the gateway, because in `greenroom up` each service needs its own database."""

    rehearsals_at_once: int = Field(default=64, ge=1, le=1000)
    """Rehearsals that are looked after at once; more take turns. The synthesizer limits how many conversations run."""
