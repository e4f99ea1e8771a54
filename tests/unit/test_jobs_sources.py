"""Each source's answers, faithful and broken: what is read of them, and that a failed source ends nothing."""

from __future__ import annotations

import gzip
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.jobs import ats, big_boards, json_ld, reading
from shared.local.job_boards import WebPage, WebServer
from shared.model import Salary
from tests.support.job_world import (
    ASHBY,
    ASHBY_PAGE,
    GREENHOUSE,
    GREENHOUSE_PAGE,
    LEVER,
    LEVER_PAGE,
    JobWorld,
    greenhouse_job,
    page,
)

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)


@pytest.fixture
def world(tmp_path):
    with WebServer() as server:
        world = JobWorld(tmp_path, server)
        yield world
        world.close()


# --- Greenhouse -------------------------------------------------------------------------------------------------------


def test_a_greenhouse_board_is_read():
    job = greenhouse_job(NOW) | {
        "location": {"name": "San Francisco, CA; Remote - US"},
        "application_deadline": "2026-03-01",
        "pay_input_ranges": [
            {"min_cents": 15_000_000, "max_cents": 19_000_050, "currency_type": "USD", "title": "Annual Salary"}
        ],
        "content": "&lt;p&gt;Write &amp;amp; run.&lt;/p&gt;&lt;p&gt;Send your resume to jobs@acme.example.&lt;/p&gt;",
    }

    found = ats.listing(GREENHOUSE, json.dumps({"jobs": [job], "meta": {"total": 1}}).encode())

    (posting,) = found.postings
    assert found.complete
    assert found.ids == {"4000001"}
    assert (posting.id, posting.company, posting.title) == ("4000001", "Acme", "Software Engineer")
    assert posting.location == "San Francisco, CA; Remote - US"
    assert posting.remote
    assert posting.salary == Salary(minimum=150_000, maximum=190_000.5, currency="USD", period="year")
    assert posting.posted_at == NOW - timedelta(days=2)
    assert posting.closes_at == datetime(2026, 3, 2, tzinfo=UTC)
    assert posting.text == "Write & run.\n\nSend your resume to jobs@acme.example."
    assert posting.apply_url == posting.url == "https://boards.greenhouse.io/acme/jobs/4000001"
    assert posting.apply_address == "jobs@acme.example"


@pytest.mark.parametrize(
    ("jobs", "total", "complete", "read"),
    [
        ([], 0, True, 0),
        ([{}], 2, False, 1),
        ([{}, {"id": None}], None, False, 1),
        ([{}, {"id": 7, "title": None}], None, True, 1),
        ([{}, {"id": 7, "title": "  "}], None, True, 1),
        ([{}, {"id": 7, "location": "San Francisco"}], None, True, 1),
    ],
    ids=["empty", "not all", "without id", "no title", "blank title", "another shape"],
)
def test_a_job_that_cannot_be_read_costs_only_itself_and_is_still_there(jobs, total, complete, read):
    shown = [greenhouse_job(NOW) | each for each in jobs]

    found = ats.listing(GREENHOUSE, json.dumps({"jobs": shown, "meta": {"total": total}}).encode())

    assert (found.complete, len(found.postings)) == (complete, read)
    assert found.ids == {str(each["id"]) for each in shown if each["id"]}


# --- Lever ------------------------------------------------------------------------------------------------------------

LEVER_JOB = {
    "id": "6b1f0c52-8d0e-4f7a-9a63-5a0d1c7be001",
    "text": "Software Engineer",
    "hostedUrl": "https://jobs.lever.co/birch/6b1f0c52-8d0e-4f7a-9a63-5a0d1c7be001",
    "applyUrl": "https://jobs.lever.co/birch/6b1f0c52-8d0e-4f7a-9a63-5a0d1c7be001/apply",
    "createdAt": 1767000000000,
    "categories": {"location": "Berlin", "allLocations": ["Berlin", "San Francisco, CA"]},
    "workplaceType": "remote",
    "salaryRange": {"min": 70, "max": 95.5, "currency": "EUR", "interval": "per-hour-wage"},
    "descriptionPlain": "Trees.",
    "lists": [{"text": "You will", "content": "<li>plant</li><li>water</li>"}],
    "additionalPlain": "Apply soon.",
}


