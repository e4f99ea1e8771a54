"""Sets the project up, then goes on inside its virtual environment. Standard library only; Python 3.6 can read it."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = Path(os.environ.get("HEARBACK_VENV") or ROOT / ".venv")
PYTHON = VENV / "bin" / "python"
OLDEST = (3, 11)


def enter(*, tools: bool = False) -> None:
    """Run the calling script inside the environment, made and filled first when need be; `tools` are the workshop's."""
    if not PYTHON.exists():
        _say("making the virtual environment")
        _run([_interpreter(), "-m", "venv", str(VENV)], "venv failed; on Debian and Ubuntu: apt install python3-venv")
    _install("requirements.txt")
    if tools:
        _install("requirements-dev.txt")
    if Path(sys.prefix).resolve() != VENV.resolve():
        os.execv(str(PYTHON), [str(PYTHON), *sys.argv])  # noqa: S606 - this script, in its environment
    sys.path.insert(0, str(ROOT))


def _install(name: str) -> None:
    wanted = hashlib.sha256((ROOT / name).read_bytes()).hexdigest()
    mark = VENV / (name + ".installed")
    if mark.exists() and mark.read_text() == wanted:
        return
    _say("installing " + name)
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "--requirement", str(ROOT / name)], "pip failed")
    mark.write_text(wanted)


def _interpreter() -> str:
    if sys.version_info >= OLDEST:
        return sys.executable
    for name in ("python3.13", "python3.12", "python3.11"):
        found = shutil.which(name)
        if found:
            return found
    return _stop(f"Python 3.11 or newer is needed; this is {sys.version_info[0]}.{sys.version_info[1]}")


def _run(command: "list[str]", complaint: str) -> None:
    if subprocess.call(command) != 0:  # noqa: S603 - our own commands
        _stop(complaint)


def _say(text: str) -> None:
    sys.stderr.write(f"hearback: {text}\n")


def _stop(text: str) -> str:
    _say(text)
    raise SystemExit(1)
