"""simple-salesforce's bulk2.upsert of records that psycopg read."""

from __future__ import annotations

import json
import sys
from typing import Any, cast

import psycopg
from psycopg.rows import dict_row
from simple_salesforce.api import Salesforce

from benchmarks.clients.ready import report_ready, report_result


def main() -> None:
    """Read the rows, send them, count the jobs' results."""
    asked = json.loads(sys.argv[1])
    report_ready()
    with psycopg.connect(asked["dsn"], options="-c timezone=UTC", application_name="crm_export") as connection:
        records = connection.cursor(row_factory=dict_row).execute(asked["query"]).fetchall()
    org = Salesforce(
        consumer_key="sandbox-key",
        consumer_secret="sandbox-secret",  # noqa: S106 - the sink's
        domain=f"{asked['org']}/services/oauth2/token#",
    )
    jobs = cast("Any", org).bulk2.Row__c.upsert(records=records, external_id_field="Key__c", wait=0.1)
    processed = sum(job["numberRecordsProcessed"] - job["numberRecordsFailed"] for job in jobs)
    report_result({"accepted": processed, "jobs": len(jobs)})


if __name__ == "__main__":
    main()
