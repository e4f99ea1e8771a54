"""shared/adapters/job_boards.py: the list of employers, and JobSpy in a process that ends when its time is over."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from jobspy.indeed import Indeed

from shared.adapters import job_boards
from shared.adapters.job_boards import PublicJobBoards
from shared.errors import Rejected, TryAgain
from shared.jobs import big_boards
from shared.local.clock import FakeClock
from shared.model import Salary

# --- The list ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def listed():
    return PublicJobBoards(clock=FakeClock()).employers


def test_the_list_has_more_than_a_hundred_boards_each_once(listed):
    assert len(listed) > 100
    assert max(Counter((each.ats, each.board) for each in listed).values()) == 1
    assert {each.ats for each in listed} >= {"greenhouse", "lever", "ashby"}


def test_every_entry_of_the_list_is_an_address_part_and_a_name(listed):
    for each in listed:
        assert re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,60}", each.board), each
        assert each.company == each.company.strip()
        assert each.company


@pytest.mark.parametrize("text", ["greenhouse: [", "workday: {acme: Acme}", "greenhouse: {acme: [1]}"])
def test_a_list_that_is_wrong_is_rejected(tmp_path, text):
    path = tmp_path / "boards.yaml"
    path.write_text(text)

    with pytest.raises(Rejected):
        _ = PublicJobBoards(clock=FakeClock(), employers=path).employers


# --- JobSpy -----------------------------------------------------------------------------------------------------------


def job(number, **fields):
    """A job as Indeed's API tells of it."""
    return {
        "job": {
            "key": f"{number:016x}",
            "title": "Software Engineer",
            "sourceEmployerName": None,
            "datePublished": 1767400000000,
            "dateOnIndeed": 1767400000000,
            "description": {"html": "<p>Shade &amp; wood.</p>"},
            "location": {
                "countryName": "United States",
                "countryCode": "US",
                "admin1Code": "CA",
                "city": "San Francisco",
                "postalCode": "94105",
                "streetAddress": None,
                "formatted": {"short": "San Francisco, CA", "long": "San Francisco, CA"},
            },
            "compensation": {
                "estimated": None,
                "baseSalary": {"unitOfWork": "YEAR", "range": {"min": 120000, "max": 140000}},
                "currencyCode": "USD",
            },
            "attributes": [],
            "employer": {"relativeCompanyPageUrl": "/cmp/Elm", "name": "Elm", "dossier": None},
            "recruit": {"viewJobUrl": "https://elm.example/jobs/3", "detailedSalary": None, "workSchedule": None},
        }
        | fields
    }


class Indeeds(ThreadingHTTPServer):
    """Answers every request alike."""

    body = b""
    status = 200


class Answering(BaseHTTPRequestHandler):
    """Plays Indeed's API."""

    server: Indeeds

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = self.server.body
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture
def indeed(monkeypatch):
    """A stand-in for Indeed; sets what it answers."""
    server = Indeeds(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    monkeypatch.setattr(Indeed, "api_url", f"http://127.0.0.1:{server.server_address[1]}/graphql")

    def answer(body, status=200):
        server.body, server.status = (body if isinstance(body, bytes) else json.dumps(body).encode()), status

    yield answer
    server.shutdown()
    thread.join()
    server.server_close()


def ask(board="indeed"):
    question = {"board": board, "term": "software engineer", "location": "San Francisco, CA"}
    return json.loads(job_boards.answer(json.dumps(question).encode()))


def results(*jobs):
    return {"data": {"jobSearch": {"pageInfo": {"nextCursor": None}, "results": list(jobs)}}}


def test_what_jobspy_finds_is_read(indeed):
    indeed(results(job(1), job(2, title="Data Scientist")))

    told = ask()
    postings = {posting.title: posting for posting in big_boards.listing(told["rows"]).postings}

    assert told["error"] == ""
    assert set(postings) == {"Software Engineer", "Data Scientist"}
    posting = postings["Software Engineer"]
    assert (posting.company, posting.location) == ("Elm", "San Francisco, CA, USA")
    assert posting.salary == Salary(minimum=120_000, maximum=140_000, currency="USD", period="year")
    assert posting.text == "Shade & wood."
    assert posting.apply_url == "https://elm.example/jobs/3"
    assert posting.posted_at is not None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"blocked", 403),
        (b"slow down", 429),
        (b"oops", 500),
        (b"<html>", 200),
        (b'{"data": ', 200),
        ({"errors": []}, 200),
    ],
    ids=["403", "429", "500", "html", "truncated", "other shape"],
)
def test_a_board_that_refuses_jobspy_is_told(indeed, body, status):
    indeed(body, status)

    told = ask()

    assert told["rows"] == []
    assert told["error"]


def test_a_board_that_jobspy_does_not_know_is_told():
    told = ask("evil")

    assert told["rows"] == []
    assert "ValueError" in told["error"]


# --- The process ------------------------------------------------------------------------------------------------------


def boards(code, clock=None):
    """The adapter on a process of the test's own."""
    return PublicJobBoards(clock=clock or FakeClock(), command=(sys.executable, "-c", code))


def search(adapter, *, seconds=20.0):
    until = FakeClock().now() + timedelta(seconds=seconds)
    return adapter.search("indeed", "software engineer", "San Francisco, CA", until=until)


def test_the_process_is_given_the_question_and_its_rows_come_back():
    code = "import sys, json; q = json.load(sys.stdin); print(json.dumps({'rows': [q], 'error': 'half of it'}))"

    assert search(boards(code)) == ({"board": "indeed", "term": "software engineer", "location": "San Francisco, CA"},)


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("raise SystemExit(3)", "exit 3"),
        ("print('no json')", "could not be read"),
        ("print('{\"rows\": 7}')", "could not be read"),
        ('print(\'{"rows": [], "error": "blocked"}\')', "refused: blocked"),
        ("print('[' * 5_000_000)", "could not be read"),
        ("import os; os.kill(os.getpid(), 9)", "exit -9"),
    ],
)
def test_a_process_that_fails_may_work_later(code, complaint):
    with pytest.raises(TryAgain, match=complaint):
        search(boards(code))


def test_a_process_that_hangs_is_killed_when_its_time_is_over():
    started = time.monotonic()

    with pytest.raises(TryAgain, match="too long"):
        search(boards("import time; time.sleep(60)"), seconds=0.3)

    assert time.monotonic() - started < 5


def test_the_process_is_given_no_secret_of_ours(monkeypatch):
    monkeypatch.setenv("HEARBACK_OAUTH_CLIENT_SECRET", "planted")
    code = "import os, json; print(json.dumps({'rows': [dict(os.environ)]}))"

    (environ,) = search(boards(code))

    assert environ["PATH"]
    assert not [name for name in environ if name.startswith("HEARBACK_")]


def test_a_process_that_cannot_be_started_is_told():
    with pytest.raises(TryAgain):
        search(PublicJobBoards(clock=FakeClock(), command=("/nonexistent",)))


def test_the_real_process_answers_on_its_own():
    asked = subprocess.run(
        job_boards.COMMAND,
        input=b'{"board": "evil", "term": "cook", "location": ""}',
        capture_output=True,
        check=True,
        timeout=60,
        cwd=job_boards.ROOT,
    )

    assert "ValueError" in json.loads(asked.stdout)["error"]
