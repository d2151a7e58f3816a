"""Collections requests in flight at the same time, with the setting off: order, locks, faults, calls."""

from __future__ import annotations

import itertools
import json
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
import requests

from exporter import CONTACTS, Exporter, make_stream
from include.export.batch import Row
from include.export.failures import CircuitFailure, LeaseLost, QuotaFailure
from include.export.ledger.runs import Outcome
from include.export.postgres import reconnect
from include.export.run.lanes import divide_rows
from include.export.salesforce import Unanswered
from include.export.streams.stream import Stream
from running_stack import wait_for

PATCH = {"method": "PATCH", "path_regex": "composite"}
ROWS = 130
SMALL = {"pause": False, "batch_size": 25}


class TimedSession(requests.Session):
    """A session that notes when each Collections request begins and ends, and which records it contains."""

    def __init__(self, noted: list[tuple[float, float, list[dict[str, Any]]]]) -> None:
        super().__init__()
        self.noted = noted

    def request(self, method: str, url: str, *given: Any, **named: Any) -> requests.Response:  # type: ignore[override]
        """Send the request."""
        began = time.monotonic()
        response = super().request(method, url, *given, **named)
        if method == "PATCH" and "composite" in url:
            self.noted.append((began, time.monotonic(), json.loads(named["data"])["records"]))
        return response


@pytest.fixture
def noted(exporter: Exporter) -> list[tuple[float, float, list[dict[str, Any]]]]:
    """Let the exporter use such sessions, and return their notes."""
    found: list[tuple[float, float, list[dict[str, Any]]]] = []
    exporter.make_session = lambda: TimedSession(found)
    exporter.options = {"lease_seconds": 30.0}
    return found


def is_lease_held(exporter: Exporter) -> bool:
    held = exporter.connection.execute(
        "select lease_until > clock_timestamp() from crm_export.ExportWatermarks"
    ).fetchone()
    return held == (True,)


def overlapping(noted: list[tuple[float, float, list[dict[str, Any]]]]) -> list[tuple[list[Any], list[Any]]]:
    """Return each pair of requests that were in flight at the same time, as their records."""
    return [
        (one, other)
        for (began, ended, one), (began_other, ended_other, other) in itertools.combinations(noted, 2)
        if began < ended_other and began_other < ended
    ]


def rows(*locks: int | None) -> list[Row]:
    return [Row(n, str(n), str(n), "}", None, lock=lock) for n, lock in enumerate(locks, start=1)]


def ordinals(lanes: list[list[Row]]) -> list[list[int]]:
    return [[row.ordinal for row in lane] for lane in lanes]


class TestDividing:
    def test_rows_without_a_parent_fill_requests(self) -> None:
        assert ordinals(divide_rows(rows(None, None, None, None, None), 2)) == [[1, 2], [3, 4], [5]]

    def test_rows_of_one_parent_stay_together_in_order(self) -> None:
        assert ordinals(divide_rows(rows(7, 8, 7, 9, 8), 3)) == [[1, 3], [2, 4, 5]]

    def test_a_parent_with_many_rows_has_a_lane_of_its_own(self) -> None:
        assert ordinals(divide_rows(rows(7, 7, 7, 8), 2)) == [[1, 2, 3], [4]]

    def test_every_row_is_in_one_lane(self) -> None:
        given = rows(*(n * n % 7 or None for n in range(100)))
        lanes = divide_rows(given, 10)
        assert sorted(row.ordinal for lane in lanes for row in lane) == [row.ordinal for row in given]
        homes = defaultdict(set)
        for number, lane in enumerate(lanes):
            for row in lane:
                homes[row.lock if row.lock is not None else -row.ordinal].add(number)
        assert all(len(numbers) == 1 for numbers in homes.values())


class TestSideBySide:
    def test_all_requests_of_a_batch_are_in_flight_together(
        self, exporter: Exporter, noted: list[tuple[float, float, list[dict[str, Any]]]]
    ) -> None:
        exporter.add_many(1, ROWS)
        exporter.control.set_requests(automation_seconds={"Account": 0.02})
        report = exporter.run(**SMALL)
        assert (report.outcome, report.accepted, len(exporter.names())) == (Outcome.COMPLETE, ROWS, ROWS)
        assert len(noted) == 6, "no more requests than one after the other"
        assert len(overlapping(noted)) >= 6

    def test_while_the_setting_is_on_requests_are_sent_one_after_the_other(
        self, exporter: Exporter, noted: list[tuple[float, float, list[dict[str, Any]]]]
    ) -> None:
        exporter.add_many(1, ROWS)
        exporter.run(pause=True, batch_size=25)
        assert len(noted) == 6
        assert overlapping(noted) == []

    def test_rejected_records_are_passed_over_and_recorded(self, exporter: Exporter) -> None:
        exporter.add_many(1, ROWS)
        exporter.connection.execute("update app.accounts set name = 'bad' where id % 10 = 0")
        report = exporter.run(**SMALL)
        assert (report.accepted, report.rejected, len(exporter.errors())) == (ROWS - 13, 13, 13)
        exporter.control.switch_rule("no_bad_names", active=False)
        assert exporter.reexport(every=True).exported == 13

    def test_calls_that_the_day_does_not_allow_are_not_made(self, exporter: Exporter) -> None:
        exporter.add_many(1, ROWS)
        report = exporter.run(**SMALL, daily_api_limit=4)
        assert report.outcome is Outcome.WAITING_FOR_CREDITS
        assert report.api_calls <= 4

    def test_look_ups_are_calls_too(self, exporter: Exporter) -> None:
        exporter.control.add_records("Account", [{"Ext__c": f"A{n}", "Name": "old"} for n in range(1, 301)])
        exporter.stream = make_stream(operation="update")
        exporter.add_many(1, 300)
        report = exporter.run(**SMALL, daily_api_limit=15)
        assert report.outcome is Outcome.WAITING_FOR_CREDITS
        assert report.api_calls <= 16, "the last request begins with one call left"


