"""The command line of the embedded stack; the Makefile calls it."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import time
from typing import NoReturn

import requests
from rich.console import Console

from local_stack.airflow_api import AirflowApi
from local_stack.foreground import run_airflow, run_trial
from local_stack.pictures import take_pictures
from local_stack.place import ROOT, Place, Ports, StackError
from local_stack.postgres import EmbeddedPostgres, PostgresError
from local_stack.runs import run_dag, show_streams
from local_stack.stack import Stack, connect_source
from local_stack.stories import Teller, tell_story
from salesforce_sandbox.control import Control
from sample_domain.warehouse import change_rows

console = Console() if sys.stdout.isatty() else Console(width=120)


def main() -> int:
    """Do what the command line asks; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m local_stack", description="CRM Export on one machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="start everything, run CRMExport, show what came of it")
    run.add_argument("--wait", choices=("yes", "no", "auto"), default="auto", help="stay up until Ctrl-C")
    commands.add_parser("clean", help="forget everything that earlier runs have kept")
    airflow = commands.add_parser("airflow", help="any airflow command against the running stack")
    airflow.add_argument("words", nargs=argparse.REMAINDER)
    trial = commands.add_parser("try", help="try one record against the running stack")
    trial.add_argument("words", nargs=2, metavar=("STREAM", "KEY"))
    commands.add_parser("story", help="tell a story").add_argument("number", type=int)
    commands.add_parser("pictures", help="take the pictures of the README")
    commands.add_parser("change", help="touch source rows").add_argument("rows", type=int, nargs="?", default=100)
    asked = parser.parse_args()
    try:
        return _COMMANDS[asked.command](asked)
    except (StackError, PostgresError, RuntimeError) as failed:
        console.print(f"[red]{failed}[/]", soft_wrap=True)
        return 1
    except requests.RequestException as failed:
        console.print(f"[red]Airflow or the sandbox did not answer as it should: {failed}[/]", soft_wrap=True)
        return 1
    except OSError as failed:
        console.print(f"[red]The machine refused: {failed}. Is the disk full?[/]", soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        return 130


def _run(asked: argparse.Namespace) -> int:
    started = time.monotonic()
    signal.signal(signal.SIGTERM, _interrupt)
    with Stack(Place.from_environment(), Ports.from_environment(), tell=console.print) as stack:
        run_dag(stack.api, console, "CRMExport")
        show_streams(stack.api, console, stack.ports)
        console.print(f"From the start to this table: {time.monotonic() - started:.0f} seconds.")
        if asked.wait == "yes" or (asked.wait == "auto" and sys.stdin.isatty() and sys.stdout.isatty()):
            console.print(f"Up at {stack.api.url} (login admin, password admin). Ctrl-C stops everything.")
            signal.pause()
    return 0


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _clean(_: argparse.Namespace) -> int:
    place = Place.from_environment()
    place.check_idle()
    EmbeddedPostgres(place.postgres).remove()
    for folder in (place.sandbox, place.airflow):
        shutil.rmtree(folder, ignore_errors=True)
    place.dags_test.unlink(missing_ok=True)
    return 0


def _airflow(asked: argparse.Namespace) -> int:
    return run_airflow(Place.from_environment(), asked.words)


def _try(asked: argparse.Namespace) -> int:
    return run_trial(Place.from_environment(), *asked.words)


def _story(asked: argparse.Namespace) -> int:
    place = Place.from_environment()
    ports = place.running_ports()
    api = AirflowApi(f"http://127.0.0.1:{ports.ui}")
    api.wait_until_up(10, lambda: None)
    control = Control.from_ready_file(place.sandbox / "ready.json")
    tell_story(asked.number, Teller(api, control, console, ports))
    return 0


def _pictures(_: argparse.Namespace) -> int:
    api = AirflowApi(f"http://127.0.0.1:{Place.from_environment().running_ports().ui}")
    api.wait_until_up(10, lambda: None)
    for file in take_pictures(api):
        console.print(str(file.relative_to(ROOT)))
    return 0


def _change(asked: argparse.Namespace) -> int:
    with connect_source(Place.from_environment().running_ports()) as connection:
        console.print(f"{change_rows(connection, asked.rows)} touchpoints changed as of a minute ago.")
    return 0


_COMMANDS = {
    "run": _run,
    "clean": _clean,
    "airflow": _airflow,
    "try": _try,
    "story": _story,
    "change": _change,
    "pictures": _pictures,
}

if __name__ == "__main__":
    sys.exit(main())
