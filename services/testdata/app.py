"""The composition root of test data: builds everything from the settings."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from greenroom.testdata.v1 import (
    record_dataset_pb2_grpc,
    record_pb2_grpc,
    trace_call_pb2_grpc,
    trace_certificate_pb2_grpc,
    trace_dataset_pb2_grpc,
    trace_learning_pb2_grpc,
    trace_workflow_pb2_grpc,
)
from services.testdata.adapters.domains import EnricherDomains
from services.testdata.adapters.inputs import ServerInputs
from services.testdata.adapters.outputs import ServerOutputs
from services.testdata.adapters.parts import make_part
from services.testdata.adapters.record_parts import RecordParts
from services.testdata.adapters.s3 import S3Access
from services.testdata.certificates.servicer import CertificateServicer
from services.testdata.datasets.jobs import dataset_jobs
from services.testdata.datasets.making import TraceMaking
from services.testdata.datasets.messages import part_message
from services.testdata.datasets.operations import Datasets
from services.testdata.datasets.servicer import DatasetServicer
from services.testdata.datasets.store import DatasetStore
from services.testdata.learnings.folders import Folders
from services.testdata.learnings.jobs import learning_jobs
from services.testdata.learnings.messages import progress_message
from services.testdata.learnings.operations import Learnings
from services.testdata.learnings.servicer import LearningServicer
from services.testdata.learnings.store import LEARNINGS, LearningStore
from services.testdata.record_datasets.making import RecordMaking
from services.testdata.record_datasets.messages import part_message as record_part_message
from services.testdata.record_datasets.operations import RecordDatasets
from services.testdata.record_datasets.servicer import RecordDatasetServicer
from services.testdata.record_datasets.store import RecordDatasetStore
from services.testdata.records.operations import Records
from services.testdata.records.servicer import RecordServicer
from services.testdata.records.store import SchemaStore
from services.testdata.settings import TestdataSettings
from services.testdata.store import log, takedowns
from services.testdata.streams.operations import Streams
from services.testdata.streams.servicer import StreamServicer
from services.testdata.workflows.builtin import built_in
from services.testdata.workflows.operations import Workflows
from services.testdata.workflows.servicer import WorkflowServicer
from services.testdata.workflows.store import WorkflowStore
from shared.clock import Clock, wall_clock
from shared.compute import Compute
from shared.db.engine import Database
from shared.db.eventlog import EventLog
from shared.db.opening import open_store
from shared.db.ownership import Ownership
from shared.db.takedowns import TakedownStore
from shared.engine.local import LocalEngine
from shared.engine.takedowns import Takedowns
from shared.limits import MIB
from shared.rpc.health import Health
from shared.rpc.peers import Peers
from shared.rpc.server import Registration
from shared.work.calls import WorkCalls
from shared.work.jobs import WorkJobs
from shared.work.operations import WorkOperations

MIGRATIONS = Path(__file__).parent / "migrations"


class Testdata:
    """The running service."""

    def __init__(
        self,
        registrations: Sequence[Registration],
        engine: LocalEngine,
        computes: Sequence[Compute],
        peers: Peers,
        db: Database,
        warming: Callable[[], Coroutine[Any, Any, None]],
    ) -> None:
        self.registrations = registrations
        self._engine = engine
        self._computes = computes
        self._peers = peers
        self._db = db
        self._warming = warming
        self._warm: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Run the jobs once this process owns them, and let workers load meanwhile what records need."""
        await self._engine.start()
        self._warm = asyncio.create_task(self._warming())

    async def stop(self) -> None:
        """Stop the jobs where they are, and close everything."""
        await self._engine.stop()
        if self._warm is not None:
            self._warm.cancel()
            await asyncio.wait([self._warm])
        for compute in self._computes:
            await compute.close()
        await self._peers.close()
        await self._db.close()


