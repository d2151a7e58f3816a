"""`check`: a correct set-up passes, and each planted mistake is reported with what to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from command_lines import run
from exporter import ACCOUNTS, CONTACTS, Exporter

ROOT = Path(__file__).resolve().parents[3]


@dataclass
class Stage:
    """The set-up into which mistakes are planted: stream files, connections, the source and the org."""

    exporter: Exporter
    folder: Path
    patch: pytest.MonkeyPatch
    connect: Callable[..., psycopg.Connection]

    def write(self, name: str = "accounts", base: dict[str, Any] = ACCOUNTS, **changes: Any) -> None:
        """Write a stream file with changes; None leaves an option out."""
        content = {key: value for key, value in (base | changes).items() if key != "name" and value is not None}
        (self.folder / f"{name}.yaml").write_text(json.dumps(content))

    def fields(self, **changes: str) -> None:
        """Add fields to the stream file, or map others to other columns."""
        self.write(fields={**ACCOUNTS["fields"], **changes})

    def sql(self, statements: str) -> None:
        """Change the source as its owner."""
        self.exporter.source.execute(statements)

    def alerts(self, text: str) -> None:
        """Write alerts.yaml."""
        (self.folder / "alerts.yaml").write_text(text)

    def as_reader(self, *statements: str) -> None:
        """Let the export connect as a role with fewer privileges, after its administrator's statements."""
        self.sql(f"do $$ begin create role {self.role}; exception when duplicate_object then null; end $$")
        for statement in statements:
            self.sql(statement.format(role=self.role))
        info = self.exporter.connection.info
        place = {"conn_type": "postgres", "host": info.host, "port": info.port, "schema": info.dbname}
        login = {"login": self.role, "password": "sandbox-only"}
        self.patch.setenv("AIRFLOW_CONN_POSTGRES_DEFAULT", json.dumps(place | login))

    def log_in_by_password(self) -> None:
        """Let the export log in by user, password and security token."""
        host = self.exporter.https_url.removeprefix("https://")
        extra = {"security_token": "token", "domain": f"{host}/services/Soap/u/59.0#"}
        login = {"login": "integration@tests.example", "password": "sandbox-only", "extra": extra}
        self.patch.setenv("AIRFLOW_CONN_SALESFORCE_DEFAULT", json.dumps({"conn_type": "salesforce"} | login))

    @property
    def role(self) -> str:
        """Return the role of the reader, of this database only."""
        return f"reader_{self.exporter.connection.info.dbname}"


@pytest.fixture
def stage(
    commands: Exporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, connect: Callable[..., psycopg.Connection]
) -> Stage:
    """Return a correct set-up of two streams with rows, one the parent of the other."""
    stage = Stage(commands, tmp_path, monkeypatch, connect)
    stage.write("contacts", CONTACTS)
    commands.add_many(1, 20)
    stage.sql(
        "insert into app.contacts select n::text, 'C' || n, 'Contact', 'A' || n, now() from generate_series(1, 5) n"
    )
    return stage


def test_a_right_set_up_is_well(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    code, shown = run(capsys, "check", "--json")
    found = json.loads(shown[shown.index("{") :])
    assert [line for line in found["lines"] if line["level"] == "fail"] == []
    assert (code, found["well"]) == (0, True)
    checked = {(line["subject"], line["check"]) for line in found["lines"] if line["level"] == "ok"}
    assert {
        ("postgres_default", "schema"), ("postgres_default", "horizon"), ("salesforce_default", "login"),
        ("salesforce_default", "limits"), ("accounts", "object"), ("contacts", "object"), ("accounts", "external ids"),
        ("accounts", "key"), ("accounts", "index"), ("accounts", "waiting"),
    } <= checked  # fmt: skip


def test_json_is_all_that_is_on_standard_output_also_where_plugins_are_loaded_early(stage: Stage) -> None:
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}", "AIRFLOW__CORE__LAZY_LOAD_PLUGINS": "False"}
    command = [sys.executable, "-m", "crm_export", "check", "--json"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, json.loads(done.stdout)["well"]) == (0, True), done.stderr
    assert "Variable pause_on_export_errors" in done.stderr
    assert "Failed to import plugin" not in done.stdout + done.stderr


