"""Partial responses: the `fields` parameter."""

from __future__ import annotations

import pytest

from shared.adapters.gmail_errors import GoogleError
from shared.local.gmail.discovery import select, selection

MESSAGE = {
    "id": "1",
    "labelIds": ["INBOX"],
    "payload": {"mimeType": "x/y", "headers": [{"name": "To", "value": "a"}], "parts": [{"filename": "f"}]},
}


@pytest.mark.parametrize(
    ("fields", "left"),
    [
        ("id", {"id": "1"}),
        ("id,labelIds", {"id": "1", "labelIds": ["INBOX"]}),
        ("payload/mimeType", {"payload": {"mimeType": "x/y"}}),
        ("payload(mimeType,headers/name)", {"payload": {"mimeType": "x/y", "headers": [{"name": "To"}]}}),
        (
            "payload/headers(name),payload/parts",
            {"payload": {"headers": [{"name": "To"}], "parts": [{"filename": "f"}]}},
        ),
        ("payload,payload/mimeType", {"payload": MESSAGE["payload"]}),
        ("payload/*", {"payload": MESSAGE["payload"]}),
        ("*", MESSAGE),
        ("snippet", {}),
        (" id , labelIds ", {"id": "1", "labelIds": ["INBOX"]}),
        ("", MESSAGE),
    ],
)
def test_only_the_chosen_fields_are_left(fields, left):
    assert select(selection(fields, "Message"), MESSAGE) == left


@pytest.mark.parametrize(
    "fields",
    [
        "subject",
        "payload/subject",
        "id(",
        "id)",
        "payload(headers",
        "payload(headers))",
        "id,",
        ",id",
        "id;labelIds",
        "/id",
        "payload" + "(parts" * 30 + ")" * 30,
    ],
)
def test_a_wrong_selection_is_refused(fields):
    with pytest.raises(GoogleError, match="400"):
        selection(fields, "Message")
