"""The gateway's composition root: one address for all services, and the rehearsals and generations that combine them.

`greenroom up` forwards nothing: its server holds the servicers themselves. It builds only the rehearsals.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from greenroom.gateway.v1 import generation_pb2_grpc, rehearsal_pb2, rehearsal_pb2_grpc
from services.gateway.adapters.children import RemoteChildren
from services.gateway.adapters.generation import RemoteSteps
from services.gateway.adapters.items import RemoteItems
from services.gateway.adapters.peers import HealthMirror
from services.gateway.forwarding.servicer import forwarded
from services.gateway.generations.operations import Generations
from services.gateway.generations.servicer import GenerationServicer
from services.gateway.generations.store import AnswerStore
from services.gateway.rehearsals.jobs import rehearsal_jobs
from services.gateway.rehearsals.model import Rehearsal
from services.gateway.rehearsals.operations import Rehearsals
from services.gateway.rehearsals.servicer import RehearsalServicer
from services.gateway.rehearsals.store import REHEARSALS
from services.gateway.settings import GatewaySettings
from services.gateway.store import log
from shared.clock import wall_clock
from shared.db.engine import Database
from shared.db.eventlog import EventLog
from shared.db.opening import open_store
from shared.db.ownership import Ownership
from shared.engine.local import LocalEngine
from shared.roster import PEERS
from shared.rpc.channels import Channels
from shared.rpc.health import Health
from shared.rpc.peers import Peers
from shared.rpc.server import Registration
from shared.work.calls import WorkCalls
from shared.work.operations import WorkOperations
from shared.work.store import WorkStore

MIGRATIONS = Path(__file__).parent / "migrations"


class OwnServices:
    """The gateway's own services, without the forwarded ones."""

    def __init__(self, registrations: Sequence[Registration], engine: LocalEngine, db: Database) -> None:
        self.registrations = registrations
        self._engine = engine
        self._db = db

    async def start(self) -> None:
        """Run the jobs once this process owns them."""
        await self._engine.start()

    async def stop(self) -> None:
        """Stop the jobs where they are, and close the store."""
        await self._engine.stop()
        await self._db.close()


class Gateway:
    """Forwards every method of every service in the roster, and has services of its own."""

    def __init__(
        self,
        forwarding: Sequence[Registration],
        own: OwnServices,
        channels: Channels,
        mirror: HealthMirror,
        peers: Peers,
    ) -> None:
        self.registrations = [*own.registrations, *forwarding]
        self._own = own
        self._channels = channels
        self._mirror = mirror
        self._peers = peers

    async def start(self) -> None:
        """Begin to report the peers' health, and run the jobs."""
        self._mirror.start()
        await self._own.start()

    async def stop(self) -> None:
        """Stop the jobs, and close the connections to the peers."""
        await self._own.stop()
        await self._mirror.stop()
        await self._peers.close()
        await self._channels.close()


async def build(settings: GatewaySettings, health: Health) -> Gateway:
    """Build a gateway; it starts even while its peers are down. health: receives the peers' health and its own."""
    channels, timeout = Channels(settings), settings.peer_timeout_seconds
    addresses = {peer.name: getattr(settings, peer.address_setting) for peer in PEERS}
    services = [
        (service, peer.name, channels.to(addresses[peer.name])) for peer in PEERS for service in peer.rpc_services
    ]
    forwarding = [forwarded(service, channel, peer, timeout) for service, peer, channel in services]
    mirror = HealthMirror(((service, channel) for service, _, channel in services), health, timeout)
    peers = Peers(settings, addresses)
    return Gateway(forwarding, await build_own(settings, health, peers), channels, mirror, peers)


async def build_own(settings: GatewaySettings, health: Health, peers: Peers) -> OwnServices:
    """Build the gateway's own services. They are healthy while their store is. peers: whom they call."""
    settings.make_data_dir()
    db = await open_store(settings, "gateway", MIGRATIONS)
    event_log = EventLog(db, log)
    store = WorkStore[Rehearsal](REHEARSALS, db, event_log)
    children = RemoteChildren(peers)
    engine = LocalEngine(
        {"rehearsals": rehearsal_jobs(store, children, wall_clock)},
        Ownership(db),
        db.wakeups,
        max_in_flight=settings.rehearsals_at_once,
        retry_seconds=settings.job_retry_seconds,
    )
    rehearsals = Rehearsals(WorkOperations(store, wall_clock), store, children)
    calls = WorkCalls(store, event_log, db.wakeups, _no_item)
    generations = Generations(RemoteSteps(peers), AnswerStore(db, wall_clock), wall_clock)
    registrations = [
        Registration(
            "greenroom.gateway.v1.GenerationService",
            generation_pb2_grpc.add_GenerationServiceServicer_to_server,
            GenerationServicer(generations, settings.peer_timeout_seconds, wall_clock),
        ),
        Registration(
            "greenroom.gateway.v1.RehearsalService",
            rehearsal_pb2_grpc.add_RehearsalServiceServicer_to_server,
            RehearsalServicer(rehearsals, store, calls, RemoteItems(children), db.wakeups),
        ),
    ]
    for registration in registrations:
        db.on_health(partial(health.set_serving, registration.name))
    return OwnServices(registrations, engine, db)


def _no_item(_: bytes) -> rehearsal_pb2.RehearsalItem:
    raise NotImplementedError
