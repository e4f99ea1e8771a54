"""Where a job is, made comparable: "San Francisco, CA", "San Francisco, California, United States" are one place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from shared.names import plain

PLACES = 12
"""How many places of one posting are compared; a posting for more is a posting for anywhere."""

_STATES = {
    "alabama": "al", "alaska": "ak", "arizona": "az", "arkansas": "ar", "california": "ca", "colorado": "co",
    "connecticut": "ct", "delaware": "de", "district of columbia": "dc", "florida": "fl", "georgia": "ga",
    "hawaii": "hi", "idaho": "id", "illinois": "il", "indiana": "in", "iowa": "ia", "kansas": "ks", "kentucky": "ky",
    "louisiana": "la", "maine": "me", "maryland": "md", "massachusetts": "ma", "michigan": "mi", "minnesota": "mn",
    "mississippi": "ms", "missouri": "mo", "montana": "mt", "nebraska": "ne", "nevada": "nv", "new hampshire": "nh",
    "new jersey": "nj", "new mexico": "nm", "new york state": "ny", "north carolina": "nc", "north dakota": "nd",
    "ohio": "oh", "oklahoma": "ok", "oregon": "or", "pennsylvania": "pa", "rhode island": "ri",
    "south carolina": "sc", "south dakota": "sd", "tennessee": "tn", "texas": "tx", "utah": "ut", "vermont": "vt",
    "virginia": "va", "washington state": "wa", "west virginia": "wv", "wisconsin": "wi", "wyoming": "wy",
}  # fmt: skip
"""The United States by name. "New York" and "Washington" alone are cities first; behind a comma they are states."""

_REGIONS = {**_STATES, "new york": "ny", "washington": "wa"}
_STATE_CODES = frozenset(_REGIONS.values())

_COUNTRIES = {
    "us": "us", "usa": "us", "united states": "us", "united states of america": "us", "america": "us",
    "uk": "gb", "gb": "gb", "united kingdom": "gb", "great britain": "gb",
    "canada": "ca", "germany": "de", "deutschland": "de", "france": "fr", "spain": "es", "italy": "it",
    "netherlands": "nl", "the netherlands": "nl", "ireland": "ie", "poland": "pl", "portugal": "pt", "sweden": "se",
    "switzerland": "ch", "austria": "at", "belgium": "be", "denmark": "dk", "norway": "no", "finland": "fi",
    "india": "in", "singapore": "sg", "japan": "jp", "australia": "au", "brazil": "br", "mexico": "mx",
    "israel": "il", "china": "cn", "south korea": "kr", "argentina": "ar", "colombia": "co", "romania": "ro",
}  # fmt: skip
"""Countries as postings name them. A code of two letters behind a comma is a state first: "Portland, OR"."""

_ALIASES = {
    "nyc": "new york",
    "new york city": "new york",
    "manhattan": "new york",
    "sf": "san francisco",
    "bengaluru": "bangalore",
    "münchen": "munich",
    "köln": "cologne",
}

_BETWEEN = re.compile(r"[;|/•·\n]|\sor\s")
_PARTS = re.compile(r"[,()]|\s[-–—]\s")
_REMOTE = re.compile(
    r"\b(?:fully |100% )?(?:remote|anywhere|work from home|home office|telecommute|distributed)\b", re.IGNORECASE
)
_HOW = re.compile(
    r"\b(?:hybrid|on-?site|in-?office|flexible|office|hq|greater|metro(?:politan)? area|area)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Place:
    """A city, what lies around it, or both; each empty when it is not named."""

    city: str = ""
    state: str = ""
    """Code of a state of the USA."""
    country: str = ""
    """ISO 3166 code, where we know the country."""

    @property
    def key(self) -> str:
        """One text for one place. A state of the USA makes the country superfluous."""
        return f"{self.city}|{self.state or self.country}"

    def covers(self, other: Place) -> bool:
        """Whether somebody who looks here wants what is there: no part that both name may differ."""
        if not set(self.city.split()) <= set(other.city.split()):
            return False
        if not self.city and not other.state and not other.country:
            return False
        mine, theirs = self.country or ("us" if self.state else ""), other.country or ("us" if other.state else "")
        if not self.city and (self.state != other.state if self.state else mine != theirs):
            return False
        return (not self.state or not other.state or self.state == other.state) and (
            not mine or not theirs or mine == theirs
        )


def says_remote(location: str) -> bool:
    """Whether the words of a location say that one may work from anywhere."""
    return bool(_REMOTE.search(location[:400]))


@lru_cache(maxsize=4096)
def places(location: str) -> tuple[Place, ...]:
    """The places that a location names, without repetition; none when it only says "remote"."""
    found: dict[Place, None] = {}
    for part in _BETWEEN.split(location[:1_000])[:PLACES]:
        place = _place(part)
        if place != Place():
            found[place] = None
    return tuple(found)


def _place(text: str) -> Place:
    words = [plain(_HOW.sub(" ", _REMOTE.sub(" ", part))) for part in _PARTS.split(text)]
    named = [_ALIASES.get(word, word) for word in words if word]
    city, state, country = "", "", ""
    for position, word in enumerate(named):
        region = _REGIONS.get(word) or (word if word in _STATE_CODES else "")
        if position and region and not state:
            state = region
        elif word in _STATES and not city:
            state = _STATES[word]
        elif word in _COUNTRIES and not (word == "singapore" and not city):
            country = country or _COUNTRIES[word]
        elif not city:
            city = word
    return Place(city, state, country if not state else "")
