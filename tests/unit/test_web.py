"""shared/adapters/web.py: no address leads anywhere but to a public web server, no answer costs too much."""

from __future__ import annotations

import gzip
import ipaddress
import socket
import ssl
import time
import zlib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from shared.adapters.web import SafeWeb, public
from shared.errors import Rejected, TryAgain
from shared.local.clock import FakeClock
from shared.local.job_boards import WebPage, WebServer

PUBLIC = "93.184.215.14"
PUBLIC_6 = "2606:2800:21f:cb07:6820:80da:af6b:8b2c"


@pytest.fixture
def connections(monkeypatch):
    """Every connection that any socket tries to make; none of them is made."""
    tried = []

    def connect(self, address):
        tried.append(address[:2])
        raise ConnectionRefusedError("counted, not made")

    monkeypatch.setattr(socket.socket, "connect", connect)
    return tried


def fetch(web, url, *, seconds=5.0, most=100_000, clock=None):
    now = (clock or FakeClock()).now()
    return web.get(url, headers={}, at=now, until=now + timedelta(seconds=seconds), most_bytes=most)


# --- What may be reached ----------------------------------------------------------------------------------------------

PRIVATE_4 = [
    "0.0.0.0",  # noqa: S104 - an address to be refused
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.1",
    "127.1.2.3",
    "127.255.255.255",
    "168.63.129.16",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "169.254.170.23",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.255.255",
    "192.175.48.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
]

PRIVATE_6 = [
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2002:c0a8:101::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fe80::1",
    "fe80::a9fe:a9fe",
    "fec0::1",
    "ff02::1",
    "ff05::2",
    "ff0e::1",
]

DISGUISED = [
    "http://localhost/",
    "http://LOCALHOST/",
    "http://localhost./",
    "http://localhost:80/",
    "https://localhost/",
    "http://metadata/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://METADATA.GOOGLE.INTERNAL./",
    "http://anything.localhost/",
    "http://printer.local/",
    "http://nas.lan/",
    "http://router.home.arpa/",
    "http://wiki.corp/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://127.1/",
    "http://127.0.1/",
    "http://127.0.0.1./",
    "http://0/",
    "http://0.0.0.0:443/",
    "http://169.254.43518/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0251.0376.0251.0376/",
    "http://[::1%25lo]/",
    "http://[fe80::1%25eth0]/",
    "http://[::ffff:127.0.0.1]:80/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[v1.fe]/",
    "http://[::1/",
    "http://user@127.0.0.1/",
    "http://example.com@127.0.0.1/",
    "http://127.0.0.1@example.com/",
    "http://user:secret@example.com/",
    "http://example.com%2f@127.0.0.1/",
    "http://example.com%00.evil.example/",
    "http://127.0.0.1\\@example.com/",
    "http://example.com\\@127.0.0.1/",
    "http:\\\\127.0.0.1\\",
    "http://127.0.0.1\t/",
    "http://exa mple.com/",
    "http://example.com/\r\nHost: 127.0.0.1",
    "http://example.com/\n",
    "http://example.com/\x00",
    "http://１２７.０.０.１/",
    "http://127。0。0。1/",
    "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
    "http://exämple.com/",
    "http:///etc/passwd",
    "http://",
    "http:",
    "//127.0.0.1/",
    "/etc/passwd",
    "",
    "127.0.0.1",
    "file:///etc/passwd",
    "ftp://example.com/",
    "gopher://127.0.0.1:6379/_INFO",
    "dict://127.0.0.1:11211/",
    "ldap://127.0.0.1/",
    "jar:http://127.0.0.1!/",
    "data:text/html,hello",
    "javascript:alert(1)",
    "unix:///var/run/docker.sock",
    "HTTP+unix://%2Fvar%2Frun%2Fdocker.sock/",
    "ws://example.com/",
    f"http://{PUBLIC}:22/",
    f"http://{PUBLIC}:25/",
    f"http://{PUBLIC}:6379/",
    f"http://{PUBLIC}:8080/",
    f"http://{PUBLIC}:0/",
    f"http://{PUBLIC}:65536/",
    f"http://{PUBLIC}:-80/",
    f"http://{PUBLIC}:80:80/",
    "https://example.com:8443/",
    "http://example.com:99999999999/",
    "http://.example.com/",
    "http://example..com/",
    "http://-example.com/",
    "http://" + "a" * 64 + ".example.com/",
    "http://" + "a." * 200 + "example.com/",
    "http://example.com/" + "a" * 3_000,
]

