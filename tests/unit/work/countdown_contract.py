"""The contract of the toy, described here instead of in a proto file: CountdownService and its messages."""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from greenroom.type.v1 import options_pb2

NAME = "greenroom.tests.v1.CountdownService"
METHODS = ("Start", "Get", "List", "Watch", "Cancel", "Retry", "Delete")
_PACKAGE = "greenroom.tests.v1"
_MESSAGES = {
    "Countdown": ("name", "state", "reason", "#left"),
    "Tick": ("#number",),
    "Request": ("name", "request_id", "page_token", "cursor", "short_id", "#page_size", "#start"),
    "Response": ("next_page_token", "cursor", "#total_size", "Countdown countdown", "Countdown summary"),
}
_LISTS = {"Response": ("Countdown countdowns", "Tick ticks")}


def _describe() -> descriptor_pb2.FileDescriptorProto:
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="greenroom/tests/v1/countdown.proto",
        package=_PACKAGE,
        syntax="proto3",
        dependency=["greenroom/type/v1/options.proto"],
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        lists = _LISTS.get(name, ())
        for number, described in enumerate((*fields, *lists), 1):
            of, _, own = described.rpartition(" ")
            kind = field.TYPE_MESSAGE if of else field.TYPE_INT32 if own[0] == "#" else field.TYPE_STRING
            added = message.field.add(
                name=own.lstrip("#"), number=number, type=kind, label=3 if described in lists else 1
            )
            if of:
                added.type_name = f".{_PACKAGE}.{of}"
    service = file.service.add(name="CountdownService")
    for name in METHODS:
        method = service.method.add(
            name=name,
            input_type=f".{_PACKAGE}.Request",
            output_type=f".{_PACKAGE}.Response",
            server_streaming=name == "Watch",
        )
        method.options.Extensions[options_pb2.permission] = "countdowns.write"
    return file


descriptor_pool.Default().AddSerializedFile(_describe().SerializeToString())


def _message(name: str) -> Any:
    return message_factory.GetMessageClass(descriptor_pool.Default().FindMessageTypeByName(f"{_PACKAGE}.{name}"))


Countdown, Tick, Request, Response = map(_message, _MESSAGES)
