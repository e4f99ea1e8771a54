"""Google Pub/Sub as the queue, by google-cloud-pubsub.

Its generated client is used without the batching one around it: that one waits 10 ms for company, and a wake-up
travels alone.
"""

# ruff: noqa: PLC0415 - most pushes publish nothing and must not pay 0.1 s for importing what would do it
from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.codec import to_json
from shared.errors import Rejected, TryAgain

if TYPE_CHECKING:
    from google.pubsub_v1.services.publisher import PublisherClient

PUBLISH_TIMEOUT = timedelta(seconds=5)
"""For one try; a publish takes milliseconds."""

PUBLISH_TRIES = 3
"""At most 16 s together, well inside a function's work budget; after that the broker of the caller retries."""

LONGEST_PAUSE = timedelta(seconds=0.5)
"""Between two tries, drawn at random so that instances that failed together do not come back together."""


MESSAGES_A_REQUEST = 1_000
"""The most that Pub/Sub takes with one request; so many messages of ids stay far below its 10 MB."""


class PubSubQueue:
    """ports.Queue on Pub/Sub, or on its emulator when PUBSUB_EMULATOR_HOST is set (Google's library reads it)."""

    def __init__(self, project: str, *, timeout: timedelta = PUBLISH_TIMEOUT) -> None:
        self._project = project
        self._timeout = timeout.total_seconds()
        self._client: PublisherClient | None = None
        self._lock = threading.Lock()

    def publish(self, topic: str, message: object) -> None:
        """Send a record to a topic as JSON; returns when Pub/Sub has it. Raises TryAgain, or Rejected if too large."""
        self._publish(topic, [message])

    def publish_all(self, topic: str, messages: Sequence[object]) -> None:
        """Send records to a topic, as many with one request as Pub/Sub takes. Raises as `publish` does."""
        for start in range(0, len(messages), MESSAGES_A_REQUEST):
            self._publish(topic, messages[start : start + MESSAGES_A_REQUEST])

    def _publish(self, topic: str, messages: Sequence[object]) -> None:
        from google.api_core import exceptions
        from google.auth.exceptions import GoogleAuthError
        from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random

        # A message that arrives twice is no harm here: every effect has a key of its own.
        tries = Retrying(
            retry=retry_if_exception_type(
                (
                    exceptions.ServerError,
                    exceptions.Aborted,
                    exceptions.Cancelled,
                    exceptions.ResourceExhausted,
                )
            ),
            stop=stop_after_attempt(PUBLISH_TRIES),
            wait=wait_random(0, LONGEST_PAUSE.total_seconds()),
            reraise=True,
        )
        encoded = [{"data": to_json(message)} for message in messages]
        try:
            tries(
                self._connected().publish,
                topic=f"projects/{self._project}/topics/{topic}",
                messages=encoded,
                retry=None,
                timeout=self._timeout,
            )
        except exceptions.InvalidArgument as e:
            raise Rejected(f"Pub/Sub refuses the message: {e.message}") from e
        except (exceptions.GoogleAPICallError, GoogleAuthError) as e:
            # A missing topic and a missing permission are here, too: a deployment can mend them, and nothing is lost.
            raise TryAgain(f"publish to {topic}: {type(e).__name__}") from e

    def close(self) -> None:
        """Close the connection, if there is one."""
        with self._lock:
            if self._client is not None:
                self._client.transport.close()  # type: ignore[no-untyped-call]  # generated without types
                self._client = None

    def _connected(self) -> PublisherClient:
        from google.pubsub_v1.services.publisher import PublisherClient

        with self._lock:
            if self._client is None:
                self._client = PublisherClient()
            return self._client