def test_a_lever_board_is_read():
    found = ats.listing(LEVER, json.dumps([LEVER_JOB]).encode())

    (posting,) = found.postings
    assert found.complete
    assert (posting.company, posting.title, posting.location) == (
        "Birch",
        "Software Engineer",
        "Berlin; San Francisco, CA",
    )
    assert posting.remote
    assert posting.salary == Salary(minimum=70, maximum=95.5, currency="EUR", period="hour")
    assert posting.posted_at == datetime(2025, 12, 29, 9, 20, tzinfo=UTC)
    assert posting.text == "Trees.\n\nYou will\n\n- plant\n\n- water\n\nApply soon."
    assert posting.apply_url == LEVER_JOB["applyUrl"]
    assert posting.url == LEVER_JOB["hostedUrl"]


def test_a_lever_board_of_the_european_union_is_at_another_host():
    assert ats.board_url(LEVER) == "https://api.lever.co/v0/postings/birch?mode=json"
    eu = type(LEVER)(company="Birch", ats="lever-eu", board="birch")
    assert ats.board_url(eu) == "https://api.eu.lever.co/v0/postings/birch?mode=json"


# --- Ashby ------------------------------------------------------------------------------------------------------------

ASHBY_JOB: dict[str, Any] = {
    "id": "0f9d2c11-73ab-4c7e-8f1b-2d4e6a8c0b01",
    "title": "Software Engineer",
    "location": "San Francisco, CA",
    "secondaryLocations": [{"location": "New York, NY"}],
    "isRemote": True,
    "workplaceType": "Hybrid",
    "isListed": True,
    "publishedAt": "2026-01-02T10:00:00.000+02:00",
    "jobUrl": "https://jobs.ashbyhq.com/cedar/0f9d2c11-73ab-4c7e-8f1b-2d4e6a8c0b01",
    "applyUrl": "https://jobs.ashbyhq.com/cedar/0f9d2c11-73ab-4c7e-8f1b-2d4e6a8c0b01/application",
    "descriptionHtml": "<p>Wood.</p>",
    "compensation": {
        "summaryComponents": [
            {"compensationType": "EquityPercentage", "minValue": 0.1, "maxValue": 0.2},
            {
                "compensationType": "Salary",
                "interval": "1 YEAR",
                "currencyCode": "USD",
                "minValue": 150_000,
                "maxValue": None,
            },
        ]
    },
}


def test_an_ashby_board_is_read_and_what_is_not_listed_is_not_there():
    hidden = ASHBY_JOB | {"id": "0f9d2c11-73ab-4c7e-8f1b-2d4e6a8c0b02", "isListed": False}

    found = ats.listing(ASHBY, json.dumps({"jobs": [ASHBY_JOB, hidden]}).encode())

    (posting,) = found.postings
    assert found.complete
    assert found.ids == {ASHBY_JOB["id"]}
    assert posting.location == "San Francisco, CA; New York, NY"
    assert not posting.remote
    assert posting.salary == Salary(minimum=150_000, maximum=150_000, currency="USD", period="year")
    assert posting.posted_at == datetime(2026, 1, 2, 8, tzinfo=UTC)
    assert posting.text == "Wood."
    assert posting.apply_url == ASHBY_JOB["applyUrl"]


# --- Career pages -----------------------------------------------------------------------------------------------------