def test_nothing_is_sent_or_kept(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    before = stage.exporter.last_call()
    run(capsys, "check")
    assert {call["method"] for call in stage.exporter.calls(before)} == {"GET"}
    described = [call["path"] for call in stage.exporter.calls(before) if "describe" in call["path"]]
    assert len(described) == len(set(described)) == 2, "each object once, parents among them"
    for table in ("ExportRuns", "ExportBatches", "ExportWatermarks"):
        assert stage.sql(f"select 1 from crm_export.{table}") is None
        assert stage.exporter.connection.execute(f"select count(*) from crm_export.{table}").fetchone() == (0,)


LONG = "x" * 81
LOGIN = "alter role {role} login password 'sandbox-only'"
MISTAKES: dict[str, tuple[Callable[[Stage], object], str]] = {
    "a stream file with a misspelt option": (
        lambda stage: stage.write(sorce="app.accounts"), "fail  accounts  file: Stream file accounts.yaml: sorce: is "
        "not known, did you mean source?",
    ),
    "no connection of Postgres": (
        lambda stage: stage.patch.delenv("AIRFLOW_CONN_POSTGRES_DEFAULT"),
        "fail  postgres_default  postgres: Connection postgres_default is not defined. Add it under Admin",
    ),
    "a database that does not answer": (
        lambda stage: stage.patch.setenv("AIRFLOW_CONN_POSTGRES_DEFAULT", "postgres://x@127.0.0.1:1/x"),
        "fail  postgres_default  postgres: Postgres at 127.0.0.1:1/x (connection postgres_default) cannot be reached",
    ),
    "a wrong secret": (
        lambda stage: stage.patch.setenv(
            "AIRFLOW_CONN_SALESFORCE_DEFAULT",
            os.environ["AIRFLOW_CONN_SALESFORCE_DEFAULT"].replace("sandbox-key", "other-key"),
        ),
        "fail  salesforce_default  login: Salesforce rejected the login of connection salesforce_default",
    ),
    "a login by user and password": (
        lambda stage: stage.log_in_by_password(), "warn  salesforce_default  login: Logged in at https://",
    ),
    "no schema and no right to install it": (
        lambda stage: stage.as_reader(LOGIN, "drop schema crm_export cascade"),
        "fail  postgres_default  schema: Schema crm_export is not installed, and role",
    ),
    "no grants on the export's tables": (
        lambda stage: stage.as_reader(LOGIN),
        "fail  postgres_default  grants: Role reader_",
    ),
    "a horizon that is blind": (
        lambda stage: stage.sql(
            f"create role {stage.role}; grant usage on schema crm_export to {stage.role}; alter function "
            f"crm_export.export_horizon(text[], text[]) owner to {stage.role}"
        ),
        "fail  postgres_default  horizon: crm_export.export_horizon() cannot see other sessions, so rows could be "
        "lost. Run as a superuser: grant pg_read_all_stats to reader_",
    ),
    "row-level security": (
        lambda stage: stage.as_reader(
            LOGIN, "grant usage on schema app, crm_export to {role}",
            "grant all on all tables in schema app, crm_export to {role}",
            "grant execute on all functions in schema crm_export to {role}",
            "alter table app.accounts enable row level security",
        ),
        "fail  accounts  source: row-level security hides rows from role reader_",
    ),
    "a source that is not there": (
        lambda stage: stage.write(source="app.acounts"),
        "fail  accounts  source: source app.acounts does not exist in database",
    ),
    "a column that is not there": (
        lambda stage: stage.fields(Notes__c="remarks"),
        "fail  accounts  source: fields.Notes__c names column remarks, which app.accounts does not have.",
    ),
    "a cursor without a time zone": (
        lambda stage: stage.sql("alter table app.accounts alter changed_at type timestamp"),
        "fail  accounts  source: cursor changed_at has type timestamp without time zone; it must be timestamp",
    ),
    "a key without a unique index": (
        lambda stage: stage.sql("alter table app.accounts drop constraint accounts_pkey"),
        "create unique index concurrently on ",
    ),
    "no index on cursor and key": (
        lambda stage: (
            stage.exporter.add_many(21, 20_020),
            stage.sql("drop index app.accounts_changed_at_id_idx; analyze app.accounts"),
        ),
        "warn  accounts  index: no index returns the rows of app.accounts in the order of changed_at and id",
    ),
    "external ids that are missing": (
        lambda stage: stage.exporter.add({"id": 30, "ext": None}),
        "fail  accounts  external ids: 1 rows have no ext, the external id",
    ),
    "external ids that rows share": (
        lambda stage: stage.exporter.add({"id": 30, "ext": "A1"}),
        "fail  accounts  external ids: 1 rows share their ext, the external id, with another row",
    ),
    "another org behind the connection": (
        lambda stage: stage.sql(
            "insert into crm_export.ExportWatermarks (stream, organization_id) values ('accounts', '00D000000000001')"
        ),
        "fail  accounts  object: the connection leads to Salesforce org 00Dxx0000001gPL",
    ),
    "an object that the org lacks": (
        lambda stage: stage.write(object="Acount"), "fail  accounts  object: ",
    ),
    "a field that the org lacks": (
        lambda stage: stage.fields(Nots__c="notes"),
        "fail  accounts  object: fields names Nots__c, which Account does not have in this org",
    ),
    "a field that may not be written": (
        lambda stage: stage.fields(Formula__c="notes"),
        "fail  accounts  object: the Salesforce user of this connection may not write Account.Formula__c",
    ),
    "an external id that is not one": (
        lambda stage: stage.write(external_id="Plain__c", fields={"Plain__c": "ext", "Name": "name"}),
        "fail  accounts  object: external_id names Account.Plain__c, which is not marked External ID",
    ),
    "an external id that is not unique": (
        lambda stage: stage.write(external_id="Loose__c", fields={"Loose__c": "ext", "Name": "name"}),
        "warn  accounts  external id: Account.Loose__c is not Unique in Salesforce",
    ),
    "a parent's field that is no external id": (
        lambda stage: stage.write("contacts", CONTACTS, fields={"Ext__c": "ext", "LastName": "name",
                                                                "Account.Plain__c": "account"}),
        "fail  contacts  parent: fields names Account.Plain__c, but Account does not mark that field External ID",
    ),
    "a required field that nothing maps": (
        lambda stage: stage.write(fields={"Ext__c": "ext", "Kind__c": "kind"}),
        "fail  accounts  required: Account requires Name and accounts.yaml maps no column to it",
    ),
    "a column of another type than its field": (
        lambda stage: (stage.sql("alter table app.accounts add since integer"), stage.fields(Since__c="since")),
        "fail  accounts  types: Account.Since__c is of type date, and column since of type integer.",
    ),
    "texts that are too long": (
        lambda stage: stage.exporter.add({"id": 30, "name": LONG}),
        "fail  accounts  length: Name allows 80 characters, and its column has texts of up to 81",
    ),
    "a column that may hold more than its field": (
        lambda stage: stage.sql("alter table app.accounts alter name type varchar(200)"),
        "warn  accounts  length: Name allows 80 characters, and its column may hold 200.",
    ),
    "values that a restricted picklist lacks": (
        lambda stage: stage.exporter.add({"id": 30, "kind": "Unknown kind"}),
        "fail  accounts  picklist: Kind__c is a restricted picklist that lacks Unknown kind",
    ),
    "values of a multipicklist": (
        lambda stage: (
            stage.sql("alter table app.accounts add topics text; update app.accounts set topics = 'X;W'"),
            stage.fields(Topics__c="topics"),
        ),
        "fail  accounts  picklist: Topics__c is a restricted picklist that lacks W:",
    ),
    "API calls that are spent": (
        lambda stage: (
            stage.exporter.add_many(21, 2_000),
            stage.exporter.control.set_limit("DailyApiRequests", most=1000, used=995),
        ),
        "warn  salesforce_default  limits: ",
    ),
    "a materialized view": (
        lambda stage: (
            stage.sql("create materialized view app.seen as table app.accounts; create unique index on app.seen (id)"),
            stage.write(source="app.seen"),
        ),
        "warn  accounts  relation: app.seen is a materialized view",
    ),
    "an alerts file that is wrong": (
        lambda stage: stage.alerts("channels:\n  team: {type: smtp}\n"),
        "fail  alerts.yaml  file: alerts.yaml: channels.team",
    ),
    "no channel of alerts": (lambda stage: None, "warn  alerts.yaml  channels: No channel is configured"),
    "a channel whose package is missing": (
        lambda stage: stage.alerts("channels:\n  team: {type: notifier, notifier: not.there.Notifier}\n"),
        "fail  alerts.yaml  channels: Channel team: ",
    ),
    "a channel whose connection is missing": (
        lambda stage: stage.alerts("channels:\n  team: {type: webhook, connection: nowhere}\n"),
        "fail  alerts.yaml  channels: Channel team: connection nowhere is not defined.",
    ),
    "a pool that does not exist": (
        lambda stage: stage.patch.setenv("CRM_EXPORT_POOL", "nowhere"),
        "fail  pool  CRM_EXPORT_POOL: Pool nowhere does not exist, so no task is ever started. Run: airflow pools set",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.usefixtures("metadata")
def test_a_planted_mistake_is_found(stage: Stage, capsys: pytest.CaptureFixture[str], mistake: str) -> None:
    plant, message = MISTAKES[mistake]
    plant(stage)
    code, shown = run(capsys, "check")
    lines = [line for line in shown.splitlines() if message in line]
    assert len(lines) == 1, shown
    assert code == (0 if lines[0].startswith("warn") else 1), shown
    assert "Traceback" not in shown
    others = [line for line in shown.splitlines() if "contacts" in line or "accounts" in line]
    assert others, "the other stream is checked nevertheless"
