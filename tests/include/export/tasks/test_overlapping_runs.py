"""Runs that overlap: a stream is skipped while another run exports it or its parent, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from exporter import CONTACTS, TABLES, Exporter
from include.export.ledger.runs import Outcome
from include.export.salesforce.error_catalogue import Catalogue
from include.export.streams.stream import Stream
from lease import in_work
from salesforce_sandbox.control import Control
from salesforce_sandbox.process import RunningSandbox


@pytest.fixture
def exporter(connect: Callable[..., psycopg.Connection], sandbox: Control, sandbox_server: RunningSandbox) -> Exporter:
    connection = connect()
    connection.execute(TABLES)
    return Exporter(connection, sandbox, sandbox_server.https_url, Catalogue.load())


@pytest.mark.field("F14")
def test_a_stream_that_another_run_is_exporting_is_skipped(
    exporter: Exporter, connect: Callable[..., psycopg.Connection]
) -> None:
    exporter.add({"id": 1})
    with in_work(connect(), "accounts"):
        report = exporter.run()
    assert report.outcome is Outcome.ALREADY_RUNNING
    assert report.message.startswith("Run scheduled__2026-01-01T00:00:00+00:00 of CRMExport has been exporting this")
    assert exporter.calls() == []
    assert exporter.run().outcome is Outcome.COMPLETE
    assert exporter.names() == {"A1": "Account 1"}


def test_a_child_is_not_sent_while_another_run_exports_its_parent(
    exporter: Exporter, connect: Callable[..., psycopg.Connection]
) -> None:
    exporter.connection.execute("insert into app.contacts values ('c', 'C1', 'Contact', null, '2026-01-01')")
    exporter.stream = Stream(**CONTACTS)
    with in_work(connect(), "accounts"):
        report = exporter.run()
    assert report.outcome is Outcome.ALREADY_RUNNING
    assert "has been exporting the parent stream accounts since 20" in report.message
    assert exporter.calls() == []
    ours = f"CRMExport/run{exporter.runs + 1}/accounts.export_changes/1/x"
    with in_work(connect(), "accounts", ours):  # the run's own parent task has ended; a retry may still hold the lease
        assert exporter.run().outcome is Outcome.COMPLETE
    assert exporter.names("Contact") == {"C1": "Contact"}


def test_a_bulk_job_that_another_run_waits_for_is_left_to_it_until_it_is_over(exporter: Exporter) -> None:
    exporter.add_many(1, 2_100)
    exporter.control.set_bulk(delay_seconds=3.0)
    first = exporter.run(pause=False, job_patience=0.1)
    assert first.outcome is Outcome.WAITING_FOR_JOB
    second = exporter.run(pause=False, job_patience=0.1)
    assert (second.outcome, second.job_id) == (Outcome.ALREADY_RUNNING, None)
    assert second.message.startswith("Run run1 of CRMExport has been exporting this stream since 20")
    assert str(first.job_id) in second.message
    third = exporter.run(pause=False)  # no run needs to wait for the job: the first that finds it finished settles it
    assert (third.outcome, third.accepted) == (Outcome.COMPLETE, 2_075)
    assert len([call for call in exporter.calls() if call["method"] == "PUT"]) == 1
    assert len(exporter.names()) == 2_100
