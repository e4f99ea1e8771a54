"""gcloud's own static check of commands: names, flags, values; nothing is called."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

SECONDS = 300


def why_missing() -> str:
    return "" if shutil.which("gcloud") else "gcloud is not on the PATH"


def errors(commands: Sequence[str], folder: Path) -> list[str]:
    """What is wrong with each command that is wrong. Raises AssertionError unless every one was looked at."""
    file = folder / "commands.json"
    file.write_text(json.dumps([{"command_string": command} for command in commands]))
    done = subprocess.run(
        ["gcloud", "meta", "lint-gcloud-commands", f"--commands-file={file}"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    assert len(results) == len(commands), done.stdout[:400]
    return [f"{each['command_string']}: {each['error_message']}" for each in results if not each["success"]]
