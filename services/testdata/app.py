"""The composition root: settings → store, processes, servicer. Nothing else constructs."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from greenroom.testdata.v1 import trace_pb2, trace_pb2_grpc
from services.testdata.adapters.inputs import ServerInputs
from services.testdata.adapters.places import OutputPlaces
from services.testdata.adapters.s3 import S3Access
from services.testdata.api.convert.datasets import encode as watched_dataset
from services.testdata.api.learnings import encode as watched_learning
from services.testdata.api.traces import TraceServicer
from services.testdata.settings import TestdataSettings
from services.testdata.store import datasets as dataset_rows
from services.testdata.store import learnings as learning_rows
from services.testdata.store import workflows as workflow_rows
from services.testdata.store.tables import log
from services.testdata.traces.builtin import built_in
from services.testdata.traces.datasets.jobs import DatasetJobs
from services.testdata.traces.datasets.lifecycle import Datasets
from services.testdata.traces.learning.folders import Folders
from services.testdata.traces.learning.jobs import LearningJobs
from services.testdata.traces.learning.lifecycle import Learnings
from services.testdata.traces.streams import Streams
from services.testdata.traces.workflows import Workflows
from shared.compute import Compute
from shared.db.engine import Database
from shared.db.eventlog import EventLog
from shared.db.migrate import migrate
from shared.db.ownership import Ownership
from shared.db.tails import Tails
from shared.engine.local import LocalEngine
from shared.engine.several import Several
from shared.rpc.health import Health
from shared.rpc.server import Registration

MIGRATIONS = Path(__file__).parent / "migrations"


def wall_clock() -> int:
    """Now, in Unix milliseconds."""
    return time.time_ns() // 1_000_000


class Testdata:
    """The service, built."""

    def __init__(
        self, registrations: Sequence[Registration], engine: LocalEngine, computes: Sequence[Compute], db: Database
    ) -> None:
        self.registrations = registrations
        self._engine = engine
        self._computes = computes
        self._db = db

    async def start(self) -> None:
        """Take up the jobs once this process owns them."""
        await self._engine.start()

    async def stop(self) -> None:
        """Hand the jobs back where they are, and let go of everything."""
        await self._engine.stop()
        for compute in self._computes:
            await compute.close()
        await self._db.close()


async def build(settings: TestdataSettings, health: Health, *, clock: Callable[[], int] = wall_clock) -> Testdata:
    """A test data service by settings. Its services are healthy while its store is."""
    settings.make_data_dir()
    await migrate(settings.store_url, MIGRATIONS)
    db = await Database.open(settings.store_url)
    event_log = EventLog(db, log)
    # Jobs have processes of their own: a part of a dataset takes seconds, for which nobody's stream is to wait.
    compute, job_compute = Compute(settings.compute_workers), Compute(settings.trace_jobs)
    workflows = Workflows(workflow_rows.Workflows(db), built_in(), compute, clock)
    s3 = S3Access(settings.s3_endpoint, settings.s3_region, settings.s3_access_key_id, settings.s3_secret_access_key)
    places = OutputPlaces(
        settings.datasets_root,
        settings.buckets,
        s3,
        settings.data_dir / "staging",
        job_compute,
        a_folder_a_company=settings.authenticates,
    )
    datasets = dataset_rows.DatasetStore(db, event_log)
    learnings = learning_rows.LearningStore(db, event_log)
    inputs = ServerInputs(settings.input_roots, datasets, settings.buckets, s3)
    folders = Folders(settings.data_dir / "learnings")
    learning_operations = Learnings(learnings, inputs, folders, compute, clock)
    await learning_operations.remove_abandoned()
    jobs = Several(
        {
            "learnings/": LearningJobs(learnings, inputs, folders, job_compute, clock),
            "datasets/": DatasetJobs(datasets, places, clock),
        }
    )
    engine = LocalEngine(jobs, Ownership(db), db.wakeups, max_in_flight=settings.trace_jobs)
    traces = TraceServicer(
        workflows=workflows,
        compute=compute,
        streams=Streams(compute, settings.compute_workers),
        datasets=Datasets(datasets, workflows, places, compute, clock),
        dataset_store=datasets,
        dataset_tails=Tails(event_log, db.wakeups, watched_dataset),
        learnings=learning_operations,
        learning_tails=Tails(event_log, db.wakeups, watched_learning),
    )
    name = trace_pb2.DESCRIPTOR.services_by_name["TraceService"].full_name
    registration = Registration(name, trace_pb2_grpc.add_TraceServiceServicer_to_server, traces)
    db.on_health(lambda healthy: health.set_serving(registration.name, healthy))
    return Testdata([registration], engine, [compute, job_compute], db)
