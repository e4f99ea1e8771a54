"""Google's HTTP around the model: Gmail, its uploads and batches, OAuth, ID tokens, and `/local` to direct the play.

Paths and parameters of Gmail come from the discovery document. Everything under `/local` is ours:

    GET POST DELETE /local/faults                          list, add (a Fault as JSON), clear
    POST /local/id-token                                   {"subject", "audience", "email"?}
    GET POST /local/mailboxes                              list, connect {"address"}: a refresh token
    POST /local/mailboxes/{address}/mail?labels=&at=&thread_id=      RFC 5322 bytes arrive
    DELETE /local/mailboxes/{address}/mail/{id}
    POST /local/mailboxes/{address}/mail/{id}/labels       {"add": [], "remove": []}
    GET /local/mailboxes/{address}/sent
    PUT DELETE /local/mailboxes/{address}/drafts/{id}
    POST /local/mailboxes/{address}/revoke, .../forget-history
"""

from __future__ import annotations

import re
import threading
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final, Self
from urllib.parse import parse_qs, unquote

from shared.adapters.gmail_errors import GoogleError
from shared.adapters.gmail_methods import MEDIA_BYTES
from shared.errors import Rejected
from shared.local.gmail import discovery
from shared.local.gmail.errors import invalid, not_found
from shared.local.gmail.faults import Fault
from shared.local.gmail.model import GmailModel
from shared.local.google_http import HttpServer, Incoming, Reply, header_lines, json_object
from shared.local.google_oauth import AuthorizationServer
from shared.local.google_signer import Signer

BATCH_CALLS: Final = 100
"""The most calls that Gmail takes in one batch."""

PUSH_PAUSE: Final = 0.2
"""Seconds between two looks for notifications that a fault holds back."""

_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")


