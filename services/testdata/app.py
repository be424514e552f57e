"""The composition root: settings → store, processes, servicer. Nothing else constructs."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from greenroom.testdata.v1 import trace_pb2, trace_pb2_grpc
from services.testdata.api.traces import TraceServicer
from services.testdata.settings import TestdataSettings
from services.testdata.store import workflows as workflow_rows
from services.testdata.traces.builtin import built_in
from services.testdata.traces.streams import Streams
from services.testdata.traces.workflows import Workflows
from shared.compute import Compute
from shared.db.engine import Database
from shared.db.migrate import migrate
from shared.rpc.health import Health
from shared.rpc.server import Registration

MIGRATIONS = Path(__file__).parent / "migrations"


def wall_clock() -> int:
    """Now, in Unix milliseconds."""
    return time.time_ns() // 1_000_000


class Testdata:
    """The service, built."""

    def __init__(self, registrations: Sequence[Registration], compute: Compute, db: Database) -> None:
        self.registrations = registrations
        self._compute = compute
        self._db = db

    async def start(self) -> None:
        """Take up the jobs once this process owns them."""

    async def stop(self) -> None:
        """Hand the jobs back where they are, and let go of everything."""
        await self._compute.close()
        await self._db.close()


async def build(settings: TestdataSettings, health: Health, *, clock: Callable[[], int] = wall_clock) -> Testdata:
    """A test data service by settings. Its services are healthy while its store is."""
    settings.make_data_dir()
    await migrate(settings.store_url, MIGRATIONS)
    db = await Database.open(settings.store_url)
    compute = Compute(settings.compute_workers)
    workflows = Workflows(workflow_rows.Workflows(db), built_in(), compute, clock)
    traces = TraceServicer(workflows, compute, Streams(compute, settings.compute_workers))  # type: ignore[abstract] # until every noun's calls are there
    name = trace_pb2.DESCRIPTOR.services_by_name["TraceService"].full_name
    registration = Registration(name, trace_pb2_grpc.add_TraceServiceServicer_to_server, traces)
    db.on_health(lambda healthy: health.set_serving(registration.name, healthy))
    return Testdata([registration], compute, db)
