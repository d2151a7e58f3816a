"""One run of our exporter or of its daily re-export, as the tasks run them: python -m benchmarks.clients.ours JSON."""

from __future__ import annotations

import json
import sys
import time
from functools import partial

import requests

from benchmarks.clients.ready import print_json, report_ready
from include.export.ledger import RunIdentity
from include.export.options import ExportOptions
from include.export.postgres import open_session
from include.export.run import RunInputs
from include.export.salesforce import Catalogue, OrgSession, SalesforceClient
from include.export.streams import Stream
from include.export.tasks import export_stream, reexport_errors


def main() -> None:
    """Export a stream once, or send its export errors again; prints the report."""
    asked = json.loads(sys.argv[1])
    stream = Stream(**asked["stream"])
    catalogue = Catalogue.load()
    report_ready()
    began = time.monotonic()
    with open_session(asked["dsn"]) as connection:
        options = ExportOptions(daily_api_limit=10_000_000, **asked["options"])
        identity = RunIdentity("CRMExport", "benchmark", 1, "export_changes")
        client = SalesforceClient(lambda: _log_in(asked["org"]))
        inputs = RunInputs(stream, connection, client, catalogue, options, identity)
        run = partial(reexport_errors, every=True) if asked["reexport"] else export_stream
        report = run(inputs)
    print_json(report.as_dict() | {"seconds": time.monotonic() - began})


def _log_in(org: str) -> OrgSession:
    """Log in by the client credentials flow; in Airflow the worker logs in with SalesforceHook."""
    http = requests.Session()
    credentials = {"grant_type": "client_credentials", "client_id": "sandbox-key", "client_secret": "sandbox-secret"}
    granted = http.post(f"https://{org}/services/oauth2/token", data=credentials, timeout=30).json()
    return OrgSession(granted["instance_url"], granted["access_token"], http, "59.0")


if __name__ == "__main__":
    main()
