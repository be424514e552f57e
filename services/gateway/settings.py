"""What the gateway can be told."""

from pydantic import Field

from shared.settings import Settings


class GatewaySettings(Settings):
    """The gateway's port, and where its peers listen."""

    port: int = Field(default=9000, ge=0, le=65535)
    """The port to listen on; 0 takes a free one."""

    testdata_address: str = "127.0.0.1:9001"
    """Where the test data service listens, `host:port`; `dns:///name:port` spreads the calls over all addresses."""

    synthesizer_address: str = "127.0.0.1:9003"
    """Where the synthesizer listens, `host:port`; `dns:///name:port` spreads the calls over all addresses of a name."""
