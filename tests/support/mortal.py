"""A program that runs the exporter in child processes that end at a chosen point; it reads and writes lines of JSON.

Each child is forked from this process, which has imported everything, so that a run costs milliseconds. `killing.py`
talks to it.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import psycopg
from simple_salesforce.api import Salesforce

from include.export.ledger import exported_versions
from include.export.ledger.runs import RunIdentity
from include.export.options import ExportOptions
from include.export.reconcile.late_rows import export_late_rows
from include.export.run.inputs import RunInputs
from include.export.salesforce.client import OrgSession, SalesforceClient
from include.export.salesforce.error_catalogue import Catalogue
from include.export.streams.stream import Stream
from include.export.tasks.export import export_stream
from include.export.tasks.gate import check_hold
from include.export.tasks.reexport import reexport_errors
from points import Point, Points, PointSession, connect

CATALOGUE = Catalogue.load()


def main() -> None:
    """Serve requests until the input ends."""
    end_as_airflow_asks()
    gc.freeze()  # a collection in a child would copy what it shares with this process
    while line := sys.stdin.readline():
        sys.stdout.write(json.dumps(run_child(json.loads(line))) + "\n")
        sys.stdout.flush()


def end_as_airflow_asks() -> None:
    """Handle SIGTERM as Airflow's task runner does: by the operator's on_kill."""
    if "--airflow" in sys.argv:
        from crm_export.operators.preparation import PrepareSchemaOperator

        operator = PrepareSchemaOperator(task_id="t")
        signal.signal(signal.SIGTERM, lambda *_: operator.on_kill())


def run_child(asked: dict[str, Any]) -> dict[str, Any]:
    """Run a request in a child and return its report and how it ended."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        status = 1
        with contextlib.suppress(BaseException):
            status = _run(asked, os.fdopen(writing, "w", buffering=1))
        os._exit(status)
    os.close(writing)
    if asked.get("after"):
        time.sleep(asked["after"])
        os.kill(child, signal.Signals[asked["signal"]])
    if asked["signal"] == "SIGSTOP":
        _let_go_on_when_asked(child)
    sent, lines = time.monotonic(), []
    with os.fdopen(reading) as message:
        for text in message:
            lines.append(json.loads(text))
            if asked.get("behind") and lines[-1].get("point") == asked["behind"]:
                time.sleep(0.3)  # the call is in flight
                sent = time.monotonic()
                os.kill(child, signal.Signals[asked["signal"]])
    _, status = os.waitpid(child, 0)
    ended = time.monotonic()
    at = next((line["signalled"] for line in lines if "signalled" in line), sent)
    report = next((line["report"] for line in lines if "report" in line), None)
    return {
        "points": [line["point"] for line in lines if "point" in line],
        "report": report,
        "killed": os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL,
        "seconds": ended - at,
        "peak_kilobytes": next((line["peak_kilobytes"] for line in lines if "peak_kilobytes" in line), 0),
    }


def _let_go_on_when_asked(child: int) -> None:
    """Wait until the child has stopped itself, report it, and let it continue at the next line of input."""
    os.waitpid(child, os.WUNTRACED)
    sys.stdout.write("stopped\n")
    sys.stdout.flush()
    sys.stdin.readline()
    os.kill(child, signal.SIGCONT)


def _run(asked: dict[str, Any], message: Any) -> int:
    def summarize(**line: Any) -> None:
        message.write(json.dumps(line) + "\n")

    def act() -> None:
        summarize(signalled=time.monotonic())
        os.kill(os.getpid(), signal.Signals[asked["signal"]])

    os.environ["REQUESTS_CA_BUNDLE"] = asked["ca_file"]
    points = Points(asked["target"] and Point(*asked["target"]), act, lambda name: summarize(point=name))
    try:
        report = _task(asked, points)()
    except BaseException as ended:  # noqa: BLE001 - whatever ended the run is reported
        summarize(report=f"{type(ended).__name__}: {ended}")
        return 2
    summarize(report=report, peak_kilobytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return 0


def _task(asked: dict[str, Any], points: Points) -> Callable[[], str]:
    stream, connection = Stream(**asked["stream"]), connect(asked["dsn"], points)
    # the rows of a job are read on a second connection, which the product opens itself
    psycopg.connect = lambda dsn, **_: connect(dsn, points)  # type: ignore[assignment]
    if asked["task"] == "gate":
        found = {"connection": connection, "catalogue": CATALOGUE, "pause": asked["pause"]}
        return lambda: str(check_hold(stream.name, **found))
    inputs = RunInputs(
        stream,
        connection,
        SalesforceClient(lambda: _log_in(asked["https_url"], points), repeat_delays=(0.01, 0.01)),
        CATALOGUE,
        ExportOptions(pause_on_export_errors=asked["pause"], **asked["options"]),
        RunIdentity("CRMExport", "mortal", 1, "export_changes"),
    )
    if asked["task"] == "reexport":
        return lambda: reexport_errors(inputs, every=True).summarize()
    if asked["task"] == "reconcile":
        exported_versions.ROWS_OF_A_PAGE = asked["rows_of_a_page"]
        return lambda: export_late_rows(inputs).summarize()
    return lambda: str(export_stream(inputs).outcome)


def _log_in(https_url: str, points: Points) -> OrgSession:
    session = PointSession(points)
    found = Salesforce(
        consumer_key="sandbox-key",
        consumer_secret="sandbox-secret",
        domain=https_url.removeprefix("https://") + "/services/oauth2/token#",
        session=session,
    )
    return OrgSession(f"https://{found.sf_instance}", found.session_id, session, found.sf_version)


if __name__ == "__main__":
    main()
