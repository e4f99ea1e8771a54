"""schema.org's JobPosting, as career pages write it: by the book, or nearly."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shared.jobs import reading
from shared.jobs.ats import Listing
from shared.model import FoundPosting, Salary

MOST_POSTINGS = 500
"""Of one page; a page that shows more would be too large to read."""

DEEPEST = 6
"""Levels in which postings are looked for: @graph, ItemList, ListItem, item."""

_EMAIL = re.compile(r"[\w.+-]{1,64}@(?:[a-z0-9-]{1,63}\.){1,4}[a-z]{2,24}", re.IGNORECASE)


def listing(items: Sequence[Mapping[str, Any]]) -> Listing:
    """The postings among a page's JSON-LD. A page without any says nothing of what is gone."""
    shown = [item for each in items for item in _postings(each, 0)]
    postings = tuple(found for item in shown[:MOST_POSTINGS] if (found := _posting(item)) is not None)
    complete = 0 < len(shown) == len(postings)
    return Listing(postings, frozenset(found.id for found in postings), complete)


def _postings(item: object, depth: int) -> Iterator[Mapping[str, Any]]:
    if depth > DEEPEST:
        return
    if isinstance(item, list):
        for each in item[:MOST_POSTINGS]:
            yield from _postings(each, depth + 1)
    elif isinstance(item, Mapping):
        if "JobPosting" in _texts(item.get("@type")):
            yield item
            return
        for name in ("@graph", "itemListElement", "item", "mainEntity"):
            yield from _postings(item.get(name), depth + 1)


def _posting(item: Mapping[str, Any]) -> FoundPosting | None:
    organisation = item.get("hiringOrganization")
    company = organisation if isinstance(organisation, str) else _first(_part(organisation).get("name"))
    title, url = _first(item.get("title")) or _first(item.get("name")), reading.address(_first(item.get("url")))
    location = "; ".join(filter(None, map(_place, _several(item.get("jobLocation")))))
    contact = _first(_part(item.get("applicationContact")).get("email")).removeprefix("mailto:")
    identifier = item.get("identifier")
    number = identifier if isinstance(identifier, str | int) else _part(identifier).get("value")
    return reading.posting(
        # Without a number a page's postings are told apart by their own pages, or by what they are.
        id=str(number or url or f"{title}|{location}"),
        company=company,
        title=title,
        location=location or "; ".join(filter(None, map(_area, _several(item.get("applicantLocationRequirements"))))),
        remote="TELECOMMUTE" in [text.upper() for text in _texts(item.get("jobLocationType"))],
        text=reading.text_of(_first(item.get("description"))),
        url=url,
        apply_to=contact.lower() if _EMAIL.fullmatch(contact) else "",
        pay=_pay(item.get("baseSalary")),
        posted_at=reading.moment(_first(item.get("datePosted"))),
        closes_at=reading.moment(_first(item.get("validThrough")), end_of_day=True),
    )


def _place(location: object) -> str:
    """The city, region and country of a Place; its own words when it has no address."""
    if isinstance(location, str):
        return reading.line(location)
    address = _part(location).get("address")
    if isinstance(address, str):
        return reading.line(address)
    parts = [_part(address).get(name) for name in ("addressLocality", "addressRegion", "addressCountry")]
    named = [reading.line(part if isinstance(part, str) else _first(_part(part).get("name"))) for part in parts]
    return ", ".join(filter(None, named)) or reading.line(_first(_part(location).get("name")))


def _area(area: object) -> str:
    return reading.line(area if isinstance(area, str) else _first(_part(area).get("name")))


def _pay(stated: object) -> Salary | None:
    """A MonetaryAmount: its value is a QuantitativeValue with bounds, or one number."""
    amount = _part(stated)
    value = amount.get("value")
    if not isinstance(value, Mapping):
        value = {
            "value": value,
            "unitText": amount.get("unitText"),
            **{k: amount.get(k) for k in ("minValue", "maxValue")},
        }
    low, high = value.get("minValue"), value.get("maxValue")
    single = value.get("value")
    return reading.salary(low or single, high or single, amount.get("currency"), value.get("unitText"))


def _part(value: object) -> Mapping[str, Any]:
    """A nested object, the first of several, or nothing."""
    if isinstance(value, list) and value:
        value = value[0]
    return value if isinstance(value, Mapping) else {}


def _several(value: object) -> list[object]:
    return value[:20] if isinstance(value, list) else [value]


def _first(value: object) -> str:
    if isinstance(value, list) and value:
        value = value[0]
    return value if isinstance(value, str) else ""


def _texts(value: object) -> list[str]:
    return [each.rpartition("/")[2] for each in _several(value) if isinstance(each, str)]
