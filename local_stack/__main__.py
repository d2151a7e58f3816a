"""The command line of the embedded stack; the Makefile calls it."""

from __future__ import annotations

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing runs before main(): Ctrl-C exits without a traceback

import argparse
import os
import sys
import time

import psycopg
import requests
from rich.console import Console

from include.export.failures import ConfigurationFailure
from include.export.streams import load_streams
from local_stack.airflow_api import AirflowApi
from local_stack.cleaning import delete_everything
from local_stack.foreground import run_airflow, run_crm_export, run_psql
from local_stack.pictures import take_pictures
from local_stack.place import ROOT, Place
from local_stack.ports import StackError
from local_stack.postgres import EmbeddedPostgres, PostgresError
from local_stack.postgres.databases import EXPORTER, WAREHOUSE, connect
from local_stack.private_files import UnsafeFolderError
from local_stack.processes.children import interruption
from local_stack.report import WIDTH
from local_stack.runs import run_scheduled_or_triggered, show_streams
from local_stack.stack import Stack
from local_stack.stories import StoryRunner, run_story
from salesforce_sandbox.control import Control
from sample_domain.warehouse import change_rows

console = Console() if sys.stdout.isatty() else Console(width=WIDTH)
MOST_WORKERS = 16  # each needs about 300 MB
INTERRUPTED = 130  # the exit status of a program that Ctrl-C ended


def main() -> int:
    """Run the command and return its exit status."""
    asked = _read_command_line()
    interruption.listen()
    os.umask(0o077)  # files are readable by this user only
    try:
        return _COMMANDS[asked.command](asked)
    except (StackError, PostgresError, UnsafeFolderError, ConfigurationFailure, RuntimeError) as failed:
        return _fail(str(failed))
    except requests.RequestException as failed:
        return _fail(f"A request to Airflow or the sandbox failed: {failed}")
    except psycopg.Error as failed:
        return _fail(f"Postgres reported an error: {failed}")
    except OSError as failed:
        return _fail(f"The operating system reported: {failed}. Is the disk full?")
    except KeyboardInterrupt:
        interruption.ignore()
        console.print("Everything is stopped.")
        return INTERRUPTED


def _read_command_line() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local_stack", description="CRM Export on one machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="start everything, run CRMExport, show the result")
    run.add_argument("--wait", choices=("yes", "no", "auto"), default="auto", help="stay up until Ctrl-C")
    run.add_argument("--workers", type=_read_workers, default=0, help="run the tasks in this many Celery workers")
    commands.add_parser("clean", help="delete everything that the project keeps on this machine except .venv")
    airflow = commands.add_parser("airflow", help="run an airflow command against the running stack")
    airflow.add_argument("words", nargs=argparse.REMAINDER)
    crm = commands.add_parser("crm", help="run a command of python -m crm_export against the running stack")
    crm.add_argument("words", nargs=argparse.REMAINDER)
    trial = commands.add_parser("try", help="try one record against the running stack")
    trial.add_argument("words", nargs=2, metavar=("STREAM", "KEY"))
    commands.add_parser("story", help="run a story").add_argument("number", type=int)
    commands.add_parser("pictures", help="take the pictures of the README")
    commands.add_parser("psql", help="run psql in the source database, with the arguments that follow")
    commands.add_parser("change", help="touch source rows").add_argument("rows", type=int, nargs="?", default=100)
    asked, more = parser.parse_known_args()
    if more and asked.command != "psql":
        parser.error(f"unrecognized arguments: {' '.join(more)}")
    return argparse.Namespace(**(vars(asked) | ({"words": more} if asked.command == "psql" else {})))


def _read_workers(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= MOST_WORKERS):
        raise argparse.ArgumentTypeError(f"{text} is not a number of workers (0 to {MOST_WORKERS}; 0: no Celery)")
    return int(text)


def _fail(message: str) -> int:
    console.print(message, style="red", markup=False, highlight=False, soft_wrap=True)
    return 1


def _run(asked: argparse.Namespace) -> int:
    started = time.monotonic()
    stays_up = asked.wait == "yes" or (asked.wait == "auto" and sys.stdin.isatty() and sys.stdout.isatty())
    load_streams()  # without any stream file, stop before anything starts
    with Stack(Place.from_environment(), report=_say, workers=asked.workers) as stack:
        try:
            run = run_scheduled_or_triggered(stack.api, console, "CRMExport", check=stack.check)
        except requests.RequestException:
            stack.check()  # a process that ended is the better explanation
            raise
        with connect(EXPORTER, stack.ports.postgres, stack.credentials) as connection:
            show_streams(connection, console, run, stack.api.url, stays_up=stays_up, workers=bool(asked.workers))
        _say(f"From start to this table: {time.monotonic() - started:.0f} seconds.")
        if stays_up:
            _say(f"Up at {stack.api.url} (login admin, {stack.say_password()}). Ctrl-C stops everything.")
            try:
                stack.wait()
            except KeyboardInterrupt:
                _say("Stopping …")
    interruption.ignore()
    if stays_up:
        _say("Everything is stopped.")
    return 0


def _say(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _clean(_: argparse.Namespace) -> int:
    place = Place.from_environment()
    with place.keep_idle():
        _say(delete_everything(place))
    return 0


def _airflow(asked: argparse.Namespace) -> int:
    return run_airflow(Place.from_environment(), asked.words)


def _crm(asked: argparse.Namespace) -> int:
    return run_crm_export(Place.from_environment(), asked.words)


def _try(asked: argparse.Namespace) -> int:
    return run_crm_export(Place.from_environment(), ["try", *asked.words])


def _story(asked: argparse.Namespace) -> int:
    place = Place.from_environment()
    ports = place.running_ports()
    control = Control.from_ready_file(place.sandbox_ready)
    run_story(asked.number, StoryRunner(_open_api(place), control, console, ports, place.credentials()))
    return 0


def _open_api(place: Place) -> AirflowApi:
    api = AirflowApi(f"http://127.0.0.1:{place.running_ports().ui}", place.credentials().login)
    api.wait_until_up(10, lambda: None)
    return api


def _pictures(_: argparse.Namespace) -> int:
    for file in take_pictures(_open_api(Place.from_environment())):
        console.print(str(file.relative_to(ROOT)))
    return 0


def _change(asked: argparse.Namespace) -> int:
    place = Place.from_environment()
    with connect(WAREHOUSE, place.running_ports().postgres, place.credentials()) as connection:
        console.print(f"{change_rows(connection, asked.rows)} touchpoints changed as of a minute ago.")
    return 0


def _psql(asked: argparse.Namespace) -> int:
    place = Place.from_environment()
    return run_psql(EmbeddedPostgres(place.postgres, place.running_ports().postgres), asked.words)


_COMMANDS = {
    "run": _run,
    "clean": _clean,
    "airflow": _airflow,
    "crm": _crm,
    "try": _try,
    "story": _story,
    "change": _change,
    "pictures": _pictures,
    "psql": _psql,
}

if __name__ == "__main__":
    sys.exit(main())
