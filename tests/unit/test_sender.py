"""Who really sent a mail: every way in which a sender can be proven, and every way in which one lies."""

from __future__ import annotations

import pytest

from shared.classify.domains import imitation, organisational_domain, same_organisation
from shared.classify.sender import check, read_results

GOOD = (
    "mx.google.com; dkim=pass header.i=@stripe.com header.s=s1 header.b=AbC; "
    "spf=pass (google.com: domain of b@stripe.com designates 192.0.2.1 as permitted sender) "
    "smtp.mailfrom=b@stripe.com; "
    "dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=stripe.com"
)
AUTHOR = ("From", "Stripe Recruiting <jobs@stripe.com>")


def _headers(results, author="Stripe Recruiting <jobs@stripe.com>", *more):
    return [("Authentication-Results", results), ("From", author), *more]


PASSING = {
    "DMARC of the domain itself": _headers(GOOD),
    "DMARC of a subdomain's owner": _headers(
        "mx.google.com; dmarc=pass header.from=us.greenhouse-mail.io", "Acme <no-reply@us.greenhouse-mail.io>"
    ),
    "DMARC although SPF failed": _headers(
        "mx.google.com; spf=fail smtp.mailfrom=x.example; dmarc=pass header.from=stripe.com"
    ),
    "DKIM of the domain, no DMARC record": _headers("mx.google.com; dkim=pass header.i=@stripe.com"),
    "DKIM by header.d": _headers("mx.google.com; dkim=pass header.d=stripe.com header.i=@mail.stripe.com"),
    "DKIM of the organisation (relaxed)": _headers("mx.google.com; dkim=pass header.i=@em.stripe.com"),
    "DKIM below co.uk": _headers("mx.google.com; dkim=pass header.i=@mail.acme.co.uk", "jobs@acme.co.uk"),
    "one of two signatures is the domain's": _headers(
        "mx.google.com; dkim=pass header.i=@amazonses.com; dkim=pass header.i=@stripe.com"
    ),
    "a broken signature beside the domain's": _headers(
        "mx.google.com; dkim=fail header.i=@x.example; dkim=pass header.i=@stripe.com"
    ),
    "SPF of the domain": _headers("mx.google.com; spf=pass smtp.mailfrom=bounce@stripe.com"),
    "SPF of a bare domain": _headers("mx.google.com; spf=pass smtp.mailfrom=em.stripe.com"),
    "SPF of a quoted envelope sender": _headers('mx.google.com; spf=pass smtp.mailfrom="b+a=b@stripe.com"'),
    "SPF of a quoted local part": _headers('mx.google.com; spf=pass smtp.mailfrom="b a"@stripe.com'),
    "no DMARC policy but a signature": _headers(
        "mx.google.com; dmarc=none header.from=stripe.com; dkim=pass header.i=@stripe.com"
    ),
    "a broken DMARC record but a signature": _headers("mx.google.com; dmarc=permerror; dkim=pass header.i=@stripe.com"),
    "version number": _headers(GOOD.replace("mx.google.com;", "mx.google.com 1;")),
    "folded lines": _headers(GOOD.replace("; ", ";\r\n\t     ")),
    "comments and nesting": _headers(
        "(a (b) c) mx.google.com (x\\)y); (;dkim=fail) dmarc (z) = (z) pass header.from(z)=stripe.com"
    ),
    "white space around the dot and the version": _headers(
        "mx.google.com ; dmarc / 1 = pass header . from = stripe.com"
    ),
    "capitals": _headers("MX.Google.com; DMARC=Pass Header.From=Stripe.COM", "JOBS@STRIPE.COM"),
    "empty statements and an unknown method": _headers(
        "mx.google.com;; dara=pass header.i=@gmail.com; dmarc=pass header.from=stripe.com;"
    ),
    "reason and properties": _headers(
        'mx.google.com; dmarc=pass reason="a; b = c" header.from=stripe.com policy.dmarc=reject'
    ),
    "a forged header further down": [
        ("Authentication-Results", GOOD),
        ("Authentication-Results", "mx.google.com; dmarc=fail header.from=stripe.com"),
        AUTHOR,
    ],
    "a foreign header further down": [
        ("Authentication-Results", GOOD),
        ("Authentication-Results", "evil.example; dmarc=fail"),
        AUTHOR,
    ],
    "a domain with accents, in Punycode and not": _headers(
        "mx.google.com; dmarc=pass header.from=xn--mnchen-jobs-thb.de", "jobs@münchen-jobs.de"
    ),
    "its own domain in the name": _headers(GOOD, '"stripe.com Careers" <jobs@stripe.com>'),
    "its own address in the name": _headers(GOOD, '"jobs@stripe.com" <jobs@stripe.com>'),
    "names with a dot that are no domains": _headers(GOOD, '"Node.js Team, J.P. Dr.Schmidt, e.V." <jobs@stripe.com>'),
    "an employer named like a domain, through its hiring service": _headers(
        "mx.google.com; dmarc=pass header.from=us.greenhouse-mail.io", "Booking.com Careers <x@us.greenhouse-mail.io>"
    ),
    "answers to the same organisation": _headers(GOOD, "jobs@stripe.com", ("Reply-To", "Jane <jane@mail.stripe.com>")),
    "answers through a hiring service": _headers(GOOD, "jobs@stripe.com", ("Reply-To", "a1b2@reply.greenhouse.io")),
    "a hiring service with the employer's address": _headers(
        "mx.google.com; dmarc=pass header.from=hire.lever.co",
        "no-reply@hire.lever.co",
        ("Reply-To", "ada@acme-tools.example"),
    ),
    "an unreadable Reply-To": _headers(GOOD, "jobs@stripe.com", ("Reply-To", "<>")),
    "a private person": _headers("mx.google.com; dmarc=pass header.from=gmail.com", "Ana Lima <ana@gmail.com>"),
    "a name with a comma that Gmail has decoded": _headers(GOOD, "Doe, Jane <jane@stripe.com>"),
}


