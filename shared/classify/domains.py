"""Whose a mail domain is, and whether it only looks like one that people know."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

from shared.classify.charsets import clean
from shared.hosts import HIRING_SYSTEMS, WEBMAIL, belongs_to
from shared.names import word_set

_PLATFORMS = word_set(
    """
    linkedin.com indeed.com glassdoor.com ziprecruiter.com stepstone.de google.com amazon.com amazon.jobs microsoft.com
    facebook.com facebookmail.com meta.com netflix.com apple.com stripe.com salesforce.com greenhouse.com
    """
)
"""Employers and boards whose names are imitated most; their mail is known by these domains."""

_WITH_COUNTRY_DOMAINS = word_set("facebook glassdoor linkedin microsoft salesforce stepstone totaljobs ziprecruiter")
"""Names that are their owner's under many ends; the others are imitated by another end ("myworkday.co")."""

_BRANDS = word_set(
    """
    amazon bamboohr docusign glassdoor google greenhouse hackerrank hirevue icims indeed jobvite linkedin microsoft
    netflix personio smartrecruiters stripe successfactors taleo teamtailor workable workday
    """
)
"""Names that no private person bears, though a private address may call itself so."""

_SECOND_LEVEL = frozenset({"ac", "co", "com", "edu", "gov", "mil", "net", "org"})
"""Second-level registries that most country domains with a second level use."""

_SECOND_LEVEL_OF = {
    "at": {"gv", "or"},
    "au": {"asn", "id"},
    "br": {"art", "blog", "dev", "eco", "eng", "ind", "inf", "log", "med", "tec"},
    "es": {"nom"},
    "fr": {"asso", "gouv", "nom"},
    "id": {"go", "or", "sch", "web"},
    "il": {"k12", "muni"},
    "in": {"firm", "gen", "ind", "nic", "res"},
    "jp": {"ad", "ed", "go", "gr", "lg", "ne", "or"},
    "kr": {"go", "ne", "or", "pe", "re"},
    "nz": {"geek", "gen", "govt", "iwi", "kiwi", "maori", "school"},
    "pl": {"biz", "info", "waw"},
    "th": {"go", "in", "mi", "or"},
    "tr": {"bel", "gen", "info", "k12", "web"},
    "tw": {"club", "ebiz", "game", "idv"},
    "uk": {"ltd", "me", "nhs", "plc", "police", "sch"},
    "za": {"law", "nom", "web"},
}
"""Further ones, by country. Together an approximation of publicsuffix.org: no third-level registries (such as
city.kawasaki.jp) and no regional ones; where it is wrong, two domains of one owner count as two."""

_COUNTRY_LETTERS = 2
"""ISO 3166 codes, and so the top-level domains of countries, have two letters; no other one has."""

_SHARED_HOSTS = word_set(
    """
    amazonaws.com appspot.com appspotmail.com azurewebsites.net blogspot.com cloudfront.net firebaseapp.com
    github.io gitlab.io glitch.me herokuapp.com myshopify.com netlify.app ngrok.io onmicrosoft.com pages.dev
    repl.co run.app vercel.app web.app weebly.com wixsite.com wordpress.com workers.dev
    """
)
"""Hosts whose subdomains belong to different people, as if they were registries."""

_TLDS = word_set(
    """
    agency ai app at au be biz br ca careers ch cloud cn co com de dev dk email es eu fi fr global group hr ie in info
    io it jobs jp kr ltd me mx net nl no nz online org pl pro pt ru se sg site team tech tv uk us work works xyz za
    """
)
"""Ends that make words with a dot a domain to the eye; "Node.js" and "Dr.Schmidt" are names."""

_LOOKS_LIKE = (
    str.maketrans("аеорсухіјѕԁԛԝһкмтвнгӏѵ", "aeopcyxljsdqwhkmtbhrlv")  # Cyrillic
    | str.maketrans("αβγεηικνορτυχω", "abyenlkvoptuxw")  # Greek
    | str.maketrans("ıɩɑɡʟɴʀℓ∣|!", "llaglnrllll")  # Latin letters of phonetics, and signs
    | str.maketrans("0134578i", "oleastbl")  # digits, and i, which many typefaces draw as l
)
"""Characters that the eye takes for a Latin letter; small on purpose: those seen in imitated domains."""

_SHORT_NAME = 5
"""Shorter names ("gem", "join") are common words, and whatever resembles them is no imitation."""

_LONG_NAME = 8
"""From so many letters on, a name one typing error away is no other firm's name by chance."""

_DOMAIN_IN_NAME = re.compile(r"(?<![\w.-])(?:[\w-]{1,63}\.){1,5}[a-z]{2,24}(?![\w-])")


