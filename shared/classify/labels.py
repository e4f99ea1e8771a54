"""How our signals read in the words of the labelled corpus that `scripts/eval` measures on."""

from shared.model import Signal

CORPUS_LABEL = {
    Signal.ACKNOWLEDGEMENT: "application_received",
    Signal.INTERVIEW_INVITATION: "interview_invitation",
    Signal.AVAILABILITY_REQUEST: "interview_invitation",
    Signal.INTERVIEW_UPDATE: "interview_change",
    Signal.INCOMPLETE_APPLICATION: "action_required",
    Signal.INFO_REQUEST: "action_required",
    Signal.ON_HOLD: "on_hold_or_closed",
    Signal.POSITION_CLOSED: "on_hold_or_closed",
    Signal.JOB_ALERT: "job_alert_or_marketing",
    Signal.OTHER: "unrelated",
    Signal.VERIFICATION_CODE: "unrelated",
    Signal.WITHDRAWAL_CONFIRMED: "unrelated",
    Signal.DELIVERY_FAILURE: "unrelated",
    Signal.ASSESSMENT: "assessment",
    Signal.OFFER: "offer",
    Signal.REJECTION: "rejection",
    Signal.RECRUITER_OUTREACH: "recruiter_outreach",
}
"""Every signal has exactly one corpus label; several signals share one."""
