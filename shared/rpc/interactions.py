"""Interactions of campaigns as messages, and back."""

from google.protobuf.json_format import MessageToDict, ParseDict

from greenroom.synthesizer.v1 import campaign_simulation_pb2 as pb
from shared.model.campaigns.interactions import Interaction, Response, Status
from shared.model.campaigns.model import Channel
from shared.rpc.events import SENTIMENTS

_STATUSES = {status: pb.Interaction.Status.Value(f"STATUS_{status.upper() or 'UNSPECIFIED'}") for status in Status}
_READ_STATUSES = {number: status for status, number in _STATUSES.items()}
_READ_SENTIMENTS = {number: sentiment for sentiment, number in SENTIMENTS.items()}


def interaction_message(row: Interaction) -> pb.Interaction:
    """The message of a row."""
    message = pb.Interaction(
        seq=row.seq,
        campaign=row.campaign,
        step=row.step,
        type=row.type,
        delay_milliseconds=row.delay,
        channel="" if row.channel is None else row.channel.value,
        status=_STATUSES[row.status],
        subject=row.subject,
        message=row.message,
        reply=row.reply,
        answers=row.answers,
        opts_out=row.opts_out,
        branch=row.branch,
        target=row.target,
        ended=row.ended,
        tool=row.tool,
        expected=row.expected,
        actual=row.actual,
        passed=row.passed,
    )
    message.time.FromMilliseconds(row.at)
    if row.response is not None:
        message.response.CopyFrom(_response(row.response))
    if row.fields:
        message.fields.update(row.fields)
    if row.tool:
        message.arguments.update(row.arguments)
        ParseDict(row.answer, message.answer)
    return message


def read_interaction(message: pb.Interaction) -> Interaction:
    """The row in a message, which has no headers, tags and due times."""
    return Interaction(
        seq=message.seq,
        at=message.time.ToMilliseconds(),
        campaign=message.campaign,
        step=message.step,
        type=message.type,
        delay=message.delay_milliseconds,
        channel=Channel(message.channel) if message.channel else None,
        status=_READ_STATUSES[message.status],
        subject=message.subject,
        message=message.message,
        response=_read_response(message.response) if message.HasField("response") else None,
        reply=message.reply,
        answers=message.answers,
        opts_out=message.opts_out,
        branch=message.branch,
        target=message.target,
        ended=message.ended,
        fields=MessageToDict(message.fields),
        tool=message.tool,
        arguments=MessageToDict(message.arguments),
        answer=MessageToDict(message.answer) if message.HasField("answer") else None,
        expected=message.expected,
        actual=message.actual,
        passed=message.passed,
    )


def _response(response: Response) -> pb.InteractionResponse:
    return pb.InteractionResponse(
        reply=response.reply,
        after_milliseconds=response.after,
        opened_milliseconds=response.opened,
        clicked_milliseconds=response.clicked,
        unsubscribes=response.unsubscribes,
        reasoning=response.reasoning,
        sentiment=SENTIMENTS[response.sentiment],
        likely_to_convert=response.likely_to_convert,
    )


def _read_response(message: pb.InteractionResponse) -> Response:
    return Response(
        reply=message.reply,
        after=message.after_milliseconds,
        opened=message.opened_milliseconds if message.HasField("opened_milliseconds") else None,
        clicked=message.clicked_milliseconds if message.HasField("clicked_milliseconds") else None,
        unsubscribes=message.unsubscribes,
        reasoning=message.reasoning,
        sentiment=_READ_SENTIMENTS[message.sentiment],
        likely_to_convert=message.likely_to_convert,
    )
