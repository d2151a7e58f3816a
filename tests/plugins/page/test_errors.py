"""Rejected records on the page: paging, causes, the download, one record, its source row."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from exporter import Exporter
from include.export.reports import ErrorFilter, ErrorOrder, Sort
from people import Person, code
from rejected import reject

pytestmark = pytest.mark.filterwarnings("default")  # warnings of Airflow's API server itself
INJECTED = "1; drop table crm_export.ExportErrors --"


def walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from walk(child)


def place(value: str, last: int = 1) -> str:
    return base64.urlsafe_b64encode(json.dumps(["last_seen_at", True, value, last]).encode()).decode()


@pytest.mark.parametrize("sort", ["last_seen_at", "first_seen_at", "attempts", "id"])
@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_pages_follow_each_other_without_a_gap_or_a_repeat(
    op: Person, exporter: Exporter, sort: str, direction: str
) -> None:
    reject(exporter, 25)
    found: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        query = {"sort": sort, "direction": direction, "limit": 7} | ({"after": after} if after else {})
        page = op.get("api/errors", **query).json()
        assert page["total"] == (25 if after is None else None)
        found += page["errors"]
        after = page["next"]
        if after is None:
            break
    order = [(error[sort], error["id"]) for error in found]
    assert order == sorted(order, reverse=direction == "desc")
    assert len({error["id"] for error in found}) == 25


@pytest.mark.fault("H4")
@pytest.mark.security("503")
@pytest.mark.parametrize(
    "query",
    [
        {"sort": INJECTED},
        {"sort": "error_message"},
        {"direction": INJECTED},
        {"stream": INJECTED},
        {"object": INJECTED},
        {"code": INJECTED},
        {"status": INJECTED},
        {"cause": INJECTED},
        {"error_class": INJECTED},
        {"limit": "201"},
        {"search": "x\x00"},
        {"search": "x" * 101},
        {"after": INJECTED},
        {"after": "WyJpZCIsIHRydWUsICIxOyBkcm9wIiwgMV0="},  # ["id", true, "1; drop", 1]
        {"after": "WyJpZCIsIGZhbHNlLCAiMSIsIDFd"},  # of another order
        {"after": place("9999-99-99 00:00:00+00"), "sort": "last_seen_at"},
        {"after": place("2026-02-30 00:00:00+00"), "sort": "last_seen_at"},
        {"after": place("\u0662\u0660\u0662\u0666-01-01 00:00:00+00"), "sort": "last_seen_at"},  # Arabic digits
        {"after": place("2026-01-01 00:00:00+00", 2**70), "sort": "last_seen_at"},
    ],
)
def test_sql_in_sort_filter_and_place_is_not_allowed(op: Person, exporter: Exporter, query: dict[str, str]) -> None:
    reject(exporter, 3)
    sort = {} if "sort" in query or "after" not in query else {"sort": "id"}
    answer = op.get("api/errors", **sort, **query)
    assert code(answer) == (422, "invalid")
    assert INJECTED not in answer.text
    assert len(exporter.errors()) == 3


def test_a_search_finds_its_text_and_nothing_else(op: Person, exporter: Exporter) -> None:
    reject(exporter, 12, message="100% of _it_ failed for %s")
    found = {
        text: op.get("api/errors", search=text).json()["total"] for text in ("k12", "E1", "100%", "_it_", "%", "1' or")
    }
    assert found == {"k12": 1, "E1": 4, "100%": 12, "_it_": 12, "%": 12, "1' or": 0}


@pytest.mark.fault("H5")
def test_the_first_page_comes_from_an_index_however_many_errors_there_are(exporter: Exporter) -> None:
    reject(exporter, 5_000)
    exporter.connection.execute("analyze crm_export.ExportErrors")
    for sort in Sort:
        for wanted in (ErrorFilter(), ErrorFilter(stream="accounts")):
            values = wanted.as_values() | {"after_value": None, "after_id": None, "limit": 51, "message_limit": 500}
            [row] = exporter.connection.execute(
                b"explain (format json) " + ErrorOrder(sort).compose().as_bytes(), values
            )
            nodes = list(walk(row[0][0]["Plan"]))
            on_errors = [node for node in nodes if node.get("Relation Name") == "exporterrors"]
            assert [node["Node Type"] for node in on_errors] == ["Index Scan"], sort
            assert "Sort" not in [node["Node Type"] for node in nodes], sort


def test_five_hundred_rejections_by_one_rule_are_one_line(op: Person, exporter: Exporter) -> None:
    reject(exporter, 500, message='Rule "%s" rejected 0065g00000ABCdeAAQ at 2026-01-01T00:00:%sZ, line %s')
    reject(exporter, 2, stream="contacts", code="REQUIRED_FIELD_MISSING", message="Required fields are missing: [Name]")
    causes = op.get("api/causes").json()["causes"]
    assert [(cause["count"], cause["code"], cause["streams"]) for cause in causes] == [
        (500, "FIELD_CUSTOM_VALIDATION_EXCEPTION", ["accounts"]),
        (2, "REQUIRED_FIELD_MISSING", ["contacts"]),
    ]
    assert "validation rule" in causes[0]["advice"]
    assert op.get("api/errors", cause=causes[0]["cause"], limit=1).json()["total"] == 500
    assert op.get("api/causes", stream="contacts").json()["causes"][0]["count"] == 2


def test_a_cause_shows_what_it_holds_and_whose_children_wait(op: Person, exporter: Exporter) -> None:
    exporter.add({"id": 1, "name": "bad"})
    exporter.run()
    [parent] = exporter.errors()
    reject(exporter, 2, stream="contacts")
    exporter.connection.execute(
        "update crm_export.ExportErrors set status = 'waiting', waiting_for = %s where stream = 'contacts'",
        [parent["id"]],
    )
    [cause] = op.get("api/causes", stream="accounts").json()["causes"]
    assert (cause["holds"], cause["children_waiting"], cause["count"]) == (["accounts"], 2, 1)
    detail = op.get(f"api/errors/{parent['id']}").json()
    assert (detail["stops_stream"], detail["children_waiting"], detail["retry_with"]) == (True, 2, "CRMExport")
    [child] = op.get("api/errors", stream="contacts", limit=1).json()["errors"]
    assert op.get(f"api/errors/{child['id']}").json()["waiting_for"]["error_id"] == parent["id"]


# a formula that begins with characters that a spreadsheet ignores, or with another form of its sign
NOTHING = ("\u00a0", "\ufeff", "\u200b", "\u3000", "\t", "\r", "\n", " ", "'", "\u2060", "\u00ad")
SIGNS = ("\uff1dcmd()", "\ufe66cmd()", "\uff0b1", "\uff0d1", "\uff20x", "\u22121", "\u200b\uff1dx", "\u00a0 \ufeff+1")
DISGUISED = [*(f"{start}=cmd()" for start in NOTHING), *SIGNS]


@pytest.mark.fault("F11")
@pytest.mark.security("CSV")
def test_the_download_is_a_file_without_formulas(op: Person, exporter: Exporter) -> None:
    hostile = ["=cmd()", "+1", "-1", "@x", "\t=x", '"=x"', *DISGUISED, "plain\r\nbye"]
    for number, message in enumerate(hostile):
        reject(exporter, 1, message=message, stream=f"s{number}")
    answer = op.get("api/errors.csv", sort="id", direction="asc")
    assert answer.headers["content-disposition"] == 'attachment; filename="export-errors.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [row["message"] for row in rows] == [f"'{message}" for message in hostile[:-1]] + [hostile[-1]]
    assert [entry["action"] for entry in op.get("api/audit").json()["entries"]] == ["download"]
    assert len(answer.text.split("\r\n")) == len(rows) + 3  # the names, a message of two lines, the end


def test_a_page_stays_under_a_megabyte_whatever_salesforce_says(op: Person, exporter: Exporter) -> None:
    reject(exporter, 200, message="漢" * 4096)
    answer = op.get("api/errors", limit=200)
    assert len(answer.content) < 1_000_000
    assert len(op.get("api/causes").content) < 1_000_000
    first = answer.json()["errors"][0]
    assert len(op.get(f"api/errors/{first['id']}").json()["message"]) == 4096


def test_the_source_row_is_shown_to_who_may_see_it_and_that_is_audited(
    op: Person, exporter: Exporter, caplog: pytest.LogCaptureFixture
) -> None:
    exporter.add({"id": 1, "name": "bad", "notes": "planted-value"})
    exporter.run()
    [error] = exporter.errors()
    row = op.post(f"api/errors/{error['id']}/source-row", {}).json()
    assert {value["field"]: value["value"] for value in row["row"]}["Notes__c"] == "planted-value"
    [entry] = op.get("api/audit").json()["entries"]
    assert (entry["action"], entry["actor"], entry["streams"]) == ("see_source_row", "olga", ["accounts"])
    exporter.connection.execute("delete from app.accounts")
    assert op.post(f"api/errors/{error['id']}/source-row", {}).json()["row"] is None
    assert code(op.post("api/errors/999/source-row", {})) == (404, "not_found")
    assert "planted-value" not in caplog.text


def test_records_and_parents_are_linked_once_the_org_is_known(op: Person, exporter: Exporter) -> None:
    exporter.add({"id": 1, "name": "bad", "kind": "0015g00000ABCdeAAQ"})
    exporter.run(pause=False)
    [error] = exporter.errors()
    exporter.connection.execute("update crm_export.ExportErrors set salesforce_id = '0015g00000ABCdeAAQ'")
    detail = op.get(f"api/errors/{error['id']}").json()
    assert detail["salesforce_url"] == f"{exporter.https_url}/0015g00000ABCdeAAQ"
    assert "instance_url" not in detail
    assert detail["airflow_path"] == "dags/CRMExport/runs/run1/tasks/export_changes"
    row = op.post(f"api/errors/{error['id']}/source-row", {}).json()
    assert row["parents"] == [{"field": "Kind__c", "url": f"{exporter.https_url}/0015g00000ABCdeAAQ"}]


def test_streams_show_what_waits_and_how_old_it_is(op: Person, exporter: Exporter) -> None:
    empty = op.get("api/streams").json()
    assert [(stream["name"], stream["rows_waiting"], stream["watermark"]) for stream in empty["streams"]] == [
        ("accounts", 0, None),
        ("contacts", 0, None),
    ]
    exporter.add({"id": 1}, {"id": 2, "name": "bad"}, {"id": 3}, {"id": 4})
    exporter.run()
    exporter.gate()
    overview = op.get("api/streams").json()
    accounts = overview["streams"][0]
    assert (accounts["rows_waiting"], accounts["held"]["rows_behind"], accounts["held"]["record_key"]) == (3, 2, "2")
    assert accounts["held"]["since"] is not None
    assert accounts["oldest_age_seconds"] > 86_400
    assert (accounts["last_run"]["outcome"], len(accounts["recent_runs"])) == ("held", 1)
    assert overview["summary"]["held"] == ["accounts"]
    [hold] = op.get("api/acknowledgement").json()["holds"]
    assert (hold["stream"], hold["rows_waiting"]) == ("accounts", 2)
    points = op.get("api/history", days=1).json()["points"]
    assert sum(point["exported"] for point in points) == 1
    assert max(point["oldest_age_seconds"] or 0 for point in points) > 86_400


def test_a_source_that_cannot_be_read_hides_nothing_else(op: Person, exporter: Exporter) -> None:
    exporter.connection.execute("drop table app.contacts")
    accounts, contacts = op.get("api/streams").json()["streams"]
    assert (accounts["problem"], contacts["rows_waiting"]) == (None, None)
    assert "app.contacts" in contacts["problem"]