@pytest.mark.parametrize("headers", PASSING.values(), ids=PASSING.keys())
def test_a_proven_sender_passes(headers):
    verdict = check(headers)
    assert verdict.passed, verdict.reason
    assert verdict.domain


FAILING = {
    # --- what the receiver says ---
    "nothing was checked": ([AUTHOR], "Gmail added no check"),
    "the topmost header is another server's": (
        [
            ("Authentication-Results", "mx.evil.example; dmarc=pass header.from=stripe.com"),
            ("Authentication-Results", GOOD),
            AUTHOR,
        ],
        "not Gmail's own",
    ),
    "a longer authserv-id": (_headers(GOOD.replace("mx.google.com", "mx.google.com.evil.example")), "not Gmail's own"),
    "an authserv-id that ends alike": (_headers(GOOD.replace("mx.google.com", "x.mx.google.com")), "not Gmail's own"),
    "signed for a domain that ends alike": (
        _headers("mx.google.com; dkim=pass header.d=stripe.com header.i=@notstripe.com"),
        "nothing proves it",
    ),
    "the authserv-id only in a comment": (
        _headers("evil.example (mx.google.com); dmarc=pass header.from=stripe.com"),
        "not Gmail's own",
    ),
    "two ids": (_headers("evil.example mx.google.com; dmarc=pass header.from=stripe.com"), "cannot be read"),
    "an unknown version": (_headers(GOOD.replace("mx.google.com", "mx.google.com 2")), "cannot be read"),
    "only a forged header further down passes": (
        [
            ("Authentication-Results", "mx.google.com; dmarc=fail header.from=stripe.com"),
            ("Authentication-Results", GOOD),
            AUTHOR,
        ],
        "failed that domain's own check (DMARC)",
    ),
    "nothing but another header's name": (
        [("X-Authentication-Results", GOOD), ("ARC-Authentication-Results", "i=1; " + GOOD), AUTHOR],
        "Gmail added no check",
    ),
    "no result": (_headers("mx.google.com; none"), "nothing proves it"),
    "no statement at all": (_headers("mx.google.com"), "nothing proves it"),
    "an empty header": (_headers(""), "cannot be read"),
    "an invisible character": (_headers("mx.google.com; dmarc=pass header.from=str\0ipe.com"), "cannot be read"),
    "no grammar": (_headers("mx.google.com; this is no result"), "cannot be read"),
    "an unclosed comment": (_headers("mx.google.com; dmarc=fail (dmarc=pass header.from=stripe.com"), "cannot be read"),
    "an unclosed quotation": (_headers('mx.google.com; dmarc=pass header.from="stripe.com'), "cannot be read"),
    "a header without end": (_headers(GOOD + " " * 20_000), "cannot be read"),
    "the envelope sender breaks out of its comment": (
        _headers(
            'mx.google.com; spf=pass (google.com: domain of "x) smtp.mailfrom=b@evil.example; '
            'dkim=pass header.i=@stripe.com ("@evil.example '
            'designates 192.0.2.1) smtp.mailfrom="x"@evil.example'
        ),
        "cannot be read",
    ),
    "the same with an escape": (
        _headers(
            'mx.google.com; spf=none (domain of "x\\") ; dkim=pass header.i=@stripe.com '
            '(\\"y"@evil.example) smtp.mailfrom=evil.example'
        ),
        "cannot be read",
    ),
    "two DMARC results": (
        _headers("mx.google.com; dmarc=fail header.from=stripe.com; dmarc=pass header.from=stripe.com"),
        "contradicts itself",
    ),
    "two SPF results": (
        _headers("mx.google.com; spf=fail smtp.mailfrom=x.example; spf=pass smtp.mailfrom=stripe.com"),
        "contradicts itself",
    ),
    "one property twice": (
        _headers("mx.google.com; dmarc=pass header.from=evil.example header.from=stripe.com"),
        "cannot be read",
    ),
    "DMARC failed": (
        _headers("mx.google.com; dkim=pass header.i=@stripe.com; dmarc=fail header.from=stripe.com"),
        "failed that domain's own check",
    ),
    "DMARC of another domain": (
        _headers("mx.google.com; dmarc=pass header.from=evil.example"),
        "is about evil.example",
    ),
    "DMARC of a domain that only ends alike": (
        _headers("mx.google.com; dmarc=pass header.from=notstripe.com"),
        "is about notstripe.com",
    ),
    "DMARC that names no domain": (_headers("mx.google.com; dmarc=pass"), "nothing proves it"),
    "signed by another domain": (
        _headers("mx.google.com; dkim=pass header.i=@evil.example"),
        "it is signed by evil.example",
    ),
    "signed for another domain than it names": (
        _headers("mx.google.com; dkim=pass header.d=evil.example header.i=@stripe.com"),
        "nothing proves it",
    ),
    "signed by a neighbour below co.uk": (
        _headers("mx.google.com; dkim=pass header.i=@evil.co.uk", "jobs@acme.co.uk"),
        "signed by evil.co.uk",
    ),
    "signed by a neighbour on a shared host": (
        _headers("mx.google.com; dkim=pass header.i=@evil.github.io", "jobs@acme.github.io"),
        "signed by evil.github.io",
    ),
    "sent by another domain's server": (
        _headers("mx.google.com; spf=pass smtp.mailfrom=x@evil.example"),
        "a server of evil.example sent it",
    ),
    "an envelope sender with two @": (
        _headers("mx.google.com; spf=pass smtp.mailfrom=jobs@stripe.com@evil.example"),
        "a server of evil.example sent it",
    ),
    "SPF of the greeting only": (_headers("mx.google.com; spf=pass smtp.helo=stripe.com"), "nothing proves it"),
    "SPF softfail": (_headers("mx.google.com; spf=softfail smtp.mailfrom=stripe.com"), "SPF probably failed"),
    "SPF neutral": (_headers("mx.google.com; spf=neutral smtp.mailfrom=stripe.com"), "SPF says nothing"),
    "SPF none": (_headers("mx.google.com; spf=none smtp.mailfrom=stripe.com"), "SPF is missing"),
    "SPF fail": (_headers("mx.google.com; spf=fail smtp.mailfrom=stripe.com"), "SPF failed"),
    "DKIM temperror": (_headers("mx.google.com; dkim=temperror header.i=@stripe.com"), "DKIM could not be checked"),
    "DKIM permerror": (_headers("mx.google.com; dkim=permerror header.i=@stripe.com"), "its record is broken"),
    "DKIM neutral": (
        _headers("mx.google.com; dkim=neutral (body hash did not verify) header.i=@stripe.com"),
        "DKIM says nothing",
    ),
    "DKIM fail": (_headers("mx.google.com; dkim=fail header.i=@stripe.com"), "DKIM failed"),
    "DKIM policy": (_headers("mx.google.com; dkim=policy header.i=@stripe.com"), "DKIM was refused"),
    "DMARC none": (_headers("mx.google.com; dmarc=none header.from=stripe.com"), "DMARC is missing"),
    "DMARC temperror": (
        _headers("mx.google.com; dmarc=temperror header.from=stripe.com"),
        "DMARC could not be checked",
    ),
    "DMARC permerror": (_headers("mx.google.com; dmarc=permerror header.from=stripe.com"), "its record is broken"),
    "a result that is no word of the RFC": (
        _headers("mx.google.com; dmarc=passed header.from=stripe.com"),
        "DMARC passed",
    ),
    "ARC alone": (
        _headers("mx.google.com; arc=pass (i=1 spf=pass dkim=pass dmarc=pass fromdomain=stripe.com)"),
        "ARC) is not enough",
    ),
    "ARC beside a DMARC failure": (
        _headers("mx.google.com; arc=pass (i=1); dmarc=fail header.from=stripe.com"),
        "ARC) is not enough",
    ),
    # --- who says it ---
    "no From": ([("Authentication-Results", GOOD)], "no From: line"),
    "two From": ([("Authentication-Results", GOOD), AUTHOR, ("from", "x@evil.example")], "2 From: lines"),
    "two From of different spelling": (
        [("Authentication-Results", GOOD), AUTHOR, ("FROM ", "x@evil.example")],
        "2 From: lines",
    ),
    "two addresses": (_headers(GOOD, "jobs@stripe.com, x@evil.example"), "several senders"),
    "two addresses without a comma": (_headers(GOOD, "Stripe <jobs@stripe.com> <x@evil.example>"), "several senders"),
    "a group": (_headers(GOOD, "Team: jobs@stripe.com, x@evil.example;"), "several senders"),
    "no address": (_headers(GOOD, "Stripe Recruiting"), "no sender's address"),
    "an empty address": (_headers(GOOD, "Stripe <>"), "cannot be read"),
    "an address with two @": (_headers(GOOD, "x@evil.example@stripe.com"), "cannot be read"),
    "an address of a number": (_headers(GOOD, "jobs@[192.0.2.1]"), "cannot be read"),
    "309 brackets": (_headers(GOOD, "(" * 309), "no sender's address"),
    # --- names that lie ---
    "another address in the name": (
        _headers("mx.google.com; dmarc=pass header.from=evil.example", '"jobs@stripe.com" <x@evil.example>'),
        "its name shows stripe.com",
    ),
    "another domain in the name": (
        _headers("mx.google.com; dmarc=pass header.from=evil.example", "Stripe.com Careers <x@evil.example>"),
        "its name shows stripe.com",
    ),
    "another domain in an encoded name": (
        _headers(
            "mx.google.com; dmarc=pass header.from=evil.example", "=?utf-8?b?am9ic0BzdHJpcGUuY29t?= <x@evil.example>"
        ),
        "its name shows stripe.com",
    ),
    "a domain in the name in wide letters": (
        _headers("mx.google.com; dmarc=pass header.from=evil.example", "ｓｔｒｉｐｅ．ｃｏｍ <x@evil.example>"),
        "its name shows stripe.com",
    ),
    "a domain in the name behind a zero-width space": (
        _headers("mx.google.com; dmarc=pass header.from=evil.example", "stripe\u200b.com <x@evil.example>"),
        "its name shows stripe.com",
    ),
    "an address in the name through a hiring service": (
        _headers("mx.google.com; dmarc=pass header.from=greenhouse.io", '"hr@stripe.com" <x@greenhouse.io>'),
        "its name shows stripe.com",
    ),
    "a brand in a private address": (
        _headers("mx.google.com; dmarc=pass header.from=gmail.com", "LinkedIn Recruiter <x@gmail.com>"),
        "calls itself linkedin",
    ),
    # --- domains that lie ---
    "Cyrillic among Latin letters": (
        _headers("mx.google.com; dmarc=pass header.from=xn--strpe-n2a.com", "jobs@strіpe.com"),
        "is about",
    ),
    "Cyrillic among Latin letters, passing": (
        _headers("mx.google.com; dmarc=pass header.from=xn--strpe-i2e.com", "jobs@xn--strpe-i2e.com"),
        "two alphabets",
    ),
    "all Cyrillic": (
        _headers("mx.google.com; dmarc=pass header.from=xn--80ak6aa92e.com", "jobs@xn--80ak6aa92e.com"),
        "looks like apple.com",
    ),
    "a digit for a letter": (
        _headers("mx.google.com; dmarc=pass header.from=str1pe.com", "jobs@str1pe.com"),
        "looks like stripe.com",
    ),
    "rn for m": (
        _headers("mx.google.com; dmarc=pass header.from=rnyworkday.com", "x@rnyworkday.com"),
        "looks like myworkday.com",
    ),
    "l for i": (
        _headers("mx.google.com; dmarc=pass header.from=linkedln.com", "x@linkedln.com"),
        "looks like linkedin.com",
    ),
    "an accent": (
        _headers("mx.google.com; dmarc=pass header.from=xn--strip-fsa.com", "x@stripé.com"),
        "looks like stripe.com",
    ),
    "a typing error": (
        _headers("mx.google.com; dmarc=pass header.from=greenhuose.io", "x@greenhuose.io"),
        "looks like greenhouse",
    ),
    "another end": (
        _headers("mx.google.com; dmarc=pass header.from=greenhouse-mail.co", "x@greenhouse-mail.co"),
        "looks like greenhouse-mail.io",
    ),
    "a known name beside a word": (
        _headers("mx.google.com; dmarc=pass header.from=linkedin-jobs.com", "x@linkedin-jobs.com"),
        "looks like linkedin.com",
    ),
    "a known domain in front": (
        _headers("mx.google.com; dmarc=pass header.from=stripe.com.evil.example", "x@stripe.com.evil.example"),
        "hides stripe.com",
    ),
    # --- answers that go elsewhere ---
    "answers to a private address": (
        _headers(GOOD, "jobs@stripe.com", ("Reply-To", "stripe.jobs@outlook.com")),
        "private address at outlook.com",
    ),
    "answers to another organisation": (
        _headers(GOOD, "jobs@stripe.com", ("Reply-To", "hr@stripe-careers.example")),
        "answers would go to stripe-careers.example",
    ),
    "one of two answers elsewhere": (
        _headers(GOOD, "jobs@stripe.com", ("Reply-To", "jobs@stripe.com, x@evil.example")),
        "answers would go to evil.example",
    ),
    "a second Reply-To elsewhere": (
        _headers(GOOD, "jobs@stripe.com", ("Reply-To", "jobs@stripe.com"), ("Reply-To", "x@evil.example")),
        "answers would go to evil.example",
    ),
    "a hiring service with a private address": (
        _headers(
            "mx.google.com; dmarc=pass header.from=greenhouse.io", "x@greenhouse.io", ("Reply-To", "hr@gmail.com")
        ),
        "private address at gmail.com",
    ),
    "answers to a look-alike": (
        _headers(
            "mx.google.com; dmarc=pass header.from=greenhouse.io", "x@greenhouse.io", ("Reply-To", "hr@linkedln.com")
        ),
        "looks like linkedin.com",
    ),
    "one private address for another": (
        _headers(
            "mx.google.com; dmarc=pass header.from=gmail.com", "Ana <ana@gmail.com>", ("Reply-To", "ana@outlook.com")
        ),
        "private address at outlook.com",
    ),
}


