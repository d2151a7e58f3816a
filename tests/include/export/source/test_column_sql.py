"""Values: each value in Postgres arrives in Salesforce, or is rejected with our own code."""

from __future__ import annotations

import json
import os
import random
import traceback
from typing import Any

import pytest

import samples
from exporter import Exporter
from exporter import make_stream as make_accounts
from include.export.failures import SourceFailure
from samples import Samples

ROWS = int(os.environ.get("FUZZ_ROWS", "1500"))  # make fuzz: 20,000


@pytest.fixture
def sampler(exporter: Exporter) -> Exporter:
    """Return an exporter of the samples."""
    exporter.connection.execute(samples.TABLE)
    exporter.stream = samples.make_stream()
    return exporter


def compare(exporter: Exporter) -> tuple[int, int]:
    """Compare Salesforce with Postgres, field by field; returns the numbers of accepted and rejected rows."""
    held = samples.read_rows(exporter.connection)
    records = {record["fields"]["Ext__c"]: record["fields"] for record in exporter.control.records("Sample__c")}
    rejected = {error["external_id"]: error["error_code"] for error in exporter.errors("status <> 'resolved'")}
    assert rejected == {ext: code for ext, row in held.items() if (code := samples.find_rejection(row))}
    arrived = held.keys() - rejected.keys()
    wrong = {
        (ext, field, repr(found), repr(wanted))
        for ext in arrived
        for (field, wanted), found in zip(
            samples.expect(held[ext]).items(), samples.read_record(records[ext]).values(), strict=True
        )
        if found != wanted
    }
    assert not wrong, sorted(wrong)[:10]
    return len(arrived), len(rejected)


@pytest.mark.fault("F1", "F3", "F7", "F8")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("bulk_from", [None, 100], ids=["collections", "bulk"])
def test_random_rows_arrive_as_postgres_holds_them_or_are_rejected_by_name(
    sampler: Exporter, bulk_from: int | None
) -> None:
    sampler.stream = samples.make_stream(bulk_from=bulk_from)
    chance = Samples(random.Random(int(os.environ.get("FUZZ_SEED", "20261125"))))
    chance.fill(sampler.connection, 1, ROWS)
    sampler.run(pause=False)
    arrived, rejected = compare(sampler)
    assert arrived > ROWS * 0.8
    assert rejected > ROWS * 0.02
    chance.change(sampler.connection, ROWS)
    sampler.run(pause=False)
    again, _ = compare(sampler)
    assert again > ROWS * 0.8
    uploads = [call for call in sampler.calls() if call["method"] == "PUT"]
    assert bool(uploads) == (bulk_from is not None)


def arrive(exporter: Exporter, field: str, values: dict[str, Any], column: str = "long") -> dict[str, Any]:
    """Export a row for each value, with 40 other rows, and return Salesforce's values by external id."""
    with exporter.connection.cursor() as cursor:
        cursor.executemany(
            "insert into app.samples (id, ext, changed_at) values (%s, 'R' || %s, '2026-01-01Z')",
            [(number, number) for number in range(1, 41)],
        )
        cursor.executemany(
            f"insert into app.samples (id, ext, \"{column}\", changed_at) values (%s, %s, %s, '2026-01-02Z')",
            [(100 + place, ext, value) for place, (ext, value) in enumerate(values.items())],
        )
    exporter.run(pause=False)
    records = {record["fields"]["Ext__c"]: record["fields"] for record in exporter.control.records("Sample__c")}
    return {ext: records[ext].get(field) for ext in values if ext in records}


BOTH = pytest.mark.parametrize("bulk_from", [None, 20], ids=["collections", "bulk"])


