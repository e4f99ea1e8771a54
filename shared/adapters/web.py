"""Any public web server, asked without being led astray: the one adapter that follows a stranger's address.

Whoever names an address may mean our own network by it. So a name is resolved once, every address that it resolves to
must be public, and the connection goes to one of those: there is no second look-up that could answer otherwise. A
redirect is only told; whoever follows it comes back here with the next address. Nothing is read from the environment:
no proxy, and no way to widen what may be reached.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import ipaddress
import queue
import re
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from shared.errors import Rejected, TryAgain
from shared.ports import Clock, RobotsRule, WebAnswer

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MayReach = Callable[[Address, int], bool]
"""Whether a connection to this address and port may be made."""

USER_AGENT = "Hearback/1"
"""Who asks. The product's name is also what robots.txt knows us by."""

PORTS = {80, 443}
"""Where web servers are. Anything else is somebody's database."""

URL_CHARACTERS = 2_000
"""The longest address that is asked for: what browsers accept."""

NAME_CHARACTERS = 253
"""The longest name that the DNS knows."""

CONNECT_SECONDS = 5.0
"""For each address of a host: a server that is there takes a connection at once."""

RESOLVE_SECONDS = 5.0
"""For the look-up of a name; the system's own patience is several times as long."""

CHUNK_BYTES = 64 * 1024
"""How much is read at a time."""

ADDRESSES = 2
"""How many addresses of one host are tried: one that is down must not cost the time of all."""

SCRIPT_CHARACTERS = 512 * 1024
"""The longest JSON-LD element that is parsed; the longest posting has about 30,000."""

SCRIPTS = 200
"""How many JSON-LD elements of one page are parsed."""

KEPT_HEADERS = ("content-type", "etag", "last-modified", "location", "retry-after")
"""What anybody wants to know of an answer's headers."""

_NOT_PUBLIC_4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT; some clouds' metadata (100.100.100.200)
        "127.0.0.0/8",  # this machine
        "168.63.129.16/32",  # Azure's host, a public address that is none
        "169.254.0.0/16",  # link-local; the metadata server of nearly every cloud
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments; Oracle's metadata
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
"""IPv4 that is no public web server (RFC 6890 and what clouds make of it)."""

_GLOBAL_6 = ipaddress.IPv6Network("2000::/3")
"""All IPv6 that is in public use. Outside are this machine, mapped IPv4, NAT64, unique local, link-local, multicast."""

_NOT_PUBLIC_6 = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address inside
        "3fff::/20",  # documentation
    )
)
"""Public IPv6 that leads elsewhere."""

_PRIVATE_NAMES = (".localhost", ".local", ".internal", ".home.arpa", ".lan", ".intranet", ".corp", ".home")
"""Names that only a private network resolves. Their addresses would be refused, too; this saves the question."""

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""A last label that makes a name a number in disguise: 127.1, 0x7f.1, 2130706433."""
_PRINTABLE = re.compile(r"[!-\[\]-~]+")
"""ASCII without spaces and without the backslash, which some parsers take for a slash."""


def public(address: Address, port: int) -> bool:
    """Whether this is a web server that anybody may ask: the rule in force unless a test brings its own."""
    if port not in PORTS:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    return address in _GLOBAL_6 and not any(address in network for network in _NOT_PUBLIC_6)


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, in the system's order. Raises OSError."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@dataclass(frozen=True, slots=True)
class Target:
    """An address, taken apart."""

    secure: bool
    host: str
    port: int
    path: str
    """With the query."""

    @property
    def host_header(self) -> str:
        """What the request's Host says."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == (443 if self.secure else 80) else f"{name}:{self.port}"