JOB_POSTING: dict[str, Any] = {
    "@context": "https://schema.org/",
    "@type": "JobPosting",
    "title": "Software Engineer",
    "hiringOrganization": {"@type": "Organization", "name": "Dogwood"},
    "identifier": {"@type": "PropertyValue", "name": "Dogwood", "value": "D-17"},
    "jobLocation": {
        "@type": "Place",
        "address": {
            "addressLocality": "San Francisco",
            "addressRegion": "CA",
            "addressCountry": {"@type": "Country", "name": "US"},
        },
    },
    "jobLocationType": "TELECOMMUTE",
    "datePosted": "2026-01-03",
    "validThrough": "2026-02-01T23:59",
    "baseSalary": {
        "currency": "USD",
        "value": {"@type": "QuantitativeValue", "minValue": "120,000", "maxValue": 150000, "unitText": "YEAR"},
    },
    "description": "<p>Flowers &amp; code.</p>",
    "url": "https://dogwood.example/jobs/17",
    "applicationContact": {"@type": "ContactPoint", "email": "mailto:Jobs@dogwood.example"},
}


def test_a_job_posting_by_the_book_is_read():
    found = json_ld.listing([JOB_POSTING])

    (posting,) = found.postings
    assert found.complete
    assert (posting.id, posting.company, posting.title) == ("D-17", "Dogwood", "Software Engineer")
    assert posting.location == "San Francisco, CA, US"
    assert posting.remote
    assert posting.salary == Salary(minimum=120_000, maximum=150_000, currency="USD", period="year")
    assert posting.posted_at == datetime(2026, 1, 3, tzinfo=UTC)
    assert posting.closes_at == datetime(2026, 2, 1, 23, 59, tzinfo=UTC)
    assert posting.text == "Flowers & code."
    assert posting.apply_address == "jobs@dogwood.example"


@pytest.mark.parametrize(
    "items",
    [
        [{"@graph": [{"@type": "WebPage"}, JOB_POSTING]}],
        [{"@type": "ItemList", "itemListElement": [{"@type": "ListItem", "position": 1, "item": JOB_POSTING}]}],
        [JOB_POSTING | {"@type": ["Thing", "http://schema.org/JobPosting"]}],
        [JOB_POSTING | {"hiringOrganization": "Dogwood", "title": ["Software Engineer"]}],
        [JOB_POSTING | {"jobLocation": [JOB_POSTING["jobLocation"]], "identifier": 17, "baseSalary": "a lot"}],
        [JOB_POSTING | {"datePosted": "soon", "validThrough": 7, "url": "javascript:alert(1)", "description": None}],
        [JOB_POSTING | {"baseSalary": {"currency": "USD", "value": {"value": 60, "unitText": "HOUR"}}}],
        [JOB_POSTING | {"baseSalary": {"currency": "USD", "value": "1e999", "minValue": -1}}],
    ],
    ids=["graph", "list", "two types", "short forms", "lists", "broken parts", "one amount", "no amount"],
)
def test_a_job_posting_nearly_by_the_book_is_read(items):
    (posting,) = json_ld.listing(items).postings

    assert (posting.company, posting.title) == ("Dogwood", "Software Engineer")
    assert posting.url in ("https://dogwood.example/jobs/17", "")


@pytest.mark.parametrize(
    "items",
    [[], [{"@type": "Organization"}], [JOB_POSTING, {"@type": "JobPosting", "title": "No company"}]],
    ids=["nothing", "other things", "one unreadable"],
)
def test_a_page_that_was_not_understood_whole_says_nothing_of_what_is_gone(items):
    assert not json_ld.listing(items).complete


def nested(depth):
    item: dict[str, Any] = JOB_POSTING
    for _ in range(depth):
        item = {"@graph": [item]}
    return item


def test_postings_are_not_looked_for_in_the_depths():
    assert json_ld.listing([nested(500)]).postings == ()


# --- The big boards ---------------------------------------------------------------------------------------------------

