"""What one mail says: phrases, weights, and what neither may make of it."""

from __future__ import annotations

import importlib
import pkgutil
import random
import re
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared import classify as package
from shared.classify import CLASSIFIER_VERSION, classify
from shared.classify.labels import CORPUS_LABEL
from shared.classify.phrases import Phrases, tokens_of
from shared.classify.signals import read, sender_words, sentences_of
from shared.classify.weights import pack, text_features, unpack, weights
from shared.model import SPAN_CHARACTERS, SPANS_PER_MAIL, CalendarPart, Mail, Signal
from tests.support.mailgen import NOW, TEMPLATES, generate, read_templates, spell_out


def mail(subject: str = "", text: str = "", sender: str = "") -> Mail:
    return Mail(id="1", thread_id="1", internal_date=NOW, subject=subject, text=text, from_address=sender)


# --- The grammar of the tables ----------------------------------------------------------------------------------------


def found(table: str, text: str) -> list[tuple[int, int]]:
    return [(match.start, match.end) for match in Phrases([("x", table)]).find(tokens_of(text))]


@pytest.mark.parametrize(
    ("table", "text", "matches"),
    [
        ("not moving forward", "We are not moving forward.", [(2, 5)]),
        ("not moving forward", "We are moving forward.", []),
        ("(will|would) not be", "It would not be", [(1, 4)]),
        ("not (be|) selected", "not selected", [(0, 2)]),
        ("invite you _ interview", "invite you to an interview", [(0, 5)]),
        ("invite you _ interview", "invite you interview", [(0, 3)]),
        ("invite you _ interview", "invite you to one two three interview", []),
        ("we __ regret", "we a b c d e f g h regret", [(0, 10)]),
        ("# not moving", "not moving", []),
        ("面试邀请", "您好，面试邀请！", [(2, 6)]),
        ("感谢__申请", "感谢您的申请", [(0, 6)]),
        ("können wir leider", "konnen wir leider", [(0, 3)]),
    ],
)
def test_a_table_line_matches_what_its_grammar_says(table, text, matches):
    assert found(table, text) == matches


def test_phrases_with_a_common_beginning_do_not_lend_each_other_their_ends():
    phrases = Phrases([("a", "your offer from x"), ("b", "(your offer|offer letter) (here|there)"), ("c", "your")])
    assert {m.name for m in phrases.find(["your", "offer", "from", "here"])} == {"c"}
    assert {m.name for m in phrases.find(["your", "offer", "here"])} == {"b", "c"}
    assert {m.name for m in phrases.find(["your", "offer", "from", "x"])} == {"a", "c"}


@pytest.mark.parametrize("phrase", ["_ interview", "interview _", "__"])
def test_a_gap_at_an_end_is_refused(phrase):
    with pytest.raises(ValueError, match="gap"):
        Phrases([("x", phrase)])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("We won't, we can’t", ["we", "will", "not", "we", "can", "not"]),
        ("Größe naïve ＡＢＣ", ["große", "naive", "abc"]),
        ("面接の日程", ["面", "接", "の", "日", "程"]),
    ],
)
def test_words_are_compared_without_case_accents_and_contractions(text, words):
    assert tokens_of(text) == words


# --- What counts, and what does not -----------------------------------------------------------------------------------

PLAIN = [
    (Signal.ACKNOWLEDGEMENT, "Thank you for applying", "We have received your application and will review it."),
    (Signal.INCOMPLETE_APPLICATION, "Finish your application", "Your application is still incomplete."),
    (Signal.INFO_REQUEST, "Documents needed", "To continue your application, please send us your transcript."),
    (
        Signal.AVAILABILITY_REQUEST,
        "Re: your application",
        "When are you available for a call? Please share your times.",
    ),
    (Signal.ASSESSMENT, "Next step", "Please complete the coding challenge on HackerRank within 72 hours."),
    (
        Signal.INTERVIEW_INVITATION,
        "Interview",
        "We would like to invite you to an interview for the Data Analyst role.",
    ),
    (Signal.INTERVIEW_UPDATE, "Interview rescheduled", "Your interview has been moved to Friday at 3pm."),
    (Signal.OFFER, "Offer letter", "We are pleased to offer you the position. Your base salary will be $90,000."),
    (Signal.REJECTION, "Your application", "Unfortunately, we have decided to move forward with other candidates."),
    (Signal.ON_HOLD, "Update on the role", "The position has been put on hold due to a hiring freeze."),
    (
        Signal.POSITION_CLOSED,
        "Your application",
        "The position you applied for has been cancelled and will not be filled.",
    ),
    (Signal.WITHDRAWAL_CONFIRMED, "Application withdrawn", "You have withdrawn your application for Data Analyst."),
    (
        Signal.DELIVERY_FAILURE,
        "Undelivered Mail Returned to Sender",
        "Your message could not be delivered. User unknown.",
    ),
    (Signal.VERIFICATION_CODE, "Your verification code", "Your verification code is 482913. It expires in 10 minutes."),
    (Signal.RECRUITER_OUTREACH, "Exciting opportunity", "I came across your profile. Are you open to new roles?"),
    (Signal.JOB_ALERT, "12 new jobs for you", "New jobs matching your search. See all jobs. Unsubscribe."),
    (Signal.OTHER, "Dinner on Saturday?", "Shall we cook something together? Bring the kids."),
]


