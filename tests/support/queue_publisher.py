"""A gRPC server that takes google.pubsub.v1.Publisher/Publish and fails as it is told."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
from google.pubsub_v1 import types

HANGS = None
"""Instead of a status code: no answer."""


class Publisher:
    """`faults` are used up by the next calls; `received` has what each call asked for."""

    def __init__(self) -> None:
        self.faults: deque[grpc.StatusCode | None] = deque()
        self.received: list[types.PublishRequest] = []
        self._closed = threading.Event()

    @contextmanager
    def served(self) -> Iterator[str]:
        """The server on a free port of loopback; gives host:port."""
        handler = grpc.unary_unary_rpc_method_handler(
            self._publish,
            request_deserializer=types.PublishRequest.deserialize,
            response_serializer=types.PublishResponse.serialize,
        )
        with ThreadPoolExecutor(4) as pool:
            server = grpc.server(pool)
            server.add_generic_rpc_handlers(
                (grpc.method_handlers_generic_handler("google.pubsub.v1.Publisher", {"Publish": handler}),)
            )
            port = server.add_insecure_port("127.0.0.1:0")
            server.start()
            try:
                yield f"127.0.0.1:{port}"
            finally:
                self._closed.set()
                server.stop(None).wait()

    def _publish(self, request: types.PublishRequest, context: grpc.ServicerContext) -> types.PublishResponse:
        self.received.append(request)
        if self.faults:
            fault = self.faults.popleft()
            if fault is HANGS:
                self._closed.wait(30)
            else:
                context.abort(fault, "injected")
        return types.PublishResponse(message_ids=[str(len(self.received))])
