"""The view of ExportErrors for people: Adobe's codes from the catalogue, and the parent that a record waits for."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg

from exporter import CONTACTS, Exporter
from include.export.salesforce import DEFAULT_FILE, Catalogue
from include.export.streams import Stream, read_yaml

REFERENCE = Path(__file__).resolve().parents[4] / "docs/reference/tables.md"


def test_each_code_has_the_name_that_the_catalogue_gives_it(database: str, catalogue: Catalogue) -> None:
    codes = [*read_yaml(DEFAULT_FILE)["codes"], "NEVER_HEARD_OF"]
    assert len(codes) > 50
    with psycopg.connect(database) as connection:
        query = "select code, crm_export.adobe_code(code) from unnest(%s::text[]) code"
        found = dict(connection.execute(query, [codes]).fetchall())
    assert found == {code: catalogue.classify(code, "").adobe_code for code in codes}
    assert found["NEVER_HEARD_OF"] == "NEVER_HEARD_OF"
    renamed = {code: name for code, name in found.items() if code != name}
    rows = re.findall(r"^\| (`[A-Z_`, ]+`) \| `([A-Z_]+)` \|$", REFERENCE.read_text(), re.MULTILINE)
    assert {code: name for codes, name in rows for code in re.findall(r"[A-Z_]+", codes)} == renamed


def test_a_person_reads_what_is_rejected_and_what_waits_for_it(exporter: Exporter) -> None:
    exporter.add({"id": 1}, {"id": 2, "kind": "Nonsense"})
    exporter.run(pause=False)
    exporter.connection.execute("insert into app.contacts values ('c', 'C1', 'Contact', 'A2', '2026-01-01')")
    exporter.stream = Stream(**CONTACTS)
    exporter.run(pause=False)
    found = exporter.connection.execute(
        "select stream, record_key, adobe_code, error_fields, status, waits_for_stream, waits_for_key"
        " from crm_export.ReadableExportErrors order by id"
    ).fetchall()
    assert found[0] == ("accounts", "2", "RESTRICT_PICKLIST_VALUES_ENABLED", "Kind__c", "open", None, None)
    assert found[1][:3] == ("contacts", "c", "INVALID_FIELD")
    assert found[1][4:] == ("waiting", "accounts", "2")
