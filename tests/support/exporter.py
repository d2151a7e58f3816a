"""A small source with its stream, and an exporter that tests run over it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg
import requests
from psycopg.rows import dict_row
from simple_salesforce.api import Salesforce

from include.export.ledger.runs import RunIdentity
from include.export.options import ExportOptions
from include.export.reconcile.late_rows import LateRowsReport, export_late_rows
from include.export.run.inputs import RunInputs
from include.export.salesforce.client import CONNECT_TIMEOUT, READ_TIMEOUT, OrgSession, SalesforceClient
from include.export.salesforce.error_catalogue import Catalogue
from include.export.streams.stream import Stream
from include.export.tasks.export import ExportReport, export_stream
from include.export.tasks.gate import Hold, check_hold
from include.export.tasks.reexport import ReexportReport, reexport_errors
from leaks import PERSON
from salesforce_sandbox.control import Control

ACCOUNTS = {
    "name": "accounts",
    "source": "app.accounts",
    "key": "id",
    "cursor": "changed_at",
    "deleted": "deleted_at",
    "object": "Account",
    "external_id": "Ext__c",
    "operation": "upsert",
    "fields": {"Ext__c": "ext", "Name": "name", "Kind__c": "kind", "Amount__c": "amount", "Notes__c": "notes"},
}
CONTACTS = {
    "name": "contacts",
    "source": "app.contacts",
    "key": "id",
    "cursor": "changed_at",
    "object": "Contact",
    "external_id": "Ext__c",
    "operation": "upsert",
    "fields": {"Ext__c": "ext", "LastName": "name", "Account.Ext__c": "account"},
    "after": ["accounts"],
}
TABLES = """
create schema app;
create table app.accounts (
    id integer primary key, ext text, name text, kind text, amount numeric, notes text,
    changed_at timestamptz not null, deleted_at timestamptz);
create index on app.accounts (changed_at, id);
create index on app.accounts (ext);
create table app.contacts (
    id text primary key, ext text, name text, account text, changed_at timestamptz not null);
