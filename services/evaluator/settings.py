"""The settings of the evaluator."""

from pydantic import Field, SecretStr

from shared.llm.settings import ModelSettings
from shared.roster import port_of
from shared.settings import PeerAddress


class EvaluatorSettings(ModelSettings):
    """The port, where the synthesizer is, the models of judges and reviews, and how much runs at once."""

    port: int = Field(default=port_of("evaluator"), ge=0, le=65535)
    """The port to listen on; 0 takes a free one."""

    evaluator_database_url: SecretStr | None = None
    """Replaces `database_url` for this service, because in `greenroom up` each service needs its own database."""

    synthesizer_address: PeerAddress = f"127.0.0.1:{port_of('synthesizer')}"
    """Address of the synthesizer, whose conversations are evaluated; as for the gateway."""

    evaluation_jobs: int = Field(default=16, ge=1, le=256)
    """Evaluations and judgements that are worked on at once; most of them wait for conversations to end."""

    judge_model: str = "offline"
    """The model of judges that name none; `offline` is no language model but looks for the phrases of rubrics."""

    judge_retry_seconds: float = Field(default=1.0, gt=0)
    """The pause between two attempts to store a model's answer about a conversation while the store is unavailable."""

    compute_workers: int = Field(default=2, ge=1, le=64)
    """Worker processes that score conversations and write reports."""

    worker_memory_mib: int = Field(default=4096, ge=512)
    """The most memory of a worker process, in MiB; input that needs more is refused."""
