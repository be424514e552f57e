"""The base class of our server interceptors: it wraps unary and streaming calls alike.

Servicers are async: a unary method is a coroutine function, a streaming method is an async generator.
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
else:  # these classes are generic in their stubs only
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
    """True for methods of health and reflection, which need no token."""
    return method.startswith(_EXEMPT)


def behavior_of(handler: Handler) -> Behavior:
    """The function of the handler that answers calls."""
    kind = ("stream" if handler.request_streaming else "unary", "stream" if handler.response_streaming else "unary")
    behavior: Behavior = getattr(handler, "_".join(kind))
    return behavior


def replaced(
    handler: Handler, behavior: Behavior, *, decoded: bool = True, serializer: Callable[[Any], bytes] | None = None
) -> Handler:
    """A copy of the handler that calls `behavior`, which receives bytes if `decoded` is False.

    serializer: replaces the serializer of the handler.
    """
    return _FACTORIES[handler.request_streaming, handler.response_streaming](
        behavior,
        request_deserializer=handler.request_deserializer if decoded else None,
        response_serializer=serializer or handler.response_serializer,
    )


def ready(kind: type[M], wire: bytes) -> M:  # noqa: ARG001 - for the type checker
    """Serialized bytes of a message, typed as the message, so that a streaming method can yield them.

    `Writes` sends bytes unchanged. Use it where the bytes exist already or are faster to make than a message.
    """
    return cast(M, wire)


class Layer(grpc.aio.ServerInterceptor):
    """An interceptor that wraps each call in a context manager and can decode or check its requests."""

    decodes: ClassVar[bool] = False
    """True if the decoder takes serialized bytes."""

    @abstractmethod
    def guard(self, method: str, context: Context) -> AbstractAsyncContextManager[None]:
        """A context manager around the call; it sees the exceptions of the call."""

    def decoder(self, handler: Handler) -> Callable[[Any], Any] | None:  # noqa: ARG002
        """A function applied to each request inside the guard; None leaves requests unchanged."""
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
    """Sends the messages of a streaming method from the task of the call.

    When a reader disconnects, grpc.aio leaves a generator that waits at `yield` to the garbage collector. Here the send
    is cancelled instead, so the generator's `finally` runs at once and in the context of the call.
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
                        # The reader disconnected during the send; do not log an error.
                        raise asyncio.CancelledError from gone

        return replaced(handler, stream, serializer=wire)


async def _mapped(function: Callable[[Any], Any], requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
    async for request in requests:
        yield function(request)
