"""Which module may import what, and who may know the time: the rules of the house that no type checker sees."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from pathlib import Path

import pytest

from shared import registry

ROOT = registry.TABLE.parent.parent
SHARED = ROOT / "shared"

VENDORS_IN_CORE = {
    "shared.codec": {"msgspec"},  # the one place that knows how records look outside
    "shared.classify.facts.calendar": {"icalendar"},  # a grammar of its own; imported at the first .ics
    "shared.sending.desk": {"email_validator"},  # what an address is; imported when somebody applies
    "shared.sending.templates": {"jinja2", "markupsafe"},  # imported when a letter is made
    "shared.registry": {"yaml", "jsonschema"},  # reads the table; no deployed function imports it
}
"""Core modules that import packages, and which. Everything else of the core runs on the standard library alone."""

ADAPTERS_IN_CORE = {"shared.services"}
"""The one core module that imports adapters: it is there to choose them."""

OUTSIDE_IN_CORE = {
    "shared.settings": {"secrets"},  # draws the secrets of the embedded wiring
    "shared.services": {"os.environ", "secrets", "tempfile"},  # hands the environment to settings; keys in memory
}
"""Core modules that read the environment, the clock or randomness, and which of them."""

CORE_FOR_ADAPTERS = {"codec", "errors", "model", "ports", "registry", "schema", "settings"}
"""What an adapter may know of the core: the words and the contracts, never a use case."""

OUTSIDE_MODULES = {"random", "secrets", "uuid", "tempfile", "getpass", "socket", "urllib.request", "subprocess"}
OUTSIDE_NAMES = {
    "os.environ",
    "os.getenv",
    "os.urandom",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "time.time",
    "time.time_ns",
    "time.monotonic",
    "time.perf_counter",
    "time.sleep",
    "time.localtime",
    "time.gmtime",
    "uuid.uuid4",
}
"""The environment, the clock, randomness and the network, as they are written in Python."""

NOT_DEPLOYED = ("shared.local", "shared.deploy")
"""The stand-ins, and what whoever deploys runs: in no zip."""

FUNCTION_LINES = 8


def modules() -> dict[str, Path]:
    """Every module of `shared` by its name, with its file."""
    found = {}
    for path in sorted(SHARED.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def is_core(name: str) -> bool:
    return name != "shared.entry" and not name.startswith(("shared.adapters", *NOT_DEPLOYED))


CORE = [name for name in MODULES if is_core(name)]


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def imported(path: Path) -> set[str]:
    """Every module that a file imports, anywhere in it; `from shared import x` counts as shared.x."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import in line {node.lineno}"
            assert node.module is not None
            found.add(node.module)
            if node.module == "shared" or f"{node.module}.{node.names[0].name}" in MODULES:
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def vendors(path: Path) -> set[str]:
    tops = {name.partition(".")[0] for name in imported(path)}
    return tops - set(sys.stdlib_module_names) - {"shared", "__future__"}


def outside(path: Path) -> set[str]:
    """What of the outside world a file names: a module's import, or an attribute as in `datetime.now`."""
    found = imported(path) & OUTSIDE_MODULES
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute):
            owner = node.value
            name = owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else ""
            found |= {f"{name}.{node.attr}"} & OUTSIDE_NAMES
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names} & OUTSIDE_NAMES
    return found


# --- The rules --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CORE)
def test_the_core_imports_no_vendor(name):
    assert vendors(MODULES[name]) == VENDORS_IN_CORE.get(name, set())


@pytest.mark.parametrize("name", CORE)
def test_the_core_imports_no_adapter(name):
    found = {each for each in imported(MODULES[name]) if each.startswith("shared.") and not is_core(each)}

    assert bool(found) == (name in ADAPTERS_IN_CORE), found


