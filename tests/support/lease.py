"""Holds the lease of a stream as a long task of another DAG run does."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager

import psycopg

from include.export.ledger.watermarks import ExportWatermarks

OTHER_RUN = "CRMExport/scheduled__2026-01-01T00:00:00+00:00/accounts.export_changes/1/x"


@contextmanager
def in_work(connection: psycopg.Connection, stream: str, owner: str = OTHER_RUN) -> Generator[None]:
    """Hold the lease of a stream as a long run does: it is renewed while the block runs."""
    taken = ExportWatermarks(connection).take_lease(stream, owner, 5.0)
    assert taken
    ended = threading.Event()

    def renew() -> None:
        while not ended.wait(0.1):
            taken[0].renew()

    thread = threading.Thread(target=renew)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        taken[0].release()