@pytest.mark.parametrize(("headers", "reason"), FAILING.values(), ids=FAILING.keys())
def test_an_unproven_sender_fails_with_a_reason(headers, reason):
    verdict = check(headers)
    assert not verdict.passed
    assert reason in verdict.reason


def test_a_reason_is_a_sentence_about_the_shown_domain():
    verdict = check(_headers("mx.google.com; spf=pass smtp.mailfrom=x@evil.example"))
    assert verdict.reason == "The mail says it is from stripe.com, but a server of evil.example sent it"


def test_the_domain_is_the_addresss_own():
    assert check(_headers(GOOD, "Jobs@Mail.Stripe.com")).domain == "mail.stripe.com"


@pytest.mark.parametrize(
    "header",
    ["spf=pass smtp.mailfrom=stripe.com", "dkim=pass header.i=@stripe.com", "dmarc=pass header.from=stripe.com"],
)
def test_no_proof_counts_under_a_foreign_authserv_id(header):
    assert not check(_headers(f"mail.stripe.com; {header}")).passed


@pytest.mark.parametrize(
    ("domain", "owner"),
    [
        ("stripe.com", "stripe.com"),
        ("a.b.stripe.com", "stripe.com"),
        ("mail.acme.co.uk", "acme.co.uk"),
        ("acme.co.uk", "acme.co.uk"),
        ("co.uk", "co.uk"),
        ("hire.lever.co", "lever.co"),
        ("vagas.empresa.com.br", "empresa.com.br"),
        ("x.example.or.jp", "example.or.jp"),
        ("a.acme.github.io", "acme.github.io"),
        ("github.io", "github.io"),
        ("localhost", "localhost"),
        ("", ""),
    ],
)
def test_the_organisational_domain_is_what_its_owner_registered(domain, owner):
    assert organisational_domain(domain) == owner