HOSTILE = [
    *(f"http://{address}/" for address in PRIVATE_4),
    *(f"https://{address}/latest/meta-data/" for address in PRIVATE_4[:8]),
    *(f"http://[{address}]/" for address in PRIVATE_6),
    *DISGUISED,
]


def test_the_hostile_addresses_are_more_than_a_hundred():
    assert len(set(HOSTILE)) > 150


@pytest.mark.parametrize("url", HOSTILE)
def test_a_hostile_address_makes_no_connection(connections, url):
    # The system's own reading of numbers is what a resolver that takes anything would do with them.
    def resolve(host, port):
        try:
            return [socket.inet_ntoa(socket.inet_aton(host))]
        except OSError:
            return ["127.0.0.1"] if "example" not in host else [PUBLIC]

    with pytest.raises(Rejected):
        fetch(SafeWeb(clock=FakeClock(), resolve=resolve), url)

    assert connections == []


@pytest.mark.parametrize("address", [*PRIVATE_4, *PRIVATE_6])
def test_a_public_name_with_a_private_address_makes_no_connection(connections, address):
    with pytest.raises(Rejected, match="not a public web server"):
        fetch(SafeWeb(clock=FakeClock(), resolve=lambda host, port: [address]), "https://jobs.example.com/")

    assert connections == []


@pytest.mark.parametrize("addresses", [[PUBLIC, "10.0.0.1"], ["::1", PUBLIC], [PUBLIC, PUBLIC_6, "169.254.169.254"]])
def test_one_private_address_among_public_ones_makes_no_connection(connections, addresses):
    with pytest.raises(Rejected):
        fetch(SafeWeb(clock=FakeClock(), resolve=lambda host, port: addresses), "https://jobs.example.com/")

    assert connections == []


def test_the_address_that_was_checked_is_the_one_that_is_connected_to(connections):
    answers = iter([[PUBLIC], ["127.0.0.1"], ["127.0.0.1"]])
    web = SafeWeb(clock=FakeClock(), resolve=lambda host, port: next(answers))

    with pytest.raises(TryAgain):
        fetch(web, "http://rebinding.example.com/")
    assert connections == [(PUBLIC, 80)]

    with pytest.raises(Rejected):
        fetch(web, "http://rebinding.example.com/")
    assert connections == [(PUBLIC, 80)]


def test_the_name_is_looked_up_once_for_each_request(connections):
    looked_up = []

    def resolve(host, port):
        looked_up.append(host)
        return [PUBLIC]

    with pytest.raises(TryAgain):
        fetch(SafeWeb(clock=FakeClock(), resolve=resolve), "https://jobs.example.com/")

    assert looked_up == ["jobs.example.com"]


