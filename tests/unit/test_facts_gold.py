"""The facts of labelled mail that others wrote and published (MIT), against what they say it states."""

import json
from collections import Counter
from datetime import UTC, datetime
from email.utils import parseaddr
from pathlib import Path

import pytest

from shared.classify.facts import extract
from shared.model import InterviewFacts, Mail, Salary, Signal
from shared.names import same_company, same_role

LICENSED = Path(__file__).parents[1] / "data" / "licensed_mail.jsonl"
RECEIVED = datetime(2026, 7, 1, tzinfo=UTC)
SIGNALS = {
    "application_received": Signal.ACKNOWLEDGEMENT,
    "assessment": Signal.ASSESSMENT,
    "interview_invitation": Signal.INTERVIEW_INVITATION,
    "interview_change": Signal.INTERVIEW_UPDATE,
    "action_required": Signal.INFO_REQUEST,
    "offer": Signal.OFFER,
    "rejection": Signal.REJECTION,
    "on_hold_or_closed": Signal.POSITION_CLOSED,
    "recruiter_outreach": Signal.RECRUITER_OUTREACH,
    "job_alert_or_marketing": Signal.JOB_ALERT,
    "unrelated": Signal.OTHER,
}


def is_right(field, row, facts):
    """Whether one stated fact was read right; a start counts by its local time, as the zone is its own field."""
    met = facts.interview or InterviewFacts()
    paid = facts.salary or Salary(minimum=0, maximum=0)
    stated = row[field]
    if field == "interview_start_partial":
        if stated.startswith("--"):
            return met.start_local[5:] == stated[2:]
        weekday = datetime.fromisoformat(met.start_local).strftime("%a").upper() if met.start_local else ""
        return f"{weekday} T{met.start_local[11:]}" == stated
    bare = stated.removeprefix("https://") if field == "meeting_url" else ""
    return {
        "company": lambda: same_company(facts.company, stated),
        "role": lambda: same_role(facts.role, stated),
        "interview_start": lambda: met.start_local == stated,
        "interview_tz": lambda: met.zone == stated and (met.start is not None or stated in ("EST", "PST", "IST")),
        "meeting_url": lambda: met.link.removeprefix("https://") == bare,
        "salary_min": lambda: (paid.minimum, paid.maximum) == (stated, row["salary_max"]),
        "currency": lambda: paid.currency == stated,
        "period": lambda: paid.period == stated,
    }[field]()


@pytest.fixture(scope="module")
def accuracy():
    stated: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for line in LICENSED.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        name, address = parseaddr(row["from"])
        received = datetime.fromisoformat(row["sent"]) if "T" in row.get("sent", "") else RECEIVED
        mail = Mail(
            id="m",
            thread_id="t",
            internal_date=received.astimezone(UTC),
            from_name=name,
            from_address=address.lower(),
            subject=row["subject"],
            text=row["body"],
        )
        facts = extract(mail, SIGNALS[row["label"]])
        for field in FIELDS.keys() & row.keys():
            stated[field] += 1
            right[field] += is_right(field, row, facts)
    return {field: (right[field], stated[field]) for field in stated}


FIELDS = {
    # field: how many of the mails state it, at least
    "company": 70,
    "role": 100,
    "interview_start": 5,
    "interview_start_partial": 25,
    "interview_tz": 8,
    "meeting_url": 15,
    "salary_min": 25,
    "currency": 25,
    "period": 25,
}


@pytest.mark.parametrize("field", FIELDS)
def test_a_stated_fact_is_read_right(accuracy, field):
    right, stated = accuracy[field]
    assert stated >= FIELDS[field]
    assert right >= 0.98 * stated
