"""Which company and which role a mail names, on mail of our own making in the style of the hiring systems."""

import json
from datetime import UTC, datetime
from email.utils import parseaddr
from pathlib import Path

import pytest

from shared.classify.facts import extract
from shared.classify.facts.sender_name import own_label, sender_company
from shared.model import Facts, Mail, Signal
from shared.names import plain, same_company, same_role

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "data" / "facts" / "mails.jsonl").read_text(encoding="utf-8").splitlines()
]
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def read(body="", *, sender="", subject="", signal=Signal.ACKNOWLEDGEMENT) -> Facts:
    name, address = parseaddr(sender)
    mail = Mail(
        id="m1", thread_id="t1", internal_date=NOW, from_name=name, from_address=address, subject=subject, text=body
    )
    return extract(mail, signal)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.get("company", "") + " " + row.get("subject", "")[:20])
def test_mail_in_the_style_of_the_hiring_systems_is_read_right(row):
    facts = read(row["body"], sender=row.get("sender", ""), subject=row.get("subject", ""))
    assert same_company(facts.company, row["company"])
    assert plain(facts.role) == plain(row["role"])
    assert facts.requisition == row.get("requisition", facts.requisition)


@pytest.mark.parametrize(
    "name",
    [
        "Two Sigma", "The Trade Desk", "JPMorgan Chase & Co.", "J.P. Morgan", "AB InBev", "Bank of New York Mellon",
        "Memorial Sloan Kettering Cancer Center", "Blue Cross Blue Shield of Massachusetts", "D. E. Shaw & Co.",
        "Ernst & Young", "H&M", "AT&T", "7-Eleven", "3M", "23andMe", "1Password", "eBay", "iRobot", "monday.com",
        "Booking.com", "Fly.io", "Weights & Biases", "Best Buy", "New Relic", "Next Insurance", "On Running",
        "McDonald's", "Trader Joe's", "Moody's Analytics", "Lloyd's of London", "Children's Hospital of Philadelphia",
        "L'Oréal", "Nestlé", "Société Générale", "Volkswagen AG", "adidas AG", "Robert Bosch GmbH", "Novo Nordisk A/S",
        "GitHub, Inc.", "Amazon.com Services LLC", "Amazon Web Services (AWS)", "Habitat for Humanity",
        "U.S. Bank", "St. Jude Children's Research Hospital", "Dr. Reddy's Laboratories", "X", "Arc", "a16z", "n8n",
        "10x Genomics", "Procter & Gamble", "Harley-Davidson", "F. Hoffmann-La Roche", "ETH Zürich", "ING",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "sentence",
    [
        "Thank you for your interest in {} and for taking the time to apply.",
        "Thank you for applying to the Analyst role at {}. We have received it.",
        "On behalf of {}, we thank you for your application.",
    ],
)
def test_a_name_is_read_to_its_end_and_no_further(name, sentence):
    assert same_company(read(sentence.format(name)).company, name)


@pytest.mark.parametrize(
    "title",
    [
        "Software Engineer", "Senior Software Engineer, Payments", "Software Engineer - Backend", "Line Cook",
        "Software Development Engineer in Test", "Head of Data", "Director of Sales, EMEA", "VP of Engineering",
        "Machine Learning Engineer", ".NET Developer", "C++ Software Engineer", "UX/UI Designer", "Chief of Staff",
        "Research Scientist, NLP", "Marketing Intern - Summer 2026", "Software Engineering Internship",
        "Member of Technical Staff", "Software Engineer, New Grad (2026)", "Sr. Data Engineer", "Registered Nurse",
        "Data & Analytics Manager", "Civil Engineer III", "Junior Java Developer", "IT Support Specialist",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "sentence",
    [
        "Thank you for your interest in the {} position at Acme Corp. We received it.",
        "We received your application for the position of {}. Regards",
        "Position: {}\nLocation: Berlin",
    ],
)
def test_a_title_is_read_to_its_end_and_no_further(title, sentence):
    assert plain(read(sentence.format(title)).role) == plain(title)


@pytest.mark.parametrize(
    "body",
    [
        "We received your application and will review it.",
        "Your interview is confirmed for Monday at 2pm. You will be meeting with the hiring manager.",
        "Thank you for your interest in the Engineering team.",
        "I came across your profile and have a great opportunity for you.",
        "Please join us at 10 AM on Tuesday via Google Meet.",
        "Bei Fragen stehen wir jederzeit zur Verfügung. Mit freundlichen Grüßen Ihre Personalabteilung",
        "该岗位暂停招聘，请您谅解。",
    ],
)
def test_a_mail_that_names_no_company_states_none(body):
    assert read(body).company == ""


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("Interview Confirmed - Final Round", "Your interview is confirmed."),
        ("Next Steps - Phone Screen", "Please share your availability."),
        ("Technical Assessment - System Design", "Please prepare a system design exercise."),
        ("Your Offer - Updated Compensation", "We are pleased to extend an updated offer."),
    ],
)
def test_a_step_in_the_subject_is_not_a_company(subject, body):
    assert read(body, subject=subject, sender="recruiting@example.net").company == ""


