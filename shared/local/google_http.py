"""HTTP as the local Google needs it: one request, one reply, parts of a multipart body, and connections that break."""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from shared.adapters.gmail_errors import GoogleError
from shared.local.gmail.errors import body as error_body
from shared.local.gmail.errors import invalid
from shared.local.gmail.faults import Fault
from shared.local.gmail.model import Disrupted

REQUEST_BYTES: Final = 40 << 20
"""The longest body: Gmail's largest upload (35 MB) with the multipart around it."""

LOCAL_HOSTS: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
"""Hosts that a request may name. A page that rebinds its own name to this machine is none of them."""

_OAUTH: Final = frozenset(
    {"invalid_grant", "invalid_client", "invalid_token", "redirect_uri_mismatch", "unsupported_grant_type"}
)
_MULTIPART = re.compile(r'multipart/(?:related|mixed);.*?boundary="?([^";]+)"?', re.IGNORECASE)
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")


class Incoming:
    """One request, taken apart as far as any route needs it."""

    def __init__(self, verb: str, target: str, headers: Mapping[str, str], content: bytes) -> None:
        self.headers = {name.lower(): value for name, value in headers.items()}
        parts = urlsplit(target)
        self.verb = verb
        self.path = parts.path
        self.content = content
        query = parts.query
        if verb == "POST" and self.headers.get("x-http-method-override") == "GET":
            # The client turns a GET into this when its URL would be longer than 2,048 characters.
            self.verb, query, self.content = "GET", content.decode("latin-1"), b""
        self.params: dict[str, Any] = {
            name: values if len(values) > 1 else values[0] for name, values in parse_qs(query).items()
        }

    @property
    def token(self) -> str:
        """The access token."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token if scheme.lower() == "bearer" else str(self.params.get("access_token", ""))

    def form(self) -> dict[str, str]:
        """A body of application/x-www-form-urlencoded."""
        return {name: values[0] for name, values in parse_qs(self.content.decode("latin-1")).items()}

    def json(self) -> Mapping[str, Any]:
        """The JSON object in the body. Raises GoogleError 400."""
        return json_object(self.content)

    def parts(self) -> list[tuple[dict[str, str], bytes]]:
        """Headers and content of each part of a multipart body, byte for byte. Raises GoogleError 400."""
        found = _MULTIPART.match(self.headers.get("content-type", ""))
        if not found:
            raise invalid("Failed to parse multipart request: no boundary.")
        parts: list[tuple[dict[str, str], bytes]] = []
        for piece in (b"\n" + self.content).split(b"\n--" + found[1].encode())[1:]:
            if piece.startswith(b"--"):
                return parts
            # The line end before a boundary belongs to the boundary.
            part = b"\n" + piece.partition(b"\n")[2].removesuffix(b"\r")
            head, *content = _BLANK_LINE.split(part, maxsplit=1)
            if not content:
                raise invalid("Failed to parse multipart request: a part without content.")
            parts.append((header_lines(head), content[0]))
        raise invalid("Failed to parse multipart request: no closing boundary.")


class Reply:
    """Status, headers and content of one answer."""

    def __init__(self, status: int, content: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        self.status = status
        self.content = content
        self.headers = dict(headers or {})

    @classmethod
    def json(cls, answer: Any, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None) -> Reply:
        """An answer in JSON."""
        kind = {"Content-Type": "application/json; charset=UTF-8"}
        return cls(status, json.dumps(answer).encode(), {**kind, **(headers or {})})

    @classmethod
    def refusal(cls, error: GoogleError) -> Reply:
        """Google's JSON for an error, or that of OAuth (RFC 6749, 5.2)."""
        headers = {}
        if error.retry_after is not None:
            headers["Retry-After"] = str(int(error.retry_after.total_seconds()))
        if error.reason in _OAUTH:
            return cls.json({"error": error.reason, "error_description": error.message}, error.status, headers)
        if error.status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = 'Bearer realm="https://accounts.google.com/", error="invalid_token"'
        return cls.json(error_body(error), error.status, headers)


def json_object(content: bytes) -> Mapping[str, Any]:
    """A JSON object, empty when nothing was sent. Raises GoogleError 400."""
    if not content:
        return {}
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        raise invalid("Invalid JSON payload received.") from None
    if not isinstance(value, dict):
        raise invalid("Invalid JSON payload received. Expected an object.")
    return value


def header_lines(head: bytes) -> dict[str, str]:
    """Header lines by their lower-cased names."""
    lines = (line.decode("latin-1").partition(":") for line in head.splitlines() if b":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in lines}


class HttpServer(ThreadingHTTPServer):
    """Asks `answer` for every reply, and keeps its connections in sight, so that stopping waits for no client."""

    daemon_threads = False
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], answer: Callable[[Incoming], Reply]) -> None:
        self.answer = answer
        self.stopping = threading.Event()
        self._connections: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(address, _Handler)
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, name="google")

    def start(self) -> None:
        """Begin to serve; the port listens already."""
        self._thread.start()

    def stop(self) -> None:
        """End every connection and thread."""
        self.stopping.set()
        if self._thread.is_alive():
            self.shutdown()
            self._thread.join()
        with self._guard:
            for connection in self._connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # the client was faster
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection."""
        with self._guard:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection; one that a fault resets is not ended in good order first."""
        with self._guard:
            self._connections.discard(request)
        if _resets(request):
            self.close_request(request)
        else:
            super().shutdown_request(request)


def _resets(connection: socket.socket) -> bool:
    on, _ = struct.unpack("ii", connection.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8))
    return bool(on)


class _Handler(BaseHTTPRequestHandler):
    """One connection, kept alive; an answer leaves in a single write."""

    protocol_version = "HTTP/1.1"
    wbufsize = 65_536
    disable_nagle_algorithm = True
    server: HttpServer

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True  # the client has gone; its next request comes on another connection

    def _serve(self) -> None:
        length = self.headers.get("Content-Length") or "0"
        if "Transfer-Encoding" in self.headers or not length.isdecimal() or int(length) > REQUEST_BYTES:
            self.close_connection = True  # the body stays unread
            self._send(Reply.refusal(GoogleError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "uploadTooLarge", "Too large")))
            return
        content = self.rfile.read(int(length))
        host, colon, port = self.headers.get("Host", "").rpartition(":")
        if (host if colon and port.isdecimal() else port) not in LOCAL_HOSTS:
            self._send(Reply.refusal(GoogleError(HTTPStatus.FORBIDDEN, "forbidden", "Only for this machine.")))
            return
        try:
            self._send(self.server.answer(Incoming(self.command, self.path, dict(self.headers.items()), content)))
        except Disrupted as e:
            self._disrupt(e.fault, e.answer)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _serve  # noqa: N815 - the base class's own names

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(reply.content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(reply.content)

    def _disrupt(self, fault: Fault, answer: Mapping[str, Any]) -> None:
        """Be the broken connection that a fault asks for."""
        self.close_connection = True
        if fault.kind == "truncated":
            reply = Reply.json(answer or {"error": {"code": 500}})
            reply.content = reply.content[: len(reply.content) // 2]
            self._send(reply)
            return
        if fault.kind == "hang":
            self.server.stopping.wait(fault.seconds)
        # Without lingering, closing resets the connection.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's own name
        """Say nothing: requests bear tokens and searches."""
