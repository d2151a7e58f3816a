"""The main stories with every type of key: exact in both transports, or rejected with one message."""

from __future__ import annotations

import psycopg
import pytest

from exporter import Exporter, make_stream
from include.export.failures import ConfigurationFailure
from include.export.ledger.runs import Outcome
from include.export.streams.stream import Stream

ROWS = 120
# keys that do not sort like their numbers, and several rows with the same change time
KEYS = {
    "smallint": ("smallint", "(n * 37 % 251)::smallint"),
    "integer": ("integer", "n * 37 % 251 - 100"),
    "bigint": ("bigint", "n * 9007199254740993"),
    "numeric of any scale": ("numeric", "((n * 37 % 251) || (array['', '.0', '.500'])[n % 3 + 1])::numeric"),
    "numeric(12,4)": ("numeric(12, 4)", "n * 37 % 251 + 0.25"),
    "real": ("real", "((n * 37 % 251) / 8.0 - 3)::real"),
    "double precision": ("double precision", "(n * 37 % 251) / 10.0 - 3"),
    "oid": ("oid", "(4294967295 - n)::oid"),
    "xid8": ("xid8", "(n * 37 % 251)::text::xid8"),
    "text": ("text", "'k' || n"),
    "text in capitals and not": ("text", "case n % 2 when 0 then 'K' else 'k' end || n / 2"),
    "varchar(8)": ("varchar(8)", "'käy ' || n"),
    "char(6)": ("char(6)", "'C' || n"),
    "name": ("name", "('N' || n)::name"),
    "uuid": ("uuid", "md5(n::text)::uuid"),
    "date": ("date", "date '2026-12-28' - n"),
    "timestamptz": ("timestamptz", "timestamptz '2025-10-26 03:00Z' - n * interval '30.000001 minutes'"),
    "timestamp": ("timestamp", "timestamp '2025-03-30 03:00' - n * interval '30 minutes'"),
    "time": ("time", "time '00:00' + n * interval '7.5 minutes'"),
    "enum": ("app.step", "('step ' || n)::app.step"),
    "bit(8)": ("bit(8)", "(n * 37 % 251)::bit(8)"),
    "bit varying": ("varbit", "(n * 37 % 251)::bit(8)::varbit"),
    "inet": ("inet", "inet '10.0.0.0' + n * 37 % 251"),
    "cidr": ("cidr", "(inet '10.0.0.0' + n * 256)::cidr"),
    "macaddr": ("macaddr", "lpad(to_hex(n * 37 % 251), 12, '0')::macaddr"),
    "citext": ("app.citext", "case n % 2 when 0 then 'K' else 'k' end || n"),
    "a text that ignores case": ('text collate app.any_case', "case n % 2 when 0 then 'K' else 'k' end || n"),
    "a text of another collation": ('text collate "en-x-icu"', "case n % 2 when 0 then 'K' else '_k' end || n"),
    "a domain over a domain": ("app.code", "'C' || n"),
    "a domain over numeric": ("app.amount", "((n * 37 % 251) || '.10')::numeric"),
}  # fmt: skip
PREPARE = """
create extension if not exists citext with schema app;
create domain app.short as char(6);
create domain app.code as app.short check (value <> '');
create domain app.amount as numeric(10, 2);
create type app.kind as (a int);
"""


@pytest.fixture(params=KEYS)
def keyed(request: pytest.FixtureRequest, exporter: Exporter) -> Exporter:
    """Return an exporter over rows with keys of a type, twelve for each change time."""
    kind, key = KEYS[request.param]
    prepare(exporter)
    if "collate" in kind:
        make_collations(exporter)
    exporter.connection.execute(
        f"create table app.keyed (id {kind} primary key, n integer not null, ext text not null, name text,"
        " changed_at timestamptz not null, deleted_at timestamptz)"
    )
    exporter.connection.execute(
        f"insert into app.keyed select {key.replace('%', '%%')}, n, 'E' || n, 'Name ' || n,"
        " timestamptz '2026-01-01Z' + (n / 12) * interval '1 hour' from generate_series(1, %s) n",
        [ROWS],
    )
    exporter.stream = stream_of()
    return exporter


def prepare(exporter: Exporter) -> None:
    exporter.connection.execute(PREPARE)
    labels = ", ".join(f"'step {n}'" for n in range(ROWS + 20, 0, -1))
    exporter.connection.execute(f"create type app.step as enum ({labels})")


def make_collations(exporter: Exporter) -> None:
    """Make the collations of ICU, or skip the test where Postgres was built without it."""
    options = "(provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
    try:
        exporter.connection.execute(f"create collation app.any_case {options}")
    except psycopg.errors.FeatureNotSupported:
        pytest.skip("this Postgres was built without ICU")


def stream_of(**changes: object) -> Stream:
    fields = {"Ext__c": "ext", "Name": "name"}
    return make_stream(source="app.keyed", deleted="deleted_at", fields=fields, **changes)


def places(exporter: Exporter, *numbers: int) -> None:
    """Let the org reject the rows at some places of the order."""
    exporter.connection.execute(
        "update app.keyed k set name = 'bad' from"
        " (select n, row_number() over (order by changed_at, n) as place from app.keyed) o"
        " where o.n = k.n and o.place = any (%s)",
        [list(numbers)],
    )


