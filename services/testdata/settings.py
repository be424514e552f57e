"""What the test data service can be told."""

from pathlib import Path

from pydantic import Field, SecretStr

from shared.settings import Settings


class TestdataSettings(Settings):
    """The port, how much is done at once, and where traces may be written and read."""

    port: int = Field(default=9001, ge=0, le=65535)
    """The port to listen on; 0 takes a free one."""

    testdata_database_url: SecretStr | None = None
    """As `database_url`, and before it: in `greenroom up` each service needs a database of its own."""

    compute_workers: int = Field(default=2, ge=1, le=64)
    """How many processes do what holds the processor for calls: sessions, streams, reading of workflows."""

    trace_jobs: int = Field(default=2, ge=1, le=64)
    """How many datasets and learnings run at once, each with a process of its own."""

    output_root: Path | None = None
    """The folder below which datasets are written; unset, `output` in the data folder."""

    input_roots: tuple[Path, ...] = ()
    """Folders below which logs may be learned from, as a JSON list."""

    buckets: tuple[str, ...] = ()
    """S3 buckets that datasets may be written to and learned from, as a JSON list. Needs obstore."""

    s3_endpoint: str | None = None
    """The address of the service that has the buckets, such as http://127.0.0.1:9100; unset, Amazon's."""

    s3_region: str = "us-east-1"
    """The region of the buckets."""

    s3_access_key_id: SecretStr | None = None
    """The id of the key that buckets are used with; unset, the machine's own identity is."""

    s3_secret_access_key: SecretStr | None = None
    """The secret of the key that buckets are used with."""

    @property
    def store_url(self) -> str:
        """The address of the service's store."""
        url = self.testdata_database_url or self.database_url
        return self.model_copy(update={"database_url": url}).store_at("testdata")

    @property
    def datasets_root(self) -> Path:
        """The folder below which datasets are written."""
        return self.data_dir / "output" if self.output_root is None else self.output_root
