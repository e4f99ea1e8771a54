"""Links: postings, rooms and pages to book."""

from datetime import UTC, datetime

import pytest

from shared.classify.facts import extract, links
from shared.model import Mail, Signal

UUID = "0d6b6d9a-1111-4222-8333-444455556666"


@pytest.mark.parametrize(
    ("link", "posting"),
    [
        ("https://boards.greenhouse.io/acme/jobs/4012345?gh_src=abc", "greenhouse:4012345"),
        ("https://job-boards.eu.greenhouse.io/acme/jobs/4012345", "greenhouse:4012345"),
        ("https://www.acme.com/careers?gh_jid=4012345", "greenhouse:4012345"),
        (f"https://jobs.lever.co/acme/{UUID}/apply?lever-source=LinkedIn", f"lever:{UUID}"),
        (f"https://jobs.ashbyhq.com/Acme%20Corp/{UUID}", f"ashby:{UUID}"),
        (
            "https://acme.wd5.myworkdayjobs.com/en-US/External/job/Berlin/Engineer_R12345-1/apply",
            "workday:acme.wd5.myworkdayjobs.com:r12345-1",
        ),
        ("https://jobs.smartrecruiters.com/Acme/743999912345678-engineer", "smartrecruiters:743999912345678"),
        ("https://apply.workable.com/acme/j/AB12CD34EF/", "workable:ab12cd34ef"),
        ("https://acme.recruitee.com/o/data-engineer", "recruitee:acme.recruitee.com:data-engineer"),
        ("https://careers-acme.icims.com/jobs/11873/engineer/job", "icims:careers-acme.icims.com:11873"),
        ("https://www.linkedin.com/jobs/view/engineer-at-acme-3812345678/?trk=x", "linkedin:3812345678"),
        ("https://www.indeed.com/viewjob?jk=abc123&from=serp", "indeed:abc123"),
        ("https://acme.com/jobs/42", ""),
        ("https://jobs.lever.co/acme", ""),
        ("https://evil.example/boards.greenhouse.io/acme/jobs/4012345", ""),
        ("https://notlever.co/acme/" + UUID, ""),
        ("https://[bad", ""),
        ("", ""),
    ],
)
def test_a_posting_is_known_by_its_id(link, posting):
    assert links.posting_id(link) == posting


@pytest.mark.parametrize(
    "other",
    [
        "http://www.acme.com/jobs/42/",
        "https://acme.com/jobs/42?utm_source=x&gclid=1",
        "https://acme.com/jobs/42#apply",
        "acme.com/jobs/42/apply",
    ],
)
def test_one_page_is_one_address_however_it_is_linked(other):
    assert links.canonical(other) == links.canonical("https://acme.com/jobs/42")


def test_what_tells_pages_apart_is_kept():
    assert links.canonical("https://acme.com/job?id=1") != links.canonical("https://acme.com/job?id=2")


def test_a_link_is_cleaned_of_what_tracks_and_stays_a_link():
    link = "https://boards.greenhouse.io/acme/jobs/4012345?gh_src=abc&lang=en#app"
    assert links.cleaned(link) == "https://boards.greenhouse.io/acme/jobs/4012345?lang=en"


def test_links_without_a_scheme_are_found_where_people_meet_only():
    text = "Join zoom.us/j/123, book calendly.com/acme/30min or read acme.com/about."
    assert [link.text for link in links.find(text)] == ["zoom.us/j/123", "calendly.com/acme/30min"]


@pytest.mark.parametrize(
    ("link", "platform"),
    [
        ("https://us02web.zoom.us/j/1?pwd=x", "Zoom"),
        ("https://meet.google.com/abc-defg-hij", "Google Meet"),
        ("https://teams.microsoft.com/l/meetup-join/1", "Microsoft Teams"),
        ("https://acme.webex.com/meet/1", "Webex"),
        ("https://zoom.us.evil.example/j/1", ""),
        ("https://notzoom.us/j/1", ""),
    ],
)
def test_a_room_is_known_by_its_host(link, platform):
    (found,) = links.find(link)
    assert links.platform_of(found) == platform


def read(body, address="hr@acme.com"):
    mail = Mail(id="m", thread_id="t", internal_date=datetime(2026, 7, 1, tzinfo=UTC), from_address=address, text=body)
    return extract(mail, Signal.ACKNOWLEDGEMENT)


def test_the_one_posting_that_a_mail_links_to_is_its_job():
    facts = read("View it: https://boards.greenhouse.io/acme/jobs/4012345?gh_src=1 or https://acme.com/privacy.")
    assert facts.job_url == "https://boards.greenhouse.io/acme/jobs/4012345"
    assert "boards.greenhouse.io" in facts.quotes["job_url"]


def test_a_page_on_the_senders_own_site_counts():
    assert read("https://careers.acme.com/jobs/42").job_url == "https://careers.acme.com/jobs/42"


@pytest.mark.parametrize(
    "body",
    [
        "https://boards.greenhouse.io/acme/jobs/1234567 and https://boards.greenhouse.io/acme/jobs/7654321",
        "https://elsewhere.example/jobs/42",
        "https://acme.com/about",
        "no link at all",
    ],
)
def test_a_digest_or_a_strangers_page_is_no_job(body):
    assert read(body).job_url == ""