ROW = {
    "id": "in-0a1b",
    "company": "Elm",
    "title": "Software Engineer",
    "location": "San Francisco, CA, US",
    "is_remote": False,
    "min_amount": 120000.0,
    "max_amount": 140000.0,
    "currency": "USD",
    "interval": "yearly",
    "date_posted": "2026-01-04",
    "description": "Shade.",
    "job_url": "https://www.indeed.com/viewjob?jk=0a1b",
    "job_url_direct": "https://elm.example/jobs/3",
}


def test_a_row_of_a_big_board_is_read_and_nothing_is_gone_by_it():
    found = big_boards.listing([ROW, ROW | {"company": None}, {}])

    (posting,) = found.postings
    assert not found.complete
    assert posting.salary == Salary(minimum=120_000, maximum=140_000, currency="USD", period="year")
    assert posting.apply_url == "https://elm.example/jobs/3"
    assert posting.posted_at == datetime(2026, 1, 4, tzinfo=UTC)


# --- What every source's postings go through --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Please send your CV to Careers@Acme.example", "careers@acme.example"),
        ("To apply, write to jobs@acme.example.", "jobs@acme.example"),
        ("Bewerbungen an bewerbung@acme.example", "bewerbung@acme.example"),
        ("Questions? Ask press@acme.example about our products.", ""),
        ("Applicants who need accommodation may contact help@acme.example", ""),
        ("Agencies: do not send resumes to jobs@acme.example", ""),
        ("no address to apply", ""),
    ],
)
def test_an_address_is_for_applications_when_its_words_say_so(text, address):
    assert reading.apply_address(text) == address


@pytest.mark.parametrize(
    "stated",
    [
        (None, None, "USD", "year"),
        (0, 0, "USD", "year"),
        (-5, None, "USD", "year"),
        (float("nan"), float("inf"), "USD", "year"),
        (True, None, "USD", "year"),
        (1e12, None, "USD", "year"),
        ("lots", None, "USD", "year"),
        (100, 200, "dollars", "year"),
        (100, 200, None, "year"),
    ],
)
def test_an_unbelievable_salary_is_none(stated):
    assert reading.salary(*stated) is None


@pytest.mark.parametrize(
    "text", ["", "soon", "0001-01-01", "9999-12-31T23:59:59-14:00", "2026-13-01", "1" * 500, None, 7]
)
def test_what_is_no_date_is_none(text):
    assert reading.moment(text) is None


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("&lt;p&gt;Q&amp;amp;A &amp;lt;b&amp;gt;&lt;/p&gt;", "Q&A <b>"),
        ("&lt;p&gt;It&#39;s &quot;us&quot;&amp;nbsp;!&lt;/p&gt;", 'It\'s "us" !'),
        ("&#" + "9" * 5_000 + ";", "&#" + "9" * 5_000 + ";"),
        ("<p>" * 30_000 + "deep", "deep"),
        (None, ""),
        (7, ""),
    ],
    ids=["twice", "signs", "number", "deep", "none", "no text"],
)
def test_escaped_markup_is_unescaped_once(markup, text):
    assert reading.text_of(markup, escaped=True) == text


def test_texts_are_bounded_and_bear_nothing_invisible():
    found = reading.posting(
        id="x" * 900,
        company="Ac\u200bme\u202e " * 200,
        title=" Software\n\tEngineer\x00 ",
        location="y" * 900,
        text="z" * 90_000,
        url="https://acme.example/" + "u" * 2_000,
    )

    assert found is not None
    assert found.title == "Software Engineer"
    assert "\u200b" not in found.company + found.text
    assert [len(each) for each in (found.id, found.company, found.location, found.text, found.url)] == [
        200,
        159,
        300,
        12_000,
        0,
    ]


# --- Broken answers, through the whole way ----------------------------------------------------------------------------


def drip(out):
    out.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n")
    out.flush()
    time.sleep(0.2)