def bad_keys(exporter: Exporter) -> set[str]:
    found = exporter.connection.execute("select ext from app.keyed where name = 'bad'").fetchall()
    return {ext for (ext,) in found}


def correct(exporter: Exporter) -> None:
    exporter.connection.execute("update app.keyed set name = 'good' where name = 'bad'")


def accepted(exporter: Exporter) -> int:
    return len(exporter.names())


@pytest.mark.field("F8")
@pytest.mark.parametrize("bulk_from", [None, 30], ids=["collections", "bulk"])
class TestStories:
    @pytest.fixture(autouse=True)
    def transport(self, keyed: Exporter, bulk_from: int | None) -> None:
        keyed.stream = stream_of(bulk_from=bulk_from, bulk_from_paused=bulk_from)
        keyed.options |= {"poll_delays": (0.02, 0.05)}

    def test_a_stream_is_held_and_released_with_nothing_lost(self, keyed: Exporter) -> None:
        places(keyed, 70)
        assert keyed.run().outcome is Outcome.HELD
        hold = keyed.gate()
        assert hold is not None
        [error] = keyed.errors()
        assert {error["external_id"]} == bad_keys(keyed)
        assert (error["record_key"], error["status"]) == (hold.record_key, "open")
        calls = keyed.last_call()
        assert keyed.run().outcome is Outcome.HELD
        assert len(keyed.calls(calls)) == 1, "the held record alone is sent"
        correct(keyed)
        assert keyed.run().outcome is Outcome.COMPLETE
        assert accepted(keyed) == ROWS
        assert keyed.errors("status <> 'resolved'") == []
        assert keyed.run().rows_changed == 0

    def test_rejected_records_are_sent_again_and_late_rows_are_found(self, keyed: Exporter) -> None:
        places(keyed, 40, 41, 100)
        report = keyed.run(pause=False)
        assert (report.outcome, report.accepted, report.rejected) == (Outcome.COMPLETE, ROWS - 3, 3)
        assert {error["external_id"] for error in keyed.errors("status = 'open'")} == bad_keys(keyed)
        assert keyed.run(pause=False).rows_changed == 0
        assert keyed.reconcile().late == 0
        keyed.connection.execute("update app.keyed set changed_at = changed_at - interval '1 minute' where n = 7")
        correct(keyed)
        found = keyed.reconcile()
        assert (found.late, found.exported) == (1, 1)
        keyed.connection.execute(
            "delete from app.keyed where ctid = (select max(ctid) from app.keyed where name = 'good')"
        )
        again = keyed.reexport(every=True)
        assert (again.exported, again.still_rejected, again.gone) == (2, 0, 1)
        assert accepted(keyed) == ROWS - 1
        assert keyed.errors("status <> 'resolved'") == []


@pytest.mark.field("F8")
@pytest.mark.parametrize(
    "kind",
    ["bytea", "jsonb", "integer[]", "interval", "money", '"char"', "time with time zone", "int4range", "app.kind"],
)
def test_a_key_that_cannot_be_kept_as_text_is_rejected_before_the_first_row(exporter: Exporter, kind: str) -> None:
    prepare(exporter)
    exporter.connection.execute(
        f"create table app.keyed (id {kind} primary key, ext text, name text, changed_at timestamptz not null,"
        " deleted_at timestamptz)"
    )
    exporter.stream = stream_of()
    with pytest.raises(ConfigurationFailure, match=r"key id has type .*cannot be stored as text.*cast it in a view"):
        exporter.run()
    assert exporter.calls() == []


@pytest.mark.field("F8")
@pytest.mark.parametrize("bulk_from", [None, 20], ids=["collections", "bulk"])
@pytest.mark.parametrize("kind", ["char(10)", "app.code", "varchar(10)", "citext"])
def test_an_external_id_of_a_padded_type_is_accounted_for(exporter: Exporter, kind: str, bulk_from: int | None) -> None:
    prepare(exporter)
    kind = "app.citext" if kind == "citext" else kind
    exporter.connection.execute(
        f"create table app.keyed (id integer primary key, ext {kind} unique not null, name char(20),"
        " changed_at timestamptz not null, deleted_at timestamptz);"
        "insert into app.keyed select n, 'X' || n, case n when 30 then 'bad' else 'Name ' || n end,"
        " timestamptz '2026-01-01Z' + n * interval '1 second' from generate_series(1, 60) n"
    )
    exporter.stream = stream_of(bulk_from=bulk_from)
    report = exporter.run(pause=False)
    assert (report.accepted, report.rejected) == (59, 1)
    [error] = exporter.errors()
    assert (error["external_id"], error["record_key"]) == ("X30", "30")
    assert exporter.names()["X31"] == "Name 31"
    correct(exporter)
    assert exporter.reexport(every=True).exported == 1
    exporter.connection.execute("update app.keyed set deleted_at = now(), changed_at = now() - interval '1 hour'")
    exporter.run(pause=False)
    assert exporter.names() == {}
