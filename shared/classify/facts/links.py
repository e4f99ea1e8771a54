"""Links in a mail: the posting that it is about, the room of a meeting, the page to book one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

LINK_CHARACTERS = 2_000
"""Longest link that is read: what browsers accept; a longer one is no link of ours."""

LINKS = 60
"""How many links of one mail are looked at; a digest has more, and is about no single posting."""

_LINK = re.compile(
    r"https?://[^\s<>\"'\])}，。、】」]{4,2000}"
    r"|(?<![\w@./-])(?:[a-z0-9-]{1,40}\.){0,3}"
    r"(?:zoom\.us|meet\.google\.com|teams\.microsoft\.com|teams\.live\.com|calendly\.com|webex\.com|cal\.com|whereby\.com|"
    r"goodtime\.io|savvycal\.com|chime\.aws|around\.co)/[^\s<>\"'\])}，。、】」]{1,1000}",
    re.IGNORECASE,
)
_TRACKING = re.compile(
    r"^(?:utm_.*|gh_src|gh_jid_src|lever-source.*|lever-origin|src|source|ref|refid|trk.*|trackingid|fbclid|gclid|mc_[ce]id|"
    r"_hs.*|iis|iisn|mkt_tok|midtoken|midsig|eid|lipi|otptoken|gad_source|msclkid|ccuid|jobsource|sid|rx_.*|codes|bid|rcid|"
    r"jvsrc|jvst|applicationsource|mode|tm_.*)$",
    re.IGNORECASE,
)
"""Parameters that say who clicked and not what is shown."""

_POSTINGS: tuple[tuple[str, re.Pattern[str], re.Pattern[str]], ...] = tuple(
    (system, re.compile(host), re.compile(path, re.IGNORECASE))
    for system, host, path in (
        ("greenhouse", r"(?:^|\.)greenhouse\.io$", r"^/(?:embed/)?(?:[^/]{1,80}/)?jobs?/(?P<id>\d{4,20})"),
        ("lever", r"(?:^|\.)lever\.co$", r"^/[^/]{1,80}/(?P<id>[0-9a-f]{8}-[0-9a-f-]{27})"),
        ("ashby", r"(?:^|\.)ashbyhq\.com$", r"^/[^/]{1,120}/(?P<id>[0-9a-f]{8}-[0-9a-f-]{27})"),
        (
            "workday",
            r"(?:^|\.)myworkday(?:jobs|site)?\.com$",
            r"^/(?:[^/]{1,200}/){1,6}[^/]{0,200}?_(?P<id>[A-Z]{0,6}-?\d{3,12}(?:-\d{1,4})?)(?:/|$)",
        ),
        ("smartrecruiters", r"(?:^|\.)smartrecruiters\.com$", r"^/[^/]{1,120}/(?P<id>\d{8,20})"),
        ("workable", r"(?:^|\.)workable\.com$", r"^/(?:[^/]{1,120}/)?j/(?P<id>[0-9A-F]{6,16})"),
        ("jobvite", r"(?:^|\.)jobvite\.com$", r"^/(?:[^/]{1,120}/)?job/(?P<id>o[0-9a-zA-Z]{5,20})"),
        ("icims", r"(?:^|\.)icims\.com$", r"^/jobs/(?P<id>\d{2,12})/"),
        ("recruitee", r"(?:^|\.)recruitee\.com$", r"^/o/(?P<id>[a-z0-9-]{3,200})"),
        ("teamtailor", r"(?:^|\.)teamtailor\.com$", r"^/jobs/(?P<id>\d{4,12})"),
        ("personio", r"(?:^|\.)jobs\.personio\.(?:de|com)$", r"^/job/(?P<id>\d{4,12})"),
        ("bamboohr", r"(?:^|\.)bamboohr\.com$", r"^/(?:careers|jobs/view)/(?P<id>\d{1,8})"),
        ("breezy", r"(?:^|\.)breezy\.hr$", r"^/p/(?P<id>[0-9a-f]{8,40})"),
        ("rippling", r"(?:^|\.)ats\.rippling\.com$", r"^/(?:[^/]{1,120}/)?jobs/(?P<id>[0-9a-f]{8}-[0-9a-f-]{27})"),
        ("linkedin", r"(?:^|\.)linkedin\.com$", r"^/(?:comm/)?jobs/view/(?:[^/]{0,200}-)?(?P<id>\d{6,14})"),
        ("indeed", r"(?:^|\.)indeed\.com$", r"^/(?:viewjob|rc/clk)"),
        ("taleo", r"(?:^|\.)taleo\.net$", r"^/careersection/.{0,80}jobdetail"),
        ("successfactors", r"(?:^|\.)successfactors\.(?:com|eu)$", r"^/career"),
        ("oracle", r"(?:^|\.)oraclecloud\.com$", r"^/hcmUI/.{0,120}/job/(?P<id>\d{2,12})"),
        ("eightfold", r"(?:^|\.)eightfold\.ai$", r"^/careers/job/(?P<id>\d{6,20})"),
    )
)
"""Hiring systems' posting pages and the id that each puts into the address. Where a query parameter bears it: below."""

SYSTEMS = tuple(system for system, _, _ in _POSTINGS)
"""The hiring systems by the names that `posting_id` gives them."""

_ID_PARAMETERS = {"indeed": "jk", "taleo": "job", "successfactors": "career_job_req_id", "greenhouse": "gh_jid"}