BROKEN = {
    "truncated JSON": WebPage(body=b'{"jobs": [{"id": 1, "title": "Soft'),
    "HTML instead of JSON": WebPage(body=b"<html>Just a moment...</html>", headers={"Content-Type": "text/html"}),
    "JSON of another shape": WebPage(body=b'"jobs"'),
    "empty": WebPage(body=b""),
    "403": WebPage(status=403, body=b"no"),
    "404": WebPage(status=404, body=b'{"status":404,"error":"Job not found"}'),
    "429": WebPage(status=429, headers={"Retry-After": "3600"}),
    "500": WebPage(status=500, body=b"oops"),
    "503": WebPage(status=503),
    "cut off": WebPage(write=drip),
    "gzip bomb": WebPage(body=gzip.compress(b" " * 60_000_000), headers={"Content-Encoding": "gzip"}),
    "no gzip": WebPage(body=b"jobs", headers={"Content-Encoding": "gzip"}),
    "deep JSON": WebPage(body=b"[" * 200_000),
    "redirect to itself": WebPage(status=302, headers={"Location": "?content=true"}),
    "redirect to metadata": WebPage(status=302, headers={"Location": "http://169.254.169.254:99999/"}),
    "redirect to nowhere": WebPage(status=301, headers={"Location": "http://[::1"}),
    "redirect without a place": WebPage(status=301),
}


@pytest.mark.parametrize("where", [GREENHOUSE_PAGE, LEVER_PAGE, ASHBY_PAGE], ids=["greenhouse", "lever", "ashby"])
@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_source_is_told_and_the_others_are_read(world, where, broken):
    world.greenhouse({})
    world.server.pages |= {LEVER_PAGE: page([LEVER_JOB]), ASHBY_PAGE: page({"jobs": [ASHBY_JOB]})}
    world.server.pages[where] = BROKEN[broken]

    (ran,) = world.round()

    (failure,) = world.search("tech").failures
    assert (ran.outcome, ran.scanned, ran.failed) == ("done", 3, 1)
    assert failure.source.split(":")[0] in where
    assert failure.reason
    assert len(world.postings) == 2


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_source_expires_nothing(world, broken):
    world.server.pages |= {LEVER_PAGE: page([]), ASHBY_PAGE: page({"jobs": []})}
    world.greenhouse({})
    world.round()

    world.server.pages[GREENHOUSE_PAGE] = BROKEN[broken]
    for _ in range(3):
        world.pass_time(hours=6)
        world.round()

    (posting,) = world.postings
    assert posting.open
    assert posting.sources[0].missed == 0


PAGE = "careers.dogwood.example/jobs"

BROKEN_PAGES = {
    "no JSON-LD": WebPage(body=b"<html>We moved</html>"),
    "broken JSON-LD": WebPage(body=b'<html><script type="application/ld+json">{"@type": "JobPos</script></html>'),
    "no page": WebPage(body=b""),
    "huge": WebPage(body=b"<html>" + b" " * 6_000_000),
    **{name: BROKEN[name] for name in ("403", "404", "429", "500", "cut off", "redirect to metadata")},
}


@pytest.mark.parametrize("broken", BROKEN_PAGES)
def test_a_broken_career_page_expires_nothing(world, broken):
    search = world.make(pages=(f"https://{PAGE}",), every_hours=1)
    world.page(PAGE, JOB_POSTING)
    world.finish(search.id)
    world.server.pages[PAGE] = BROKEN_PAGES[broken]

    for _ in range(3):
        world.pass_time(hours=1)
        world.scrape()
        world.finish(search.id)

    (posting,) = world.postings
    assert posting.open
    assert posting.sources[0].missed == 0


def test_a_big_board_that_refuses_is_told_and_expires_nothing(world):
    world.boards.big["indeed"] = (ROW,)
    search = world.make(sources=("indeed", "linkedin"), every_hours=1)
    world.finish(search.id)
    del world.boards.big["indeed"]
    for _ in range(3):
        world.pass_time(hours=1)
        world.scrape()
        world.finish(search.id)

    (posting,) = world.postings
    assert posting.open
    assert {failure.source for failure in world.search(search.id).failures} == {"indeed", "linkedin"}
