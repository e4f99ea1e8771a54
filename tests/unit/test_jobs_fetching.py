"""Asking politely: nothing is fetched twice unchanged, robots.txt is obeyed, and a host is asked once a second."""

from __future__ import annotations

import itertools
import socket
import threading
from datetime import timedelta

import pytest

from shared import jobs
from shared.adapters.clock import SystemClock
from shared.adapters.web import SafeWeb, public
from shared.errors import TryAgain
from shared.jobs.fetching import KEPT, Document, Reader, Unavailable, Wish
from shared.local.job_boards import StandInWeb, WebPage, WebServer
from shared.schema import CACHE_EXPIRED, WEB_HOSTS, WEB_HOSTS_EXPIRED
from tests.support.job_world import JobWorld

PAGE = "acme.example/jobs"
URL = f"https://{PAGE}"
ROBOTS = "acme.example/robots.txt"


@pytest.fixture
def world(tmp_path):
    with WebServer() as server:
        world = JobWorld(tmp_path, server)
        world.server.pages[PAGE] = WebPage(body=b"jobs", headers={"ETag": '"v1"', "Last-Modified": "yesterday"})
        yield world
        world.close()


def read(world, url=URL, *, reader=None, seconds=30, **wish):
    given = {
        "fresh_for": timedelta(minutes=50),
        "most_bytes": 100_000,
        "until": world.clock.now() + timedelta(seconds=seconds),
    }
    return (reader or world.reader()).read(url, Wish(**(given | wish)))


def asked(world, where=PAGE):
    return world.server.asked.count(where)


# --- The cache --------------------------------------------------------------------------------------------------------


def test_what_is_fresh_is_not_asked_for(world):
    first = read(world)
    world.pass_time(minutes=49)

    assert read(world) == first == Document(URL, b"jobs", first.fetched_at)
    assert asked(world) == 1


def test_what_has_not_changed_is_confirmed_by_its_marks(world):
    seen = []

    def unchanged(headers):
        seen.append((headers.get("if-none-match"), headers.get("if-modified-since")))
        return WebPage(status=304)

    read(world)
    world.server.pages[PAGE] = unchanged
    world.pass_time(hours=1)
    now = world.clock.now()
    again = read(world)

    assert seen == [('"v1"', "yesterday")]
    assert again.body == b"jobs"
    assert again.fetched_at >= now
    assert read(world) == again
    assert len(seen) == 1


def test_what_has_changed_is_fetched(world):
    read(world)
    world.server.pages[PAGE] = WebPage(body=b"other jobs")
    world.pass_time(hours=1)

    assert read(world).body == b"other jobs"


def test_a_mark_that_cannot_be_sent_back_is_not_kept(world):
    world.server.pages[PAGE] = WebPage(body=b"jobs", headers={"ETag": "x" * 400})
    read(world)
    world.server.pages[PAGE] = lambda headers: WebPage(body=headers.get("if-none-match", "none").encode())
    world.pass_time(hours=1)

    assert read(world).body == b"none"


def test_a_body_that_has_been_cleaned_away_is_fetched_again(world):
    read(world)
    for name in world.blobs.names("cache/"):
        world.blobs.delete(name)

    assert read(world).body == b"jobs"
    assert asked(world) == 2


def test_an_answer_that_failed_is_not_kept(world):
    world.server.pages[PAGE] = WebPage(status=500)
    assert read(world) == Unavailable("the server answered 500")
    world.server.pages[PAGE] = WebPage(body=b"jobs")

    assert read(world).body == b"jobs"


def test_the_cache_is_cleaned_of_what_is_a_week_old(world):
    read(world)
    world.pass_time(days=1)
    read(world, "https://other.example/jobs")
    world.pass_time(seconds=(KEPT - timedelta(days=1)).total_seconds() + 10)

    cleaned = jobs.clean_cache(settings=world.settings, store=world.store, blobs=world.blobs, clock=world.clock)

    assert cleaned.updated == cleaned.scanned > 0
    assert not world.store.find(CACHE_EXPIRED, before=world.clock.now(), limit=10).items
    assert not world.store.find(WEB_HOSTS_EXPIRED, before=world.clock.now(), limit=10).items
    assert read(world).body == b"jobs"
    assert asked(world) == 2


def test_an_answer_that_was_renewed_is_not_cleaned_away(world):
    read(world)
    world.pass_time(days=6)
    read(world)
    world.pass_time(days=2)

    jobs.clean_cache(settings=world.settings, store=world.store, blobs=world.blobs, clock=world.clock)

    assert [blob for blob in world.blobs.names("cache/") if world.blobs.get(blob) == b"jobs"]


