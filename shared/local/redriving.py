"""`scripts/redrive`: what stands aside, on this machine's own wiring or on Google's, seen first and driven then."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from shared import redrive, registry
from shared.codec import to_json
from shared.errors import Rejected, TryAgain
from shared.local.dev import DATA_DIR
from shared.services import Services
from shared.settings import read

MOST = 200
"""Items of one list, if nobody says otherwise."""

EXAMPLES = """
scripts/redrive list                    what stands aside
scripts/redrive show ID                 all that is on record of it
scripts/redrive drive ID ...            what would be done
scripts/redrive drive --really ID ...   do it (--all instead of ids: everything on the list)

Without --google it is the data of scripts/dev; with it the project of the environment, through the same adapters.
"""


def main(environ: Mapping[str, str], arguments: list[str] | None = None) -> int:
    """Run one command; 2 when it could not be done."""
    parser = argparse.ArgumentParser(
        prog="redrive", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--google", action="store_true", help="Firestore and Pub/Sub of GOOGLE_CLOUD_PROJECT")
    parser.add_argument("--data", type=Path, default=DATA_DIR, metavar="DIR", help="the embedded wiring's folder")
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="what stands aside")
    listing.add_argument("--limit", type=int, default=MOST)
    showing = commands.add_parser("show", help="one of them")
    showing.add_argument("id")
    driving = commands.add_parser("drive", help="wake it up; a dry run unless --really")
    driving.add_argument("ids", nargs="*", metavar="ID")
    driving.add_argument("--all", action="store_true", help="everything that list names")
    driving.add_argument("--really", action="store_true", help="do it")
    driving.add_argument("--again", action="store_true", help="also dead letters that have been re-driven before")
    options = parser.parse_args(arguments)
    services = Services(read(_environ(environ, options)))
    try:
        return _run(options, services)
    except (Rejected, TryAgain) as e:
        print(f"redrive: {e}", file=sys.stderr)
        return 2
    finally:
        services.close()


def _environ(environ: Mapping[str, str], options: argparse.Namespace) -> dict[str, str]:
    """The environment of a function that looks after dead letters, on the wiring that is asked for."""
    limits = registry.environment(registry.load()["send_dead_letter"]) | {"HEARBACK_USES": "firestore,queue"}
    if options.google:
        return {**environ, **limits, "HEARBACK_WIRING": "google"}
    return {**limits, "HEARBACK_DATA_DIR": str(options.data)}


def _run(options: argparse.Namespace, s: Services) -> int:
    if options.command == "list":
        items = redrive.listed(limit=options.limit, store=s.store)
        for item in items:
            mark = f", re-driven {item.redriven_at:%Y-%m-%d %H:%M}" if item.redriven_at else ""
            print(f"{item.id}  {item.kind:11}  {item.since:%Y-%m-%d %H:%M}  {item.what}: {item.reason}{mark}")
        print(f"{len(items)} stand aside")
    elif options.command == "show":
        print(to_json(redrive.show(options.id, store=s.store)).decode())
    else:
        ids = options.ids
        if options.all:
            ids = [item.id for item in redrive.listed(limit=MOST, store=s.store) if not item.redriven_at]
        ports = {"store": s.store, "queue": s.queue, "clock": s.clock}
        for id_ in ids:
            print(redrive.redrive(id_, dry_run=not options.really, again=options.again, **ports))  # type: ignore[arg-type]  # three ports by name
        print(f"{len(ids)} {'done' if options.really else 'would be done; add --really to do it'}")
    return 0
