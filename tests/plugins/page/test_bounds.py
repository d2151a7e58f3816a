"""Bounds of the page: concurrent requests, downloads, connections, values that Postgres cannot read."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from starlette.types import Message, Receive, Scope, Send

from crm_export.page import bounds
from crm_export.page.bounds import DOWNLOADS, REQUESTS, Bounds
from crm_export.page.database import connect
from exporter import Exporter
from include.export.reports import ErrorFilter, ErrorOrder, iterate_errors
from people import Person, code
from rejected import reject

pytestmark = [pytest.mark.filterwarnings("default"), pytest.mark.security("M3")]


class Slow:
    """An app that answers when released, and counts its concurrent requests."""

    def __init__(self) -> None:
        self.running = self.most = 0
        self.let = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self.let.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})
        finally:
            self.running -= 1


async def ask(app: Bounds, path: str) -> int:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    await app({"type": "http", "path": path, "method": "GET"}, receive, send)
    return int(sent[0]["status"])


async def crowd(paths: list[str]) -> tuple[list[int], int]:
    """Request all paths at once, and release the app when the requests beyond the bound have been rejected."""
    slow = Slow()
    app = Bounds(slow)
    asked = [asyncio.ensure_future(ask(app, path)) for path in paths]
    await asyncio.sleep(bounds.WAIT_SECONDS + 0.3)
    slow.let.set()
    statuses = list(await asyncio.gather(*asked))
    assert await ask(app, paths[0]) == 200  # slots are free again
    return statuses, slow.most


def test_at_most_eight_requests_run_and_two_downloads() -> None:
    statuses, most = asyncio.run(crowd(["/crm-export/api/causes"] * 40))
    assert (most, statuses.count(200), statuses.count(429)) == (REQUESTS, REQUESTS, 40 - REQUESTS)
    statuses, most = asyncio.run(crowd(["/crm-export/api/errors.csv"] * 5))
    assert (most, statuses.count(429)) == (DOWNLOADS, 5 - DOWNLOADS)
    statuses, most = asyncio.run(crowd(["/crm-export/static/app.js"] * 40))
    assert (most, statuses.count(200)) == (40, 40)


def test_a_request_waits_for_its_turn_before_it_is_rejected() -> None:
    async def follow() -> list[int]:
        slow = Slow()
        app = Bounds(slow)
        asked = [asyncio.ensure_future(ask(app, "/api/streams")) for _ in range(REQUESTS + 2)]
        await asyncio.sleep(0.1)
        slow.let.set()
        return list(await asyncio.gather(*asked))

    assert asyncio.run(follow()) == [200] * (REQUESTS + 2)


def test_a_client_that_does_not_read_its_answer_frees_its_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "DOWNLOAD_SECONDS", 0.1)

    async def stall() -> None:
        app = Bounds(Slow())
        with pytest.raises(TimeoutError):
            await ask(app, "/api/errors.csv")
        assert (app.downloads.taken, app.requests.taken) == (0, 0)

    asyncio.run(stall())


def test_a_rejected_request_gets_the_usual_form_of_errors() -> None:
    sent: list[Message] = []

    async def reject_one() -> None:
        app = Bounds(Slow())
        app.requests.taken = REQUESTS

        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            return {"type": "http.disconnect"}

        await app({"type": "http", "path": "/api/causes", "method": "GET"}, receive, send)

    asyncio.run(reject_one())
    assert json.loads(sent[1]["body"])["error"]["code"] == "too_busy"
    assert (b"retry-after", b"2") in sent[0]["headers"]


def test_a_download_is_read_in_pages_without_a_transaction(
    exporter: Exporter, connect: Callable[..., psycopg.Connection], op: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("include.export.reports.error_list.DOWNLOAD_PAGE", 7)
    reject(exporter, 30)
    reading = connect()
    lines = iterate_errors(ErrorFilter(), ErrorOrder(), connection=reading)
    assert next(lines).stream == "accounts"
    assert reading.info.transaction_status is psycopg.pq.TransactionStatus.IDLE
    assert len({line.id for line in lines}) == 29
    rows = list(csv.DictReader(io.StringIO(op.get("api/errors.csv").text, newline="")))
    assert len({row["id"] for row in rows}) == 30


def test_the_connections_of_the_page_leave_no_transaction_open(exporter: Exporter) -> None:
    opened = connect()
    row = next(opened).execute("select current_setting('idle_in_transaction_session_timeout')").fetchone()
    opened.close()
    assert row == ("20s",)


@pytest.mark.security("503")
def test_values_that_postgres_cannot_read_are_not_allowed(op: Person, exporter: Exporter) -> None:
    agreed: dict[str, Any] = {"value": False, "acknowledgement": "yes\x00no"}
    assert code(op.put("api/settings/pause_on_export_errors", agreed)) == (422, "invalid")
    asked = {"kind": "set_aside", "selection": {"errors": [1]}, "reason": "a\x00b"}
    assert code(op.post("api/actions", asked)) == (422, "invalid")
    assert op.get("api/errors", search=b"\xed\xa0\x80").status_code in {200, 422}


def test_a_search_of_many_errors_reads_an_index(exporter: Exporter) -> None:
    reject(exporter, 20_000)
    exporter.connection.execute("analyze crm_export.ExportErrors")
    values = ErrorFilter(search="K12345").as_values() | {
        "after_value": None,
        "after_id": None,
        "limit": 51,
        "message_limit": 500,
    }
    statement = b"explain (format json) " + ErrorOrder().compose().as_bytes()
    [row] = exporter.connection.execute(statement, values)
    assert "exporterrors_search" in json.dumps(row[0])