def test_nobody_shares_an_organisation_with_no_domain():
    assert not same_organisation("", "")
    assert not same_organisation("co.uk", "acme.co.uk")


@pytest.mark.parametrize(
    "domain",
    [
        "greenhouse.io",
        "us.greenhouse-mail.io",
        "strive.com",
        "stripes.com",
        "amazon.de",
        "glassdoor.co.uk",
        "careers.eu.acme.com",
        "jobs.acme.com",
        "münchen.de",
        "личный.рф",
        "例え.jp",
        "gmail.com",
        "gem.dev",
        "xn--.com",
        "a" * 63 + ".com",
    ],
)
def test_an_honest_domain_imitates_nothing(domain):
    assert imitation(domain) == ""


def test_results_are_read_with_their_properties():
    statement = read_results('mx.google.com 1; dkim=pass (ok) header.i=@a.example header.b="x;y"; none; spf=fail')
    assert statement is None
    server, results = read_results('mx.google.com 1; dkim=pass (ok) header.i=@a.example header.b="x;y"; spf=fail') or (
        "",
        [],
    )
    assert server == "mx.google.com"
    assert [(found.method, found.result) for found in results] == [("dkim", "pass"), ("spf", "fail")]
    assert results[0].properties == {"header.i": "@a.example", "header.b": "x;y"}
