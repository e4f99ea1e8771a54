"""A breath of the storm that `scripts/prove storm` raises at full length."""

from __future__ import annotations

import pytest

from tests.proofs.storm import Size, storm


@pytest.mark.emulators
def test_no_hiring_mail_is_lost_or_doubled_while_gmail_fails_and_processes_are_killed():
    outcome = storm(Size(people=10, mails_each=6, mails_a_second=5, kills=4))
    assert not outcome.failures, "\n".join(outcome.failures)