class TestParents:
    @pytest.fixture
    def contacts(self, exporter: Exporter) -> Exporter:
        """Return an exporter of 120 contacts of eleven accounts, whose automation is slow."""
        exporter.add_many(1, 11)
        exporter.run()
        exporter.connection.execute(
            "insert into app.contacts select 'c' || n, 'C' || n, 'N' || n, 'A' || (n % 11 + 1),"
            " '2026-01-01'::timestamptz + n * interval '1 second' from generate_series(1, 120) n"
        )
        exporter.control.set_requests(automation_seconds={"Contact": 0.01})
        exporter.stream = Stream(**CONTACTS, lock_order="account")
        return exporter

    def test_no_lock_is_met_that_the_export_itself_holds(
        self, contacts: Exporter, noted: list[tuple[float, float, list[dict[str, Any]]]]
    ) -> None:
        report = contacts.run(**SMALL)
        assert (report.outcome, report.accepted, contacts.errors()) == (Outcome.COMPLETE, 120, [])
        pairs = overlapping(noted)
        assert pairs
        for one, other in pairs:
            assert not {row["Account"]["Ext__c"] for row in one} & {row["Account"]["Ext__c"] for row in other}

    def test_the_sandbox_does_reject_children_of_one_parent_in_two_requests(self, contacts: Exporter) -> None:
        client = contacts.client()
        client.session  # noqa: B018 - logs in

        def send(key: str) -> list[dict[str, Any]]:
            record = {"attributes": {"type": "Contact"}, "Ext__c": key, "LastName": key, "Account": {"Ext__c": "A1"}}
            body = json.dumps({"allOrNone": False, "records": [record] * 1})
            return list(client.concurrent().call("PATCH", "composite/sobjects/Contact/Ext__c", body).body)

        contacts.control.set_requests(automation_seconds={"Contact": 1.0})
        with ThreadPoolExecutor(2) as both:
            answers = list(both.map(send, ["X1", "X2"]))
        codes = [error["statusCode"] for answer in answers for each in answer for error in each["errors"]]
        assert codes == ["UNABLE_TO_LOCK_ROW"]

    def test_a_stream_whose_parents_are_not_known_is_sent_one_after_the_other(
        self, contacts: Exporter, noted: list[tuple[float, float, list[dict[str, Any]]]]
    ) -> None:
        contacts.stream = Stream(**CONTACTS)
        assert contacts.run(**SMALL).accepted == 120
        assert len(noted) > 1
        assert overlapping(noted) == []