@pytest.mark.parametrize(
    "body",
    ["Thanks for your interest in our open role.", "This is the right opportunity for you.", "Your next job awaits."],
)
def test_a_role_that_is_only_described_is_none(body):
    assert read(body).role == ""


@pytest.mark.parametrize(
    ("name", "company"),
    [
        ("Acme Hiring Team", "Acme"),
        ("Acme Careers", "Acme"),
        ("Acme Talent Acquisition", "Acme"),
        ("Acme - Workday", "Acme"),
        ("Workday @ Acme", "Acme"),
        ("Acme via Greenhouse", "Acme"),
        ("Jane Okafor from Acme", "Acme"),
        ("Jane Okafor at Acme", "Acme"),
        ("Jane Okafor (Acme)", "Acme"),
        ("Jane | Acme Recruiting", "Acme"),
        ("京东校招", "京东"),
        ("株式会社ミナト採用担当", "株式会社ミナト"),
        ("Jane Okafor", ""),
        ("no-reply", ""),
        ("Greenhouse Recruiting", ""),
        ("Human Resources", ""),
        ("", ""),
    ],
)
def test_a_display_name_states_a_company_by_its_form_only(name, company):
    assert sender_company(name) == company


@pytest.mark.parametrize(
    ("address", "label"),
    [
        ("a@stripe.com", "stripe"),
        ("a@careers.stripe.com", "stripe"),
        ("a@jobs.example.co.uk", "example"),
        ("cyrusone@myworkday.com", "cyrusone"),
        ("no-reply@us.greenhouse-mail.io", ""),
        ("no-reply@hire.lever.co", ""),
        ("acme.jobs@gmail.com", ""),
        ("", ""),
        ("nonsense", ""),
    ],
)
def test_hiring_systems_and_webmail_never_name_an_employer(address, label):
    assert own_label(address) == label


def test_a_domain_alone_is_no_company():
    assert read("We received your application.", sender="hr@stripe.com").company == ""


def test_a_domain_speaks_for_the_name_that_the_mail_writes():
    body = "We also partner with Globex and Initech. Your Acme application is under review."
    assert read(body, sender="hr@acme.com").company == "Acme"


def test_the_person_who_writes_is_no_company():
    body = "You are invited to an interview with Li Wei on Tuesday."
    assert read(body, sender="Li Wei <li.wei@globex.com>").company == ""
    assert read(body.replace("Li Wei", "Globex"), sender="Globex <globex@globex.com>").company == "Globex"


def test_a_placeholder_is_no_name():
    facts = read("Hi [NAME], thank you for applying to [COMPANY] for the [POSITION] role.")
    assert (facts.company, facts.role) == ("", "")


@pytest.mark.parametrize("signal", [Signal.OTHER, Signal.VERIFICATION_CODE])
def test_mail_about_no_application_states_no_fact_of_one(signal):
    assert read("Thank you for applying to the Analyst role at Acme.", signal=signal) == Facts()


def test_every_fact_is_quoted_from_the_mail():
    facts = read("Thank you for applying to the Analyst role at Acme. Job ID: 43683.", subject="Acme")
    assert "Acme" in facts.quotes["company"]
    assert "Analyst" in facts.quotes["role"]
    assert "43683" in facts.quotes["requisition"]


@pytest.mark.parametrize(
    ("text", "requisition"),
    [
        ("R260013984 Network Engineer", "R260013984"),
        ("for the position Nurse (JR12352).", "JR12352"),
        ("Job ID: 43683", "43683"),
        ("Req #2026-11873", "2026-11873"),
        ("Requisition number: REQ-2026-114", "REQ-2026-114"),
        ("Referenz: ABC-778", "ABC-778"),
        ("职位编号：J10293", "J10293"),
        ("Call 555-0134 or write to 10115 Berlin", ""),
        ("https://jobs.example/r/R123456?x=R998877", ""),
    ],
)
def test_a_number_is_a_jobs_by_its_label_or_its_form(text, requisition):
    assert read(text).requisition == requisition


def test_titles_are_compared_without_what_surrounds_them():
    facts = read("Ihre Bewerbung als Produktmanager (m/w/d) bei Novawerk", subject="Produktmanager (m/w/d) - 4711223")
    assert same_role(facts.role, "Produktmanager")
