"""Settings of the gateway."""

from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field, create_model

from shared.hosts import is_grpc_address
from shared.roster import GATEWAY, PEERS
from shared.settings import Settings


def _address(text: str) -> str:
    if not is_grpc_address(text):
        raise ValueError("it must be host:port, such as 127.0.0.1:9003")
    return text


if TYPE_CHECKING:
    _Addresses = Settings
else:
    _Address = Annotated[str, AfterValidator(_address)]
    _ADDRESS = "Address of the {} service, `host:port`; `dns:///name:port` spreads calls over all addresses of a name."
    _Addresses = create_model(
        "_Addresses",
        __base__=Settings,
        **{
            peer.address_setting: (_Address, Field(f"127.0.0.1:{peer.port}", description=_ADDRESS.format(peer.name)))
            for peer in PEERS
        },
    )


class GatewaySettings(_Addresses):
    """The gateway's port, and one address for each service behind it, such as `testdata_address`."""

    port: int = Field(default=GATEWAY.port, ge=0, le=65535)
    """The port to listen on; 0 takes a free one."""
