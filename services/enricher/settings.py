"""The settings of the enricher."""

from pydantic import Field, SecretStr

from shared.llm.settings import ModelSettings
from shared.roster import port_of


class EnricherSettings(ModelSettings):
    """The port, the embedding model, and how much runs at once."""

    port: int = Field(default=port_of("enricher"), ge=0, le=65535)
    """The port to listen on; 0 takes a free one."""

    enricher_database_url: SecretStr | None = None
    """Replaces `database_url` for this service, because in `greenroom up` each service needs its own database."""

    knowledge_seconds: float = Field(default=0.5, ge=0, le=60)
    """Seconds that other work, such as an enrichment, waits for what documents say; 0: it goes on without."""

    embedding_model: str | None = None
    """The model that embeds documents and queries, so that documents are found by meaning too, such as
    `openai:text-embedding-3-small` or `ollama:all-minilm`; unset, they are found by words alone."""

    embedding_seconds: float = Field(default=2.0, gt=0, le=60)
    """Seconds that a search waits for the vector of its query; then it goes by words alone."""

    embedding_jobs: int = Field(default=2, ge=1, le=64)
    """For how many companies vectors of documents are made at once."""

    compute_workers: int = Field(default=2, ge=1, le=64)
    """Worker processes that read and write packs."""

    worker_memory_mib: int = Field(default=4096, ge=512)
    """The most memory of a worker process, in MiB; input that needs more is refused."""