class TestFaults:
    @pytest.mark.parametrize(
        "fault",
        [
            {"cut": "before"},
            {"cut": "after"},
            {"like": "concurrent_requests"},
            {"like": "akamai"},
            {"like": "too_large"},
            {"answer": {"status": 401, "body": '[{"errorCode":"INVALID_SESSION_ID","message":"expired"}]'}},
            {"answer": {"status": 504, "body": "gateway"}, "after_commit": True},
        ],
    )
    @pytest.mark.parametrize("on_call", [2, 4])
    def test_what_passes_in_a_moment_costs_nothing(
        self, exporter: Exporter, fault: dict[str, Any], on_call: int
    ) -> None:
        exporter.add_many(1, ROWS)
        exporter.control.add_fault(match=PATCH, on_call=on_call, **fault)
        report = exporter.run(**SMALL)
        assert (report.outcome, report.accepted, exporter.errors()) == (Outcome.COMPLETE, ROWS, [])
        assert len(exporter.control.records("Account")) == ROWS

    def test_a_failure_of_the_run_acknowledges_nothing_of_the_batch(self, exporter: Exporter) -> None:
        exporter.add_many(1, ROWS)
        exporter.control.add_fault(match=PATCH, on_call=3, times=9, like="total_requests")
        with pytest.raises(QuotaFailure):
            exporter.run(**SMALL)
        assert (exporter.watermark(), exporter.errors()) == ("25", [])
        exporter.control.clear_faults()
        assert exporter.run(**SMALL).outcome is Outcome.COMPLETE
        assert len(exporter.control.records("Account")) == ROWS

    def test_a_lease_that_is_lost_meanwhile_ends_the_run_before_its_requests(self, exporter: Exporter) -> None:
        exporter.add_many(1, ROWS)
        exporter.control.add_fault(match=PATCH, on_call=2, times=9, delay_seconds=5.0)
        with ThreadPoolExecutor(1) as concurrent, closing(reconnect(exporter.connection)) as other:
            run = concurrent.submit(exporter.run, **SMALL, lease_seconds=30.0)
            wait_for("requests in flight", lambda: exporter.control.faults()[0]["seen"] >= 3, 30)
            other.execute("update crm_export.ExportWatermarks set lease_epoch = lease_epoch + 1")
            began = time.monotonic()
            with pytest.raises(LeaseLost):
                run.result()
            assert time.monotonic() - began < 4.0
        assert (exporter.watermark(), exporter.errors()) == ("25", [])

    def test_unanswered_writes_keep_the_lease(self, exporter: Exporter) -> None:
        exporter.add_many(1, ROWS)
        exporter.timeouts = (5, 1.0)
        exporter.control.add_fault(match=PATCH, on_call=3, times=200, delay_seconds=2.5)
        with pytest.raises(Unanswered):
            exporter.run(**SMALL, lease_seconds=30.0)
        assert is_lease_held(exporter)

    def test_an_answer_to_another_request_does_not_prove_that_a_lost_one_has_ended(self, exporter: Exporter) -> None:
        exporter.add_many(1, ROWS)
        exporter.control.add_fault(match=PATCH, on_call=3, cut="after")
        exporter.control.add_fault(match=PATCH, on_call=4, times=1, like="akamai")
        exporter.control.add_fault(match=PATCH, on_call=7, times=99, like="total_requests")
        with pytest.raises(QuotaFailure):
            exporter.run(**SMALL, lease_seconds=30.0)
        assert is_lease_held(exporter)

    def test_a_request_that_was_too_large_keeps_the_next_ones_smaller(self, exporter: Exporter) -> None:
        exporter.add_many(1, ROWS)
        exporter.control.add_fault(match=PATCH, on_call=2, like="too_large")
        assert exporter.run(**SMALL).accepted == ROWS
        kept = exporter.connection.execute("select request_rows from crm_export.ExportWatermarks").fetchone()
        assert kept == (12,)


class TestRecordsOfOthers:
    def test_one_parent_that_rejects_its_children_does_not_fail_the_run(self, exporter: Exporter) -> None:
        exporter.add_many(1, ROWS)
        exporter.connection.execute("update app.accounts set notes = 'N' || id")
        exporter.connection.execute("update app.accounts set name = 'forbidden', notes = 'P' where id % 4 = 0")
        exporter.stream = make_stream(lock_order="notes")
        report = exporter.run(**SMALL)
        assert (report.outcome, report.rejected) == (Outcome.COMPLETE, ROWS // 4)
        assert len(exporter.errors()) == ROWS // 4

    def test_a_unique_value_may_pass_from_one_record_to_another(self, exporter: Exporter) -> None:
        exporter.stream = make_stream(fields={"Ext__c": "ext", "Name": "name", "Exact__c": "notes"})
        exporter.add_many(1, ROWS)
        exporter.connection.execute("update app.accounts set notes = 'K' || id")
        assert exporter.run(**SMALL).accepted == ROWS
        exporter.connection.execute(
            "update app.accounts set notes = 'K' || (id - 1), changed_at = changed_at + interval '1 day'"
        )
        report = exporter.run(**SMALL)
        assert (report.accepted, exporter.errors()) == (ROWS, [])

    def test_max_errors_leaves_recorded_what_it_stops_at(self, exporter: Exporter) -> None:
        exporter.add_many(1, ROWS)
        exporter.connection.execute("update app.accounts set name = 'bad'")
        exporter.stream = make_stream(max_errors=60)
        with pytest.raises(CircuitFailure, match="max_errors"):
            exporter.run(**SMALL)
        assert 25 <= len(exporter.errors()) <= 60

    def test_a_batch_of_large_records_ends_before_twenty_megabytes(self, exporter: Exporter) -> None:
        exporter.add_many(1, 400)
        exporter.connection.execute("update app.accounts set notes = repeat('n', 100000)")
        assert exporter.run(pause=False).accepted == 400
        batches = exporter.connection.execute("select row_count from crm_export.ExportBatches").fetchall()
        assert 25 < max(rows for (rows,) in batches) < 200


def test_a_run_without_changes_calls_salesforce_not_even_to_describe_the_object(exporter: Exporter) -> None:
    exporter.connection.execute(
        "insert into crm_export.ExportWatermarks (stream, cursor_at, record_key) values ('accounts', now(), '9')"
    )
    exporter.add_many(1, 3)
    for pause in (True, False):
        assert exporter.run(pause=pause).outcome is Outcome.COMPLETE
    assert exporter.reexport(every=True).api_calls == 0
    assert exporter.calls() == []
