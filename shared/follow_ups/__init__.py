"""Follow-ups: whom to write to again and when, and what one might write."""

from __future__ import annotations

from shared.follow_ups.draft import FollowUpDraft, draft
from shared.follow_ups.look import Looked, look

__all__ = ["FollowUpDraft", "Looked", "draft", "look"]
