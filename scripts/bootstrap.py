"""Sets the project up, then goes on inside its virtual environment. Standard library only; any Python 3 can read it."""

import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.environ.get("HEARBACK_VENV") or os.path.join(ROOT, ".venv")
OLDEST = (3, 11)


def enter(dev=False):
    """Run the calling script inside the environment, made and filled first when need be; `dev` adds the tools."""
    python = os.path.join(VENV, "bin", "python")
    if not os.path.exists(python):
        _say("making the virtual environment")
        _run([_interpreter(), "-m", "venv", VENV], "venv failed; on Debian and Ubuntu: apt install python3-venv")
    _install("requirements.txt", python)
    if dev:
        _install("requirements-dev.txt", python)
    if os.path.realpath(sys.prefix) != os.path.realpath(VENV):
        os.execv(python, [python] + sys.argv)
    sys.path.insert(0, ROOT)


def _install(name, python):
    path = os.path.join(ROOT, name)
    with open(path, "rb") as file:
        wanted = hashlib.sha256(file.read()).hexdigest()
    mark = os.path.join(VENV, name + ".installed")
    if os.path.exists(mark):
        with open(mark) as file:
            if file.read() == wanted:
                return
    _say("installing " + name)
    _run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", path], "pip failed")
    with open(mark, "w") as file:
        file.write(wanted)


def _interpreter():
    if sys.version_info >= OLDEST:
        return sys.executable
    for name in ("python3.13", "python3.12", "python3.11"):
        if shutil.which(name):
            return name
    _stop("Python 3.11 or newer is needed; this is %d.%d" % sys.version_info[:2])


def _run(command, complaint):
    if subprocess.call(command) != 0:
        _stop(complaint)


def _say(text):
    sys.stderr.write("hearback: " + text + "\n")


def _stop(text):
    _say(text)
    sys.exit(1)
