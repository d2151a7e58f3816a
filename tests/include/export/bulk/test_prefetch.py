"""Rows of a job are uploaded while the preceding job is settled: in order, aborted when the stream stops, over TLS."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from exporter import Exporter, make_stream
from include.export.failures import RunFailure
from include.export.ledger.runs import Outcome
from include.export.postgres import Readers, copy_reader, open_session
from tls_proxy import TlsProxy

UPLOAD = {"method": "PUT", "path_regex": "/batches$"}
CREATE = {"method": "POST", "path_regex": "/jobs/ingest$"}
CLOSE = {"method": "PATCH", "path_regex": r"/jobs/ingest/\w+$"}
CONCURRENT = pytest.mark.parametrize("concurrent", [True, False], ids=["threads", "one thread"])
IN_FLIGHT = "select count(*) from crm_export.ExportBatches where state in ('PLANNED', 'SENDING')"


@pytest.fixture
def bulk(exporter: Exporter) -> Exporter:
    """Return an exporter with 800 new rows: with the setting on, 25 in a request and jobs of 30, 240 and 505."""
    exporter.stream = make_stream(bulk_from=30)
    exporter.options |= {"poll_delays": (0.02, 0.05), "lease_seconds": 0.05}
    exporter.add_many(1, 800)
    return exporter


def find_calls(bulk: Exporter) -> list[tuple[str, int]]:
    """Return the calls that change or read jobs, with the number of the job."""
    numbers: dict[str, int] = {}
    found = []
    for call in bulk.calls():
        job = re.search(r"/jobs/ingest/(750\w+)", call["path"])
        if job:
            number = numbers.setdefault(job[1], len(numbers) + 1)
            found.append((call["method"], number))
    return found


def check_nothing_in_flight(bulk: Exporter) -> None:
    """Check that the ledger has no unfinished batch."""
    assert bulk.connection.execute(IN_FLIGHT).fetchone() == (0,)


@CONCURRENT
@pytest.mark.parametrize("pause", [True, False], ids=["on", "off"])
def test_a_job_is_closed_only_when_the_one_before_it_is_settled(bulk: Exporter, concurrent: bool, pause: bool) -> None:
    bulk.options |= {"uses_threads": concurrent, "job_bytes": 30_000}
    report = bulk.run(pause=pause)
    assert (report.outcome, report.accepted) == (Outcome.COMPLETE, 800)
    calls = find_calls(bulk)
    jobs = max(number for _, number in calls)
    assert jobs >= 3
    for number in range(1, jobs):
        closed_next = calls.index(("PATCH", number + 1))
        assert ("GET", number) not in calls[closed_next:], "a job was closed while the preceding one was polled"
        assert ("GET", number) in calls[:closed_next]
    assert len(bulk.names()) == len(bulk.control.writes("Account")) == 800


def test_rows_go_out_before_the_job_in_front_is_settled(bulk: Exporter) -> None:
    bulk.options["uses_threads"] = False
    bulk.run(pause=True)
    calls = find_calls(bulk)
    assert calls.index(("PUT", 2)) < calls.index(("PATCH", 1)), "the second upload waited for the end of the first job"
    bulk.control.reset()
    bulk.connection.execute("update app.accounts set changed_at = changed_at + interval '1 day'")
    bulk.run(pause=True, prefetched_jobs=1)
    calls = find_calls(bulk)
    assert calls.index(("PUT", 2)) > calls.index(("GET", 1))


def test_the_next_upload_begins_as_soon_as_a_job_is_closed(bulk: Exporter) -> None:
    bulk.options["uses_threads"] = False
    bulk.run(pause=True)
    calls = find_calls(bulk)
    assert calls.index(("PATCH", 1)) < calls.index(("PUT", 3)) < calls.index(("GET", 1))


def test_a_run_that_may_defer_first_settles_a_job(bulk: Exporter) -> None:
    bulk.options |= {"uses_threads": False, "job_patience": 30.0}
    bulk.run(pause=True)
    calls = find_calls(bulk)
    assert ("GET", 1) in calls[: calls.index(("PUT", 3))]


def test_an_upload_that_cannot_begin_before_its_turn_begins_in_its_turn(
    bulk: Exporter, caplog: pytest.LogCaptureFixture
) -> None:
    bulk.options["uses_threads"] = False
    bulk.control.add_fault(match=CREATE, answer={"status": 400, "body": "[]"}, on_call=3)
    with caplog.at_level("INFO"):
        report = bulk.run(pause=True)
    assert "the next upload begins later (ConfigurationFailure)" in caplog.text
    assert (report.outcome, report.accepted) == (Outcome.COMPLETE, 800)
    assert len(bulk.names()) == len(bulk.control.writes("Account")) == 800
    check_nothing_in_flight(bulk)


class TestReaders:
    def test_connections_are_used_again_and_closed_at_the_end(self, bulk: Exporter, database: str) -> None:
        opened: list[psycopg.Connection] = []

        def connect() -> psycopg.Connection:
            opened.append(open_session(database))
            return opened[-1]

        bulk.connect = connect
        bulk.options["job_bytes"] = 10_000
        assert bulk.run(pause=False).accepted == 800
        jobs = max(number for _, number in find_calls(bulk))
        assert 2 <= len(opened) <= 4 < jobs
        assert all(connection.closed for connection in opened)

    def test_one_that_the_server_has_closed_is_replaced(self, bulk: Exporter, database: str) -> None:
        readers = Readers(lambda: open_session(database), bulk.stream)
        with readers.open_snapshot() as first:
            ended = first.info.backend_pid
        bulk.connection.execute("select pg_terminate_backend(%s, 10000)", [ended])
        with readers.open_snapshot() as second:
            assert second.execute("select count(*) from app.accounts").fetchone() == (800,)
        assert first.closed
        readers.close()
        assert second.closed

    def test_one_that_was_idle_for_long_is_replaced(
        self, bulk: Exporter, database: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        readers = Readers(lambda: open_session(database), bulk.stream)
        monkeypatch.setattr(copy_reader, "IDLE_SECONDS", 0.0)
        with readers.open_snapshot() as first:
            pass
        with readers.open_snapshot() as second:
            assert first.closed
            assert second is not first
        readers.close()

    def test_one_in_use_at_the_end_of_the_run_is_closed_afterwards(self, bulk: Exporter, database: str) -> None:
        readers = Readers(lambda: open_session(database), bulk.stream)
        with readers.open_snapshot() as reader:
            readers.close()
            assert not reader.closed
        assert reader.closed


@CONCURRENT
def test_when_the_stream_stops_the_next_job_is_aborted_and_none_of_its_rows_arrives(
    bulk: Exporter, concurrent: bool
) -> None:
    bulk.options["uses_threads"] = concurrent
    bulk.connection.execute("update app.accounts set name = 'bad' where id = 40")
    assert bulk.run(pause=True).outcome is Outcome.HELD
    assert bulk.watermark() == "39"
    assert set(bulk.names()) == {f"A{n}" for n in range(1, 56) if n != 40}
    check_nothing_in_flight(bulk)
    bulk.control.switch_rule("no_bad_names", active=False)
    assert bulk.run(pause=True).outcome is Outcome.COMPLETE
    assert len(bulk.names()) == 800
    check_nothing_in_flight(bulk)


@CONCURRENT
def test_after_a_failure_the_next_run_ends_the_job_behind(bulk: Exporter, concurrent: bool) -> None:
    bulk.options["uses_threads"] = concurrent
    bulk.control.add_fault(match=CLOSE, answer={"status": 400, "body": "[]"})
    with pytest.raises(RunFailure):
        bulk.run(pause=True)
    assert bulk.run(pause=True).outcome is Outcome.COMPLETE
    assert len(bulk.names()) == 800
    check_nothing_in_flight(bulk)


@CONCURRENT
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_an_upload_that_breaks_is_made_again(bulk: Exporter, concurrent: bool, nth: int) -> None:
    bulk.options["uses_threads"] = concurrent
    bulk.control.add_fault(match=UPLOAD, answer={"status": 503, "body": "[]"}, on_call=nth)
    report = bulk.run(pause=True)
    assert (report.outcome, report.accepted) == (Outcome.COMPLETE, 800)
    assert len(bulk.names()) == len(bulk.control.writes("Account")) == 800
    check_nothing_in_flight(bulk)


@CONCURRENT
def test_every_call_is_counted(bulk: Exporter, concurrent: bool) -> None:
    bulk.options["uses_threads"] = concurrent
    report = bulk.run(pause=True)
    assert report.api_calls == len([call for call in bulk.calls() if "/services/data/" in call["path"]])


class TestPostgresOverTls:
    @pytest.fixture
    def proxy(self, database: str, tmp_path: Path) -> Iterator[TlsProxy]:
        made = TlsProxy(database, tmp_path)
        yield made
        made.close()

    def test_rows_are_read_as_from_any_other_connection(self, bulk: Exporter, proxy: TlsProxy, database: str) -> None:
        bulk.connection.execute("update app.accounts set notes = repeat('x', 20000) where id > 500")
        plain = bulk.connection
        with open_session(proxy.dsn_of(database)) as bulk.connection:
            assert bulk.connection.pgconn.ssl_in_use
            assert bulk.run(pause=False).accepted == 800
        bulk.connection = plain
        sent = [each["fields"].get("Notes__c") for each in bulk.control.records("Account")]
        assert sent.count("x" * 20000) == 300


def test_a_run_that_may_end_early_prefetches_until_a_job_was_waited_for_elsewhere(bulk: Exporter) -> None:
    bulk.options |= {"job_bytes": 30_000, "job_patience": 0.5}
    bulk.control.set_bulk(delay_seconds=2.0)
    assert bulk.run(pause=False).outcome is Outcome.WAITING_FOR_JOB
    assert ("PUT", 2) in find_calls(bulk)
    bulk.control.set_bulk(delay_seconds=0.0)
    before = bulk.last_call()
    assert bulk.run(pause=False, job_patience=60.0).outcome is Outcome.COMPLETE
    calls = [call for call in bulk.calls(before) if "/jobs/ingest/750" in call["path"]]
    uploaded: set[str] = set()
    for call in calls:
        job = call["path"].split("/jobs/ingest/")[1].partition("/")[0]
        if call["method"] == "PUT":
            uploaded.add(job)
            assert len(uploaded) == 1, "a job was uploaded before the preceding one was closed"
        elif call["method"] == "PATCH":
            uploaded.discard(job)
    assert len(bulk.names()) == len(bulk.control.writes("Account")) == 800
    check_nothing_in_flight(bulk)
