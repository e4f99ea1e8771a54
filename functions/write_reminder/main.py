"""An interview comes near, or a person's day begins: make the reminders that are due, each once."""

from shared import due, entry, follow_ups, reminders
from shared.services import services


@entry.pubsub(due.WriteReminder)
def write_reminder(message: due.WriteReminder) -> reminders.Reminded | follow_ups.Looked:
    s = services()
    use_case = reminders.remind if message.interview_id else follow_ups.look
    return use_case(message, store=s.store, queue=s.queue, clock=s.clock)