_JOB_PATH = re.compile(
    r"/(?:jobs?|careers?|positions?|vacanc(?:y|ies)|openings?|stellen(?:angebote)?|karriere|offres?|vagas?)/"
    r"(?!(?:search|login|faq|privacy|alerts?|home|account|profile|status|unsubscribe|teams?|benefits)\b)(?:\d|[^/]{3})",
    re.IGNORECASE,
)

MEETING_HOSTS: tuple[tuple[str, str], ...] = (
    ("zoom.us", "Zoom"),
    ("zoomgov.com", "Zoom"),
    ("zoom.com", "Zoom"),
    ("meet.google.com", "Google Meet"),
    ("teams.microsoft.com", "Microsoft Teams"),
    ("teams.live.com", "Microsoft Teams"),
    ("webex.com", "Webex"),
    ("whereby.com", "Whereby"),
    ("gotomeeting.com", "GoTo Meeting"),
    ("goto.com", "GoTo Meeting"),
    ("bluejeans.com", "BlueJeans"),
    ("chime.aws", "Amazon Chime"),
    ("skype.com", "Skype"),
    ("meet.jit.si", "Jitsi"),
    ("around.co", "Around"),
    ("meeting.tencent.com", "Tencent Meeting"),
    ("meeting.feishu.cn", "Feishu"),
    ("vc.feishu.cn", "Feishu"),
)
"""Where meetings are joined, and what people call the place."""

BOOKING_HOSTS = (
    "calendly.com",
    "cal.com",
    "goodtime.io",
    "calendar.app.google",
    "calendar.google.com",
    "savvycal.com",
    "hubspot.com",
    "modernloop.io",
    "outlook.office365.com",
    "outlook.office.com",
    "doodle.com",
    "app.prelude.co",
    "guide.co",
    "youcanbook.me",
    "acuityscheduling.com",
    "zcal.co",
    "tidycal.com",
)
"""Where the person chooses a time."""


@dataclass(frozen=True, slots=True)
class Found:
    """A link, where it stands in the text, and its parts."""

    start: int
    text: str
    host: str
    path: str
    query: str


def find(text: str) -> Iterator[Found]:
    """The links of `text` in their order, the first LINKS of them; what no parser takes is left out."""
    for count, match in enumerate(_LINK.finditer(text)):
        if count >= LINKS:
            return
        link = match.group().rstrip(".,;:!?*_")
        try:
            parts = urlsplit(_with_scheme(link))
            host = (parts.hostname or "").removeprefix("www.")
        except ValueError:
            continue
        if host:
            yield Found(match.start(), link, host, parts.path, parts.query)


def on(host: str, suffix: str) -> bool:
    """Whether `host` is `suffix` or below it."""
    return host == suffix or host.endswith("." + suffix)


def _with_scheme(link: str) -> str:
    link = link.strip()[:LINK_CHARACTERS]
    return link if "//" in link[:9] else "https://" + link


def cleaned(link: str) -> str:
    """The link as a browser takes it, without tracking parameters and fragment; "" when no parser takes it."""
    try:
        parts = urlsplit(_with_scheme(link))
        pairs = parse_qsl(parts.query, max_num_fields=40)
    except ValueError:
        return ""
    kept = urlencode([(name, value) for name, value in pairs if not _TRACKING.match(name)])
    return urlunsplit((parts.scheme, parts.netloc, parts.path, kept, "")) if parts.hostname else ""


@lru_cache(maxsize=4096)
def canonical(link: str) -> str:
    """The address of a page, comparable: no scheme, www., tracking, fragment or last slash, parameters in order."""
    try:
        parts = urlsplit(_with_scheme(link))
        host = (parts.hostname or "").removeprefix("www.")
        pairs = parse_qsl(parts.query, max_num_fields=40)
    except ValueError:
        return ""
    kept = sorted((name, value) for name, value in pairs if not _TRACKING.match(name))
    path = re.sub(r"/(?:apply|application|thanks|confirmation)$", "", parts.path.rstrip("/"))
    return host + path + ("?" + urlencode(kept) if kept else "") if host else ""


@lru_cache(maxsize=4096)
def posting_id(link: str) -> str:
    """The "system:id" of a posting page of a known hiring system, else ""."""
    try:
        parts = urlsplit(_with_scheme(link))
        host = (parts.hostname or "").removeprefix("www.")
        pairs = dict(parse_qsl(parts.query, max_num_fields=40))
    except ValueError:
        return ""
    if pairs.get("gh_jid", "").isdigit():
        # Employers embed a Greenhouse board in pages of their own; the parameter is the posting's id.
        return "greenhouse:" + pairs["gh_jid"][:20]
    for system, host_pattern, path_pattern in _POSTINGS:
        if host_pattern.search(host):
            found = path_pattern.match(unquote(parts.path))
            if not found:
                return ""
            value = found.groupdict().get("id") or pairs.get(_ID_PARAMETERS.get(system, ""), "")
            tenant = (
                host + ":"
                if system in {"workday", "icims", "bamboohr", "taleo", "successfactors", "oracle", "recruitee"}
                else ""
            )
            return f"{system}:{tenant}{value[:200].lower()}" if value else ""
    return ""


def is_posting(link: Found) -> bool:
    """Whether the link shows a job: a hiring system's posting, or a page whose path says so."""
    return bool(posting_id(link.text)) or bool(_JOB_PATH.search(link.path))


def platform_of(link: Found) -> str:
    """The meeting service that the link joins, else ""."""
    for suffix, name in MEETING_HOSTS:
        if on(link.host, suffix):
            return name
    return ""


def is_booking(link: Found) -> bool:
    """Whether the link lets the person choose a time."""
    return any(on(link.host, suffix) for suffix in BOOKING_HOSTS)
