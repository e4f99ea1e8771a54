"""The local Gmail in a process of its own: `python -m tests.proofs.google PROJECT`, on the Pub/Sub emulator.

Its first line is its URL. It ends when its standard input ends, and its last line tells what its faults have struck.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter

from shared.adapters.clock import SystemClock
from shared.adapters.pubsub_queue import PubSubQueue
from shared.local.gmail.model import GmailModel
from shared.local.google_server import GoogleServer


def main(project: str) -> None:
    """Serve until whoever started us lets go."""
    queue = PubSubQueue(project)
    published = 0

    def publish(topic: str, data: bytes) -> None:
        nonlocal published
        queue.publish(topic.rpartition("/")[2], json.loads(data))
        published += 1

    model = GmailModel(SystemClock(), random.Random(0), publish=publish, project=project)
    with GoogleServer(model) as google:
        sys.stdout.write(f"{google.url}\n")
        sys.stdout.flush()
        sys.stdin.read()
    queue.close()
    struck: Counter[str] = Counter({"published": published, "within_a_second": model.pushes_dropped})
    for fault, times in model.faults.struck.items():
        what = f"{fault.status} " * (fault.kind == "error") + "lost reply" * fault.after_effect
        struck[what.strip() or fault.kind] += times
    sys.stdout.write(f"{json.dumps(struck)}\n")


if __name__ == "__main__":
    main(sys.argv[1])