@pytest.mark.parametrize(("signal", "subject", "text"), PLAIN, ids=[signal for signal, _, _ in PLAIN])
def test_a_mail_that_says_it_plainly_is_understood(signal, subject, text):
    assert classify(mail(subject, text)).signal == signal


NEAR_MISSES = [
    ("a reschedule that regrets", Signal.INTERVIEW_UPDATE, "Your interview on Friday",
     "Unfortunately we have to reschedule your interview: Anna is ill. Would Tuesday work instead?"),
    ("a delay that apologises", Signal.ACKNOWLEDGEMENT, "Your application for Data Analyst",
     "We are sorry for the delay. Your application is still under review and we hope to get back to you soon."),
    ("a receipt that supposes a rejection", Signal.ACKNOWLEDGEMENT, "Thank you for applying",
     "We received your application. If you are not selected for this role, keep an eye on our jobs page."),
    ("a receipt that sets a term", Signal.ACKNOWLEDGEMENT, "Thank you for applying",
     "We received your application. If you do not hear from us in two weeks, please consider it unsuccessful."),
    ("a receipt that supposes an interview", Signal.ACKNOWLEDGEMENT, "Application received",
     "Your application has been received. If your profile matches, we will invite you to an interview."),
    ("a receipt that lists the process", Signal.ACKNOWLEDGEMENT, "Thank you for your application",
     "Thank you for applying. Our process: 1. Review 2. Coding test 3. Interview 4. Offer. We will review it soon."),
    ("an offer that could not pay all", Signal.OFFER, "Your offer",
     "We are pleased to offer you the role. Unfortunately we were unable to meet your requested salary."),
    ("unable to offer", Signal.REJECTION, "Your application",
     "After careful consideration we are unable to offer you a position at this time."),
    ("an invitation with a day that is taken", Signal.INTERVIEW_INVITATION, "Interview for Data Analyst",
     "We would like to invite you to an interview. Unfortunately Friday is taken, but any other day works."),
    ("interview tips", Signal.JOB_ALERT, "10 interview tips to land your next job",
     "In this newsletter: how to negotiate an offer letter and ace your interview. View in browser. Unsubscribe."),
    ("a shop's offer", Signal.JOB_ALERT, "Special offer just for you",
     "We are thrilled to offer you 40% off. This offer expires Sunday. Shop now. Unsubscribe."),
    ("a flat", Signal.OTHER, "Application received",
     "Thank you for submitting your rental application for unit 4B. We will review your credit and references."),
    ("a bank", Signal.OTHER, "Your loan application",
     "We regret to inform you that we are unable to approve your loan application at this time."),
    ("a university", Signal.OTHER, "Your application to our graduate program",
     "The admissions committee has received your application for the fall semester."),
    ("a friend's job search", Signal.OTHER, "drinks?", "how did the interview go? let's have dinner, love, mum"),
    ("a security code while applying", Signal.VERIFICATION_CODE, "Security code for your application",
     "Copy this security code into the field on your application: 482913. It expires in 10 minutes."),
]  # fmt: skip


@pytest.mark.parametrize(("signal", "subject", "text"), [m[1:] for m in NEAR_MISSES], ids=[m[0] for m in NEAR_MISSES])
def test_a_near_miss_is_not_taken_for_the_real_thing(signal, subject, text):
    assert classify(mail(subject, text)).signal == signal


def test_a_quoted_rejection_below_an_answer_says_nothing():
    answer = mail("Re: Interview", "Great, see you on Monday for the interview at 10:00.", "anna@example.com")
    quoted = replace(answer, quoted="> Unfortunately, we have decided to move forward with other candidates.")
    assert classify(quoted) == classify(answer)
    assert classify(quoted).signal != Signal.REJECTION