def test_an_answer_that_is_renewed_while_the_cache_is_cleaned_stays_and_is_asked_for_again(world, monkeypatch):
    read(world)
    world.pass_time(days=8)
    find = world.store.find
    renewed: list[object] = []

    def late(query, **asked):
        page = find(query, **asked)
        if query is CACHE_EXPIRED and not renewed:
            renewed.append(read(world))
        return page

    monkeypatch.setattr(world.store, "find", late)
    jobs.clean_cache(settings=world.settings, store=world.store, blobs=world.blobs, clock=world.clock)
    found = [item.value for item in find(CACHE_EXPIRED, limit=9).items]
    assert len(found) == 2  # the page and its robots.txt
    assert read(world).body == b"jobs"


def test_whoever_dies_while_cleaning_the_cache_leaves_no_body_for_ever(world, monkeypatch):
    read(world)
    world.pass_time(days=8)
    delete, troubles = world.blobs.delete, [TryAgain("down")]

    def late(name):
        if troubles:
            raise troubles.pop()
        delete(name)

    monkeypatch.setattr(world.blobs, "delete", late)
    with pytest.raises(TryAgain):
        jobs.clean_cache(settings=world.settings, store=world.store, blobs=world.blobs, clock=world.clock)
    jobs.clean_cache(settings=world.settings, store=world.store, blobs=world.blobs, clock=world.clock)
    assert world.blobs.names("cache/") == ()


# --- robots.txt -------------------------------------------------------------------------------------------------------


def test_a_page_that_robots_txt_forbids_is_not_asked_for(world):
    world.server.pages[ROBOTS] = WebPage(body=b"User-agent: *\nDisallow: /jobs")

    assert read(world) == Unavailable("robots.txt asks not to read this")
    assert asked(world) == 0


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_robots_txt_that_is_not_there_allows_everything_and_is_asked_for_once_a_day(world, status):
    world.server.pages[ROBOTS] = WebPage(status=status)

    for _ in range(4):
        assert read(world).body == b"jobs"
        world.pass_time(hours=5)

    assert asked(world, ROBOTS) == 1
    world.pass_time(hours=5)
    read(world)
    assert asked(world, ROBOTS) == 2


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_robots_txt_that_cannot_be_had_allows_nothing(world, status):
    world.server.pages[ROBOTS] = WebPage(status=status)

    assert read(world).reason.startswith("robots.txt: the server answered")
    assert asked(world) == 0


def test_robots_txt_is_asked_for_at_each_host_of_a_redirect(world):
    world.server.pages[PAGE] = WebPage(status=302, headers={"Location": "https://hidden.example/jobs"})
    world.server.pages["hidden.example/robots.txt"] = WebPage(body=b"User-agent: *\nDisallow: /")
    world.server.pages["hidden.example/jobs"] = WebPage(body=b"secret")

    assert read(world) == Unavailable("robots.txt asks not to read this")
    assert asked(world, "hidden.example/jobs") == 0


def test_a_longer_pause_that_robots_txt_asks_for_is_made(world):
    world.server.pages[ROBOTS] = WebPage(body=b"User-agent: *\nCrawl-delay: 4\nDisallow:")
    read(world)
    started = world.clock.now()
    read(world, URL + "?page=2")

    assert world.clock.now() - started >= timedelta(seconds=4)


def test_a_site_that_wants_an_hour_between_two_requests_is_left_alone(world):
    world.server.pages[ROBOTS] = WebPage(body=b"User-agent: *\nCrawl-delay: 3600\nDisallow:")

    assert isinstance(read(world), Unavailable)
    assert asked(world) == 0


# --- Once a second ----------------------------------------------------------------------------------------------------


def test_a_host_is_asked_once_a_second_also_by_several_readers(world):
    started = world.clock.now()
    for number in range(6):
        read(world, f"{URL}?page={number}", reader=world.reader())

    # robots.txt and six pages: seven requests with six pauses between them.
    assert world.clock.now() - started == timedelta(seconds=6)


def test_another_host_does_not_wait(world):
    read(world)
    started = world.clock.now()
    world.server.pages["other.example/robots.txt"] = WebPage(body=b"")
    read(world, "https://other.example/robots.txt")

    assert world.clock.now() - started <= timedelta(seconds=1)