async def build(
    settings: TestdataSettings, health: Health, *, peers: Peers | None = None, clock: Clock = wall_clock
) -> Testdata:
    """Build the service. Its gRPC services are healthy while its store is. peers: instead of those in the settings."""
    settings.make_data_dir()
    peers = peers or Peers(settings, {"enricher": settings.enricher_address})
    db = await open_store(settings, "testdata", MIGRATIONS)
    event_log = EventLog(db, log)
    # Jobs and uploads have processes of their own: they take seconds, and no stream should wait for them.
    compute, job_compute, upload_compute = (
        Compute(workers, settings.worker_memory_mib * MIB)
        for workers in (settings.compute_workers, settings.trace_jobs, settings.compute_workers)
    )
    workflows = Workflows(WorkflowStore(db), built_in(), compute, clock)
    s3 = S3Access(settings.s3_endpoint, settings.s3_region, settings.s3_access_key_id, settings.s3_secret_access_key)
    outputs = ServerOutputs(
        settings.datasets_root,
        settings.buckets,
        s3,
        settings.data_dir / "staging",
        a_folder_a_company=settings.authenticates,
    )
    dataset_store, record_dataset_store = DatasetStore(db, event_log), RecordDatasetStore(db, event_log)
    learning_store = LearningStore(LEARNINGS, db, event_log)
    inputs = ServerInputs(settings.input_roots, settings.datasets_root, dataset_store, settings.buckets, s3)
    folders = Folders(settings.data_dir / "learnings")
    learnings = Learnings(learning_store, inputs, folders, upload_compute, clock)
    await learnings.remove_abandoned()
    jobs: dict[str, WorkJobs[Any]] = {
        "learnings": learning_jobs(learning_store, inputs, folders, job_compute, clock),
        "datasets": dataset_jobs(dataset_store, outputs, TraceMaking(partial(make_part, job_compute)), clock),
        "record_datasets": dataset_jobs(
            record_dataset_store, outputs, RecordMaking(RecordParts(job_compute).make), clock
        ),
    }
    engine = LocalEngine(
        jobs,
        Ownership(db),
        db.wakeups,
        takedowns=Takedowns(TakedownStore(db, takedowns), jobs),
        max_in_flight=settings.trace_jobs,
        retry_seconds=settings.job_retry_seconds,
    )
    datasets = Datasets(WorkOperations(dataset_store, clock), dataset_store, workflows, outputs, compute)
    dataset_calls = WorkCalls(dataset_store, event_log, db.wakeups, part_message)
    learning_calls = WorkCalls(learning_store, event_log, db.wakeups, progress_message)
    registrations = [
        Registration(f"greenroom.testdata.v1.Trace{noun}Service", add, servicer)
        for noun, add, servicer in (
            (
                "Workflow",
                trace_workflow_pb2_grpc.add_TraceWorkflowServiceServicer_to_server,
                WorkflowServicer(workflows),
            ),
            (
                "Stream",
                trace_call_pb2_grpc.add_TraceStreamServiceServicer_to_server,
                StreamServicer(workflows, Streams(compute, settings.compute_workers), compute),
            ),
            (
                "Dataset",
                trace_dataset_pb2_grpc.add_TraceDatasetServiceServicer_to_server,
                DatasetServicer(datasets, dataset_store, dataset_calls),
            ),
            (
                "Learning",
                trace_learning_pb2_grpc.add_TraceLearningServiceServicer_to_server,
                LearningServicer(learnings, learning_store, learning_calls),
            ),
            (
                "Certificate",
                trace_certificate_pb2_grpc.add_TraceCertificateServiceServicer_to_server,
                CertificateServicer(workflows, learnings, compute),
            ),
        )
    ]
    records = Records(SchemaStore(db), EnricherDomains(peers, compute), compute, clock)
    registrations.append(
        Registration(
            "greenroom.testdata.v1.RecordService",
            record_pb2_grpc.add_RecordServiceServicer_to_server,
            RecordServicer(records),
        )
    )
    record_datasets = RecordDatasets(
        WorkOperations(record_dataset_store, clock), record_dataset_store, records, outputs
    )
    registrations.append(
        Registration(
            "greenroom.testdata.v1.RecordDatasetService",
            record_dataset_pb2_grpc.add_RecordDatasetServiceServicer_to_server,
            RecordDatasetServicer(
                record_datasets,
                record_dataset_store,
                WorkCalls(record_dataset_store, event_log, db.wakeups, record_part_message),
            ),
        )
    )
    for registration in registrations:
        db.on_health(partial(health.set_serving, registration.name))
    return Testdata(
        registrations,
        engine,
        [compute, job_compute, upload_compute],
        peers,
        db,
        partial(records.warm, settings.warm_workers),
    )
