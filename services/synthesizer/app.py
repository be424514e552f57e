"""The composition root: builds the store, models, agents, engine and servicers from the settings."""

import os
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

import structlog

from greenroom.synthesizer.v1 import (
    batch_pb2_grpc,
    campaign_pb2_grpc,
    campaign_simulation_pb2_grpc,
    conversation_pb2_grpc,
    inference_pb2_grpc,
    persona_pb2_grpc,
    procedure_pb2_grpc,
    recording_pb2_grpc,
    resource_set_pb2_grpc,
    source_pb2_grpc,
)
from services.synthesizer.adapters.agents import Agents
from services.synthesizer.adapters.agents.kind import Access
from services.synthesizer.adapters.agents.secrets import AgentSecrets
from services.synthesizer.adapters.domains import EnricherDomains
from services.synthesizer.adapters.formats import FORMATS, RESOURCE_FORMATS
from services.synthesizer.adapters.formats.detection import detect
from services.synthesizer.adapters.formats.table.reader import deal
from services.synthesizer.adapters.offline_provider import OFFLINE
from services.synthesizer.adapters.parsing import (
    infer_rehearsal,
    observe_sources,
    parse_dealt,
    parse_personas,
    parse_procedures,
    parse_recordings,
    parse_resources,
    parse_sources,
    write_procedures,
    write_recordings,
    write_sources,
)
from services.synthesizer.batches import store as batch_rows
from services.synthesizer.batches.export import Export
from services.synthesizer.batches.operations import Batches
from services.synthesizer.batches.servicer import BatchServicer
from services.synthesizer.campaigns.documents import import_content, read_content
from services.synthesizer.campaigns.operations import Campaigns
from services.synthesizer.campaigns.servicer import CampaignServicer
from services.synthesizer.campaigns.store import CampaignStore
from services.synthesizer.conversations.catalog import Catalog
from services.synthesizer.conversations.jobs import ConversationJobs
from services.synthesizer.conversations.messages import watched
from services.synthesizer.conversations.operations import Conversations
from services.synthesizer.conversations.playing import Playing
from services.synthesizer.conversations.retries import Retries
from services.synthesizer.conversations.servicer import ConversationServicer
from services.synthesizer.conversations.start import Limits
from services.synthesizer.conversations.store import conversations as conversation_rows
from services.synthesizer.conversations.store import references
from services.synthesizer.conversations.store.event_cache import EventCache
from services.synthesizer.conversations.turn_setup import Setup
from services.synthesizer.imports.operations import Imports
from services.synthesizer.imports.store import RequestResults
from services.synthesizer.imports.tables import TABLE, Tables, remove_leftovers
from services.synthesizer.inference.operations import Inference
from services.synthesizer.inference.servicer import InferenceServicer
from services.synthesizer.personas import store as persona_rows
from services.synthesizer.personas.builtin import built_in
from services.synthesizer.personas.files import PersonaFiles
from services.synthesizer.personas.generation.operations import Generation
from services.synthesizer.personas.generation.repeating import Repeating
from services.synthesizer.personas.operations import Personas
from services.synthesizer.personas.servicer import PersonaServicer
from services.synthesizer.procedures import store as procedure_rows
from services.synthesizer.procedures.files import ProcedureFiles
from services.synthesizer.procedures.operations import Procedures
from services.synthesizer.procedures.servicer import ProcedureServicer
from services.synthesizer.recordings import store as recording_rows
from services.synthesizer.recordings.files import RecordingFiles
from services.synthesizer.recordings.servicer import RecordingServicer
from services.synthesizer.resource_sets import store as resource_set_rows
from services.synthesizer.resource_sets.operations import ResourceSets
from services.synthesizer.resource_sets.servicer import ResourceSetServicer
from services.synthesizer.settings import SynthesizerSettings
from services.synthesizer.simulations.covering import Covering
from services.synthesizer.simulations.operations import Simulations
from services.synthesizer.simulations.servicer import CampaignSimulationServicer
from services.synthesizer.sources import store as source_rows
from services.synthesizer.sources.files import SourceFiles
from services.synthesizer.sources.servicer import SourceServicer
from services.synthesizer.store import log, takedowns
from shared.clock import Clock, wall_clock
from shared.compute import Compute
from shared.compute.offload import Offload
from shared.db.eventlog import EventLog
from shared.db.opening import open_store
from shared.db.ownership import Ownership
from shared.db.tails import Tails
from shared.db.takedowns import TakedownStore
from shared.engine.local import LocalEngine
from shared.engine.takedowns import Takedowns
from shared.flags.features import Features
from shared.hosts import AllowedHosts
from shared.limits import MIB
from shared.llm.around import ConversationModels, around
from shared.llm.budget import Accounts
from shared.llm.prices import Prices
from shared.llm.providers import PROVIDERS, Models, Providers
from shared.llm.repairs import repairing
from shared.rpc.health import Health
from shared.rpc.peers import Peers
from shared.rpc.server import Registration
from shared.waits import Waits

