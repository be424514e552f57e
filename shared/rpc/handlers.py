"""One concern around every call, whatever its kind: the shape that all server interceptors here share.

Servicers are async: a unary method is a coroutine function, a streaming one an async generator.
"""

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, TypeVar, cast

import grpc

if TYPE_CHECKING:
    Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]
    Handler: TypeAlias = grpc.RpcMethodHandler[Any, Any]
else:  # generic in their stubs only
    Context, Handler = grpc.aio.ServicerContext, grpc.RpcMethodHandler
M = TypeVar("M")
Behavior: TypeAlias = Callable[[Any, Context], Any]
Continuation: TypeAlias = Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]]

_FACTORIES: dict[tuple[bool, bool], Callable[..., Handler]] = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}
_EXEMPT = ("/grpc.health.", "/grpc.reflection.")


def is_exempt(method: str) -> bool:
    """Whether method is of health or reflection, which everyone may call."""
    return method.startswith(_EXEMPT)


def behavior_of(handler: Handler) -> Behavior:
    """The function that answers, of the one kind that handler is."""
    kind = ("stream" if handler.request_streaming else "unary", "stream" if handler.response_streaming else "unary")
    behavior: Behavior = getattr(handler, "_".join(kind))
    return behavior


def replaced(
    handler: Handler, behavior: Behavior, *, decoded: bool = True, serializer: Callable[[Any], bytes] | None = None
) -> Handler:
    """The same method answered by behavior; with decoded false it receives bytes. serializer: in place of its own."""
    return _FACTORIES[handler.request_streaming, handler.response_streaming](
        behavior,
        request_deserializer=handler.request_deserializer if decoded else None,
        response_serializer=serializer or handler.response_serializer,
    )


def ready(kind: type[M], wire: bytes) -> M:  # noqa: ARG001 - it says what the bytes are
    """The bytes of a message of this kind in place of the message, which a streaming method may yield.

    They go out as they are, for whoever writes them faster than a message object can.
    """
    return cast(M, wire)


class Layer(grpc.aio.ServerInterceptor):
    """An interceptor that guards the whole call, and passes each of its request messages through a function."""

    decodes: ClassVar[bool] = False
    """Whether the decoder takes the bytes of the wire."""

    @abstractmethod
    def guard(self, method: str, context: Context) -> AbstractAsyncContextManager[None]:
        """What is entered before the call and left after it; it sees the call's exceptions."""

    def decoder(self, handler: Handler) -> Callable[[Any], Any] | None:  # noqa: ARG002
        """What each request message passes through, None for as it is. Its exceptions are within the guard."""
        return None

    async def intercept_service(
        self,
        continuation: Continuation,
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        handler = await continuation(handler_call_details)
        if handler is None:  # an unknown method
            return None
        method, inner, decode = handler_call_details.method, behavior_of(handler), self.decoder(handler)

        def prepared(request: Any) -> Any:
            if decode is None:
                return request
            return _mapped(decode, request) if handler.request_streaming else decode(request)

        async def unary(request: Any, context: Context) -> Any:
            async with self.guard(method, context):
                return await inner(prepared(request), context)

        async def stream(request: Any, context: Context) -> AsyncIterator[Any]:
            async with self.guard(method, context), aclosing(inner(prepared(request), context)) as responses:
                async for response in responses:
                    yield response

        return replaced(handler, stream if handler.response_streaming else unary, decoded=not self.decodes)


class Writes(grpc.aio.ServerInterceptor):
    """Sends the messages of a streaming method one by one from the call's own task.

    grpc.aio leaves a generator that is blocked at `yield` to the garbage collector when its reader goes away. Here the
    cancellation arrives while sending, and the generator's `finally` runs at once and in the call's own context.
    """

    async def intercept_service(
        self,
        continuation: Continuation,
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        handler = await continuation(handler_call_details)
        if handler is None or not handler.response_streaming:
            return handler
        inner, serializer = behavior_of(handler), handler.response_serializer

        def wire(response: Any) -> bytes:
            return response if isinstance(response, bytes) or serializer is None else serializer(response)

        async def stream(request: Any, context: Context) -> None:
            async with aclosing(inner(request, context)) as responses:
                async for response in responses:
                    try:
                        await context.write(response)
                    except grpc.aio.InternalError as gone:
                        # The reader went away while the message was on its way. That is no error to log.
                        raise asyncio.CancelledError from gone

        return replaced(handler, stream, serializer=wire)


async def _mapped(function: Callable[[Any], Any], requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
    async for request in requests:
        yield function(request)