def test_weights_alone_never_move_a_status():
    rng = random.Random(7)
    for path in sorted((TEMPLATES / "held").glob("*.txt")):
        for example in generate(path, 8, rng, plain=True):
            verdict = classify(example.mail)
            if verdict.strong:
                assert verdict.evidence, example.source
                assert verdict.source == "rules"
                assert verdict.confidence >= 0.5


def test_a_verdict_quotes_the_mail_word_for_word():
    long = (
        "We talked about many things, " * 30 + "but we have decided to move forward with other candidates " + "x" * 300
    )
    verdict = classify(mail("Your application", f"Hello.\n{long}\nBye."))
    assert verdict.signal == Signal.REJECTION
    assert any("other candidates" in span.text for span in verdict.evidence)
    for span in verdict.evidence:
        assert len(span.text) <= SPAN_CHARACTERS
        assert span.text in (f"Hello.\n{long}\nBye." if span.where == "body" else "Your application")


def test_a_mail_leaves_few_quotations():
    text = "\n".join(f"Unfortunately, we are not moving forward with application {n}." for n in range(50))
    assert len(classify(mail("Rejection", text)).evidence) == SPANS_PER_MAIL


def test_the_verdict_bears_the_classifiers_version():
    assert classify(mail("x", "y")).version == CLASSIFIER_VERSION


DSN = 'multipart/report; report-type=delivery-status; boundary="b"'
LOUD = "Thank you for your application. We are pleased to offer you the position. Unfortunately we regret."


@pytest.mark.parametrize(
    ("headers", "report"),
    [
        ({"content-type": DSN}, "Action: failed\nStatus: 5.1.1"),
        ({"content-type": DSN}, "Action: Failed\nStatus: 4.4.7"),
        ({"content-type": DSN}, "Action: delayed\nStatus: 4.4.1\nAction: failed\nStatus: 5.1.1"),
        ({"content-type": DSN}, "Status: 5.1.1"),
        ({"x-failed-recipients": "jobs@acme.example"}, ""),
    ],
)
def test_a_delivery_report_of_a_failure_is_one_whatever_it_quotes(headers, report):
    verdict = classify(replace(mail("Delivery Status Notification", LOUD), headers=headers, quoted=report))
    assert (verdict.signal, verdict.strong) == (Signal.DELIVERY_FAILURE, True)
    assert [span.where for span in verdict.evidence] == ["headers"]


@pytest.mark.parametrize(
    "report",
    [
        "Action: delayed\nStatus: 4.4.1",
        "Status: 4.4.1",
        "Action: relayed\nStatus: 2.0.0",
        "action: DELIVERED",
        "Status: 2.1.5",
    ],
)
def test_a_delivery_that_is_only_late_or_has_worked_is_no_failure(report):
    other = replace(mail("Delivery Status Notification (Delay)", LOUD), headers={"content-type": DSN}, quoted=report)
    assert classify(other).signal == Signal.OTHER


def test_a_delivery_report_that_says_nothing_is_a_question_at_most():
    verdict = classify(replace(mail("Returned mail", LOUD), headers={"content-type": DSN}))
    assert (verdict.signal, verdict.strong) == (Signal.DELIVERY_FAILURE, False)


def test_a_server_that_writes_that_it_will_try_again_has_not_failed():
    late = mail(
        "Delivery Status Notification (Delay)",
        "Delivery incomplete. There was a temporary problem delivering your message to jobs@acme.example. Gmail will"
        " retry for 46 more hours. You'll be notified if the delivery fails permanently.",
        "mailer-daemon@googlemail.com",
    )
    assert classify(late).signal == Signal.OTHER


# --- A meeting that is called off -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        "Your interview for the Senior Python Developer role has been cancelled.",
        "Your interview for the position of Data Analyst is cancelled.",
        "We are writing to let you know that the interview for the Data Analyst position at Fernhill was cancelled.",
        "The interview with Fernhill for this vacancy is postponed.",
    ],
)
def test_an_interview_for_a_job_that_is_called_off_is_not_the_job(words):
    assert read(mail("Interview at Fernhill", f"Hi Ada, {words}")).signal == Signal.INTERVIEW_UPDATE


@pytest.mark.parametrize(
    "words",
    [
        "The position of Data Analyst has been cancelled.",
        "Your interview for Data Analyst is cancelled because the position has been filled.",
        "Thank you for your interview with us. The Data Analyst position has been closed.",
    ],
)
def test_a_job_that_is_gone_is_gone_whatever_becomes_of_the_interview(words):
    assert read(mail("Data Analyst at Fernhill", f"Hi Ada, {words}")).signal == Signal.POSITION_CLOSED


