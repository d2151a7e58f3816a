"""An upgrade of a database with data: every row, hold, error and watermark is kept, and exports continue.

The exporters of those versions wrote `data_1.sql` and `data_2.sql`: a stream held at a record, errors that
are open, waiting and resolved, a run that was killed with its batch sent, and in version 2 a Bulk job in flight,
findings, an audit and a trial.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from exporter import CONTACTS, Exporter, make_stream
from include.export.ledger import ExportAlerts, Outcome
from include.export.ledger.schema import VERSION, install_schema, installed_version
from include.export.postgres import open_session
from include.export.reconcile import report_orphans
from include.export.reports import read_overview
from include.export.salesforce import Catalogue, IngestJobs
from include.export.streams import Stream
from include.sql import load_statement
from local_stack.postgres import EmbeddedPostgres
from salesforce_sandbox.control import Control
from salesforce_sandbox.process import RunningSandbox

HERE = Path(__file__).parent
SAMPLES = {
    "name": "samples", "source": "app.samples", "key": "id", "cursor": "changed_at", "object": "Sample__c",
    "external_id": "Ext__c", "operation": "upsert", "fields": {"Ext__c": "ext", "Text__c": "text"}, "bulk_from": 10,
    "bulk_from_paused": 10,
}  # fmt: skip
# tables that the upgrade itself extends; all others are compared row by row
GROWS = {"exportedversions"}
Rows = dict[str, list[dict[str, Any]]]


@dataclass
class Old:
    """A database of an old version with its data, and a current exporter over it and over the org of that time."""

    version: str
    connection: psycopg.Connection
    exporter: Exporter

    def read_rows(self) -> Rows:
        """Return every row of every table of the export schema."""
        tables = self.connection.execute(
            "select tablename from pg_tables where schemaname = 'crm_export' order by tablename"
        ).fetchall()
        read = "select to_jsonb(t) from crm_export.{} t order by to_jsonb(t)::text"
        return {name: [row for (row,) in self.connection.execute(read.format(name)).fetchall()] for (name,) in tables}

    def upgrade(self) -> None:
        """Upgrade the schema, as prepare_schema does."""
        install_schema(self.connection)

    def export(self, stream: Stream, **options: Any) -> Outcome:
        """Run the export of a stream."""
        self.exporter.stream = stream
        return self.exporter.run(**options).outcome


@pytest.fixture(params=["1", "2"])
def old(
    request: pytest.FixtureRequest, postgres: EmbeddedPostgres, sandbox: Control, sandbox_server: RunningSandbox
) -> Iterator[Old]:
    """Return a database of each version, and an org with the exported records."""
    name = f"upgrade_{request.param}"
    postgres.ensure_database(name)
    with psycopg.connect(postgres.dsn(name), autocommit=True) as owner:
        for schema in ("crm_export", "app"):
            owner.execute(f"drop schema if exists {schema} cascade")
        for part in ("schema", "data"):
            owner.execute((HERE / f"{part}_{request.param}.sql").read_bytes())
    with open_session(postgres.dsn(name)) as connection:
        exporter = Exporter(connection, sandbox, sandbox_server.https_url, Catalogue.load())
        fill_org(exporter)
        yield Old(request.param, connection, exporter)


def fill_org(exporter: Exporter) -> None:
    """Give the org the records that the old exporter had sent."""
    accounts = exporter.connection.execute(
        'select ext as "Ext__c", name as "Name" from app.accounts'
        " where deleted_at is null and changed_at <= '2026-01-01 00:20Z' and name <> 'bad' order by ext"
    )
    columns = [each.name for each in accounts.description or ()]
    exporter.control.add_records("Account", [dict(zip(columns, row, strict=True)) for row in accounts])
    exporter.control.add_records("Account", [{"Ext__c": "A99", "Name": "Nobody's"}])
    contacts = [{"Ext__c": f"C{n}", "LastName": f"Contact {n}"} for n in (1, 5, 6)]
    exporter.control.add_records("Contact", contacts)


def write_since(exporter: Exporter, object_name: str, before: int) -> list[str]:
    """Return the external ids sent to Salesforce after a number of writes."""
    return [str(write["fields"].get("Ext__c")) for write in exporter.control.writes(object_name)[before:]]


def test_every_row_of_every_table_survives_with_its_columns(old: Old) -> None:
    before = old.read_rows()
    assert sum(map(len, before.values())) >= 30
    assert all(before[name] for name in ("exportwatermarks", "exporterrors", "exportbatches", "exportbatchrows"))
    if old.version == "2":
        assert all(before[name] for name in ("exportfindings", "exportaudit", "exportauditrecords", "exporttrials"))
    old.upgrade()
    assert installed_version(old.connection) == VERSION
    after = old.read_rows()
    for name, rows in before.items():
        kept = [{column: row.get(column) for column in rows[0]} for row in after[name]] if rows else []
        assert [row for row in rows if row not in kept] == [], name
        assert len(after[name]) == len(rows) or name in GROWS, name


def test_a_second_upgrade_changes_nothing_and_alerts_nobody_again(old: Old) -> None:
    old.upgrade()
    once = old.read_rows()
    assert [(alert["kind"], alert["subject"]) for alert in once["exportalerts"] if alert["kind"] == "held"] == [
        ("held", "21")
    ]
    assert {alert["kind"] for alert in once["exportalerts"]} == {"held", "rejected"}
    old.connection.execute(load_statement("ledger/schema"))
    assert old.read_rows() == once


def test_a_hold_goes_on_and_its_record_is_the_first_that_the_next_run_sends(old: Old) -> None:
    old.upgrade()
    exporter, accounts = old.exporter, make_stream()
    exporter.stream = accounts
    assert exporter.gate() is not None
    assert old.export(accounts) is Outcome.HELD
    assert exporter.watermark() == "20"
    [held] = exporter.errors("holding")
    assert (held["record_key"], held["attempts"]) == ("21", 2)
    before = len(exporter.control.writes("Account"))
    exporter.control.switch_rule("no_bad_names", active=False)
    assert old.export(accounts) is Outcome.COMPLETE
    assert exporter.gate() is None
    assert exporter.watermark() == "23"
    assert write_since(exporter, "Account", before) == ["A21", "A22", "A23"], "nothing below the watermark goes again"
    assert not any(alert.kind == "held" for alert in ExportAlerts(old.connection).list_open(10))


def test_open_errors_are_sent_again_by_the_daily_job_and_their_children_after_them(old: Old) -> None:
    old.upgrade()
    exporter = old.exporter
    exporter.stream = make_stream()
    exporter.control.switch_rule("no_bad_names", active=False)
    assert old.export(exporter.stream) is Outcome.COMPLETE
    assert exporter.reexport(every=True).exported == 1
    assert old.export(Stream(**CONTACTS)) is Outcome.COMPLETE
    exporter.reexport(every=True)
    assert exporter.errors("status <> 'resolved'") == []
    assert exporter.names("Contact").keys() == {"C1", "C2", "C5", "C6"}
    assert [alert.kind for alert in ExportAlerts(old.connection).list_open(10) if alert.kind == "rejected"] == []


def test_the_batch_of_a_run_that_was_killed_before_the_upgrade_is_settled(old: Old) -> None:
    old.upgrade()
    assert old.export(Stream(**CONTACTS)) is Outcome.COMPLETE
    assert old.exporter.watermark() == "c6"
    left = old.connection.execute(
        "select count(*) from crm_export.ExportBatches where state in ('PLANNED', 'SENDING') and transport <> 'bulk'"
    )
    assert left.fetchone() == (0,)
    assert old.exporter.names("Contact").keys() == {"C1", "C5", "C6"}, "no record is doubled"


def test_what_was_exported_before_is_no_late_row_and_findings_go_on(old: Old) -> None:
    old.upgrade()
    exporter = old.exporter
    exporter.stream = make_stream()
    # the check reports a copied database as another one: here it must count as the same
    old.connection.execute(
        "update crm_export.ExportWatermarks set database_identity = crm_export.database_identity()"
        " where database_identity is not null"
    )
    report = exporter.reconcile()
    assert (report.late, report.failover) == (0, "")
    assert report_orphans(exporter.inputs()).without_source == 1
    found = old.connection.execute(
        "select kind, subject, closed_at is null from crm_export.ExportFindings order by id"
    ).fetchall()
    assert found == [("late_row", "11", False)] * (old.version == "2") + [("no_source_row", "A99", True)]
    exporter.change(4, 2, name="back-dated")
    assert exporter.reconcile().late == 1, "a row that comes late from now on is found"
    assert exporter.names()["A4"] == "back-dated"


@pytest.mark.parametrize("old", ["2"], indirect=True)
def test_a_bulk_job_in_flight_is_adopted_and_its_rows_are_sent_once(old: Old) -> None:
    jobs = make_job(old.exporter)
    old.connection.execute(
        "update crm_export.ExportBatches set job_id = %s, planned_at = now() where state = 'SENDING'", [jobs]
    )
    old.upgrade()
    before = old.exporter.last_call()
    assert old.export(Stream(**SAMPLES)) is Outcome.COMPLETE
    assert not [call for call in old.exporter.calls(before) if call["method"] in {"POST", "PUT", "PATCH"}]
    assert old.exporter.watermark() == "40"
    assert len(old.exporter.control.writes("Sample__c")) == 40


def make_job(exporter: Exporter) -> str:
    """Create the job that the old exporter had in flight, for rows 5 to 40, and return its id."""
    exporter.control.add_records("Sample__c", [{"Ext__c": f"S{n}", "Text__c": f"Sample {n}"} for n in range(1, 5)])
    jobs = IngestJobs(Stream(**SAMPLES), exporter.client())
    job_id = jobs.create("upsert", "2026-01-01T00:00:00+00:00", ())
    rows = "".join(f"S{n},Sample {n}\n" for n in range(5, 41))
    jobs.upload(job_id, lambda: iter([b"Ext__c,Text__c\n", rows.encode()]))
    jobs.complete_upload(job_id)
    return job_id


def test_the_page_shows_what_was_there(old: Old) -> None:
    old.upgrade()
    streams = [make_stream(), Stream(**CONTACTS)]
    overview = read_overview(streams, connection=old.connection, catalogue=old.exporter.catalogue)
    accounts, contacts = overview.streams
    assert accounts.held is not None
    assert accounts.held.record_key == "21"
    assert contacts.held is None
