"""Connections that jobs read their rows at, kept for the next job: opening one costs more than telling a step."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from histories.replacing import replaced
from include.export.source import copy_reader

_free: list[PooledReader] = []


class PooledReader(psycopg.Connection[Any]):
    """A reader; closing one that is in no transaction keeps it for the next job."""

    def close(self) -> None:
        """Keep it, or close it for good."""
        if not self.closed and self.info.transaction_status is TransactionStatus.IDLE:
            _free.append(self)
        else:
            super().close()


def close_readers() -> None:
    """Close those that are kept."""
    while _free:
        psycopg.Connection.close(_free.pop())


@contextmanager
def reuse_readers() -> Generator[None]:
    """Let jobs read at connections that are kept."""

    def connect(place: str) -> psycopg.Connection[Any]:
        return _free.pop() if _free else PooledReader.connect(place, autocommit=True)

    with replaced(copy_reader, "connect_reader", connect):
        yield