@pytest.mark.parametrize(
    "address", [PUBLIC, "8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "192.169.0.1", PUBLIC_6]
)
def test_a_public_address_may_be_reached_on_the_ports_of_the_web_alone(address):
    assert public(ipaddress.ip_address(address), 443)
    assert public(ipaddress.ip_address(address), 80)
    assert not public(ipaddress.ip_address(address), 8080)


def test_at_most_two_addresses_are_tried_ipv4_first(connections):
    addresses = [PUBLIC_6, "8.8.8.8", PUBLIC, "1.1.1.1"]
    with pytest.raises(TryAgain):
        fetch(SafeWeb(clock=FakeClock(), resolve=lambda host, port: addresses), "http://jobs.example.com/")

    assert connections == [("8.8.8.8", 80), (PUBLIC, 80)]


def test_nothing_in_the_environment_widens_what_may_be_reached(connections, monkeypatch):
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:3128")

    with pytest.raises(TryAgain):
        fetch(SafeWeb(clock=FakeClock(), resolve=lambda host, port: [PUBLIC]), "http://jobs.example.com/")

    assert connections == [(PUBLIC, 80)]


@pytest.mark.parametrize("error", [OSError("no such host"), UnicodeError("label too long")])
def test_a_name_that_nobody_knows_may_be_known_later(connections, error):
    def resolve(host, port):
        raise error

    with pytest.raises(TryAgain, match="not known"):
        fetch(SafeWeb(clock=FakeClock(), resolve=resolve), "http://jobs.example.com/")


def test_a_look_up_that_hangs_ends_with_the_time(connections):
    def resolve(host, port):
        time.sleep(0.5)
        return [PUBLIC]

    with pytest.raises(TryAgain, match="in time"):
        fetch(SafeWeb(clock=FakeClock(), resolve=resolve), "http://jobs.example.com/", seconds=0.05)
    assert connections == []


# --- What it answers --------------------------------------------------------------------------------------------------


@pytest.fixture
def server():
    with WebServer() as server:
        yield server


@pytest.fixture
def here(server):
    """Fetches a page of the server, under a rule that knows it."""
    web = SafeWeb(clock=FakeClock(), may_reach=lambda address, port: address.is_loopback and port == server.port)

    def here(page="page", **limits):
        return fetch(web, f"http://127.0.0.1:{server.port}/{page}", **limits)

    return here


def test_an_answer_comes_with_the_headers_that_somebody_reads(server, here):
    server.pages["page"] = WebPage(body=b"jobs", headers={"ETag": '"1"', "Set-Cookie": "a=b", "Location": "/x"})

    answer = here()

    assert (answer.status, answer.body) == (200, b"jobs")
    assert answer.headers == {"etag": '"1"', "location": "/x"}


def test_a_redirect_is_told_and_not_followed(server, here):
    server.pages["page"] = WebPage(status=302, headers={"Location": "http://169.254.169.254/"})

    assert here().status == 302
    assert server.asked == ["page"]


def test_another_port_of_the_same_machine_is_not_reached(server):
    web = SafeWeb(clock=FakeClock(), may_reach=lambda address, port: address.is_loopback and port == server.port)

    with pytest.raises(Rejected):
        fetch(web, f"http://127.0.0.1:{server.port - 1}/")


def test_a_packed_answer_is_unpacked(server, here):
    server.pages["page"] = WebPage(body=gzip.compress(b"jobs" * 1000), headers={"Content-Encoding": "gzip"})

    assert here().body == b"jobs" * 1000


@pytest.mark.parametrize(
    ("page", "error"),
    [
        (WebPage(body=b"x" * 200_000), "longer than"),
        (WebPage(body=gzip.compress(b"\0" * 50_000_000), headers={"Content-Encoding": "gzip"}), "longer than"),
        (WebPage(body=gzip.compress(b"x") + gzip.compress(b"y"), headers={"Content-Encoding": "gzip"}), "behind"),
        (WebPage(body=b"x", headers={"Content-Encoding": "br"}), "packed in a way"),
    ],
    ids=["huge", "gzip bomb", "two members", "another packing"],
)
def test_an_answer_that_costs_too_much_is_refused(server, here, page, error):
    server.pages["page"] = page

    with pytest.raises(Rejected, match=error):
        here()


def endless(out):
    out.write(b"HTTP/1.0 200 OK\r\n\r\n")
    while True:
        out.write(b"x" * 65_536)


def test_an_endless_answer_without_a_length_is_refused(server, here):
    server.pages["page"] = WebPage(write=endless)

    with pytest.raises(Rejected, match="longer than"):
        here()


def raw(*pieces, pause=0.0):
    def write(out):
        for piece in pieces:
            out.write(piece)
            out.flush()
            time.sleep(pause)

    return WebPage(write=write)


@pytest.mark.parametrize(
    "page",
    [
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"),
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nshort\r\n0\r\n\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"jobs" * 9_000)[:-20]),
        raw(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + zlib.compress(b"jobs")),
        raw(b"HTTP/1.1 200 OK\r\n" + b"A: " + b"x" * 70_000 + b"\r\n\r\n"),
        raw(b"HTTP/1.1 200 OK\r\n" + b"A: x\r\n" * 200 + b"\r\n"),
        raw(b"<html>no HTTP at all</html>"),
        raw(b""),
    ],
    ids=["cut", "cut chunk", "no length", "cut gzip", "no gzip", "long header", "many headers", "no http", "silence"],
)
def test_an_answer_that_is_none_may_come_later(server, here, page):
    server.pages["page"] = page

    with pytest.raises(TryAgain):
        here()


@pytest.mark.parametrize(
    "page",
    [
        raw(b"HTTP/1.1 200 OK\r\n", *[b"X: y\r\n"] * 40, pause=0.05),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n", *[b"x"] * 40, pause=0.05),
    ],
    ids=["headers", "body"],
)
def test_an_answer_that_drips_ends_with_the_time(server, here, page):
    server.pages["page"] = page
    started = time.monotonic()

    with pytest.raises(TryAgain):
        here(seconds=0.3)

    assert time.monotonic() - started < 1.5


