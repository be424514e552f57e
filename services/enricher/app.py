"""The composition root of the enricher: builds everything from the settings."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

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
from services.enricher.knowledge.operations import Knowledge
from services.enricher.knowledge.servicer import KnowledgeServicer
from services.enricher.knowledge.store import DocumentStore, about_domain
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
from shared.limits import MIB
from shared.model.packs.writing import write_pack
from shared.rpc.health import Health
from shared.rpc.server import Registration

MIGRATIONS = Path(__file__).parent / "migrations"


class KnowledgeCalls(KnowledgeServicer, PatternServicer):
    """All calls of KnowledgeService, which is about several nouns."""

    def __init__(self, knowledge: Knowledge, patterns: Patterns) -> None:
        KnowledgeServicer.__init__(self, knowledge)
        PatternServicer.__init__(self, patterns)


class Enricher:
    """The running service."""

    def __init__(
        self, registrations: Sequence[Registration], patterns: Patterns, compute: Compute, db: Database
    ) -> None:
        self.registrations = registrations
        self._patterns = patterns
        self._compute = compute
        self._db = db

    async def start(self) -> None:
        """Nothing to start: the service has no jobs."""

    async def stop(self) -> None:
        """Close everything."""
        await self._patterns.stop()
        await self._compute.close()
        await self._db.close()


async def build(settings: EnricherSettings, health: Health, *, clock: Clock = wall_clock) -> Enricher:
    """Build the service. Its gRPC services are healthy while its store is."""
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
    knowledge = Knowledge(DocumentStore(db), compute, domains.get, clock, settings.knowledge_seconds)
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
    return Enricher(registrations, patterns, compute, db)
