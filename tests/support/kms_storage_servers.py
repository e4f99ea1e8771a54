"""Stand-ins for Cloud KMS and Cloud Storage: real HTTP on loopback, strict about requests as the JSON APIs are."""

from __future__ import annotations

import base64
import json
import secrets
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

TOKEN = "token-of-the-service-account"
KMS_KEY = "projects/p1/locations/europe-west1/keyRings/hearback/cryptoKeys/vault"
BUCKET = "files-of-people"
KMS_BYTES = 64 * 1024


class Refusal(Exception):
    """An error answer: HTTP status and Google's canonical status."""

    def __init__(self, code: int, status: str, message: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class GoogleServer:
    """One server on a free port of loopback; a context manager. `faults` are used up by the next requests.

    A fault is a status to answer, "reset" (the connection ends without an answer), "cut" (half of the answer, then the
    end), "half" (half of the answer, as if that were all) or "hang" (no answer until the server stops).
    """

    def __init__(self) -> None:
        self.faults: deque[int | str] = deque()
        self.calls: list[str] = []
        self._stopping = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                """A test's output stays its own."""

            def do_GET(self) -> None:
                outer._serve(self)

            def do_POST(self) -> None:
                outer._serve(self)

            def do_DELETE(self) -> None:
                outer._serve(self)

        class Server(ThreadingHTTPServer):
            # The default of five waiting connections makes a sixth wait a second for its turn.
            request_queue_size = 64

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self.root = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, str, bytes]:
        """Status, media type and body; raises Refusal."""
        raise NotImplementedError

    @staticmethod
    def _admit(request: BaseHTTPRequestHandler, fault: int | str) -> None:
        if isinstance(fault, int):
            raise Refusal(fault, "INJECTED")
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            raise Refusal(401, "UNAUTHENTICATED")

    def _serve(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length", "0")))
        fault = self.faults.popleft() if self.faults else ""
        if fault == "hang":
            self._stopping.wait(30)
        if fault in ("hang", "reset"):
            request.close_connection = True
            return
        try:
            self._admit(request, fault)
            code, media_type, content = self.answer(request, body)
        except Refusal as e:
            error = {"code": e.code, "message": str(e), "status": e.status}
            code, media_type, content = e.code, "application/json", json.dumps({"error": error}).encode()
        if fault == "half":
            content = content[: len(content) // 2]
        request.send_response(code)
        if code != 204:
            request.send_header("Content-Type", media_type)
            request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        if fault == "cut":
            content = content[: len(content) // 2]
            request.close_connection = True
        request.wfile.write(content)


class KmsServer(GoogleServer):
    """cryptoKeys.encrypt and .decrypt for the one key KMS_KEY."""

    def __init__(self) -> None:
        super().__init__()
        self.enabled = True
        self.damages_what_it_receives = False
        self._key = AESGCM(AESGCM.generate_key(256))

    def answer(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, str, bytes]:
        name, _, method = urlsplit(request.path).path.removeprefix("/v1/").rpartition(":")
        if request.command != "POST" or method not in ("encrypt", "decrypt"):
            raise Refusal(404, "NOT_FOUND")
        self.calls.append(method)
        if unquote(name) != KMS_KEY:
            raise Refusal(404, "NOT_FOUND", f"CryptoKey {name} not found.")
        if not self.enabled:
            raise Refusal(400, "FAILED_PRECONDITION", f"{KMS_KEY}/cryptoKeyVersions/1 is not enabled")
        field = {"encrypt": "plaintext", "decrypt": "ciphertext"}[method]
        given = self._fields(request, body, {field, "additionalAuthenticatedData"})
        data, associated = given.get(field, b""), given.get("additionalAuthenticatedData", b"")
        if method == "encrypt":
            if self.damages_what_it_receives:
                data = bytes([data[0] ^ 1]) + data[1:]
            nonce = secrets.token_bytes(12)
            ciphertext = nonce + self._key.encrypt(nonce, data, associated)
            return self._json({"name": f"{KMS_KEY}/cryptoKeyVersions/1", "ciphertext": ciphertext})
        try:
            return self._json({"plaintext": self._key.decrypt(data[:12], data[12:], associated), "usedPrimary": True})
        except (InvalidTag, ValueError) as e:
            raise Refusal(400, "INVALID_ARGUMENT", "Decryption failed: the ciphertext is invalid.") from e

    @staticmethod
    def _fields(request: BaseHTTPRequestHandler, body: bytes, known: set[str]) -> dict[str, bytes]:
        """The byte fields of the request, held against the discovery document's types and KMS's sizes."""
        if request.headers.get_content_type() != "application/json":
            raise Refusal(400, "INVALID_ARGUMENT", "Content-Type")
        try:
            plain = json.loads(body)
            fields = {field: base64.b64decode(text, validate=True) for field, text in plain.items()}
        except (ValueError, TypeError, AttributeError) as e:
            raise Refusal(400, "INVALID_ARGUMENT", "Invalid JSON payload received.") from e
        if unknown := fields.keys() - known:
            raise Refusal(400, "INVALID_ARGUMENT", f"Unknown names {unknown}: Cannot find field.")
        if any(len(data) > KMS_BYTES for data in fields.values()):
            raise Refusal(400, "INVALID_ARGUMENT", "must be less than or equal to 65536 bytes")
        return fields

    @staticmethod
    def _json(fields: dict[str, Any]) -> tuple[int, str, bytes]:
        plain = {k: base64.b64encode(v).decode() if isinstance(v, bytes) else v for k, v in fields.items()}
        return 200, "application/json; charset=UTF-8", json.dumps(plain).encode()


class StorageServer(GoogleServer):
    """Objects of the one bucket BUCKET: media upload, get, alt=media, delete, list. Lists come in pages of two."""

    PAGE = 2

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[str, tuple[str, bytes]] = {}

    def answer(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, str, bytes]:
        address = urlsplit(request.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        # The object's slashes are escaped: /storage/v1/b/BUCKET/o/u1%2Fcv
        parts = [unquote(part) for part in address.path.strip("/").split("/")]
        upload = parts[:1] == ["upload"]
        if upload:
            parts = parts[1:]
        if parts[:3] != ["storage", "v1", "b"] or len(parts) not in (5, 6) or parts[4] != "o":
            raise Refusal(404, "NOT_FOUND", "Not Found")
        if parts[3] != BUCKET:
            raise Refusal(404, "NOT_FOUND", "The specified bucket does not exist.")
        name = parts[5] if len(parts) == 6 else ""
        self.calls.append(f"{request.command} {'upload ' if upload else ''}{name or query.get('name', '')}".strip())
        if upload:
            return self._insert(request, query, body)
        if request.command == "GET" and not name:
            return self._list(query)
        if name not in self.objects:
            raise Refusal(404, "NOT_FOUND", f"No such object: {BUCKET}/{name}")
        if request.command == "DELETE":
            del self.objects[name]
            return 204, "", b""
        media_type, content = self.objects[name]
        if query.get("alt") == "media":
            return 200, media_type, content
        return self._json(self._resource(name), query)

    def _insert(self, request: BaseHTTPRequestHandler, query: dict[str, str], body: bytes) -> tuple[int, str, bytes]:
        if request.command != "POST" or query.get("uploadType") != "media":
            raise Refusal(400, "INVALID_ARGUMENT", "only simple uploads")
        if not query.get("name"):
            raise Refusal(400, "INVALID_ARGUMENT", "Required")
        self.objects[query["name"]] = (request.headers.get("Content-Type", "application/octet-stream"), body)
        return self._json(self._resource(query["name"]), query)

    def _list(self, query: dict[str, str]) -> tuple[int, str, bytes]:
        after = base64.urlsafe_b64decode(query.get("pageToken", "")).decode()
        names = sorted(n for n in self.objects if n.startswith(query.get("prefix", "")) and n > after)
        size = min(self.PAGE, int(query.get("maxResults", "1000")))
        found: dict[str, Any] = {"kind": "storage#objects"}
        if names:
            found["items"] = [self._resource(name) for name in names[:size]]
        if names[size:]:
            found["nextPageToken"] = base64.urlsafe_b64encode(names[size - 1].encode()).decode()
        return self._json(found, query)

    def _resource(self, name: str) -> dict[str, Any]:
        media_type, content = self.objects[name]
        return {"kind": "storage#object", "name": name, "bucket": BUCKET, "contentType": media_type} | {
            "size": str(len(content))
        }

    @staticmethod
    def _json(resource: dict[str, Any], query: dict[str, str]) -> tuple[int, str, bytes]:
        """The fields that were asked for: names separated by commas, one level of "items(name)"."""
        if "fields" in query:
            asked = dict(field.rstrip(")").partition("(")[::2] for field in query["fields"].split(","))
            resource = {
                name: [{asked[name]: item[asked[name]]} for item in value] if asked[name] else value
                for name, value in resource.items()
                if name in asked
            }
        return 200, "application/json; charset=UTF-8", json.dumps(resource).encode()
