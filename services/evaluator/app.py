"""The composition root of the evaluator: builds everything from the settings."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from greenroom.evaluator.v1 import (
    calibration_pb2_grpc,
    campaign_check_pb2_grpc,
    evaluation_pb2_grpc,
    judge_pb2_grpc,
    report_pb2_grpc,
    rubric_pb2_grpc,
)
from services.evaluator.adapters.campaigns import SynthesizerCampaigns
from services.evaluator.adapters.offline_judge import OFFLINE
from services.evaluator.adapters.people import SynthesizerPeople
from services.evaluator.adapters.simulations import SynthesizerSimulations
from services.evaluator.adapters.subjects import SynthesizerSubjects
from services.evaluator.adapters.transcripts import TranscriptReader
from services.evaluator.calibrations.jobs import calibration_jobs
from services.evaluator.calibrations.messages import talk_item
from services.evaluator.calibrations.operations import Calibrations
from services.evaluator.calibrations.servicer import CalibrationServicer
from services.evaluator.calibrations.store import KIND as CALIBRATIONS
from services.evaluator.checks.operations import CampaignChecks
from services.evaluator.checks.reviews.reviewing import Reviews
from services.evaluator.checks.servicer import CampaignCheckServicer
from services.evaluator.evaluations.jobs import evaluation_jobs
from services.evaluator.evaluations.messages import result_item
from services.evaluator.evaluations.operations import Evaluations
from services.evaluator.evaluations.servicer import EvaluationServicer
from services.evaluator.evaluations.store import EvaluationStore
from services.evaluator.judges import messages as judge_messages
from services.evaluator.judges.jobs import judgement_jobs
from services.evaluator.judges.operations import JudgeCalibrations, Judgements
from services.evaluator.judges.reported import ReportedJudgements
from services.evaluator.judges.servicer import JudgeServicer
from services.evaluator.judges.store.calibrations import JudgeCalibrationStore
from services.evaluator.judges.store.calls import JudgeCallStore
from services.evaluator.judges.store.judgements import JudgementStore
from services.evaluator.reports.campaigns.operations import CampaignReports
from services.evaluator.reports.operations import Reports
from services.evaluator.reports.servicer import ReportServicer
from services.evaluator.reports.store import ReportStore, report_about
from services.evaluator.rubrics.operations import Rubrics
from services.evaluator.rubrics.reading import read_content
from services.evaluator.rubrics.servicer import RubricServicer
from services.evaluator.rubrics.store import RubricStore
from services.evaluator.settings import EvaluatorSettings
from services.evaluator.store import log, takedowns
from shared.clock import Clock, wall_clock
from shared.compute import Compute
from shared.db.engine import Database
from shared.db.eventlog import EventLog
from shared.db.opening import open_store
from shared.db.ownership import Ownership
from shared.db.takedowns import TakedownStore
from shared.engine.local import LocalEngine
from shared.engine.takedowns import Takedowns
from shared.hosts import AllowedHosts
from shared.limits import MIB
from shared.llm.around import RecordedModels, around
from shared.llm.base import ChatModel
from shared.llm.budget import Accounts
from shared.llm.prices import Prices
from shared.llm.providers import PROVIDERS, Models, Providers
from shared.llm.repairs import repairing
from shared.rpc.health import Health
from shared.rpc.peers import Peers
from shared.rpc.server import Registration
from shared.work.calls import WorkCalls
from shared.work.jobs import WorkJobs
from shared.work.operations import WorkOperations
from shared.work.store import WorkStore

MIGRATIONS = Path(__file__).parent / "migrations"


class Evaluator:
    """The running service."""

    def __init__(
        self,
        registrations: Sequence[Registration],
        engine: LocalEngine,
        models: Sequence[Models[ChatModel]],
        compute: Compute,
        peers: Peers,
        db: Database,
    ) -> None:
        self.registrations = registrations
        self._engine = engine
        self._models = models
        self._compute = compute
        self._peers = peers
        self._db = db

    async def start(self) -> None:
        """Run the jobs once this process owns them."""
        await self._engine.start()

    async def stop(self) -> None:
        """Stop the jobs where they are, and close everything."""
        await self._engine.stop()
        for models in self._models:
            await models.close()
        await self._compute.close()
        await self._peers.close()
        await self._db.close()


async def build(
    settings: EvaluatorSettings,
    health: Health,
    *,
    peers: Peers | None = None,
    clock: Clock = wall_clock,
    providers: Providers = PROVIDERS,
) -> Evaluator:
    """Build the service. Its gRPC services are healthy while its store is. peers: instead of those in the settings."""
    settings.make_data_dir()
    peers = peers or Peers(settings, {"synthesizer": settings.synthesizer_address})
    db = await open_store(settings, "evaluator", MIGRATIONS)
    event_log = EventLog(db, log)
    compute = Compute(settings.compute_workers, settings.worker_memory_mib * MIB)
    subjects = SynthesizerSubjects(peers)
    store = EvaluationStore(db, event_log, report_about)
    hosts, prices = AllowedHosts(settings.model_hosts, settings.calls_loopback), Prices.read(settings.prices)
    decorated = partial(around, settings=settings, prices=prices)
    models = Models(providers, decorated, hosts)
    judge_models = Models({**providers, "offline": OFFLINE}, decorated, hosts)
    judgements = JudgementStore(db, event_log)
    judge_calls = JudgeCallStore(db, settings.judge_retry_seconds)
    open_model = RecordedModels(judge_models, judge_calls, Accounts(judgements.account)).open
    calibration_store = WorkStore(CALIBRATIONS, db, event_log)
    jobs: dict[str, WorkJobs[Any]] = {
        "evaluations": evaluation_jobs(store, subjects, compute, clock),
        "calibrations": calibration_jobs(calibration_store, subjects, compute, clock),
        "judgements": judgement_jobs(judgements, subjects, open_model, repairing(compute), compute, clock),
    }
    engine = LocalEngine(
        jobs,
        Ownership(db),
        db.wakeups,
        takedowns=Takedowns(TakedownStore(db, takedowns), jobs),
        max_in_flight=settings.evaluation_jobs,
        retry_seconds=settings.job_retry_seconds,
    )
    evaluations = Evaluations(WorkOperations(store, clock), store, subjects, compute)
    rubrics, compared = RubricStore(db), JudgeCalibrations(judgements, JudgeCalibrationStore(db), clock)
    judging = Judgements(WorkOperations(judgements, clock), rubrics, subjects, judge_models.check, settings.judge_model)
    judge_items = WorkCalls(judgements, event_log, db.wakeups, judge_messages.result_item)
    criteria = ReportedJudgements(judgements, compared).criteria
    reports = Reports(ReportStore(db), evaluations, criteria, TranscriptReader(peers).lines, compute, clock)
    reviews = Reviews(models, models.open, repairing(compute))
    stored_campaign = SynthesizerCampaigns(peers).revision
    campaign_reports = CampaignReports(compute, stored_campaign, SynthesizerSimulations(peers).read, reviews)
    calls = WorkCalls(store, event_log, db.wakeups, result_item)
    calibrations = Calibrations(
        WorkOperations(calibration_store, clock),
        calibration_store,
        subjects,
        SynthesizerPeople(peers).of_batch,
        compute,
    )
    calibration_calls = WorkCalls(calibration_store, event_log, db.wakeups, talk_item)
    registrations = [
        Registration(
            "greenroom.evaluator.v1.EvaluationService",
            evaluation_pb2_grpc.add_EvaluationServiceServicer_to_server,
            EvaluationServicer(evaluations, store, calls),
        ),
        Registration(
            "greenroom.evaluator.v1.ReportService",
            report_pb2_grpc.add_ReportServiceServicer_to_server,
            ReportServicer(reports, campaign_reports),
        ),
        Registration(
            "greenroom.evaluator.v1.RubricService",
            rubric_pb2_grpc.add_RubricServiceServicer_to_server,
            RubricServicer(Rubrics(rubrics, compute, read=read_content, clock=clock)),
        ),
        Registration(
            "greenroom.evaluator.v1.JudgeService",
            judge_pb2_grpc.add_JudgeServiceServicer_to_server,
            JudgeServicer(judging, compared, judgements, judge_items),
        ),
        Registration(
            "greenroom.evaluator.v1.CalibrationService",
            calibration_pb2_grpc.add_CalibrationServiceServicer_to_server,
            CalibrationServicer(calibrations, calibration_store, calibration_calls),
        ),
        Registration(
            "greenroom.evaluator.v1.CampaignCheckService",
            campaign_check_pb2_grpc.add_CampaignCheckServiceServicer_to_server,
            CampaignCheckServicer(CampaignChecks(compute, stored_campaign, reviews)),
        ),
    ]
    for registration in registrations:
        db.on_health(partial(health.set_serving, registration.name))
    return Evaluator(registrations, engine, (models, judge_models), compute, peers, db)
