"""The composition root of the enricher: builds everything from the settings."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

from greenroom.enricher.v1 import domain_pb2_grpc, enrichment_pb2_grpc, knowledge_pb2_grpc
from services.enricher.adapters import packs
from services.enricher.adapters.discovering import discovered
from services.enricher.contexts.operations import Contexts
from services.enricher.contexts.servicer import EnrichmentServicer
from services.enricher.domains.built_in import built_in
from services.enricher.domains.discoveries import Discoveries
from services.enricher.domains.operations import Domains
from services.enricher.domains.servicer import DomainServicer
from services.enricher.domains.store import DomainStore
from services.enricher.knowledge.jobs import KIND, EmbeddingJobs
from services.enricher.knowledge.meaning import Meaning
from services.enricher.knowledge.operations import Knowledge
from services.enricher.knowledge.servicer import KnowledgeServicer
from services.enricher.knowledge.store.documents import DocumentStore, about_domain
from services.enricher.knowledge.store.vectors import VectorStore
from services.enricher.patterns.operations import Patterns
from services.enricher.patterns.servicer import PatternServicer
from services.enricher.patterns.store.generations import GenerationStore
from services.enricher.patterns.store.patterns import PatternStore
from services.enricher.patterns.store.templates import TemplateStore, of_domain
from services.enricher.settings import EnricherSettings
from shared.clock import Clock, wall_clock
from shared.compute import Compute
from shared.db.engine import Database
from shared.db.opening import open_store
from shared.db.ownership import Ownership
from shared.engine.local import LocalEngine
from shared.hosts import AllowedHosts
from shared.limits import MIB
from shared.llm.around import limited, repeated
from shared.llm.embedder import Embedder
from shared.llm.embedding import EmbeddingModel
from shared.llm.prices import Prices
from shared.llm.providers import EMBEDDING_PROVIDERS, Models
from shared.model.packs.writing import write_pack
from shared.rpc.health import Health
from shared.rpc.server import Registration
from shared.settings import BadSetting

MIGRATIONS = Path(__file__).parent / "migrations"


class KnowledgeCalls(KnowledgeServicer, PatternServicer):
    """All calls of KnowledgeService, which is about several nouns."""

    def __init__(self, knowledge: Knowledge, patterns: Patterns) -> None:
        KnowledgeServicer.__init__(self, knowledge)
        PatternServicer.__init__(self, patterns)


class Enricher:
    """The running service. embedding: None if documents are searched by words alone."""

    def __init__(
        self,
        registrations: Sequence[Registration],
        embedding: "Embedding | None",
        patterns: Patterns,
        compute: Compute,
        db: Database,
    ) -> None:
        self.registrations = registrations
        self._embedding = embedding
        self._patterns = patterns
        self._compute = compute
        self._db = db

    async def start(self) -> None:
        """Make the vectors of documents once this process owns the jobs."""
        if self._embedding is not None:
            await self._embedding.engine.start()

    async def stop(self) -> None:
        """Stop the jobs where they are, and close everything."""
        if self._embedding is not None:
            await self._embedding.stop()
        await self._patterns.stop()
        await self._compute.close()
        await self._db.close()


@dataclass(frozen=True)
class Embedding:
    """What the search by meaning needs."""

    meaning: Meaning
    engine: LocalEngine
    embedder: Embedder
    models: Models[EmbeddingModel]

    @classmethod
    async def build(cls, name: str, models: Models[EmbeddingModel], settings: EnricherSettings, db: Database) -> Self:
        """Connect to the embedding model of that name. Raises StoreUnavailable."""
        quick = await models.open(name)
        embedder = Embedder(name, repeated(quick, settings), quick)
        vectors = VectorStore(db, name)
        await vectors.prepare()
        jobs = EmbeddingJobs(embedder, vectors)
        engine = LocalEngine(
            {KIND: jobs},
            Ownership(db),
            db.wakeups,
            max_in_flight=settings.embedding_jobs,
            retry_seconds=settings.job_retry_seconds,
        )
        meaning = Meaning(embedder, vectors, settings.embedding_seconds, lambda: jobs.problem)
        return cls(meaning, engine, embedder, models)

    async def stop(self) -> None:
        """Stop the jobs where they are, and close the connections to the model."""
        await self.engine.stop()
        await self.embedder.close()
        await self.models.close()


def _embedding_models(name: str, settings: EnricherSettings) -> Models[EmbeddingModel]:
    """The providers of embedding models. Raises BadSetting if the model of that name cannot be called."""
    allowed = AllowedHosts(settings.model_hosts, settings.calls_loopback)
    prices = Prices.read(settings.prices)
    models = Models(EMBEDDING_PROVIDERS, partial(limited, settings=settings, prices=prices), allowed)
    if (problem := models.problem(name)) is not None:
        raise BadSetting(name="EMBEDDING_MODEL", problem=str(problem).removesuffix("."))
    return models


async def build(settings: EnricherSettings, health: Health, *, clock: Clock = wall_clock) -> Enricher:
    """Build the service. Its gRPC services are healthy while its store is."""
    name = settings.embedding_model or ""
    models = _embedding_models(name, settings) if name else None
    settings.make_data_dir()
    db = await open_store(settings, "enricher", MIGRATIONS)
    compute = Compute(settings.compute_workers, settings.worker_memory_mib * MIB)
    domains = Domains(
        DomainStore(db, [about_domain, of_domain]),
        built_in(),
        compute,
        read=packs.read,
        write=write_pack,
        indexed=packs.indexed,
        clock=clock,
    )
    embedding = None if models is None else await Embedding.build(name, models, settings, db)
    meaning = None if embedding is None else embedding.meaning
    knowledge = Knowledge(DocumentStore(db), compute, domains.get, clock, settings.knowledge_seconds, meaning)
    patterns = Patterns(GenerationStore(db), PatternStore(db), TemplateStore(db), clock, settings.knowledge_seconds)
    registrations = [
        Registration(
            "greenroom.enricher.v1.DomainService",
            domain_pb2_grpc.add_DomainServiceServicer_to_server,
            DomainServicer(domains, Discoveries(domains, compute, discovered)),
        ),
        Registration(
            "greenroom.enricher.v1.EnrichmentService",
            enrichment_pb2_grpc.add_EnrichmentServiceServicer_to_server,
            EnrichmentServicer(Contexts(domains, knowledge, patterns, compute)),
        ),
        Registration(
            "greenroom.enricher.v1.KnowledgeService",
            knowledge_pb2_grpc.add_KnowledgeServiceServicer_to_server,
            KnowledgeCalls(knowledge, patterns),
        ),
    ]
    for registration in registrations:
        db.on_health(partial(health.set_serving, registration.name))
    return Enricher(registrations, embedding, patterns, compute, db)
