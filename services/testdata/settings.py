"""The settings of the test data service."""

from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, field_validator

from shared.no_links import resolved
from shared.roster import port_of
from shared.settings import Many, PeerAddress, Settings


class TestdataSettings(Settings):
    """The port, how much runs at once, and where traces may be written and read."""

    port: int = Field(default=port_of("testdata"), ge=0, le=65535)
    """The port to listen on; 0 takes a free one."""

    testdata_database_url: SecretStr | None = None
    """Replaces `database_url` for this service, because in `greenroom up` each service needs its own database."""

    enricher_address: PeerAddress = f"127.0.0.1:{port_of('enricher')}"
    """Address of the enricher, whose domains records are made from; as for the gateway."""

    compute_workers: int = Field(default=2, ge=1, le=64)
    """Worker processes that generate sessions and streams, and check workflows. As many more read uploaded logs."""

    warm_workers: int = Field(default=1, ge=0, le=64)
    """Worker processes that load, when the server starts, what making records needs; later ones take seconds to."""

    trace_jobs: int = Field(default=2, ge=1, le=64)
    """Datasets and learnings that run at once, each in its own process."""

    worker_memory_mib: int = Field(default=4096, ge=512)
    """The most memory of a worker process, in MiB; input that needs more is refused. Small files may need less, see
    [memory](#memory-and-files)."""

    output_root: Path | None = None
    """The folder below which datasets are written; `output` in the data folder when unset."""

    input_roots: Many[Path] = ()
    """Folders below which logs may be learned from, with commas between them."""

    buckets: Many[str] = ()
    """S3 buckets that datasets may be written to and learned from, with commas between them. Needs obstore."""

    s3_endpoint: str | None = None
    """The address of the S3 service, such as http://127.0.0.1:9100; Amazon's when unset."""

    s3_region: str = "us-east-1"
    """The region of the buckets."""

    s3_access_key_id: SecretStr | None = None
    """The id of the S3 access key; the machine's own identity when unset."""

    s3_secret_access_key: SecretStr | None = None
    """The secret of the S3 access key."""

    @field_validator("input_roots", "output_root")
    @classmethod
    def _without_circles(cls, given: Any) -> Any:
        for folder in given if isinstance(given, tuple) else [given]:
            try:
                resolved(folder or Path())
            except OSError:
                raise ValueError("a symbolic link leads in a circle") from None
        return given

    @property
    def datasets_root(self) -> Path:
        """The folder below which datasets are written."""
        return self.data_dir / "output" if self.output_root is None else self.output_root