@BOTH
class TestTexts:
    @pytest.fixture(autouse=True)
    def transport(self, sampler: Exporter, bulk_from: int | None) -> None:
        """Send rows through a transport."""
        sampler.stream = samples.make_stream(bulk_from=bulk_from)

    @pytest.mark.fault("F1")
    def test_texts_arrive_character_by_character(self, sampler: Exporter) -> None:
        texts = {
            "LF": "a\nb",
            "CR": "a\rb",
            "CRLF": "a\r\nb",
            "TAB": "a\tb",
            "COMMA": "a,b",
            "QUOTE": 'say "x""y"',
            "EMOJI": "👨\u200d👩\u200d👧",
            "RTL": "\u202eשלום\u202c",
            "LONG": "é" * 32_000,
            "MOST": "x" * 131_072,
            "BOM": "\ufeffa",
            "MIX": '",\r\n"\n,"',
            "BACKSLASH": "\\N\\.\\",
        }
        assert arrive(sampler, "Long__c", texts) == texts

    @pytest.mark.fault("F2")
    def test_a_text_that_is_too_long_is_an_export_error(self, sampler: Exporter) -> None:
        assert arrive(sampler, "Long__c", {"LONG": "x" * 131_073, "FITS": "x"}) == {"FITS": "x"}
        [error] = sampler.errors()
        assert (error["external_id"], error["error_code"]) == ("LONG", "CRM_EXPORT_VALUE_TOO_LONG")
        assert error["error_fields"] == ["Long__c"]

    @pytest.mark.fault("F3")
    @pytest.mark.parametrize("empty", [None, ""])
    def test_null_and_the_empty_text_clear_a_field(self, sampler: Exporter, empty: str | None) -> None:
        assert arrive(sampler, "Long__c", {"A": "text", "B": "text"}) == {"A": "text", "B": "text"}
        sampler.connection.execute(
            "update app.samples set long = %s, number = null, changed_at = '2026-01-03Z' where ext <> 'B'", [empty]
        )
        sampler.run(pause=False)
        records = {record["fields"]["Ext__c"]: record["fields"] for record in sampler.control.records("Sample__c")}
        assert (records["A"].get("Long__c"), records["B"]["Long__c"]) == (None, "text")

    @pytest.mark.fault("F4")
    def test_the_literal_that_clears_a_cell_of_a_csv_is_kept(self, sampler: Exporter) -> None:
        texts = {"LITERAL": "#N/A", "LOWER": "#n/a", "BLANK": " #N/A", "INSIDE": "x #N/A"}
        assert arrive(sampler, "Long__c", texts) == texts

    @pytest.mark.fault("F10")
    def test_rows_that_share_an_external_id_are_all_rejected_and_none_is_sent(self, sampler: Exporter) -> None:
        sampler.connection.execute(
            "insert into app.samples (id, ext, long, changed_at) select n, 'D' || n % 500, 'x',"
            " '2026-01-01Z'::timestamptz + n * interval '1 second' from generate_series(1, 1000) n"
        )
        sampler.connection.execute(
            "insert into app.samples values (1001, 'ALONE', 'x', 'x', 1, 1, 1, true, null, null, '2026-02-01Z')"
        )
        report = sampler.run(pause=False)
        assert (report.rows_sent, report.rejected) == (1, 1000)
        assert {error["error_code"] for error in sampler.errors()} == {"CRM_EXPORT_EXTERNAL_ID_CONFLICT"}
        assert [record["fields"]["Ext__c"] for record in sampler.control.records("Sample__c")] == ["ALONE"]

    @pytest.mark.fault("F12")
    def test_columns_of_any_name_are_read(self, sampler: Exporter) -> None:
        sampler.connection.execute(
            'create view app.odd as select id, ext, changed_at, long as "select", text as "na""me", number as "100 {}",'
            ' flag as "ü; drop table x", whole as "CamelCase" from app.samples'
        )
        fields = {"Ext__c": "ext", "Long__c": "select", "Text__c": 'na"me', "Number__c": "100 {}",
                  "Flag__c": "ü; drop table x", "Whole__c": "CamelCase"}  # fmt: skip
        sampler.stream = samples.make_stream(source="app.odd", fields=fields, bulk_from=sampler.stream.bulk_from)
        sampler.connection.execute(
            "insert into app.samples (id, ext, text, long, number, whole, flag, changed_at)"
            " select n, 'O' || n, 'text', 'long', 1.5, 7, true, '2026-01-01Z' from generate_series(1, 60) n"
        )
        assert sampler.run(pause=False).accepted == 60
        found = sampler.control.records("Sample__c")[-1]["fields"]
        assert {name: found[name] for name in fields if name != "Ext__c"} == {
            "Long__c": "long", "Text__c": "text", "Number__c": 1.5, "Flag__c": True, "Whole__c": 7,
        }  # fmt: skip

    @pytest.mark.fault("F5")
    @pytest.mark.parametrize("pause", [False, True], ids=["off", "on"])
    def test_a_row_that_postgres_cannot_read_is_an_export_error_and_the_others_go_on(
        self, sampler: Exporter, pause: bool
    ) -> None:
        sampler.connection.execute(
            "create table app.documents (id int primary key, body json, changed_at timestamptz not null);"
            "create index on app.documents (changed_at, id);"
            "create view app.unpacked as"
            " select id, 'J' || id as ext, body ->> 'name' as long, (body ->> 'size')::int as whole, changed_at"
            " from app.documents"
        )
        fields = {"Ext__c": "ext", "Long__c": "long", "Whole__c": "whole"}
        sampler.stream = samples.make_stream(source="app.unpacked", fields=fields, bulk_from=sampler.stream.bulk_from)
        bodies = {7: r'{"name": "a\u0000b"}', 50: r'{"name": "\ud800"}', 51: '{"name": "x", "size": "planted_value"}'}
        with sampler.connection.cursor() as cursor:
            cursor.executemany(
                "insert into app.documents values (%s, %s, '2026-01-01Z'::timestamptz + %s * interval '1 second')",
                [(n, bodies.get(n, f'{{"name": "name {n}", "size": {n}}}'), n) for n in range(1, 121)],
            )
        sampler.run(pause=pause)
        if pause:
            assert sampler.watermark() == "6"
            assert "key=7 " in str(sampler.gate())
            sampler.connection.execute("update crm_export.ExportErrors set status = 'set_aside'")
            sampler.run()
            assert sampler.watermark() == "49"
            return
        assert sampler.watermark() == "120"
        rejected = {error["record_key"]: error["error_code"] for error in sampler.errors()}
        assert rejected == dict.fromkeys(("7", "50", "51"), "CRM_EXPORT_ROW_UNREADABLE")
        records = {record["fields"]["Ext__c"]: record["fields"] for record in sampler.control.records("Sample__c")}
        assert len(records) == 117
        assert records["J120"]["Long__c"] == "name 120"
        sampler.connection.execute("""update app.documents set body = '{"name": "good"}' where id in (7, 50)""")
        assert sampler.reexport(every=True).exported == 2
        assert [error["record_key"] for error in sampler.errors("status <> 'resolved'")] == ["51"]


