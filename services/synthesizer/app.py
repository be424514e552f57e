"""The composition root: settings → store, models, engine, servicers. Nothing else constructs."""

import time
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path

from greenroom.synthesizer.v1 import (
    batch_pb2_grpc,
    conversation_pb2_grpc,
    persona_pb2_grpc,
    procedure_pb2_grpc,
    source_pb2_grpc,
)
from services.synthesizer.adapters.agents import Agents
from services.synthesizer.adapters.formats import FORMATS
from services.synthesizer.adapters.imports import parse_procedures, parse_sources
from services.synthesizer.api.batches import BatchServicer
from services.synthesizer.api.conversations import ConversationServicer
from services.synthesizer.api.convert.events import event_message
from services.synthesizer.api.exporting import Export
from services.synthesizer.api.personas import PersonaServicer
from services.synthesizer.api.procedures import ProcedureServicer
from services.synthesizer.api.sources import SourceServicer
from services.synthesizer.api.watching import encode
from services.synthesizer.batches.lifecycle import Batches
from services.synthesizer.builtin_personas import built_in
from services.synthesizer.catalog.imports import Imports
from services.synthesizer.catalog.lookup import Lookup
from services.synthesizer.catalog.personas import Personas
from services.synthesizer.catalog.procedures import Procedures
from services.synthesizer.conversations.agent_hosts import AgentHosts
from services.synthesizer.conversations.casting import Casting
from services.synthesizer.conversations.jobs import ConversationJobs
from services.synthesizer.conversations.lifecycle import Lifecycle
from services.synthesizer.conversations.opening import Limits
from services.synthesizer.recent import Recent
from services.synthesizer.settings import SynthesizerSettings
from services.synthesizer.store import batches as batch_rows
from services.synthesizer.store import conversations as conversation_rows
from services.synthesizer.store import personas as persona_rows
from services.synthesizer.store import procedures as procedure_rows
from services.synthesizer.store import sources as source_rows
from services.synthesizer.store import statements
from services.synthesizer.store.documents import pack_source
from services.synthesizer.store.requests import RequestResults
from services.synthesizer.store.tables import log
from shared.compute import Compute
from shared.db.engine import Database
from shared.db.eventlog import EventLog
from shared.db.migrate import migrate
from shared.db.ownership import Ownership
from shared.db.tails import Tails
from shared.engine.local import LocalEngine
from shared.llm.base import ChatModel
from shared.llm.registry import PROVIDERS, open_model
from shared.rpc.health import Health
from shared.rpc.server import Registration

MIGRATIONS = Path(__file__).parent / "migrations"


def wall_clock() -> int:
    """Now, in Unix milliseconds."""
    return time.time_ns() // 1_000_000


class Synthesizer:
    """The service, built."""

    def __init__(
        self, registrations: Sequence[Registration], engine: LocalEngine, agents: Agents, compute: Compute, db: Database
    ) -> None:
        self.registrations = registrations
        self._engine = engine
        self._agents = agents
        self._compute = compute
        self._db = db

    async def start(self) -> None:
        """Take up the jobs once this process owns them."""
        await self._engine.start()

    async def stop(self) -> None:
        """Hand the jobs back where they are, and let go of everything."""
        await self._engine.stop()
        await self._agents.close()
        await self._compute.close()
        await self._db.close()


async def build(
    settings: SynthesizerSettings,
    health: Health,
    *,
    clock: Callable[[], int] = wall_clock,
    models: Callable[[str], ChatModel] = open_model,
) -> Synthesizer:
    """A synthesizer by settings. Its services are healthy while its store is."""
    if settings.database_url is None:
        settings.make_data_dir()
    await migrate(settings.store_url, MIGRATIONS)
    db = await Database.open(settings.store_url, writer_process=statements.ALL if settings.writer_process else None)
    event_log, recent = EventLog(db, log), Recent()
    compute = Compute(settings.compute_workers)
    agents = Agents(event_message, settings.agent_timeout_seconds)

    procedures, sources = procedure_rows.Procedures(db), source_rows.Sources(db)
    conversations = conversation_rows.ConversationStore(db, event_log, recent)
    batches = batch_rows.BatchStore(db, event_log, conversations)
    personas = Personas(persona_rows.Personas(db), built_in(), clock)
    catalog = Lookup(personas, procedures, sources)
    agent_hosts = AgentHosts(settings.agent_hosts, settings.agents_on_loopback)
    limits = Limits(settings.default_model, tuple(PROVIDERS), agent_hosts)
    imports = Imports(
        sources=sources,
        procedures=procedures,
        results=RequestResults(db),
        compute=compute,
        parse_sources=partial(parse_sources, pack_source),
        parse_procedures=parse_procedures,
        formats=FORMATS,
        clock=clock,
    )

    opened = cache(models)
    opened(settings.default_model)
    jobs = ConversationJobs(conversations, Casting(catalog, opened, agents.open), clock)
    engine = LocalEngine(jobs, Ownership(db), db.wakeups, max_in_flight=settings.max_in_flight)
    tails = Tails(event_log, db.wakeups, partial(encode, recent.unpack))
    lifecycle = Lifecycle(conversations, catalog, limits, clock)
    operations = Batches(batches, catalog, limits, clock)
    await operations.remove_abandoned()
    servicers = (
        ("Persona", persona_pb2_grpc.add_PersonaServiceServicer_to_server, PersonaServicer(personas)),
        (
            "Procedure",
            procedure_pb2_grpc.add_ProcedureServiceServicer_to_server,
            ProcedureServicer(Procedures(procedures, clock), imports),
        ),
        ("Source", source_pb2_grpc.add_SourceServiceServicer_to_server, SourceServicer(sources, imports)),
        (
            "Conversation",
            conversation_pb2_grpc.add_ConversationServiceServicer_to_server,
            ConversationServicer(lifecycle, conversations, tails),
        ),
        (
            "Batch",
            batch_pb2_grpc.add_BatchServiceServicer_to_server,
            BatchServicer(operations, batches, tails, Export(batches, conversations, compute)),
        ),
    )
    registrations = [
        Registration(f"greenroom.synthesizer.v1.{name}Service", add, servicer) for name, add, servicer in servicers
    ]

    def report(healthy: bool) -> None:
        for registration in registrations:
            health.set_serving(registration.name, healthy)

    db.on_health(report)
    return Synthesizer(registrations, engine, agents, compute, db)