def cancelled(subject: str, text: str) -> Mail:
    calendar = CalendarPart(text="BEGIN:VCALENDAR\r\nMETHOD:CANCEL\r\nEND:VCALENDAR\r\n", method="CANCEL")
    return replace(mail(subject, text), calendars=(calendar,))


def test_a_calendars_cancellation_of_an_interview_is_an_update_of_it():
    verdict = classify(cancelled("Interview for Data Analyst at Fernhill", "The vacancy is cancelled for today."))
    assert (verdict.signal, verdict.strong) == (Signal.INTERVIEW_UPDATE, True)
    assert verdict.evidence[0].where == "calendar"


def test_a_rejection_that_cancels_a_meeting_is_a_rejection():
    text = "Unfortunately, we have decided not to move forward with your application, so we cancel the call."
    assert classify(cancelled("Your application at Fernhill", text)).signal == Signal.REJECTION


def test_a_cancelled_dinner_is_no_interview():
    assert classify(cancelled("Dinner on Saturday?", "Sorry, the river place is full. xx")).signal == Signal.OTHER


def test_our_own_notification_is_no_answer_of_an_employer():
    own = replace(mail("Acme: rejection", LOUD), headers={"x-hearback-notification": "1"})
    assert classify(own).signal == Signal.OTHER


def test_an_automatic_reply_offers_nothing():
    text = (
        "I am on holiday. By the way, we are pleased to offer you the position of Analyst. Your base salary will be $1."
    )
    answer = mail("Automatic reply: your application", text)
    assert classify(answer).signal == Signal.OFFER
    assert classify(replace(answer, headers={"auto-submitted": "auto-replied"})).signal == Signal.OTHER


def test_names_in_addresses_are_no_evidence():
    assert sender_words("sarah.chen@acme.example") == set()
    assert sender_words("careers@acme.example") == {"careers"}
    assert "hiring system" in sender_words("no-reply@us.greenhouse-mail.io")
    assert sender_words("mum@gmail.com") == {"webmail"}


def test_every_signal_has_a_corpus_label():
    assert set(CORPUS_LABEL) == set(Signal)


# --- Other languages, on templates that training has not seen ---------------------------------------------------------

FOUR = (Signal.ACKNOWLEDGEMENT, Signal.INTERVIEW_INVITATION, Signal.REJECTION, Signal.OFFER)
LANGUAGES = ("de", "fr", "es", "pt", "it", "nl", "zh", "ja")


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_templates_held_aside_are_understood_in_each_language(language):
    right: Counter[Signal] = Counter()
    total: Counter[Signal] = Counter()
    for example in generate(TEMPLATES / "held" / f"{language}.txt", 60, random.Random(11), plain=True):
        total[example.signal] += 1
        right[example.signal] += CORPUS_LABEL[classify(example.mail).signal] == CORPUS_LABEL[example.signal]
    assert sum(right[signal] for signal in FOUR) / sum(total[signal] for signal in FOUR) >= 0.85
    for signal in FOUR:
        assert right[signal] / total[signal] >= 0.8, signal


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_training_has_at_least_twenty_wordings_for_each_of_the_four_signals(language):
    sections = read_templates(TEMPLATES / "train" / f"{language}.txt")
    for signal in FOUR:
        assert len(sections[signal].of("C")) + len(sections[signal].of("P")) >= 20, signal


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_no_template_held_aside_is_trained_on(language):
    def wordings(part):
        sections = read_templates(TEMPLATES / part / f"{language}.txt")
        return {line for section in sections.values() for kind in "CP" for line in section.of(kind)}

    assert not wordings("held") & wordings("train")


def test_a_template_with_an_unknown_slot_is_refused():
    with pytest.raises(ValueError, match="planet"):
        spell_out("Welcome to <planet>", random.Random(1))


# --- Whatever comes ---------------------------------------------------------------------------------------------------

WORDS = ["not", "we", "unfortunately", "if", "you", "offer", "面", "试", "の", ".", "!", "\n", "regret", "_", "'"]
ANY_TEXT = st.one_of(st.text(max_size=400), st.lists(st.sampled_from(WORDS)).map(" ".join))


@settings(max_examples=150, deadline=None)
@given(subject=ANY_TEXT, text=ANY_TEXT, sender=ANY_TEXT)
def test_any_text_has_a_verdict(subject, text, sender):
    verdict = classify(mail(subject, text, sender))
    assert 0 <= verdict.confidence <= 1
    assert all(len(span.text) <= SPAN_CHARACTERS for span in verdict.evidence)


