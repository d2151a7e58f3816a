"""Airflow's SalesforceBulkOperator (Bulk API v1), fed by PostgresHook, outside a worker."""

from __future__ import annotations

import json
import sys

from airflow.providers.postgres.hooks.postgres import PostgresHook
from airflow.providers.salesforce.operators.bulk import SalesforceBulkOperator

from benchmarks.clients.ready import report_ready, report_result


def main() -> None:
    """Read the rows, send them, count the answers."""
    asked = json.loads(sys.argv[1])
    report_ready()
    with PostgresHook("bench_postgres").get_conn() as connection, connection.cursor() as cursor:
        cursor.execute("set timezone = 'UTC'")
        cursor.execute(asked["query"])
        names = [column[0] for column in cursor.description or ()]
        payload = [dict(zip(names, row, strict=True)) for row in cursor]
    operator = SalesforceBulkOperator(
        task_id="send",
        operation="upsert",
        object_name="Row__c",
        external_id_field="Key__c",
        payload=payload,
        salesforce_conn_id="bench_salesforce",
    )
    answers = operator.execute({})
    report_result({"accepted": sum(answer["success"] for answer in answers), "answers": len(answers)})


if __name__ == "__main__":
    main()