@pytest.mark.parametrize("name", CORE)
def test_the_core_reads_no_environment_no_clock_and_no_randomness(name):
    assert outside(MODULES[name]) == OUTSIDE_IN_CORE.get(name, set())


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("shared.adapters.")])
def test_an_adapter_knows_no_use_case(name):
    found = {each.split(".")[1] for each in imported(MODULES[name]) if each.startswith("shared.")}

    assert found - {"adapters"} <= CORE_FOR_ADAPTERS


@pytest.mark.parametrize("name", [name for name in MODULES if not name.startswith(NOT_DEPLOYED)])
def test_nothing_that_is_deployed_imports_what_is_not(name):
    found = {each for each in imported(MODULES[name]) if each.startswith(NOT_DEPLOYED)}

    assert not found


def test_the_framework_is_known_to_the_entry_and_the_local_runner_alone():
    known = {name for name, path in MODULES.items() if {"flask", "functions_framework", "cloudevents"} & vendors(path)}

    assert known <= {"shared.entry", "shared.local.runner"}


@pytest.mark.parametrize(
    "table", [VENDORS_IN_CORE, OUTSIDE_IN_CORE, dict.fromkeys(ADAPTERS_IN_CORE)], ids=["1", "2", "3"]
)
def test_an_exception_is_for_a_module_that_exists(table):
    assert set(table) <= set(CORE)


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("from datetime import datetime\ndatetime.now()", {"datetime.now"}),
        ("import datetime\ndatetime.datetime.now()", {"datetime.now"}),
        ("import os\nos.environ['A']", {"os.environ"}),
        ("from os import environ", {"os.environ"}),
        ("from time import time", {"time.time"}),
        ("def f():\n    import random", {"random"}),
        ("from secrets import token_hex", {"secrets"}),
        ("self.clock.now()", set()),
        ("at.time()", set()),
    ],
)
def test_the_search_for_the_outside_finds_it(tmp_path, code, found):
    path = tmp_path / "module.py"
    path.write_text(code)

    assert outside(path) == found


# --- Functions --------------------------------------------------------------------------------------------------------

FOLDERS = sorted(path.parent for path in registry.TABLE.parent.glob("*/main.py"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_function_is_one_line_of_words_and_one_short_function(folder):
    assert {path.name for path in folder.iterdir() if path.suffix == ".py"} == {"main.py"}
    module = tree(folder / "main.py")
    docstring, *imports, function = module.body

    assert isinstance(docstring, ast.Expr)
    assert len((ast.get_docstring(module) or "").splitlines()) == 1
    assert all(isinstance(node, ast.Import | ast.ImportFrom) for node in imports)
    assert isinstance(function, ast.FunctionDef)
    assert function.name == folder.name
    (decorator,) = function.decorator_list
    assert ast.unparse(decorator).startswith("entry.")
    assert function.end_lineno is not None
    assert function.end_lineno - decorator.lineno + 1 <= FUNCTION_LINES
    assert vendors(folder / "main.py") == set()


COLD = """
import importlib.util, sys
import functions_framework
before = set(sys.modules)
spec = importlib.util.spec_from_file_location("main", sys.argv[1])
spec.loader.exec_module(importlib.util.module_from_spec(spec))
print(*sorted(set(sys.modules) - before))
"""


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_cold_start_imports_no_package_that_the_first_line_does_not_need(folder):
    """Beside what the framework itself brings: no client library, no parser, nothing of the table or the stand-ins."""
    row = registry.load()[folder.name]
    process = subprocess.run(
        [sys.executable, "-c", COLD, str(folder / "main.py")],
        env={**registry.environment(row), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    loaded = set(process.stdout.split())
    packages = {name.partition(".")[0] for name in loaded} - set(sys.stdlib_module_names)

    assert {name for name in packages if not name.startswith("_")} <= {"shared", "msgspec", "typing_extensions"}
    assert not {name for name in loaded if name.startswith(("shared.local", "shared.registry"))}
    # None of the adapters but the log: each is imported when it is first asked for.
    assert {name for name in loaded if name.startswith("shared.adapters.")} == {"shared.adapters.log"}