create index on app.contacts (changed_at, id collate "C");
"""
MOMENT = "2026-01-01T00:00:00Z"


def make_stream(**changes: Any) -> Stream:
    """Return the stream of the accounts, with changed options."""
    paused = {"bulk_from_paused": changes["bulk_from"]} if "bulk_from" in changes else {}
    return Stream(**(ACCOUNTS | paused | changes))


@dataclass
class Exporter:
    """Runs the exporter over the source, and reads the results."""

    connection: psycopg.Connection
    control: Control
    https_url: str
    catalogue: Catalogue
    stream: Stream = field(default_factory=make_stream)
    options: dict[str, Any] = field(default_factory=dict)
    make_session: Callable[[], requests.Session] = requests.Session
    timeouts: tuple[float, float] = (CONNECT_TIMEOUT, READ_TIMEOUT)
    runs: int = 0
    connect: Callable[[], psycopg.Connection] | None = None
    owner: psycopg.Connection | None = None  # the role that writes the source, if the exporter's may not

    @property
    def source(self) -> psycopg.Connection:
        """Return the connection that writes the source."""
        return self.owner or self.connection

    def add(self, *rows: dict[str, Any]) -> None:
        """Insert accounts: `id`, and optionally name, ext, minute (of their change) and other columns."""
        for row in rows:
            minute = row.pop("minute", row["id"])
            values = {"name": f"Account {row['id']}", "ext": f"A{row['id']}", "notes": PERSON} | row
            names = ", ".join(values)
            places = ", ".join(f"%({name})s" for name in values)
            self.source.execute(
                f"insert into app.accounts ({names}, changed_at) values"
                f" ({places}, %(moment)s::timestamptz + %(minute)s * interval '1 minute')",
                values | {"moment": MOMENT, "minute": minute},
            )

    def add_many(self, first: int, last: int, *, minute: int = 0) -> None:
        """Insert accounts numbered first to last, a second apart from a minute on."""
        self.source.execute(
            "insert into app.accounts (id, ext, name, notes, changed_at) select n, 'A' || n, 'Account ' || n, %s,"
            " %s::timestamptz + %s * interval '1 minute' + n * interval '1 second'"
            " from generate_series(%s::int, %s::int) n",
            [PERSON, MOMENT, minute, first, last],
        )

    def change(self, account: int, minute: int, **values: Any) -> None:
        """Change an account at a later minute."""
        assigned = "".join(f", {name} = %({name})s" for name in values)
        self.source.execute(
            "update app.accounts set changed_at = %(moment)s::timestamptz + %(minute)s * interval '1 minute'"
            f"{assigned} where id = %(id)s",
            values | {"id": account, "minute": minute, "moment": MOMENT},
        )

    def run(self, *, pause: bool = True, **options: Any) -> ExportReport:
        """Run the export."""
        return export_stream(self.inputs(pause=pause, **options))

    def reexport(self, *, every: bool = False, pause: bool = True) -> ReexportReport:
        """Run the daily re-export."""
        return reexport_errors(self.inputs(pause=pause), every=every)

    def gate(self, *, pause: bool = True) -> Hold | None:
        """Run the gate."""
        return check_hold(self.stream.name, connection=self.connection, catalogue=self.catalogue, pause=pause)

    def inputs(self, *, pause: bool = True, **options: Any) -> RunInputs:
        """Return the inputs of a run of the stream."""
        self.runs += 1
        settings = {"transient_delays": (0.01, 0.01), "lease_seconds": 0.2} | self.options | options
        chosen = ExportOptions(pause_on_export_errors=pause, **settings)
        identity = RunIdentity("CRMExport", f"run{self.runs}", 1, "export_changes")
        return RunInputs(self.stream, self.connection, self.client(), self.catalogue, chosen, identity,
                         connect=self.connect)  # fmt: skip

    def client(self) -> SalesforceClient:
        """Return a client that logs in at first use."""
        return SalesforceClient(self.login, repeat_delays=(0.01, 0.01), timeouts=self.timeouts)

    def login(self) -> OrgSession:
        """Log in with the unmodified library."""
        found = Salesforce(
            consumer_key="sandbox-key",
            consumer_secret="sandbox-secret",
            domain=self.https_url.removeprefix("https://") + "/services/oauth2/token#",
            session=self.make_session(),
        )
        return OrgSession(f"https://{found.sf_instance}", found.session_id, found.session, found.sf_version)

    def errors(self, where: str = "true") -> list[dict[str, Any]]:
        """Return rows of ExportErrors in order."""
        with self.connection.cursor(row_factory=dict_row) as cursor:
            query = f"select * from crm_export.ExportErrors where {where} order by id"
            return cursor.execute(query).fetchall()

    def watermark(self) -> str | None:
        """Return the key of the watermark."""
        row = self.connection.execute(
            "select record_key from crm_export.ExportWatermarks where stream = %s", [self.stream.name]
        ).fetchone()
        return row[0] if row else None

    def names(self, object_name: str = "Account") -> dict[str, str]:
        """Return the records of the org that are not deleted: name by external id."""
        key = "Name" if object_name == "Account" else "LastName"
        return {
            record["fields"]["Ext__c"]: record["fields"].get(key)
            for record in self.control.records(object_name)
            if not record["deleted"]
        }

    def calls(self, since: int = 0) -> list[dict[str, Any]]:
        """Return the API calls without logins."""
        return [call for call in self.control.requests(since) if "oauth2" not in call["path"]]

    def last_call(self) -> int:
        """Return the number of the last request."""
        return max((call["n"] for call in self.control.requests()), default=0)

    def reconcile(self, **options: Any) -> LateRowsReport:
        """Run the daily check for late rows."""
        published_watermark = options.pop("published_watermark", None)
        return export_late_rows(self.inputs(pause=True, **options), published_watermark=published_watermark)