@pytest.mark.fault("F2")
def test_a_record_that_is_too_large_is_an_export_error(sampler: Exporter) -> None:
    fields = {
        "Ext__c": "ext",
        "Long__c": "long",
        "Text__c": "long",
        "Number_As_Text__c": "long",
        "Flag_As_Text__c": "long",
    }
    sampler.stream = samples.make_stream(fields=fields)
    assert arrive(sampler, "Long__c", {"LARGE": "x" * 110_000, "FITS": "x"}) == {"FITS": "x"}
    assert [error["error_code"] for error in sampler.errors()] == ["CRM_EXPORT_RECORD_TOO_LARGE"]


@pytest.mark.fault("F7")
def test_numbers_arrive_exactly_or_not_at_all(sampler: Exporter) -> None:
    numbers = {"MINUS": "-0", "DIGITS": "1234567890123456789012345678", "SMALL": "0.000000000000000001", "POWER": "1e5"}
    exact = {"MINUS": "0", "DIGITS": numbers["DIGITS"], "SMALL": "0.000000000000000001", "POWER": "100000"}
    sampler.stream = samples.make_stream(fields={"Ext__c": "ext", "Number_As_Text__c": "number"})
    wrong = {"NAN": "NaN", "INFINITE": "Infinity", "HUGE": "1e400"}
    assert arrive(sampler, "Number_As_Text__c", numbers | wrong, column="number") == exact
    assert {error["external_id"] for error in sampler.errors()} == wrong.keys()


