"""One run of our export, re-export or check, as the tasks make them: python -m benchmarks.clients.ours JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import requests

from benchmarks.clients.ready import report_ready, report_result
from include.export.ledger import RunIdentity
from include.export.options import ExportOptions
from include.export.postgres import open_session
from include.export.reconcile import export_late_rows
from include.export.run import RunInputs
from include.export.salesforce import OrgSession, SalesforceClient, load_catalogue
from include.export.streams import Stream
from include.export.tasks import export_stream, reexport_errors

TASKS: dict[str, Callable[[RunInputs], Any]] = {
    "export": export_stream,
    "reexport": partial(reexport_errors, every=True),
    "reconcile": export_late_rows,
}


def main() -> None:
    """Export a stream once, send its export errors again, or check it for late rows; prints the report."""
    asked = json.loads(sys.argv[1])
    stream = Stream(**asked["stream"])
    catalogue = load_catalogue()
    report_ready()
    began = time.monotonic()
    with open_session(asked["dsn"]) as connection:
        options = ExportOptions(daily_api_limit=10_000_000, **asked["options"])
        identity = RunIdentity("CRMExport", "benchmark", 1, "export_changes")
        client = SalesforceClient(lambda: _log_in(asked["org"]))
        inputs = RunInputs(stream, connection, client, catalogue, options, identity)
        report = TASKS[asked["task"]](inputs)
    report_result(report.as_dict() | {"seconds": time.monotonic() - began})


def _log_in(org: str) -> OrgSession:
    """Log in by the client credentials flow; in Airflow the worker logs in with SalesforceHook."""
    http = requests.Session()
    credentials = {"grant_type": "client_credentials", "client_id": "sandbox-key", "client_secret": "sandbox-secret"}
    granted = http.post(f"https://{org}/services/oauth2/token", data=credentials, timeout=30).json()
    return OrgSession(granted["instance_url"], granted["access_token"], http, "59.0")


if __name__ == "__main__":
    main()
