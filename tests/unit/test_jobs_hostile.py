"""Whatever a source says, it is read, refused by name, or left out: nothing of it ends a run."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared import codec
from shared.errors import Rejected
from shared.jobs import ats, big_boards, json_ld, recognising
from shared.jobs.places import places
from shared.local.clock import FakeClock
from tests.support.job_world import ASHBY, GREENHOUSE, LEVER, greenhouse_job
from tests.unit.test_jobs_sources import ASHBY_JOB, JOB_POSTING, LEVER_JOB, ROW

TEXTS = st.text(max_size=30) | st.sampled_from(
    ["", "\x00", "\ud800", "９" * 9, "0" * 5_000, "&#" + "9" * 5_000, "a@b.c" * 99, "<" * 99, "; or ," * 99, "-" * 999]
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


def paths(value, at=()):
    """Every place in a JSON value."""
    yield at
    if isinstance(value, dict | list):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths(inner, (*at, name))


def changed(value, path, other):
    """The value with another one in that place."""
    if not path:
        return other
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(copy[path[0]], path[1:], other)
    return copy


def board(employer, content):
    return ats.listing(employer, json.dumps(content).encode("utf-8", "surrogatepass"))


SOURCES = {
    "greenhouse": (
        {"jobs": [greenhouse_job(FakeClock().now())], "meta": {"total": 1}},
        lambda content: board(GREENHOUSE, content),
    ),
    "lever": ([LEVER_JOB], lambda content: board(LEVER, content)),
    "ashby": ({"jobs": [ASHBY_JOB]}, lambda content: board(ASHBY, content)),
    "page": (
        [{"@graph": [JOB_POSTING]}],
        lambda content: (
            json_ld.listing([each for each in content if isinstance(each, dict)])
            if isinstance(content, list)
            else json_ld.listing([])
        ),
    ),
    "big": (
        [ROW],
        lambda content: (
            big_boards.listing([each for each in content if isinstance(each, dict)])
            if isinstance(content, list)
            else big_boards.listing([])
        ),
    ),
}


@pytest.mark.parametrize("source", SOURCES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_anything_in_any_place_is_read_or_refused(source, data):
    content, listing = SOURCES[source]
    for _ in range(data.draw(st.integers(1, 3))):
        content = changed(content, data.draw(st.sampled_from(list(paths(content)))), data.draw(VALUES))

    try:
        shown = listing(content)
    except Rejected:
        return
    pages = recognising.shared_pages(shown.postings)
    for posting in shown.postings:
        assert posting.company
        assert posting.title
        assert posting.id
        codec.from_bytes(type(posting), codec.to_bytes(codec.to_plain(posting)))
        assert recognising.names(posting, "greenhouse:acme", pages)
        recognising.digest(posting)
        recognising.fits(posting, "software engineer", "San Francisco, CA")
        recognising.text_terms(posting.title)


@settings(max_examples=200, deadline=None)
@given(TEXTS, TEXTS)
def test_any_two_places_can_be_compared(one, other):
    for place in places(one):
        for another in places(other):
            assert isinstance(place.covers(another), bool)
        assert place.covers(place)