@pytest.mark.fault("F8")
def test_moments_arrive_in_utc_to_the_millisecond_or_not_at_all(sampler: Exporter) -> None:
    moments = {
        "LEAP": ("2024-02-29 12:00:00+00", "2024-02-29T12:00:00Z"),
        "SUMMER": ("2025-10-26 02:30:00+02", "2025-10-26T00:30:00Z"),
        "WINTER": ("2025-10-26 02:30:00+01", "2025-10-26T01:30:00Z"),
        "MICRO": ("2026-01-01 00:00:00.123999+00", "2026-01-01T00:00:00.123Z"),
        "LAST": ("4000-12-31 23:59:59+00", "4000-12-31T23:59:59Z"),
        "FIRST": ("1700-01-01 00:00:00+00", "1700-01-01T00:00:00Z"),
    }
    wrong = {
        "LATE": "4001-01-01 00:00:00+00",
        "EARLY": "1699-12-31 23:59:59+00",
        "NEVER": "infinity",
        "BC": "0044-03-15 BC",
    }
    sent = {ext: given for ext, (given, _) in moments.items()}
    arrived = arrive(sampler, "Moment__c", sent | wrong, column="moment")
    assert arrived == {ext: wanted for ext, (_, wanted) in moments.items()}
    assert {error["external_id"] for error in sampler.errors()} == wrong.keys()


@pytest.mark.fault("F9")
@BOTH
def test_external_ids_that_salesforce_takes_for_one_are_rejected(exporter: Exporter, bulk_from: int | None) -> None:
    exporter.stream = make_accounts(bulk_from=bulk_from)
    exporter.add_many(100, 140)
    same = {1: "X1", 2: "x1", 3: "y", 4: "y ", 5: None, 6: "", 7: " \t", 8: "Z"}
    exporter.add(*({"id": account, "ext": ext, "minute": 5} for account, ext in same.items()))
    exporter.run(pause=False)
    rejected = {error["record_key"]: error["error_code"] for error in exporter.errors()}
    assert rejected == dict.fromkeys("1234", "CRM_EXPORT_EXTERNAL_ID_CONFLICT") | dict.fromkeys(
        "567", "CRM_EXPORT_BLANK_EXTERNAL_ID"
    )
    assert {"Z", "A100"} <= exporter.names().keys()
    assert not {"X1", "x1", "y", "y "} & exporter.names().keys()


@pytest.mark.fault("F6")
@pytest.mark.parametrize(
    "said",
    [
        "a\x00b",
        "x" * 1_000_000,
        "<script>alert(1)</script>",
        "\x1b[31mred\x1b[0m",
        "::group::fold\n::endgroup::",
        "a\r\nb",
    ],
    ids=["nul", "megabyte", "script", "ansi", "group", "lines"],
)
def test_what_salesforce_says_is_stored_clipped_and_one_line_in_a_log(exporter: Exporter, said: str) -> None:
    exporter.add({"id": 1})
    error = {"statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": said, "fields": [said[:200]]}
    body = json.dumps([{"success": False, "errors": [error]}])
    exporter.control.add_fault(match={"method": "PATCH"}, answer={"status": 200, "body": body})
    exporter.run()
    [stored] = exporter.errors()
    assert len(stored["error_message"]) <= 4096
    assert stored["error_message"][:20].replace("\ufffd", "\x00") == said[:20]
    hold = exporter.gate()
    assert hold is not None
    assert len(hold.message.splitlines()) == 1
    assert not set(hold.message) & set("\x00\x1b\r\n")
    assert "::" not in hold.message
    assert len(hold.message) < 2_000


@pytest.mark.fault("F5")
def test_a_key_that_cannot_be_read_stops_the_run_without_showing_its_value(sampler: Exporter) -> None:
    sampler.connection.execute(
        "create view app.odd as select long::int as id, ext, long, changed_at from app.samples;"
        "insert into app.samples (id, ext, long, changed_at) values (1, 'A', 'planted_value', '2026-01-01Z')"
    )
    sampler.stream = samples.make_stream(source="app.odd", fields={"Ext__c": "ext", "Long__c": "long"})
    with pytest.raises(SourceFailure, match="invalid input syntax for type integer") as stopped:
        sampler.run()
    assert "planted_value" not in "".join(traceback.format_exception(stopped.value))
    assert sampler.errors() == []
