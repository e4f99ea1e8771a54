"""The local Gmail in a process of its own, as far from the functions as Google is.

`python -m shared.local.bench.google PROJECT` prints its root URL, and serves until it is asked to end.
"""

from __future__ import annotations

import random
import signal
import sys

from shared.adapters.clock import SystemClock
from shared.local.gmail.model import GmailModel
from shared.local.google_server import GoogleServer

if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    with GoogleServer(GmailModel(SystemClock(), random.Random(0), project=sys.argv[1])) as server:
        sys.stdout.write(server.url + "\n")
        sys.stdout.flush()
        signal.sigwait({signal.SIGTERM})
