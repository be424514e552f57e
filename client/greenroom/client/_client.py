"""The client: one connection with an attribute per noun."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc

from greenroom.client._batches import Batches
from greenroom.client._calibrations import Calibrations
from greenroom.client._calls import Backoff, Calls
from greenroom.client._campaigns import Campaigns
from greenroom.client._conversations import Conversations
from greenroom.client._documents import Documents
from greenroom.client._domains import Domains
from greenroom.client._enrichment import Enrichment
from greenroom.client._evaluations import Evaluations
from greenroom.client._inference import Inference
from greenroom.client._judgements import JudgeCalibrations, Judgements
from greenroom.client._patterns import Generations, Patterns, Templates
from greenroom.client._personas import Personas
from greenroom.client._procedures import Procedures
from greenroom.client._record_datasets import RecordDatasets
from greenroom.client._recordings import Recordings
from greenroom.client._records import Records, Schemas
from greenroom.client._rehearsals import Rehearsals
from greenroom.client._reports import Reports
from greenroom.client._resources import Resources
from greenroom.client._rubrics import Rubrics
from greenroom.client._simulations import Simulations
from greenroom.client._sources import Sources
from greenroom.client._test_data import TestData
from greenroom.client._traces import Traces

_MESSAGE_BYTES = 4 * 1024 * 1024
_OPTIONS = (
    ("grpc.max_receive_message_length", _MESSAGE_BYTES),
    ("grpc.max_send_message_length", _MESSAGE_BYTES),
    # Greenroom servers allow a ping every 10 s. With these values a frozen or vanished one is noticed within 35 s.
    # The third is needed because gRPC waits a minute for the answer to a ping, whatever the timeout of keepalive is.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 15_000),
    ("grpc.http2.ping_timeout_ms", 15_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    # The client retries by itself (Backoff): gRPC does not retry a stream after its first message.
    ("grpc.enable_retries", 0),
)


class Client:
    """A connected client, with an attribute per noun."""

    def __init__(self, calls: Calls) -> None:
        self.personas = Personas(calls)
        self.procedures = Procedures(calls)
        self.campaigns = Campaigns(calls)
        self.sources = Sources(calls)
        self.inference = Inference(calls)
        self.conversations = Conversations(calls)
        self.batches = Batches(calls)
        self.simulations = Simulations(calls)
        self.rehearsals = Rehearsals(calls)
        self.recordings = Recordings(calls)
        self.schemas = Schemas(calls)
        self.records = Records(calls)
        self.record_datasets = RecordDatasets(calls)
        self.resources = Resources(calls)
        self.domains = Domains(calls)
        self.enrichment = Enrichment(calls)
        self.documents = Documents(calls)
        self.generations = Generations(calls)
        self.patterns = Patterns(calls)
        self.templates = Templates(calls)
        self.evaluations = Evaluations(calls)
        self.calibrations = Calibrations(calls)
        self.reports = Reports(calls)
        self.rubrics = Rubrics(calls)
        self.judgements = Judgements(calls)
        self.judge_calibrations = JudgeCalibrations(calls)
        self.test_data = TestData(calls)
        self.traces = Traces(calls)
        self._link = calls.link

    @property
    def lost_seconds(self) -> float:
        """Seconds since an export or a stream of calls lost its connection; 0 while it has one. A watch has its own."""
        return self._link.lost_seconds


@asynccontextmanager
async def connect(
    address: str = "127.0.0.1:9000",
    *,
    token: str | None = None,
    tls: grpc.ChannelCredentials | None = None,
    acting_as: str | None = None,
    timeout: float = 30.0,  # noqa: ASYNC109
    retry: Backoff = Backoff(attempts=4),  # noqa: B008
    reconnect: Backoff = Backoff(attempts=60),  # noqa: B008
) -> AsyncIterator[Client]:
    """A client of the gateway, or of one service, at an address (`host:port`). It connects at the first call.

    token: a bearer token, sent with every call.
    tls: the result of `grpc.ssl_channel_credentials()`; None uses plain text.
    acting_as: the name of a person, for a server on this machine that does not authenticate; others refuse it.
    timeout: seconds for a unary call including its retries. Streams have no timeout.
    retry: retries of idempotent calls while the server is unavailable.
    reconnect: retries of watches, exports and streams after a lost connection.
    """
    channel = (
        grpc.aio.insecure_channel(address, options=_OPTIONS)
        if tls is None
        else grpc.aio.secure_channel(address, tls, options=_OPTIONS)
    )
    async with channel:
        yield Client(Calls(channel, token, timeout, retry, reconnect, acting_as))