class SafeWeb:
    """ports.Web on http.client. `may_reach` decides over each connection; a test hands in one that knows its server."""

    def __init__(
        self,
        *,
        clock: Clock,
        may_reach: MayReach = public,
        resolve: Callable[[str, int], list[str]] = resolve,
        sleep: Callable[[float], None] = time.sleep,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._clock = clock
        self._may_reach = may_reach
        self._resolve = resolve
        self._sleep = sleep
        self._trust = trust
        """Whose certificates are believed; None, and unused, until an encrypted address is asked: the system's."""

    def get(self, url: str, *, headers: Mapping[str, str], at: datetime, until: datetime, most_bytes: int) -> WebAnswer:
        """ports.Web.get."""
        target = taken_apart(url)
        self._sleep(max(0.0, (at - self._clock.now()).total_seconds()))
        deadline = time.monotonic() + (until - self._clock.now()).total_seconds()
        with self._asked("GET", target, {"Accept-Encoding": "gzip", **headers}, deadline) as response:
            told = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
            return WebAnswer(status=response.status, headers=told, body=_body(response, most_bytes))

    def robots(self, text: str, url: str) -> RobotsRule:
        """ports.Web.robots, by protego."""
        from protego import Protego  # noqa: PLC0415 - a quarter of the cold start, for a function that may not need it

        rules = Protego.parse(text)
        delay = rules.crawl_delay(USER_AGENT)
        return RobotsRule(
            allowed=rules.can_fetch(url, USER_AGENT),
            delay=timedelta(seconds=min(max(delay, 0.0), 86_400.0)) if delay else timedelta(0),
        )

    def json_ld(self, html: bytes) -> tuple[Mapping[str, Any], ...]:
        """ports.Web.json_ld, by extruct; an element that is no JSON costs only itself."""
        from extruct.jsonld import JsonLdExtractor  # noqa: PLC0415 - lxml and rdflib take most of a second
        from extruct.utils import parse_html  # noqa: PLC0415 - the same

        extractor = JsonLdExtractor()
        found: list[Mapping[str, Any]] = []
        try:
            tree = parse_html(html, encoding="utf-8" if _is_utf8(html) else None)
        except Exception as e:
            # lxml has a type of its own for every way in which a page can be none.
            raise Rejected(f"not a page: {type(e).__name__}") from e
        broken = 0
        for script in tree.xpath('//script[@type="application/ld+json"]')[:SCRIPTS]:
            if len(script.text or "") > SCRIPT_CHARACTERS:
                broken += 1
                continue
            try:
                found += [item for item in extractor.extract_items(script) if isinstance(item, Mapping)]
            except (ValueError, IndexError, RecursionError):
                broken += 1
        if broken and not found:
            raise Rejected("the page's JSON-LD can't be read")
        return tuple(found)

    # --- The connection -----------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _asked(
        self, method: str, target: Target, headers: Mapping[str, str], deadline: float, body: bytes | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        """The answer to one request, from an address that has been looked up once and checked; all before the deadline.

        Raises Rejected for an address that may not be asked, TryAgain when there is no answer in time.
        """
        addresses = self._addresses(target, deadline)
        connection = http.client.HTTPConnection(target.host, target.port)
        connection.auto_open = 0  # by itself it would connect to the name, and so look it up again
        with contextlib.ExitStack() as closing:
            try:
                connected = self._connected(target, addresses, deadline)
                closing.callback(connected.close)
                connection.sock = _Timed(connected, deadline)
                connection.putrequest(method, target.path, skip_host=True, skip_accept_encoding=True)
                sent = {"Host": target.host_header, "User-Agent": USER_AGENT, **headers}
                for name, value in (sent | {"Connection": "close"}).items():
                    connection.putheader(name, value)
                connection.endheaders(body)
                yield closing.enter_context(connection.getresponse())
            except (OSError, http.client.HTTPException, ValueError) as e:
                # http.client raises ValueError for a chunk without a length, and for a header that can't be sent.
                raise TryAgain(f"no answer: {type(e).__name__}") from e

    def _addresses(self, target: Target, deadline: float) -> list[Address]:
        """Where the host is; IPv4 first, since not every platform has a way out by IPv6. Raises Rejected, TryAgain."""
        try:
            found = [ipaddress.ip_address(target.host)]
        except ValueError:
            found = [ipaddress.ip_address(each.partition("%")[0]) for each in self._looked_up(target, deadline)]
        if not found:
            raise TryAgain("the host has no address")
        # One private address among public ones is no accident, and which of them is tried must not decide.
        if not all(self._may_reach(address, target.port) for address in found):
            raise Rejected("not a public web server")
        return sorted(dict.fromkeys(found), key=lambda address: address.version)[:ADDRESSES]

    def _looked_up(self, target: Target, deadline: float) -> list[str]:
        """The look-up in a thread of its own: the system's can't be told how long it may take."""
        answers: queue.Queue[list[str] | OSError | UnicodeError] = queue.Queue()

        def look_up() -> None:
            try:
                answers.put(self._resolve(target.host, target.port))
            except (OSError, UnicodeError) as e:
                answers.put(e)

        threading.Thread(target=look_up, name="resolve", daemon=True).start()
        try:
            answer = answers.get(timeout=max(0.0, min(RESOLVE_SECONDS, deadline - time.monotonic())))
        except queue.Empty as e:
            raise TryAgain("the host's name could not be looked up in time") from e
        if not isinstance(answer, list):
            raise TryAgain("the host's name is not known") from answer
        return answer

    def _connected(self, target: Target, addresses: list[Address], deadline: float) -> socket.socket:
        """A connection to one of the addresses, encrypted if the address says so. Raises OSError."""
        for last, address in enumerate(addresses, start=1 - len(addresses)):
            connected = socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6)  # noqa: PLR2004 - IPv4
            try:
                connected.settimeout(min(CONNECT_SECONDS, _left(deadline)))
                connected.connect((str(address), target.port))
                if not target.secure:
                    return connected
                self._trust = self._trust or ssl.create_default_context()
                return self._trust.wrap_socket(connected, server_hostname=target.host)
            except OSError:
                connected.close()
                if last == 0:
                    raise
        raise TimeoutError("no address")


