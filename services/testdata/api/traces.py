"""TraceService: one servicer, put together from a file for each noun."""

from services.testdata.api.certificates import CertificateCalls
from services.testdata.api.convert.datasets import DatasetTails
from services.testdata.api.datasets import DatasetCalls
from services.testdata.api.learnings import LearningCalls, LearningTails
from services.testdata.api.sessions import SessionCalls
from services.testdata.api.streaming import StreamingCalls
from services.testdata.api.workflows import WorkflowCalls
from services.testdata.traces.datasets.lifecycle import Datasets
from services.testdata.traces.datasets.ports import DatasetStore
from services.testdata.traces.learning.lifecycle import Learnings
from services.testdata.traces.streams import Streams
from services.testdata.traces.workflows import Workflows
from shared.compute import Compute


class TraceServicer(WorkflowCalls, SessionCalls, StreamingCalls, DatasetCalls, LearningCalls, CertificateCalls):
    """Answers for traces. What each base answers with is an attribute, set here."""

    def __init__(
        self,
        *,
        workflows: Workflows,
        compute: Compute,
        streams: Streams,
        datasets: Datasets,
        dataset_store: DatasetStore,
        dataset_tails: DatasetTails,
        learnings: Learnings,
        learning_tails: LearningTails,
    ) -> None:
        self._datasets = datasets
        self._dataset_store = dataset_store
        self._dataset_tails = dataset_tails
        self._learnings = learnings
        self._learning_tails = learning_tails
        self._workflows = workflows
        self._compute = compute
        self._streams = streams
