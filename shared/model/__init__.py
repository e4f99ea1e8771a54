"""What Hearback knows: mailboxes, mails, applications and their ledgers. Frozen records, stored as they are.

Times are aware and in UTC. Ids of Gmail stay strings; a history id is stored as 20 digits, so that the order of the
strings is the order of the numbers. A field that is None is not stored, so it is not found by an ordered query either.
"""

from shared.model.application import EVENTS_PER_APPLICATION as EVENTS_PER_APPLICATION
from shared.model.application import Application as Application
from shared.model.application import ApplicationSummary as ApplicationSummary
from shared.model.application import Attention as Attention
from shared.model.application import Delivery as Delivery
from shared.model.application import Event as Event
from shared.model.application import EventKind as EventKind
from shared.model.application import Interview as Interview
from shared.model.application import InterviewStatus as InterviewStatus
from shared.model.application import Move as Move
from shared.model.application import Outcome as Outcome
from shared.model.application import Projection as Projection
from shared.model.application import Round as Round
from shared.model.application import Stage as Stage
from shared.model.mail import SNIPPET_CHARACTERS as SNIPPET_CHARACTERS
from shared.model.mail import SPAN_CHARACTERS as SPAN_CHARACTERS
from shared.model.mail import SPANS_PER_MAIL as SPANS_PER_MAIL
from shared.model.mail import Advice as Advice
from shared.model.mail import AdviceDay as AdviceDay
from shared.model.mail import Attachment as Attachment
from shared.model.mail import CalendarPart as CalendarPart
from shared.model.mail import Candidate as Candidate
from shared.model.mail import Facts as Facts
from shared.model.mail import InterviewFacts as InterviewFacts
from shared.model.mail import Link as Link
from shared.model.mail import LinkSuggestion as LinkSuggestion
from shared.model.mail import Mail as Mail
from shared.model.mail import MailRecord as MailRecord
from shared.model.mail import MailStatus as MailStatus
from shared.model.mail import Salary as Salary
from shared.model.mail import SenderCheck as SenderCheck
from shared.model.mail import Signal as Signal
from shared.model.mail import Span as Span
from shared.model.mail import Suggestions as Suggestions
from shared.model.mail import Thread as Thread
from shared.model.mail import Verdict as Verdict
from shared.model.mailbox import Ask as Ask
from shared.model.mailbox import DueMailbox as DueMailbox
from shared.model.mailbox import HistoryResume as HistoryResume
from shared.model.mailbox import Mailbox as Mailbox
from shared.model.mailbox import Rescan as Rescan
from shared.model.operations import DeadLetter as DeadLetter
from shared.model.operations import Run as Run
from shared.model.operations import VaultKey as VaultKey
from shared.model.people import Notification as Notification
from shared.model.people import NotificationKind as NotificationKind
from shared.model.people import User as User