def _is_utf8(html: bytes) -> bool:
    """Nearly every page is, and those that do not say so would be taken for Latin-1."""
    try:
        html.decode()
    except UnicodeDecodeError:
        return False
    return True


def taken_apart(url: str) -> Target:
    """An address that may be asked, as far as that shows before its host is looked up. Raises Rejected."""
    if len(url) > URL_CHARACTERS or not _PRINTABLE.fullmatch(url):
        raise Rejected("not the address of a web page")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as e:
        raise Rejected("not the address of a web page") from e
    if parts.scheme not in ("http", "https") or "@" in parts.netloc or "%" in parts.netloc:
        raise Rejected("not the address of a web page")
    secure = parts.scheme == "https"
    target = Target(
        secure,
        _host(parts.hostname or ""),
        port if port is not None else (443 if secure else 80),
        (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
    )
    if target.port == 0:
        raise Rejected("not the address of a web page")
    return target


def _host(host: str) -> str:
    """A name with at least two labels, or an IP address in its one plain form. Raises Rejected."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    host = host.lower().removesuffix(".")
    labels = host.split(".")
    if (
        len(labels) < 2  # noqa: PLR2004 - "localhost", "metadata"
        or len(host) > NAME_CHARACTERS
        or not all(map(_LABEL.fullmatch, labels))
        or _NUMBER.fullmatch(labels[-1])
        or f".{host}".endswith(_PRIVATE_NAMES)
    ):
        raise Rejected("not the name of a public web server")
    return host


def _body(response: http.client.HTTPResponse, most_bytes: int) -> bytes:
    """The whole body, unpacked. Raises Rejected when it is too long, packed or not, TryAgain when it was cut off."""
    told = response.headers.get("Content-Length", "")
    length = int(told) if told.isascii() and told.isdecimal() else None
    if length is not None and length > most_bytes:
        raise Rejected(f"the answer is longer than {most_bytes} bytes")
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", "x-gzip"):
        raise Rejected("the answer is packed in a way that we did not ask for")
    chunks = _chunks(response, length)
    unpack = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16) if encoding != "identity" else None
    body = bytearray()
    read = 0
    for chunk in chunks:
        read += len(chunk)
        try:
            # One byte more than allowed is enough to see that there is more.
            body += unpack.decompress(chunk, most_bytes + 1 - len(body)) if unpack else chunk
        except zlib.error as e:
            raise TryAgain("the answer can't be unpacked") from e
        if len(body) > most_bytes or read > most_bytes:
            raise Rejected(f"the answer is longer than {most_bytes} bytes")
    if unpack is not None and read and not unpack.eof:
        raise TryAgain("the answer was cut off")
    if unpack is not None and unpack.unused_data:
        raise Rejected("the answer has something behind its end")
    return bytes(body)


def _chunks(response: http.client.HTTPResponse, length: int | None) -> Iterator[bytes]:
    read = 0
    while chunk := response.read(CHUNK_BYTES):
        read += len(chunk)
        yield chunk
    # http.client says nothing when a body read in pieces ends before its time.
    if length is not None and read < length and response.status not in (http.client.NO_CONTENT, 304):
        raise TryAgain("the answer was cut off")


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("out of time")
    return left


class _Timed:
    """A socket whose every read and write ends at one deadline: a byte every four seconds is no way to hold us."""

    def __init__(self, connected: socket.socket, deadline: float) -> None:
        self._socket = connected
        self._deadline = deadline

    def makefile(self, _mode: str) -> io.BufferedReader:
        """What http.client reads the answer from."""
        return io.BufferedReader(_Reading(self._socket, self._deadline))

    def sendall(self, data: bytes) -> None:
        """What http.client sends by."""
        self._socket.settimeout(_left(self._deadline))
        self._socket.sendall(data)

    def close(self) -> None:
        """Nothing: http.client closes before it has read the answer, and whoever opened the connection closes it."""


class _Reading(io.RawIOBase):
    """The reading end."""

    def __init__(self, connected: socket.socket, deadline: float) -> None:
        self._socket = connected
        self._deadline = deadline

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Some bytes, before the deadline."""
        self._socket.settimeout(_left(self._deadline))
        return self._socket.recv_into(buffer)