def test_a_request_waits_for_its_turn(server):
    clock = FakeClock()
    slept: list[float] = []
    server.pages["page"] = WebPage(body=b"jobs")
    web = SafeWeb(clock=clock, may_reach=lambda address, port: address.is_loopback, sleep=slept.append)
    now = clock.now()

    web.get(
        f"http://127.0.0.1:{server.port}/page",
        headers={},
        at=now + timedelta(seconds=2),
        until=now + timedelta(seconds=9),
        most_bytes=10,
    )

    assert slept == [2.0]


# --- What a robots.txt and a page say ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "allowed", "seconds"),
    [
        ("", True, 0),
        ("User-agent: *\nDisallow: /", False, 0),
        ("User-agent: *\nDisallow: /\n\nUser-agent: Hearback\nAllow: /jobs", True, 0),
        ("User-agent: Hearback\nDisallow: /jobs\n\nUser-agent: *\nAllow: /", False, 0),
        ("User-agent: *\nCrawl-delay: 3\nDisallow: /private", True, 3),
        ("User-agent: *\nCrawl-delay: 1e400\nDisallow: /private", True, 0),
        ("User-agent: *\nDisallow: /*" + "a*" * 5_000 + "$", True, 0),
        ("\0\xff<html>" * 100, True, 0),
    ],
)
def test_robots_txt_is_read_for_our_own_name(text, allowed, seconds):
    rule = SafeWeb(clock=FakeClock()).robots(text, "https://example.com/jobs/1")

    assert (rule.allowed, rule.delay) == (allowed, timedelta(seconds=seconds))


def test_the_json_ld_of_a_page_is_found_whatever_stands_beside_it():
    page = """<html><head><meta charset="utf-8"><script>var x = "<script>";</script>
      <script type="application/ld+json">{"@type": "JobPosting", "title": "Zoë’s job"}</script>
      <script type="application/ld+json">{"@type": "JobPosting", </script>
      <script type="application/ld+json">[{"@type": "WebSite"}, 7, null]</script></head><body><p>hello"""

    found = SafeWeb(clock=FakeClock()).json_ld(page.encode())

    assert [item["@type"] for item in found] == ["JobPosting", "WebSite"]
    assert found[0]["title"] == "Zoë’s job"


@pytest.mark.parametrize("page", [b"", b"\0", b"{}", b"plain text", b"<p>no data</p>", b"<" * 50_000])
def test_a_page_without_json_ld_has_none_or_is_no_page(page):
    try:
        found = SafeWeb(clock=FakeClock()).json_ld(page)
    except Rejected:
        found = ()
    assert found == ()


@pytest.mark.parametrize("script", ["{", "[" * 100_000, "{" * 5, '"' * 9, "a" * 600_000, "]" * 9, "// x\n]", "{}}" * 9])
def test_broken_json_ld_is_told(script):
    page = f'<html><script type="application/ld+json">{script}</script></html>'

    with pytest.raises(Rejected, match="JSON-LD"):
        SafeWeb(clock=FakeClock()).json_ld(page.encode())


# --- Encryption -------------------------------------------------------------------------------------------------------


@pytest.fixture
def secure(tmp_path):
    """A server with a certificate for jobs.example.com, and the adapter that trusts whoever signed it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "jobs.example.com")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("jobs.example.com")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain = tmp_path / "chain.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    chain.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    server = WebServer(tls=context)
    web = SafeWeb(
        clock=FakeClock(),
        may_reach=lambda address, port: address.is_loopback and port == server.port,
        resolve=lambda host, port: ["127.0.0.1"],
        trust=ssl.create_default_context(cadata=certificate.public_bytes(Encoding.PEM).decode()),
    )
    server.pages["page"] = WebPage(body=b"jobs")
    with server:
        yield web, server.port


def test_the_certificate_is_held_against_the_name_and_not_against_the_address(secure):
    web, port = secure

    assert fetch(web, f"https://jobs.example.com:{port}/page").body == b"jobs"
    with pytest.raises(TryAgain, match="SSLCertVerificationError"):
        fetch(web, f"https://other.example.com:{port}/page")


def test_a_certificate_that_nobody_knows_is_refused(secure):
    _, port = secure
    web = SafeWeb(clock=FakeClock(), may_reach=lambda address, at: at == port, resolve=lambda host, at: ["127.0.0.1"])

    with pytest.raises(TryAgain, match="SSLCertVerificationError"):
        fetch(web, f"https://jobs.example.com:{port}/page")