def test_two_instances_at_the_same_time_take_different_seconds(world):
    """Each instance has its own reader and its own store connection; the turns are taken in the store."""
    turns = []

    class Asking(StandInWeb):
        def get(self, url, *, headers, at, until, most_bytes):
            turns.append(at)
            return super().get(url, headers=headers, at=at, until=until, most_bytes=most_bytes)

    clock = SystemClock()
    web = Asking(world.server, clock=clock, sleep=lambda _: None)

    def instance(number):
        reader = Reader(web=web, store=world.store, blobs=world.blobs, clock=clock)
        until = clock.now() + timedelta(seconds=30)
        reader.read(f"{URL}?n={number}", Wish(fresh_for=timedelta(0), most_bytes=1_000, until=until))

    threads = [threading.Thread(target=instance, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    turns.sort()
    assert len(turns) > 4
    assert all(later - earlier >= timedelta(seconds=1) for earlier, later in itertools.pairwise(turns))


def test_nobody_queues_for_longer_than_a_source_has(world):
    host = WEB_HOSTS.key("acme.example")
    read(world)
    known = world.store.get(host).value
    far = world.clock.now() + timedelta(minutes=1)
    world.store.transact(lambda tx: tx.put(host, type(known)(id=known.id, next_at=far, expires_at=far)))

    assert read(world, URL + "?page=2") == Unavailable("too many are waiting for this server")


@pytest.mark.parametrize(
    ("retry_after", "minutes"),
    [("120", 2), ("", 10), ("soon", 10), ("Mon, 05 Jan 2026 09:30:01 GMT", 30), ("99999999", 24 * 60), ("-5", 10)],
)
@pytest.mark.parametrize("status", [429, 503])
def test_a_host_that_refuses_for_frequency_is_left_alone_for_as_long_as_it_says(world, status, retry_after, minutes):
    world.server.pages[ROBOTS] = WebPage(status=404)
    world.server.pages[PAGE] = WebPage(status=status, headers={"Retry-After": retry_after} if retry_after else {})
    assert isinstance(read(world), Unavailable)

    world.pass_time(minutes=minutes, seconds=-30)
    assert "left alone" in read(world).reason
    assert asked(world) == 1
    world.pass_time(seconds=32)
    read(world)
    assert asked(world) == 2


# --- Redirects --------------------------------------------------------------------------------------------------------


def chain(world, hops):
    for number in range(hops):
        world.server.pages[f"acme.example/{number}"] = WebPage(status=301, headers={"Location": f"/{number + 1}"})
    world.server.pages[f"acme.example/{hops}"] = WebPage(body=b"the end")


def test_five_redirects_are_followed(world):
    chain(world, 5)

    assert read(world, "https://acme.example/0") == Document("https://acme.example/5", b"the end", world.clock.now())


def test_six_redirects_are_too_many(world):
    chain(world, 6)

    assert read(world, "https://acme.example/0") == Unavailable("more than 5 redirects")
    assert asked(world, "acme.example/6") == 0


def test_a_redirect_never_leaves_encryption(world):
    world.server.pages[PAGE] = WebPage(status=301, headers={"Location": "http://acme.example/jobs"})

    assert "unprotected" in read(world).reason


INSIDE = [
    "http://169.254.169.254/latest/meta-data/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://127.0.0.1/",
    "http://127.0.0.1:6379/",
    "http://localhost:8080/",
    "http://10.0.0.1/",
    "http://192.168.1.1/admin",
    "http://100.100.100.200/",
    "http://[::1]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[2002:a9fe:a9fe::]/",
    "http://2130706433/",
    "http://0x7f.1/",
    "//0/",
    "//user@127.0.0.1/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "http://rebound.example/",
]


@pytest.mark.parametrize("hops", [0, 3])
@pytest.mark.parametrize("inside", INSIDE)
def test_a_chain_of_redirects_leads_nowhere_but_to_web_servers(world, monkeypatch, inside, hops):
    """Through the real adapter, whose rule knows this test's server beside the public ones; counted at the sockets."""
    connections = []
    connect = socket.socket.connect

    def counted(self, address):
        connections.append(address[1])
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", counted)
    answers = {"rebound.example": iter(["127.0.0.1"] * 9)}
    port = world.server.port
    web = SafeWeb(
        clock=world.clock,
        may_reach=lambda address, at: (address.is_loopback and at == port) or public(address, at),
        resolve=lambda host, at: [next(answers[host])] if host in answers else ["127.0.0.1"],
        sleep=lambda seconds: None,
    )
    for number in range(hops):
        world.server.pages[f"{number}"] = WebPage(status=302, headers={"Location": f"/{number + 1}"})
    world.server.pages[f"{hops}"] = WebPage(status=307, headers={"Location": inside})

    reader = Reader(web=web, store=world.store, blobs=world.blobs, clock=world.clock)
    answer = read(world, f"http://127.0.0.1:{port}/0", reader=reader)

    assert isinstance(answer, Unavailable)
    assert world.server.asked.count(f"{hops}") == 1
    # robots.txt, the hops and the last redirect; nothing else was connected to.
    assert connections == [port] * (hops + 2)


@pytest.mark.parametrize(
    "url", ["", "https://", "https:///x", "https://[::1", "nonsense", "https://a b/", "https://acme.example:x/"]
)
def test_what_is_no_address_is_told(world, url):
    assert isinstance(read(world, url), Unavailable)


def silent(_out):
    threading.Event().wait(0.4)


def test_a_server_that_never_answers_costs_the_source_its_time_alone(world):
    world.server.pages[PAGE] = WebPage(write=silent)

    assert read(world, seconds=2).reason.startswith("no answer")