def organisational_domain(domain: str) -> str:
    """The part of a domain that its owner registered: "us.greenhouse-mail.io" -> "greenhouse-mail.io"."""
    labels = domain.lower().rstrip(".").split(".")
    registry, country = ".".join(labels[-2:]), labels[-1]
    below_country = len(country) == _COUNTRY_LETTERS and len(labels) > 1
    if registry in _SHARED_HOSTS or (
        below_country and (labels[-2] in _SECOND_LEVEL or labels[-2] in _SECOND_LEVEL_OF.get(country, ()))
    ):
        return ".".join(labels[-3:])
    return registry


def same_organisation(one: str, other: str) -> bool:
    """Whether two domains have one owner, as DMARC's relaxed alignment sees it."""
    return bool(one) and organisational_domain(readable(one)) == organisational_domain(readable(other))


def readable(domain: str) -> str:
    """The domain as it is shown: lower case, Punycode labels decoded, compatibility characters folded."""
    domain = domain.lower().rstrip(".")
    if "xn--" in domain:
        domain = ".".join(_shown(label) for label in domain.split("."))
    return domain if domain.isascii() else unicodedata.normalize("NFKC", clean(domain)).lower()


def _shown(label: str) -> str:
    if not label.startswith("xn--") or not label.isascii() or len(label) > 63:  # noqa: PLR2004 - DNS's longest label
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label


def domains_in(name: str) -> list[str]:
    """The domains that a display name shows, bare or in an address."""
    folded = unicodedata.normalize("NFKC", name).lower().replace("。", ".")
    found = (match[0] for match in _DOMAIN_IN_NAME.finditer(folded.replace("@", " ")))
    return [domain for domain in found if domain.rpartition(".")[2] in _TLDS]


def brand_in(name: str) -> str:
    """The well-known name that a display name bears, empty when none."""
    words = re.findall(r"[a-z]+", unicodedata.normalize("NFKC", name).lower())
    return next((word for word in words if word in _BRANDS), "")


def imitation(domain: str) -> str:
    """In what way a domain pretends to be another ("looks like linkedin.com"); empty when it does not.

    Covers two alphabets in one name, a known domain as a subdomain of another, confusable letters and digits, one
    typing error in a long name, and a known name beside other words ("linkedin-jobs.com") or under another end.
    """
    shown = readable(domain)
    owner = organisational_domain(shown)
    if belongs_to(shown, _KNOWN) or belongs_to(shown, WEBMAIL):
        return ""
    if not shown.isascii() and any(_mixes_scripts(label) for label in shown.split(".")):
        return "mixes the letters of two alphabets"
    hidden = _hidden_domain(shown[: -len(owner)].split("."))
    if hidden:
        return f"hides {hidden} in a longer name"
    like = _like(owner.partition(".")[0])
    return f"looks like {like}" if like else ""


def _hidden_domain(labels: list[str]) -> str:
    """The domain that stands in front of the real one: "stripe.com" in stripe.com.example.net."""
    for name, end in pairwise(labels):
        if name and (end in {"com", "net", "org"} or f"{name}.{end}" in _KNOWN):
            return f"{name}.{end}"
    return ""


def _like(name: str) -> str:
    """The known domain whose name this one resembles; empty when there is none."""
    same_look = _SKELETONS.get(_skeleton(name), "")
    if name in _NAMES:
        return "" if len(name) < _LONG_NAME or name in _WITH_COUNTRY_DOMAINS else same_look
    if same_look:
        return same_look
    words = name.split("-") if "-" in name else []
    beside = next((_NAMES[word] for word in words if word in _NAMES and len(word) >= _SHORT_NAME), "")
    if beside or len(name) < _LONG_NAME - 1:
        return beside
    return next((_TYPOS[typo] for typo in _one_less(name) if typo in _TYPOS), "")


def _skeleton(name: str) -> str:
    """The name with everything that the eye confuses folded together."""
    if not name.isascii():
        name = "".join(sign for sign in unicodedata.normalize("NFKD", name) if not unicodedata.combining(sign))
    return name.translate(_LOOKS_LIKE).replace("rn", "m").replace("vv", "w")


def _mixes_scripts(label: str) -> bool:
    scripts = {unicodedata.name(sign, "?").partition(" ")[0] for sign in label if sign.isalpha()}
    # Chinese, Japanese and Korean names mix with Latin letters by custom, and nothing in them looks Latin.
    return "LATIN" in scripts and bool(scripts & {"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC"})


def _one_less(name: str) -> list[str]:
    """The name and all names with one letter left out: two names one error apart share one of them."""
    return [name, *(name[:at] + name[at + 1 :] for at in range(len(name)))]


_KNOWN = HIRING_SYSTEMS | _PLATFORMS
_NAMES = {organisational_domain(known).partition(".")[0]: known for known in sorted(_KNOWN, reverse=True)}
_SKELETONS = {_skeleton(name): known for name, known in _NAMES.items() if len(name) >= _SHORT_NAME}
_TYPOS = {typo: known for name, known in _NAMES.items() if len(name) >= _LONG_NAME for typo in _one_less(name)}
