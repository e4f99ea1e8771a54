"""Job boards on this machine: a server that plays every host of the web, and some employers' boards on it.

The real adapter asks it, with a rule of its own that lets it reach this one port of this machine: addresses are
rewritten so that their host becomes the first part of the path.
"""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

from shared.adapters.web import SafeWeb
from shared.errors import TryAgain
from shared.model import Employer
from shared.ports import Clock, RobotsRule, WebAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class WebPage:
    """What the server answers at one address."""

    body: bytes = b""
    status: int = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)
    write: Callable[[Any], None] | None = None
    """Writes the whole answer itself, status line and all, for answers that are none."""


Answers = WebPage | Callable[[Mapping[str, str]], WebPage]
"""A page, or what makes one of a request's headers (lower-cased names)."""


class WebServer:
    """Every host of the web on one port, between `start` and `stop`; what is not among `pages` is not found."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.pages: dict[str, Answers] = {}
        """By host, path and query: "boards-api.greenhouse.io/v1/boards/acme/jobs?content=true"."""
        self.asked: list[str] = []
        """What was asked for, in the same form, oldest first."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.web = self  # type: ignore[attr-defined]
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="web")

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Begin to serve; the port listens already."""
        self._thread.start()

    def stop(self) -> None:
        """End every connection and thread."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Handler(BaseHTTPRequestHandler):
    """One request, one answer, one connection."""

    def do_GET(self) -> None:
        server: WebServer = self.server.web  # type: ignore[attr-defined]
        where = self.path.removeprefix("/")
        server.asked.append(where)
        found = server.pages.get(where, WebPage(status=HTTPStatus.NOT_FOUND))
        page = found if isinstance(found, WebPage) else found({k.lower(): v for k, v in self.headers.items()})
        # Whoever asked may have had enough, of a page without end for one.
        with suppress(ConnectionError, TimeoutError):
            if page.write is not None:
                page.write(self.wfile)
                return
            self.send_response(page.status)
            for name, value in ({"Content-Length": str(len(page.body))} | dict(page.headers)).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(page.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's own name
        """Say nothing: the functions log what they ask."""


class StandInWeb:
    """ports.Web on the real adapter, for which every host of the web is this server."""

    def __init__(self, server: WebServer, *, clock: Clock, sleep: Callable[[float], None] = time.sleep) -> None:
        self._root = f"http://127.0.0.1:{server.port}"
        self._web = SafeWeb(
            clock=clock, may_reach=lambda address, port: address.is_loopback and port == server.port, sleep=sleep
        )

    def get(self, url: str, *, headers: Mapping[str, str], at: datetime, until: datetime, most_bytes: int) -> WebAnswer:
        """ports.Web.get."""
        parts = urlsplit(url)
        target = f"{self._root}/{parts.netloc}{parts.path}" + (f"?{parts.query}" if parts.query else "")
        return self._web.get(target, headers=headers, at=at, until=until, most_bytes=most_bytes)

    def robots(self, text: str, url: str) -> RobotsRule:
        """ports.Web.robots."""
        return self._web.robots(text, url)

    def json_ld(self, html: bytes) -> tuple[Mapping[str, Any], ...]:
        """ports.Web.json_ld."""
        return self._web.json_ld(html)


class StandInBoards:
    """ports.JobBoards of this machine: some employers, and what the big boards answer, by their names."""

    def __init__(
        self, employers: tuple[Employer, ...], big: Mapping[str, tuple[Mapping[str, Any], ...]] | None = None
    ) -> None:
        self.employers = employers
        self.big = dict(big or {})

    def search(
        self,
        board: str,
        term: str,  # noqa: ARG002 - the port's, as the next two: the answer is the same for all
        location: str,  # noqa: ARG002
        *,
        until: datetime,  # noqa: ARG002
    ) -> tuple[Mapping[str, Any], ...]:
        """ports.JobBoards.search; a big board without an answer here refuses, and the real one is not asked."""
        if board not in self.big:
            raise TryAgain("the board refused: it is not asked from here")
        return self.big[board]


# --- The demo's employers ---------------------------------------------------------------------------------------------

EMPLOYERS = (
    Employer(company="Northwind Robotics", ats="greenhouse", board="northwindrobotics"),
    Employer(company="Lumen Labs", ats="lever", board="lumenlabs"),
    Employer(company="Harbor Analytics", ats="ashby", board="harboranalytics"),
)


def open_boards(server: WebServer, now: datetime) -> None:
    """Put the demo's boards on the server: jobs of both searches that always existed, and some of neither."""
    published = now - timedelta(days=3)
    server.pages |= {
        "boards-api.greenhouse.io/v1/boards/northwindrobotics/jobs?content=true": _page(_greenhouse(published)),
        "api.lever.co/v0/postings/lumenlabs?mode=json": _page(_lever(published)),
        "api.ashbyhq.com/posting-api/job-board/harboranalytics?includeCompensation=true": _page(_ashby(published)),
    }


def _page(content: object) -> WebPage:
    return WebPage(body=json.dumps(content).encode(), headers={"Content-Type": "application/json"})


def _greenhouse(published: datetime) -> dict[str, Any]:
    places = {
        "Software Engineer, Motion Control": "San Francisco, CA",
        "Senior Software Engineer, Fleet": "San Francisco, California, United States",
        "Data Scientist, Perception": "New York, NY",
        "Recruiting Coordinator": "San Francisco, CA",
    }
    jobs = [
        {
            "id": 4_100_000 + number,
            "title": title,
            "absolute_url": f"https://boards.greenhouse.io/northwindrobotics/jobs/{4_100_000 + number}",
            "location": {"name": place},
            "first_published": published.isoformat(),
            "updated_at": published.isoformat(),
            "content": "&lt;p&gt;Robots that carry &lt;b&gt;boxes&lt;/b&gt;.&lt;/p&gt;",
        }
        for number, (title, place) in enumerate(places.items())
    ]
    return {"jobs": jobs, "meta": {"total": len(jobs)}}


def _lever(published: datetime) -> list[dict[str, Any]]:
    number = "6b1f0c52-8d0e-4f7a-9a63-5a0d1c7be{:03d}"
    return [
        {
            "id": number.format(place),
            "text": "Software Engineer, Rendering",
            "hostedUrl": f"https://jobs.lever.co/lumenlabs/{number.format(place)}",
            "applyUrl": f"https://jobs.lever.co/lumenlabs/{number.format(place)}/apply",
            "createdAt": int(published.timestamp() * 1000),
            "categories": {"location": city, "commitment": "Full-time"},
            "workplaceType": "hybrid",
            "salaryRange": {"min": 160_000, "max": 200_000, "currency": "USD", "interval": "per-year-salary"},
            "descriptionPlain": "Light, computed. Send your CV to careers@lumenlabs.example if you prefer mail.",
        }
        for place, city in enumerate(("San Francisco, CA", "New York, NY", "Berlin, Germany"))
    ]


def _ashby(published: datetime) -> dict[str, Any]:
    number = "0f9d2c11-73ab-4c7e-8f1b-2d4e6a8c0b{:02d}"
    titles = ("Data Scientist", "Senior Data Scientist, Forecasting", "Software Engineer")
    jobs = [
        {
            "id": number.format(place),
            "title": title,
            "location": "New York, NY" if "Data" in title else "San Francisco, CA",
            "isRemote": False,
            "isListed": True,
            "publishedAt": published.isoformat(),
            "jobUrl": f"https://jobs.ashbyhq.com/harboranalytics/{number.format(place)}",
            "applyUrl": f"https://jobs.ashbyhq.com/harboranalytics/{number.format(place)}/application",
            "descriptionPlain": "Tides, ships and what moves between them.",
            "compensation": {
                "summaryComponents": [
                    {
                        "compensationType": "Salary",
                        "interval": "1 YEAR",
                        "currencyCode": "USD",
                        "minValue": 150_000,
                        "maxValue": 190_000,
                    }
                ]
            },
        }
        for place, title in enumerate(titles)
    ]
    return {"apiVersion": "1", "jobs": jobs}