GENEROUS = 1.0
"""Seconds of CPU: many times what is measured (scripts/eval tells that), far less than backtracking takes."""

HOSTILE = [
    "not " * 25_000,
    "we would like to invite you to " * 3_300,
    "if you are not selected " * 4_000,
    "a" * 100_000,
    "'" * 100_000,
    "面" * 100_000,
    "http://" * 14_000,
    "https://" + "a/" * 50_000,
    ". " * 50_000,
    "\n" * 100_000,
    "thank you for your interest in the position of " * 2_000,
    " • " * 33_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=[text[:12].strip() or "white" for text in HOSTILE])
def test_a_hundred_kilobytes_made_to_hurt_are_read_in_a_moment(text):
    read(mail("warm", "up"))
    started = time.process_time()
    read(mail(text, text))
    assert time.process_time() - started < GENEROUS


def test_no_regular_expression_of_the_classifier_backtracks():
    patterns = []
    for module in pkgutil.iter_modules(package.__path__):
        loaded = importlib.import_module(f"{package.__name__}.{module.name}")
        if module.name in {"phrases", "signals", "weights", "triage", "labels", "advisor"} or module.name.startswith(
            "phrases_"
        ):
            patterns += [(module.name, name, v) for name, v in vars(loaded).items() if isinstance(v, re.Pattern)]
    assert patterns
    for module_name, name, pattern in patterns:
        for text in HOSTILE:
            started = time.process_time()
            for _ in pattern.finditer(text):
                pass
            assert time.process_time() - started < GENEROUS, (module_name, name, text[:12])


def test_importing_the_classifier_is_cheap():
    program = (
        "import time, resource; t = time.process_time(); import shared.classify;"
        "print(time.process_time() - t, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    )
    # A shell in between: a child's peak of memory begins with that of the process that forked it.
    command = ["/bin/sh", "-c", f"{sys.executable} -c '{program}'; true"]
    done = [
        tuple(map(float, subprocess.run(command, capture_output=True, check=True).stdout.split())) for _ in range(3)
    ]
    assert min(seconds for seconds, _ in done) < GENEROUS
    assert max(mebibytes for _, mebibytes in done) < 60


# --- The weights' file ------------------------------------------------------------------------------------------------


def test_the_weights_are_a_small_file():
    from shared.classify.weights import _FILE  # noqa: PLC0415 - only here

    assert _FILE.stat().st_size < 400_000


def test_the_same_weights_make_the_same_file():
    head = {"signals": ["other"], "bias": [0.0, 1.0], "rules": [[1.0, 2.0]], "scale": 0.5, "calibration": [(0.0, 0.5)]}
    assert pack(dict(reversed(head.items())), b"\x80\x80") == pack(head, b"\x80\x80")


def test_a_mails_score_is_the_sum_of_its_features_weights():
    rows = bytearray(b"\x80\x80\x80" * (1 << 16))
    rows[3 * 7 : 3 * 8] = bytes([130, 127, 128])
    rows[3 * 9 : 3 * 10] = bytes([129, 128, 138])
    head = {
        "signals": ["offer", "other"],
        "bias": [0.5, 0.0, -1.0],
        "rules": [[1.0, 0.0, 0.25]],
        "scale": 2.0,
        "calibration": [(0.0, 0.1), (0.5, 0.9)],
    }
    model = unpack(pack(head, bytes(rows)))
    scores = model._scores([1.0], {7, 9})
    factor = 2.0 / 2**0.5
    assert scores == pytest.approx([0.5 + 1.0 + factor * 3, -factor, -1.0 + 0.25 + factor * 10])
    assert sum(model.probabilities([1.0], {7, 9}).values()) == pytest.approx(1.0)
    assert [model.calibrated(p) for p in (0.0, 0.49, 0.5, 1.0)] == [0.1, 0.1, 0.9, 0.9]


def test_features_do_not_depend_on_the_process():
    assert sorted(text_features(["offer"], ["we", "offer"], ["hr"]))[:3] == [26_649, 34_622, 44_783]


def test_confidence_is_a_share_of_right_verdicts():
    steps = weights().calibration
    assert [low for low, _ in steps] == sorted(low for low, _ in steps)
    assert [share for _, share in steps] == sorted(share for _, share in steps)


def test_a_supposition_is_marked_and_kept_out_of_the_evidence():
    sentence = sentences_of(mail("", "If you are selected, we will invite you to an interview."))[0]
    assert sentence.supposed
    assert not sentence.hits