class GoogleServer:
    """Serves a model on the loopback interface, in threads, between `start` and `stop`. Port 0 takes a free one."""

    def __init__(self, model: GmailModel, host: str = "127.0.0.1", port: int = 0) -> None:
        self.model = model
        self._signer = Signer()
        self.authorization = AuthorizationServer(model, self._signer)
        self._server = HttpServer((host, port), self._answer)
        self._pushes = threading.Thread(target=self._release_pushes, name="google-pushes")
        self._uploads: dict[str, _Upload] = {}
        self._uploads_lock = threading.Lock()

    @property
    def url(self) -> str:
        """Root URL, without a slash at its end."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def start(self) -> None:
        """Begin to serve; the port listens already."""
        self._server.start()
        self._pushes.start()

    def stop(self) -> None:
        """End every connection and thread."""
        self._server.stop()
        if self._pushes.ident is not None:
            self._pushes.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def id_token(self, *, subject: str, audience: str, email: str = "") -> str:
        """A Google ID token for a person, valid from now on; its certificate is at /oauth2/v1/certs."""
        now = self.model.clock.now()
        return self._signer.id_token(subject=subject, audience=audience, email=email, issued_at=now)

    def _release_pushes(self) -> None:
        while not self._server.stopping.wait(PUSH_PAUSE):
            self.model.release_pushes()

    # --- routes ---

    def _answer(self, request: Incoming) -> Reply:
        """Any request's answer. Raises Disrupted when a fault leaves none."""
        first = request.path.strip("/").partition("/")[0]
        routes = {
            "batch": self._batch,
            "local": self._direct,
            "o": self._oauth,
            "oauth2": self._oauth,
            "revoke": self._oauth,
            "token": self._oauth,
            "upload": self._upload,
        }
        try:
            return routes.get(first, self._method)(request)
        except GoogleError as e:
            return Reply.refusal(e)

    def _oauth(self, request: Incoming) -> Reply:
        match request.verb, request.path:
            case "GET", "/o/oauth2/v2/auth":
                page = self.authorization.screen(request.params)
                return Reply(HTTPStatus.OK, page, {"Content-Type": "text/html; charset=UTF-8"})
            case "POST", "/o/oauth2/v2/auth":
                form = request.form()
                granted = parse_qs(request.content.decode("latin-1")).get("granted", [])
                where = self.authorization.consent(form, address=form.get("address", ""), granted=granted)
                return Reply(HTTPStatus.SEE_OTHER, headers={"Location": where})
            case "POST", "/token" | "/oauth2/v4/token":
                form = request.form()
                redeems = form.get("grant_type") == "authorization_code"
                return Reply.json(self.authorization.redeem(form) if redeems else self.model.token(form))
            case "POST", "/revoke":
                self.model.revoke_token(request.form().get("token") or str(request.params.get("token")))
                return Reply.json({})
            case "GET", "/oauth2/v1/certs":
                return Reply.json(self._signer.certificates(), headers={"Cache-Control": "public, max-age=3600"})
        raise not_found()

    def _method(self, request: Incoming, media: bytes | None = None, meta: Mapping[str, Any] | None = None) -> Reply:
        """A Gmail method by verb and path; `media` and `meta` are what an upload brought."""
        path = request.path.removeprefix("/upload")
        for method in discovery.methods().values():
            if method.verb == request.verb and (found := method.path.fullmatch(path)):
                break
        else:
            raise not_found()
        if media is not None and not method.takes_media:
            raise invalid(f"{method.name} takes no upload.")
        for name in request.params:
            if name not in method.parameters and name not in discovery.document()["parameters"]:
                raise invalid(f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter.')
        params = {**request.params, **{name: unquote(value) for name, value in found.groupdict().items()}}
        body = request.json() if meta is None else meta
        answer = self.model.call(request.token, method.name, params, body, media)
        return Reply.json(answer) if method.response else Reply(HTTPStatus.NO_CONTENT)

    # --- uploads: media, multipart/related, resumable ---

    def _upload(self, request: Incoming) -> Reply:
        kind, upload_id = request.params.pop("uploadType", ""), request.params.pop("upload_id", "")
        if upload_id:
            return self._resume(request, upload_id)
        if kind == "media":
            return self._method(request, request.content, {})
        if kind == "multipart":
            parts = request.parts()
            if len(parts) != 2:  # noqa: PLR2004 - the metadata and the mail
                raise invalid("A multipart upload has two parts.")
            return self._method(request, parts[1][1], json_object(parts[0][1]))
        if kind != "resumable":
            raise invalid("uploadType must be media, multipart or resumable.")
        with self._uploads_lock:
            upload_id = f"upload-{len(self._uploads) + 1}"
            self._uploads[upload_id] = _Upload(request.verb, request.json())
        where = f"{self.url}{request.path}?uploadType=resumable&upload_id={upload_id}"
        return Reply(HTTPStatus.OK, headers={"Location": where})

    def _resume(self, request: Incoming, upload_id: str) -> Reply:
        """A piece of a resumable upload; the mail is taken when the last byte is here."""
        upload = self._uploads.get(upload_id)
        span = _RANGE.fullmatch(request.headers.get("content-range", ""))
        if upload is None or upload.done or request.verb != "PUT":
            raise not_found()
        if span is None or (span[1] and int(span[1]) != len(upload.content)):
            raise invalid("Failed to parse Content-Range header.")
        upload.content += request.content
        if len(upload.content) > MEDIA_BYTES:
            raise GoogleError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "uploadTooLarge", "Upload too large")
        if span[3] == "*" or len(upload.content) < int(span[3]):
            seen = {"Range": f"bytes=0-{len(upload.content) - 1}"} if upload.content else {}
            return Reply(HTTPStatus.PERMANENT_REDIRECT, headers=seen)
        upload.done = True
        request.verb = upload.verb
        return self._method(request, bytes(upload.content), upload.meta)

    # --- batches ---

    def _batch(self, request: Incoming) -> Reply:
        """Several calls in one multipart/mixed, each answered by itself."""
        parts = request.parts()
        if len(parts) > BATCH_CALLS:
            raise invalid("The batch request could not be processed: too many calls.")
        answers = []
        for headers, content in parts:
            line, _, rest = content.lstrip().replace(b"\r\n", b"\n").partition(b"\n")
            head, _, inner = rest.partition(b"\n\n")
            verb, _, target = line.decode("latin-1").removesuffix(" HTTP/1.1").partition(" ")
            if not target.startswith("/gmail/"):
                raise invalid("Failed to parse batch request.")
            given = {"authorization": request.headers.get("authorization", ""), **header_lines(head)}
            reply = self._answer(Incoming(verb, target, given, inner.rstrip(b"\n")))
            head_lines = "".join(f"{name}: {value}\r\n" for name, value in reply.headers.items())
            answers.append(
                f"Content-Type: application/http\r\nContent-ID: <response-{headers.get('content-id', '<>')[1:]}\r\n\r\n"
                f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}\r\n{head_lines}"
                f"Content-Length: {len(reply.content)}\r\n\r\n{reply.content.decode()}\r\n"
            )
        boundary = "batch_hearback"
        text = "".join(f"--{boundary}\r\n{answer}" for answer in answers) + f"--{boundary}--\r\n"
        return Reply(HTTPStatus.OK, text.encode(), {"Content-Type": f"multipart/mixed; boundary={boundary}"})

    # --- /local: what people do, and what goes wrong ---

    def _direct(self, request: Incoming) -> Reply:
        names = [unquote(name) for name in request.path.split("/")[2:]]
        try:
            if names[0] == "mailboxes" and len(names) > 1:
                return Reply.json(self._of_person(request, names[1], names[2:]))
            return Reply.json(self._of_everybody(request, names))
        except KeyError as e:
            raise GoogleError(HTTPStatus.NOT_FOUND, "notFound", f"There is no {e}") from None
        except (Rejected, ValueError) as e:
            raise invalid(str(e)) from None

    def _of_everybody(self, request: Incoming, names: list[str]) -> Mapping[str, Any]:
        model = self.model
        match request.verb, names:
            case "GET", ["faults"]:
                return {"faults": [asdict(fault) for fault in model.faults]}
            case "POST", ["faults"]:
                model.faults.add(Fault.parse(request.json()))
            case "DELETE", ["faults"]:
                model.faults.clear()
            case "POST", ["id-token"]:
                said = {name: str(value) for name, value in request.json().items()}
                return {
                    "id_token": self.id_token(
                        subject=said["subject"], audience=said["audience"], email=said.get("email", "")
                    )
                }
            case "POST", ["mailboxes"]:
                return {"refresh_token": model.add_person(str(request.json()["address"]))}
            case "GET", ["mailboxes"]:
                return {"addresses": list(model.people)}
            case _:
                raise not_found()
        return {}

    def _of_person(self, request: Incoming, address: str, rest: list[str]) -> Mapping[str, Any]:
        model, params = self.model, request.params
        match request.verb, rest:
            case "POST", ["mail"]:
                labels = str(params.get("labels", "INBOX")).split(",")
                at = datetime.fromisoformat(str(params["at"])) if "at" in params else None
                return {"id": model.receive(address, request.content, labels, params.get("thread_id"), at=at)}
            case "GET", ["sent"]:
                return {"messages": [{"raw": urlsafe_b64encode(raw).decode()} for raw in model.sent(address)]}
            case "DELETE", ["mail", message_id]:
                model.delete_message(address, message_id)
            case "POST", ["mail", message_id, "labels"]:
                said = request.json()
                model.relabel(address, message_id, add=said.get("add", ()), remove=said.get("remove", ()))
            case "PUT", ["drafts", draft_id]:
                model.edit_draft(address, draft_id, request.content)
            case "DELETE", ["drafts", draft_id]:
                model.delete_draft(address, draft_id)
            case "POST", ["revoke"]:
                model.revoke(address)
            case "POST", ["forget-history"]:
                model.forget_history(address)
            case _:
                raise not_found()
        return {}


class _Upload:
    """A resumable upload that has begun."""

    def __init__(self, verb: str, meta: Mapping[str, Any]) -> None:
        self.verb = verb
        self.meta = meta
        self.content = bytearray()
        self.done = False
