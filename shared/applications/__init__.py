"""Applications: the one path that writes them, and what a person does with them by hand.

Every write is: read, add an event, fold the whole ledger, put. A use case that writes more than the application does
its reads first, makes the change with the pure `with_event`, and gives both states to `write`, in one transaction:

    user = tx.get(USERS.key(uid))
    before = tx.get(APPLICATIONS.key(uid, application_id))
    ... further reads ...
    after = with_event(before or born(uid, application_id, created, now=now), event, now=now)
    write(tx, before, after, user=user, now=now)
    ... further writes ...
"""

from __future__ import annotations

from shared.applications.acts import (
    APPLICATIONS_PER_THREAD,
    Correction,
    NewApplication,
    answer,
    correct,
    create,
    created,
    get,
    link_suggestion,
    listed,
    undo,
)
from shared.applications.change import (
    applications_of,
    born,
    matching_sees,
    notices,
    refolded,
    rostered,
    stable_id,
    told,
    with_applications,
    with_event,
    write,
    write_application,
)
from shared.applications.mail import doubt, mail_event

__all__ = [
    "APPLICATIONS_PER_THREAD",
    "Correction",
    "NewApplication",
    "answer",
    "applications_of",
    "born",
    "correct",
    "create",
    "created",
    "doubt",
    "get",
    "link_suggestion",
    "listed",
    "mail_event",
    "matching_sees",
    "notices",
    "refolded",
    "rostered",
    "stable_id",
    "told",
    "undo",
    "with_applications",
    "with_event",
    "write",
    "write_application",
]