ALL_PROVIDERS: Providers = {**PROVIDERS, "offline": OFFLINE}
MIGRATIONS = Path(__file__).parent / "migrations"

_log = structlog.get_logger(__name__)


class Synthesizer:
    """The running service. closing: functions that close its parts, called in this order."""

    def __init__(
        self,
        registrations: Sequence[Registration],
        engine: LocalEngine,
        closing: Sequence[Callable[[], Awaitable[None]]],
    ) -> None:
        self.registrations = registrations
        self._engine = engine
        self._closing = closing

    async def start(self) -> None:
        """Run the jobs once this process owns them."""
        await self._engine.start()

    async def stop(self) -> None:
        """Stop the jobs where they are and close every connection."""
        await self._engine.stop()
        for close in self._closing:
            await close()


async def build(
    settings: SynthesizerSettings,
    health: Health,
    *,
    peers: Peers | None = None,
    clock: Clock = wall_clock,
    providers: Providers = ALL_PROVIDERS,
) -> Synthesizer:
    """Build a synthesizer. Its services report healthy while its store is available.

    peers: instead of those in the settings.
    """
    if settings.database_url is None:
        settings.make_data_dir()
    peers = peers or Peers(settings, {"enricher": settings.enricher_address})
    db = await open_store(settings, "synthesizer", MIGRATIONS)
    features = await Features.open(settings)
    event_log, event_cache = EventLog(db, log), EventCache()
    compute = Compute(settings.compute_workers, settings.worker_memory_mib * MIB)
    agent_hosts = AllowedHosts(settings.agent_hosts, settings.calls_loopback)
    agent_secrets = AgentSecrets(settings.agent_secrets, os.environ)
    agents = Agents(Access(agent_hosts, settings.agent_timeout_seconds, agent_secrets))
    model_hosts = AllowedHosts(settings.model_hosts, settings.calls_loopback)
    prices = Prices.read(settings.prices)
    models = Models(providers, partial(around, settings=settings, prices=prices), model_hosts)
    recordings = recording_rows.RecordingStore(db, clock, settings.store_retry_seconds)
    offload, repair = Offload(), repairing(compute)
    await models.open(settings.default_model)
    for fault in models.faults():
        _log.warning("model_provider_cannot_be_called", why=str(fault))

    domains = EnricherDomains(peers)
    procedures = procedure_rows.ProcedureStore(db, references.procedure_referred_to)
    sources = source_rows.SourceStore(db, references.source_referred_to)
    conversations = conversation_rows.ConversationStore(db, event_log, event_cache, batch_rows.STATEMENTS)
    batches = batch_rows.BatchStore(db, event_log, conversations)
    own_personas = persona_rows.PersonaStore(db, references.persona_referred_to)
    personas = Personas(own_personas, built_in(), clock)
    resource_sets = resource_set_rows.ResourceSetStore(db, references.resource_set_used)
    campaigns = CampaignStore(db)
    catalog = Catalog(personas, procedures, campaigns, sources, resource_sets)
    limits = Limits(settings.default_model, models.check, agents.problems, offload, features, models.calls_out)
    results = RequestResults(db)
    imports = Imports(results, compute, (*FORMATS, TABLE), redact=settings.redact_imports)
    folder = settings.data_dir if settings.database_url is None else None
    if folder is not None:
        remove_leftovers(folder, clock() / 1_000)
    tables = Tables(compute, folder, deal=deal, read=parse_dealt)
    procedure_files = ProcedureFiles(
        procedures,
        imports,
        compute,
        parse=parse_procedures,
        write=write_procedures,
        read_domain=domains.copied,
        clock=clock,
    )
    persona_files = PersonaFiles(own_personas, imports, parse=parse_personas, clock=clock)
    source_files = SourceFiles(
        sources,
        imports,
        compute,
        parse=parse_sources,
        write=write_sources,
        tables=tables,
        detect=detect,
        add_procedures=procedure_files.add,
        clock=clock,
    )
    inference = Inference(source_files, compute, observe=observe_sources, infer=infer_rehearsal)
    resource_files = ResourceSets(resource_sets, compute, parse=parse_resources, formats=RESOURCE_FORMATS, clock=clock)
    recording_files = RecordingFiles(recordings, imports, compute, parse=parse_recordings, write=write_recordings)

    open_model = ConversationModels(models, recordings, Accounts(batches.account)).open
    repeating = Repeating(results, personas, recordings.forget)
    generation = Generation(
        personas,
        sources,
        models,
        open_model,
        settings.default_model,
        repair,
        repeating,
        features,
        domains.situations,
    )
    retries = Retries(settings.call_attempts, settings.agent_longest_pause_seconds)
    waits = Waits()
    setup = Setup(catalog, open_model, agents.open, offload, repair, retries, waits, settings.persona_checks_off)
    jobs = {
        "conversations": ConversationJobs(conversations, setup, catalog.resources, clock, settings.store_retry_seconds)
    }
    engine = LocalEngine(
        jobs,
        Ownership(db),
        db.wakeups,
        takedowns=Takedowns(TakedownStore(db, takedowns), jobs),
        max_in_flight=settings.max_in_flight,
        retry_seconds=settings.job_retry_seconds,
    )
    tails = Tails(event_log, db.wakeups, partial(watched, event_cache.unpack))
    playing = Playing(conversations, setup, catalog.resources, limits, clock)
    lifecycle = Conversations(conversations, catalog, limits, clock)
    operations = Batches(batches, catalog, limits, clock, models.calls_out, prices)
    await operations.remove_abandoned()
    servicers = (
        (
            "Persona",
            persona_pb2_grpc.add_PersonaServiceServicer_to_server,
            PersonaServicer(personas, persona_files, generation),
        ),
        (
            "Procedure",
            procedure_pb2_grpc.add_ProcedureServiceServicer_to_server,
            ProcedureServicer(Procedures(procedures, domains.copied, clock), procedure_files),
        ),
        (
            "Campaign",
            campaign_pb2_grpc.add_CampaignServiceServicer_to_server,
            CampaignServicer(Campaigns(campaigns, compute, read=read_content, imports=import_content, clock=clock)),
        ),
        ("Source", source_pb2_grpc.add_SourceServiceServicer_to_server, SourceServicer(sources, source_files)),
        (
            "Recording",
            recording_pb2_grpc.add_RecordingServiceServicer_to_server,
            RecordingServicer(recordings, recording_files),
        ),
        ("Inference", inference_pb2_grpc.add_InferenceServiceServicer_to_server, InferenceServicer(inference)),
        (
            "ResourceSet",
            resource_set_pb2_grpc.add_ResourceSetServiceServicer_to_server,
            ResourceSetServicer(resource_files, resource_sets),
        ),
        (
            "Conversation",
            conversation_pb2_grpc.add_ConversationServiceServicer_to_server,
            ConversationServicer(lifecycle, playing, conversations, tails, waits),
        ),
        (
            "CampaignSimulation",
            campaign_simulation_pb2_grpc.add_CampaignSimulationServiceServicer_to_server,
            CampaignSimulationServicer(
                lifecycle,
                conversations,
                Simulations(conversations, batches),
                Covering(lifecycle, catalog, compute),
            ),
        ),
        (
            "Batch",
            batch_pb2_grpc.add_BatchServiceServicer_to_server,
            BatchServicer(operations, batches, tails, Export(batches, conversations, compute, db.wakeups), waits),
        ),
    )
    registrations = [
        Registration(f"greenroom.synthesizer.v1.{name}Service", add, servicer) for name, add, servicer in servicers
    ]
    for registration in registrations:
        db.on_health(partial(health.set_serving, registration.name))
    return Synthesizer(
        registrations,
        engine,
        (agents.close, models.close, peers.close, features.close, offload.close, compute.close, db.close),
    )
