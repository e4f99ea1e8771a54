"""What must hold of a mailbox's life and of what the clock brings, beside `invariants`, each under its own name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from shared import codec
from shared.adapters.vault import VERSION
from shared.errors import Rejected
from shared.model import Delivery, Dispatch, DispatchState, Monitoring, Search, Send
from shared.notifications.delivery import ONCE
from shared.rotation import SEALED
from shared.schema import COLLECTIONS, DISPATCHES, OWNERLESS, POSTING_KEYS, POSTINGS, SEARCHES
from tests.simulation.world import ADDRESSES

if TYPE_CHECKING:
    from tests.simulation.invariants import Left, Outcome

UNDER_WAY = (DispatchState.QUEUED, DispatchState.SENDING)


# --- While a run goes -------------------------------------------------------------------------------------------------


def unfinished(value: object) -> str:
    """What of a record is to be done, though nobody comes back to it; empty when all is well."""
    match value:
        case Send() if value.delivery in (Delivery.QUEUED, Delivery.SENDING) and value.due_at is None:
            return f"{value.id} is {value.delivery}"
        case Dispatch() if value.state in UNDER_WAY and value.due_at is None:
            return f"{value.id} is {value.state}"
        case Search() if value.due_at is None and (value.pending or value.lease_until is not None):
            return f"the search {value.id} has {value.pending} to scan"
    return ""


# --- When all is quiet ------------------------------------------------------------------------------------------------


def nothing_of_whoever_has_left_is_kept(left: Left, golden: Outcome) -> Iterator[str]:
    """No document and no file, and their Gmail is theirs alone again."""
    world = left.world
    for uid in world.gone:
        for collection in COLLECTIONS:
            for parent, id_, body in left.rows[collection.name] if collection.name not in OWNERLESS else ():
                if uid in (parent, id_) or codec.from_bytes(dict[str, Any], body).get("uid") == uid:
                    yield f"{collection.name}/{id_}"
        yield from world.files.names(f"{uid}/")
        # By a clock that is two days off, Google has had its day to take the grant back.
        if world.google.is_open_to_us(ADDRESSES[uid]) and "jumps" not in world.chaos:
            yield "a grant that we were given"


def a_dead_grant_costs_no_call(left: Left, golden: Outcome) -> Iterator[str]:
    """Whoever finds it dead writes it down, and nobody comes with it again; each fault may cost one more."""
    schedule = left.world.schedule
    most = golden.refused + (2 if schedule.seed is None else 3) * len(schedule.faults)
    if left.world.google.refused > most:
        yield f"Google has refused it {left.world.google.refused} times"


def the_watch_is_ours_while_mail_is_read_at_once(left: Left, golden: Outcome) -> Iterator[str]:
    """Gmail pushes to us, and to nobody when the person has switched it off."""
    world = left.world
    for mailbox in left.mailboxes:
        watch = world.google.mailbox(ADDRESSES[mailbox.uid]).subscription
        ours = watch is not None and watch.topic == world.settings.gmail_topic
        if ours != (mailbox.monitoring is Monitoring.REAL_TIME) and mailbox.health == "ok":
            yield f"monitoring is {mailbox.monitoring}, the watch {watch and watch.topic}"


def whatever_is_sealed_opens(left: Left, golden: Outcome) -> Iterator[str]:
    """Every secret, and after a rotation every lasting one is under the new key."""
    vault, rotated = left.world.vault.inner, int(left.world.names.get("rotated", "0"))
    for query, purposes in SEALED.items():
        for _, id_, body in left.rows[query.collection.name]:
            record = codec.from_bytes(query.collection.record, body)
            for name, purpose in purposes.items():
                sealed: bytes = getattr(record, name)
                try:
                    if sealed and not vault.unseal(sealed, user=record.uid, purpose=purpose):
                        yield f"{name} of {id_} is empty"
                except Rejected as e:
                    yield f"{name} of {id_}: {e}"
                if sealed and name != "sealed_access_token" and VERSION.unpack_from(sealed)[0] < rotated:
                    yield f"{name} of {id_} is under an old key"


def what_is_told_outside_is_told_as_promised(left: Left, golden: Outcome) -> Iterator[str]:
    """Mail and chat at most once, a webhook at least once; what was not sent says why, and nothing is under way."""
    handed = Counter((name, each.message.id) for name, box in left.world.channels.items() for each in box.handed)
    for (channel, id_), times in handed.items():
        if times > 1 and channel in ONCE:
            yield f"{id_} went out {times} times by {channel}"
    for _, id_, body in left.rows[DISPATCHES.name]:
        dispatch = codec.from_bytes(DISPATCHES.record, body)
        times = handed[dispatch.channel, f"{dispatch.uid}:{dispatch.notification}"]
        if dispatch.due_at is not None or dispatch.state in UNDER_WAY:
            yield f"{id_} is {dispatch.state}, due at {dispatch.due_at}"
        if dispatch.state is DispatchState.SENT and not times:
            yield f"{id_} is sent, but has not gone out"
        if dispatch.state is not DispatchState.SENT and not dispatch.reason:
            yield f"{id_} is {dispatch.state} without a reason"
        if dispatch.state is DispatchState.UNSURE and dispatch.channel not in ONCE:
            yield f"{id_} was given up for a doubt that does no harm"


def whatever_is_to_be_told_is_released(left: Left, golden: Outcome) -> Iterator[str]:
    """No notification waits for its hour any more."""
    for each in left.notifications if "release_notifications" in left.world.fires_until else ():
        if each.due_at is not None and each.withdrawn_at is None:
            yield f"{each.key} is due at {each.due_at}"


def a_posting_exists_once(left: Left, golden: Outcome) -> Iterator[str]:
    """Each job is one record, which all of its names lead to."""
    postings = {id_: codec.from_bytes(POSTINGS.record, body) for _, id_, body in left.rows[POSTINGS.name]}
    for title, times in Counter(posting.title for posting in postings.values()).items():
        if times > 1:
            yield f"{title} {times} times"
    names = {id_: codec.from_bytes(POSTING_KEYS.record, body) for _, id_, body in left.rows[POSTING_KEYS.name]}
    if wrong := {id_ for id_, name in names.items() if name.posting_id not in postings}:
        yield f"{wrong} lead nowhere"
    if {key for posting in postings.values() for key in posting.keys} != names.keys():
        yield "there are other names than those of the postings"


def what_a_source_shows_is_found(left: Left, golden: Outcome) -> Iterator[str]:
    """Every posting, open or closed as without faults; unless the search says which source it could not read."""
    told = any(codec.from_bytes(SEARCHES.record, body).failures for _, _, body in left.rows[SEARCHES.name])
    found = left.postings()
    if found != golden.postings and not told:
        yield f"{found}, not {golden.postings}"


def what_is_over_is_taken_back(left: Left, golden: Outcome) -> Iterator[str]:
    """What people were told of a round that has moved is withdrawn, and nothing else is."""
    for key in golden.withdrawn ^ left.withdrawn():
        yield f"{key} is {'not ' if key in golden.withdrawn else ''}withdrawn"


def everybody_is_told_on_the_channels_of_their_choice(left: Left, golden: Outcome) -> Iterator[str]:
    """Each notification has the dispatches that it has without faults."""
    found = left.dispatches()
    for id_ in golden.dispatches ^ found:
        yield f"{id_} is {'missing' if id_ in golden.dispatches else 'one too many'}"


def nothing_is_told_before_its_hour(left: Left, golden: Outcome) -> Iterator[str]:
    """What the person wants to hear of in the evening is not told outside in the morning."""
    hidden = {f"{each.uid}:{each.key}": each.hidden_until for each in left.notifications if each.hidden_until}
    for box in left.world.channels.values():
        for each in box.handed:
            until = hidden.get(each.message.id)
            if until is not None and each.at < until:
                yield f"{each.message.id} at {each.at}"


ALWAYS = (
    nothing_of_whoever_has_left_is_kept,
    a_dead_grant_costs_no_call,
    whatever_is_sealed_opens,
    what_is_told_outside_is_told_as_promised,
    whatever_is_to_be_told_is_released,
    a_posting_exists_once,
)
"""What holds whatever was read and in whatever order."""

WITHOUT_CHANCE = (
    the_watch_is_ours_while_mail_is_read_at_once,
    what_a_source_shows_is_found,
    what_is_over_is_taken_back,
    everybody_is_told_on_the_channels_of_their_choice,
    nothing_is_told_before_its_hour,
)
"""And that the end is the same as without faults."""
