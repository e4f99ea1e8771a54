"""A few of the applications that `scripts/prove sends` sends at full length."""

from __future__ import annotations

import pytest

from tests.proofs.sends import sends
from tests.proofs.storm import Size


@pytest.mark.emulators
def test_each_application_leaves_once_or_ends_with_a_reason_while_gmail_fails_and_processes_are_killed():
    outcome = sends(Size(people=6, mails_each=3, mails_a_second=1.5, kills=3))
    assert not outcome.failures, "\n".join(outcome.failures)
