"""Gmail's search operators in the model."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.adapters.gmail_errors import GoogleError
from shared.classify import HIRING_QUERY
from shared.local.gmail.search import query
from tests.support.gmail_google import Google
from tests.support.gmail_mail import ADA, mail

RECEIPT = mail(
    "Thank you for applying to Acme",
    "We received your application for Senior Platform-Engineer (m/w/d).",
    sender="Acme Careers <no-reply@us.greenhouse-mail.io>",
    message_id="<receipt.1@greenhouse-mail.io>",
    html="<style>p{color:rejected}</style><p>We received your &quot;application&quot;.</p>",
    attachment=("Role profile.pdf", b"%PDF"),
    Cc="Grace <grace@example.org>",
    List_Id="Acme jobs <jobs.acme.com>",
)


@pytest.fixture
def google():
    google = Google()
    google.receive(RECEIPT, "INBOX", "CATEGORY_UPDATES")
    return google


def hits(google, text):
    return len(google.call("messages.list", q=text).get("messages", []))


@pytest.mark.parametrize(
    "text",
    [
        "application",
        "APPLICATION received",
        '"received your application"',
        "platform-engineer",
        "platform engineer",
        "acme OR nothing",
        "nothing OR acme applying",
        "{nothing acme}",
        "(acme applying)",
        "(acme OR nothing) {applying nothing}",
        "-nothing acme",
        "-{nothing neither}",
        "-(acme nothing)",
        "from:acme",
        'from:"acme careers"',
        "from:greenhouse-mail.io",
        "from:no-reply@us.greenhouse-mail.io",
        "from:(nothing OR greenhouse-mail.io)",
        "from:{nothing acme}",
        "to:me",
        "to:ada@example.com",
        "to:grace",
        "cc:grace",
        "-bcc:grace",
        "-from:me",
        "list:jobs.acme.com",
        "subject:applying",
        "subject:(thank you)",
        'subject:"thank you for applying"',
        "-subject:platform",
        "in:inbox",
        "in:anywhere",
        "is:unread",
        "-is:read",
        "label:inbox",
        "label:unread",
        "category:updates",
        "-category:primary",
        "has:attachment",
        "filename:pdf",
        'filename:"role profile"',
        "rfc822msgid:receipt.1@greenhouse-mail.io",
        "rfc822msgid:<receipt.1@greenhouse-mail.io>",
        "after:2026/01/05",
        "after:2026-01-04 before:2026/01/06",
        "after:1767600000",
        "-before:1767600000",
        "newer_than:1d",
        "-older_than:1d",
        "newer:2026/01/01",
        "m/w/d",
        "AND acme",
        "(acme",
        "acme)",
        '"thank you',
    ],
)
def test_it_finds(google, text):
    assert hits(google, text) == 1


@pytest.mark.parametrize(
    "text",
    [
        "applicat",  # words are whole
        "rejected",  # a style sheet is no text
        '"your received"',
        "acme nothing",
        "acme -applying",
        "-acme",
        "{nothing neither}",
        "nothing OR (acme neither)",
        "from:greenhouse.io",
        "from:grace",
        "from:me",
        "to:jobs",
        "subject:platform",
        "in:sent",
        "in:spam",
        "is:starred",
        "is:read",
        "label:work",
        "category:promotions",
        "category:primary",
        "filename:docx",
        "rfc822msgid:other@greenhouse-mail.io",
        "before:2026/01/05",
        "after:2026/01/06",
        "older_than:1d",
    ],
)
def test_it_does_not_find(google, text):
    assert hits(google, text) == 0


def test_a_date_means_midnight_in_california(google):
    """The mail came on 5 January at 09:00 UTC: at 01:00 in PST."""
    assert hits(google, "after:2026/01/05") == 1
    google.receive(mail("early"), at=google.clock.now() - timedelta(hours=1, minutes=1))
    assert hits(google, "subject:early before:2026/01/05") == 1


def test_ages_count_from_the_moment_of_the_question(google):
    google.wait(days=3)
    assert hits(google, "newer_than:2d") == 0
    assert hits(google, "newer_than:4d") == 1
    assert hits(google, "older_than:71h") == 1


def test_primary_is_what_bears_no_category(google):
    google.receive(mail("private"), "INBOX")
    google.receive(mail("private"), "INBOX", "CATEGORY_PERSONAL")
    assert hits(google, "category:primary") == 2


def test_ones_own_labels_are_found_by_name(google):
    label = google.model.add_label(ADA, "Job hunt")
    google.receive(mail("marked"), "INBOX", label)
    assert hits(google, "label:job-hunt") == 1


def test_a_word_inside_japanese_text_is_found(google):
    google.receive(mail("面接日程のご案内"))
    assert hits(google, "面接") == 1
    assert hits(google, "subject:ご案内") == 1
    assert hits(google, "不採用") == 0


@pytest.mark.parametrize(
    "text", ["after:soon", "newer_than:2w", "category:jobs", "(" * 50 + "a", "-" * 50 + "a", "a" * 20_000]
)
def test_nonsense_is_refused(google, text):
    assert google.refused("messages.list", q=text) == (400, "invalidArgument")


@pytest.mark.parametrize("text", ["larger:5M", "has:drive", "in:snoozed", "is:muted", "size:100"])
def test_an_operator_that_the_model_lacks_is_refused_loudly(google, text):
    assert google.refused("messages.list", q=text) == (501, "notImplemented")


def test_the_hiring_query_is_understood_whole(google):
    query(HIRING_QUERY)
    assert hits(google, HIRING_QUERY) == 1
    google.receive(mail("Dinner on Sunday", "Shall we cook?", sender="Mum <mum@example.org>"))
    assert hits(google, HIRING_QUERY) == 1


def test_a_group_of_a_thousand_words_is_no_trouble(google):
    words = " ".join(f"word{n}" for n in range(1000))
    assert hits(google, f"{{{words}}}") == 0
    assert hits(google, f"{{{words} acme}}") == 1


def test_a_query_too_long_says_so():
    with pytest.raises(GoogleError, match="400"):
        query("word " * 5000)
